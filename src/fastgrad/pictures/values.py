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


def describe(y, names, shown=None, max_nodes=None):
    """Return the Graph of the Value `y`.

    Parameters
    ----------
    y : Value
    names : Names
        Those that the user gave come before the `label` of a Value, those of variables after it.
    shown : function, optional
        Given the Graph, returns the indices of the nodes that will be drawn, or None for all. Other nodes have neither
        values nor gradients.
    max_nodes : int, optional
        Return None if there are more nodes.
    """
    order, sources = _topological_order(y, max_nodes)
    if order is None:
        return None
    names.number_leaves([v for v, from_ in zip(order, sources, strict=True) if not from_ and not str(v._op)])
    graph = Graph([_node(v, _name(v, names), from_) for v, from_ in zip(order, sources, strict=True)])
    taken = {node.name for node in graph.nodes} - {""}
    prefix, unnamed = free_prefix(taken), 0
    for node, v in zip(graph.nodes, order, strict=True):
        unnamed += not node.name and node.kind == GATE
        generated = f"{prefix}{unnamed}" if node.kind == GATE else format_number(np.asarray(v.data)).replace("−", "-")
        graph.words.append(node.name or generated)
    graph.result = graph.words[-1] = graph.nodes[-1].name or free_name(taken, "y", "f", "result")
    visible = None if shown is None else shown(graph)
    for number in range(len(order)) if visible is None else visible:
        _complete(graph, number, order)
    if not any(np.any(np.asarray(v.grad)) for v in order):
        graph.notes.append("all gradients are 0: draw after backward() to see them")
    return graph


def _operands(v):
    """Return the members of `_prev`, usually a set, in an order that is the same in every run."""
    operands = v._prev
    if _is_value_power(v):
        return v._operands
    return list(operands) if isinstance(operands, (list, tuple)) else sorted(operands, key=_sort_key)


def _is_value_power(v):
    """Whether `v` is a Value to the power of a Value, of which fastgrad knows which is which."""
    operands = getattr(v, "_operands", ())
    return str(v._op) == "**" and len(operands) == 2 and set(map(id, operands)) == set(map(id, v._prev))


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
    """Return all Values that `y` depends on, operands first, and for each the indices of its operands."""
    order, sources, numbers, operands = [], [], {}, {}
    stack = [y]
    while stack:
        v = stack[-1]
        found = operands.get(id(v))
        if found is not None:
            stack.pop()
            if id(v) not in numbers:
                numbers[id(v)] = len(order)
                order.append(v)
                sources.append([numbers[id(p)] for p in found])
            continue
        found = operands[id(v)] = _operands(v)
        if max_nodes is not None and len(operands) > max_nodes:
            return None, None
        stack.extend(p for p in reversed(found) if id(p) not in numbers)
    return order, sources


def _name(v, names):
    return (names.given and names.of(v)) or _label(v) or names.of(v)


def _node(v, name, sources):
    """Return the Node of a Value without numbers and formula."""
    op = str(v._op)
    if not sources and not op:
        return Node(LEAF, name=name)
    node = Node(GATE, op=_OPS.get(op, op or "?"), name=name)
    if _exponent(op) is not None or _is_value_power(v):
        node.op = "power"
    node.swaps = node.op in ("add", "multiply")
    if node.swaps and len(sources) == 1:
        sources = sources * 2  # x + x and x * x: a set holds x once
    node.wires = [Wire(source, place=k) for k, source in enumerate(sources)]
    return node


def _complete(graph, number, order):
    """Set the value and the gradient of a node, and of a gate its symbol, formula and local gradients."""
    node, v = graph.nodes[number], order[number]
    node.value, node.gradient = np.asarray(v.data), np.asarray(v.grad)
    if node.kind != GATE:
        return
    op, count = str(v._op), len(node.wires)
    exponent = _exponent(op)
    node.sign = op_symbol(node.op, [None] * count + ([exponent] if exponent is not None else []), None)
    node.formula = truncate(_formula(node, op, graph.words), MAX_FORMULA)
    values = [np.asarray(order[wire.source].data) for wire in node.wires]
    with np.errstate(all="ignore"):
        for wire, local in zip(node.wires, _local_gradients(node.op, values, node.value, exponent), strict=False):
            wire.local = np.asarray(local)
            wire.product = np.asarray(local * node.gradient)


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
        if op == "power":
            a, b = float(values[0]), float(values[1])
            return [b * np.power(a, b - 1), y * np.log(a) if a else 0.0]
        if op in _LOCAL and len(values) == 1:
            return [_LOCAL[op](values[0], y)]
    except (TypeError, ValueError, ArithmeticError):  # data need not be a number
        pass
    return []


def _formula(node, op, words):
    parts = [words[wire.source] for wire in node.wires]
    if node.op == "power" and len(parts) == 1:
        parts.append(op[2:])
    return op_formula(node.op, parts)
