"""Describes the graph of a Tensor, with all gradients. Changes no `.grad` and frees nothing.

Gradients are computed by the rules, one `pull` per wire, as in the sweep of the pure-Python engine. Hooks do not run:
drawing has no side effects. The local gradient is the `pull` of an upstream gradient of ones.
"""

import numpy as np

from fastgrad import errors
from fastgrad._engine import Tensor, asarray, no_grad, node_key, node_of
from fastgrad.functions.shapes import broadcast_to
from fastgrad.pictures import messages
from fastgrad.pictures.formatting import format_shape
from fastgrad.pictures.graph import CONSTANT, GATE, LEAF, Graph, Node, Wire, free_name, free_prefix
from fastgrad.pictures.overwritten import remove_overwritten_values
from fastgrad.pictures.symbols import COMMUTATIVE, MAX_FORMULA, format_scalar, op_formula, op_symbol, truncate
from fastgrad.rules.arithmetic import add


class _Record:
    """A Tensor of the graph, with its node and the indices of its operands."""

    __slots__ = ("node", "sources", "tensor")

    def __init__(self, tensor):
        self.tensor = tensor
        self.node = node_of(tensor)  # (rule, operands, params, origins), or None for a leaf
        self.sources = ()  # pairs (position of the operand, index of its node)


def topological_order(y, max_nodes=None):
    """Return a record of every Tensor that `y` depends on, operands first; None if there are more than `max_nodes`.

    Raises
    ------
    GraphFreedError
        If a sweep has released the edges.
    MutationError
        If a value that a rule reads was overwritten.
    """
    numbers, order = {}, []
    stack = [(node_key(y), _Record(y), False)]
    visited = {stack[0][0]}
    while stack:
        key, record, expanded = stack.pop()
        origins = record.node[3] if record.node else ()
        if expanded:
            record.sources = tuple((k, numbers[node_key(o)]) for k, o in enumerate(origins) if isinstance(o, Tensor))
            numbers[key] = len(order)
            order.append(record)
            continue
        if key in numbers:
            continue
        visited.add(key)
        if max_nodes is not None and len(visited) > max_nodes:
            return None
        stack.append((key, record, True))
        for o in reversed(origins):
            if isinstance(o, Tensor) and node_key(o) not in numbers:
                stack.append((node_key(o), _Record(o), False))
    return order


def describe(y, names, cotangent=None, shown=None, max_nodes=None):
    """Return the Graph of the Tensor `y`.

    Parameters
    ----------
    y : Tensor
    names : Names
        Names of Tensors.
    cotangent : array, optional
        Cotangent of `y`, of its shape; ones by default.
    shown : function, optional
        Given the Graph, returns the indices of the nodes that will be drawn, or None for all. Other nodes get no
        gradients.
    max_nodes : int, optional
        Return None if there are more nodes.
    """
    try:
        order = topological_order(y, max_nodes)
    except errors.GraphFreedError:
        raise messages.drawn_freed(y.op) from None
    if order is None:
        return None
    graph = Graph([_node(record, names) for record in order])
    graph.result = graph.nodes[-1].name or free_name({node.name for node in graph.nodes}, "y", "f", "result")
    remove_overwritten_values(graph, order)
    _set_formulas(graph, order)
    if y.requires_grad:
        with no_grad():
            _sweep(graph, order, _initial_cotangent(graph, y, cotangent), None if shown is None else shown(graph))
    elif cotangent is not None:
        raise errors.not_recorded("this tensor")
    return graph


def _node(record, names):
    tensor = record.tensor
    value = tensor.detach().numpy()
    name = names.of(tensor)
    if record.node is None:
        return Node(LEAF if tensor.requires_grad else CONSTANT, value, name=name)
    rule, _, params, origins = record.node
    plain = [None if isinstance(o, Tensor) else o for o in origins]
    numbers = plain if rule.variadic or len(plain) == rule.n_operands else []
    node = Node(GATE, value, op=rule.name, sign=op_symbol(rule.name, numbers, params), name=name)
    node.wires = [Wire(number, place=k) for k, number in record.sources]
    node.swaps = rule.name in COMMUTATIVE
    return node


