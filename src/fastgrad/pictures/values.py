"""Describes the graph of a Value, of micrograd or fastgrad, from its attributes `data`, `grad`, `_prev` and `_op`.

Shows the current values and gradients. Gradients are zero before `backward()`, and accumulate if it runs twice.
"""

import math

import numpy as np

from fastgrad.pictures.formatting import format_number
from fastgrad.pictures.graph import GATE, LEAF, Graph, Node, Wire, free_name, free_prefix
from fastgrad.pictures.symbols import MAX_FORMULA, op_formula, op_symbol, truncate

_OPS = {"+": "add", "*": "multiply", "ReLU": "relu"}
# dy/dx of one-operand ops, from the operand x and the result y
_LOCAL = {
    "relu": lambda x, y: float(x > 0),
    "tanh": lambda x, y: (1 - y) * (1 + y),
    "sigmoid": lambda x, y: y * (1 - y),
    "exp": lambda x, y: y,
    "log": lambda x, y: 1 / x,
}


def is_value(y):
    """Return whether `y` has the attributes of a micrograd Value."""
    return not isinstance(y, type) and all(hasattr(y, name) for name in ("data", "grad", "_prev", "_op"))


def describe(y, names=None, max_nodes=None):
    """Return the Graph of the Value `y`.

    Parameters
    ----------
    y : Value
    names : mapping from name to Value, optional
        Names in addition to the `label` of a Value.
    max_nodes : int, optional
        Return None if there are more nodes.
    """
    given = {id(value): str(name) for name, value in (names or {}).items()}
    order, numbers = _topological_order(y, max_nodes)
    if order is None:
        return None
    graph, words, unnamed = Graph([]), [], 0
    taken = {*given.values(), *(_label(v) for v in order)}
    prefix = free_prefix(taken)
    for v in order:
        node = _node(v, given, [numbers[id(p)] for p in _operands(v)], graph.nodes)
        if node.kind == GATE:
            node.formula = truncate(_formula(node, str(v._op), words), MAX_FORMULA)
        graph.nodes.append(node)
        unnamed += not node.name and node.kind == GATE
        generated = f"{prefix}{unnamed}" if node.kind == GATE else format_number(node.value).replace("−", "-")
        words.append(node.name or generated)
    graph.result = words[-1] = graph.nodes[-1].name or free_name(taken, "y", "f", "result")
    graph.words = words
    if not any(np.any(node.gradient) for node in graph.nodes):
        graph.notes.append("all gradients are 0: draw after backward() to see them")
    return graph


def _operands(v):
    """Return the members of `_prev`, usually a set, in an order that is the same in every run."""
    operands = v._prev
    return list(operands) if isinstance(operands, (list, tuple)) else sorted(operands, key=_sort_key)


def _label(v):
    return str(getattr(v, "label", "") or "")


def _sort_key(v):
    label = _label(v)
    try:
        number = float(v.data)
    except (TypeError, ValueError):
        number = math.nan
    return not label, label, str(v._op) != "", math.inf if math.isnan(number) else number


def _topological_order(y, max_nodes):
    """Return all Values that `y` depends on, operands first, and the index of each by id."""
    order, numbers, visited = [], {}, set()
    stack = [(y, False)]
    while stack:
        v, expanded = stack.pop()
        if expanded:
            numbers[id(v)] = len(order)
            order.append(v)
        elif id(v) not in numbers:
            visited.add(id(v))
            if max_nodes is not None and len(visited) > max_nodes:
                return None, None
            stack.append((v, True))
            stack.extend((p, False) for p in reversed(_operands(v)) if id(p) not in numbers)
    return order, numbers


def _node(v, given, sources, nodes):
    name = given.get(id(v)) or _label(v)
    value, gradient, op = np.asarray(v.data), np.asarray(v.grad), str(v._op)
    if not sources and not op:
        return Node(LEAF, value, gradient, name=name)
    node = Node(GATE, value, gradient, op=_OPS.get(op, op or "?"), name=name)
    if node.op in ("add", "multiply") and len(sources) == 1:
        sources = sources * 2  # x + x and x * x: a set holds x once
    exponent = _exponent(op)
    node.op = "power" if exponent is not None else node.op
    node.sign = op_symbol(node.op, [None] * len(sources) + ([exponent] if exponent is not None else []), None)
    node.swaps = node.op in ("add", "multiply")
    node.wires = [Wire(source, place=k) for k, source in enumerate(sources)]
    values = [nodes[source].value for source in sources]
    with np.errstate(all="ignore"):
        for wire, local in zip(node.wires, _local_gradients(node.op, values, value, exponent), strict=False):
            wire.local = np.asarray(local)
            wire.product = np.asarray(local * gradient)
    return node


def _exponent(op):
    """Return the number in an op such as "**3"; None for other ops."""
    try:
        number = float(op[2:]) if op.startswith("**") else None
    except ValueError:
        return None
    return int(number) if number is not None and number.is_integer() else number


def _local_gradients(op, values, y, exponent):
    """Return the local gradient of each operand; an empty list for unknown ops."""
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
    return f"{parts[0]} {op[:2]} {op[2:]}" if node.op == "power" else op_formula(node.op, parts)
