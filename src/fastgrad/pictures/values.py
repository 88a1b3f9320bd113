"""The description of a graph of micrograd's Values, of whichever make: it asks for `data`, `grad`, `_prev` and `_op`.

Values and gradients are shown as they stand: zeros before `backward()`, and after a second one whatever it left.
"""

import math

import numpy as np

from fastgrad.pictures.graph import GATE, LEAF, Graph, Node, Wire, free_letter, free_name
from fastgrad.pictures.signs import LONGEST_FORMULA, clipped, formula_of, sign_of
from fastgrad.pictures.words import number

_OPS = {"+": "add", "*": "multiply", "ReLU": "relu"}
# dy/dx of an op of one operand, from the operand and the result
_LOCAL = {
    "relu": lambda x, y: float(x > 0),
    "tanh": lambda x, y: (1 - y) * (1 + y),
    "sigmoid": lambda x, y: y * (1 - y),
    "exp": lambda x, y: y,
    "log": lambda x, y: 1 / x,
}


def is_value(y):
    """Whether `y` looks like a micrograd Value."""
    return not isinstance(y, type) and all(hasattr(y, name) for name in ("data", "grad", "_prev", "_op"))


def describe(y, names=None, most=None):
    """The Graph of the Value `y`.

    Parameters
    ----------
    y : Value
    names : mapping from name to Value, optional
        Beside the `label` that a Value may have.
    most : int, optional
        Give up, and return None, where there are more nodes.
    """
    called = {id(value): str(name) for name, value in (names or {}).items()}
    order, numbers = _walk(y, most)
    if order is None:
        return None
    graph, words, unnamed = Graph([]), [], 0
    own = {*called.values(), *(_label(v) for v in order)}
    letter = free_letter(own)
    for v in order:
        node = _node(v, called, [numbers[id(p)] for p in _operands(v)], graph.nodes)
        if node.kind == GATE:
            node.formula = clipped(_formula(node, str(v._op), words), LONGEST_FORMULA)
        graph.nodes.append(node)
        unnamed += not node.name and node.kind == GATE
        words.append(node.name or (f"{letter}{unnamed}" if node.kind == GATE else number(node.value).replace("−", "-")))
    graph.result = words[-1] = graph.nodes[-1].name or free_name(own, "y", "f", "result")
    graph.words = words
    if not any(np.any(node.gradient) for node in graph.nodes):
        graph.notes.append("all gradients are 0: draw after backward() to see them")
    return graph


def _operands(v):
    """The members of `_prev`, a set as a rule, in an order that is the same from run to run."""
    operands = v._prev
    return list(operands) if isinstance(operands, (list, tuple)) else sorted(operands, key=_place)


def _label(v):
    return str(getattr(v, "label", "") or "")


def _place(v):
    label = _label(v)
    try:
        number = float(v.data)
    except (TypeError, ValueError):
        number = math.nan
    return not label, label, str(v._op) != "", math.inf if math.isnan(number) else number


def _walk(y, most):
    """All Values `y` came from, operands first, and the number of each by its id."""
    order, numbers, met = [], {}, set()
    stack = [(y, False)]
    while stack:
        v, expanded = stack.pop()
        if expanded:
            numbers[id(v)] = len(order)
            order.append(v)
        elif id(v) not in numbers:
            met.add(id(v))
            if most is not None and len(met) > most:
                return None, None
            stack.append((v, True))
            stack.extend((p, False) for p in reversed(_operands(v)) if id(p) not in numbers)
    return order, numbers


def _node(v, called, sources, nodes):
    name = called.get(id(v)) or _label(v)
    value, gradient, op = np.asarray(v.data), np.asarray(v.grad), str(v._op)
    if not sources and not op:
        return Node(LEAF, value, gradient, name=name)
    node = Node(GATE, value, gradient, op=_OPS.get(op, op or "?"), name=name)
    if node.op in ("add", "multiply") and len(sources) == 1:
        sources = sources * 2  # x + x and x * x: a set holds x once
    exponent = _exponent(op)
    node.op = "power" if exponent is not None else node.op
    node.sign = sign_of(node.op, [None] * len(sources) + ([exponent] if exponent is not None else []), None)
    node.swaps = node.op in ("add", "multiply")
    node.wires = [Wire(source, place=k) for k, source in enumerate(sources)]
    values = [nodes[source].value for source in sources]
    with np.errstate(all="ignore"):
        for wire, local in zip(node.wires, _locals(node.op, values, value, exponent), strict=False):
            wire.local = np.asarray(local)
            wire.product = np.asarray(local * gradient)
    return node


def _exponent(op):
    """The number in "**3"; None where the op is no power of a number."""
    try:
        number = float(op[2:]) if op.startswith("**") else None
    except ValueError:
        return None
    return int(number) if number is not None and number.is_integer() else number


def _locals(op, values, y, exponent):
    """The local gradient of each operand; none where the op is not known."""
    try:
        if op == "add":
            return [1.0] * len(values)
        if op == "multiply" and len(values) == 2:
            return values[::-1]
        if op == "power" and exponent is not None:
            return [exponent * np.power(float(values[0]), exponent - 1)]
        if op in _LOCAL and len(values) == 1:
            return [_LOCAL[op](values[0], y)]
    except (TypeError, ValueError, ArithmeticError):  # data need not be a number
        pass
    return []


def _formula(node, op, words):
    parts = [words[wire.source] for wire in node.wires]
    return f"{parts[0]} {op[:2]} {op[2:]}" if node.op == "power" else formula_of(node.op, parts)