def _set_formulas(graph, order):
    """Set the formula of each gate, and the names of all nodes. Unnamed nodes are numbered in order."""
    number, words, prefix = 0, [], free_prefix(node.name for node in graph.nodes)
    for node, record in zip(graph.nodes, order, strict=True):
        if node.kind == GATE:
            sources = dict(record.sources)
            parts = [
                words[sources[k]] if k in sources else format_scalar(o).replace("−", "-")
                for k, o in enumerate(record.node[3])
                if o is not None
            ]
            node.formula = truncate(op_formula(node.op, parts), MAX_FORMULA)
        if node.name:
            words.append(node.name)
        elif node.kind == CONSTANT and node.value is not None and node.value.size == 1:
            words.append(format_scalar(node.value.item()).replace("−", "-"))
        else:
            number += 1
            words.append(f"{prefix}{number}")
    words[-1] = graph.result
    graph.words = words


def _initial_cotangent(graph, y, cotangent):
    """Return the cotangent of `y` as a Tensor, and add a note unless it is the default for one element."""
    if cotangent is None:
        if y.size != 1:
            graph.notes.append(
                f"{graph.result} has {y.size} elements: the gradients are those of their sum (a cotangent of ones)"
            )
        return asarray(np.ones(y.shape, y.dtype))
    g = asarray(cotangent)
    if g.shape != y.shape:
        raise errors.cotangent_shape(g.shape, y.shape)
    if g.dtype.kind == "c" and y.dtype.kind != "c":
        raise errors.cotangent_dtype(g.dtype, y.dtype)
    graph.notes.append("the gradients start from the given cotangent")
    return g.detach() if g.dtype == y.dtype else g.detach().astype(y.dtype)


def _sweep(graph, order, g, shown):
    """Backpropagate through the nodes, each once and after all of its consumers, and store the gradients."""
    cotangents = {graph.root: g}
    for number in range(graph.root, -1, -1):
        g = cotangents.pop(number, None)
        if g is None:
            continue
        node, record = graph.nodes[number], order[number]
        visible = shown is None or number in shown
        if visible:
            node.gradient = g.numpy()
        if record.node is None:
            continue
        rule, operands, params, origins = record.node
        live = [w for w in node.wires if origins[w.place].requires_grad and rule.differentiable(w.place)]
        if visible:
            for wire in live:
                wire.local = _local_gradient(rule, wire.place, record.tensor, operands, params)
        for wire in live:
            gx = _pull(rule, wire.place, g, record.tensor, operands, params)
            if gx.shape != operands[wire.place].shape:
                raise errors.vjp_shape(rule.name, wire.place, gx.shape, operands[wire.place].shape)
            if visible:
                wire.product = gx.numpy()
            before = cotangents.get(wire.source)
            cotangents[wire.source] = gx if before is None else add(before, gx)


def _pull(rule, k, g, y, operands, params):
    """Return the cotangent of operand `k`."""
    if rule.together:
        return rule.pull_all(g, y, operands, params)[k]
    return rule.pull(k, g, y, operands, params)


def _local_gradient(rule, k, y, operands, params):
    """Return the local gradient of operand `k`, or a description if it is a full Jacobian."""
    ones = asarray(np.ones(y.shape, y.dtype))
    if y.size == 1:
        return _pull(rule, k, ones, y, operands, params).numpy()
    if rule.elementwise:
        wide = tuple(broadcast_to(o, y.shape) if isinstance(o, Tensor) else o for o in operands)
        return rule.pull(k, ones, y, wide, params).numpy()
    return f"Jacobian of {format_shape(y.shape)} by {format_shape(operands[k].shape) or 1}"
