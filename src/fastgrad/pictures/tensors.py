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
from fastgrad.pictures.graph import CONSTANT, GATE, LEAF, UNKNOWN, Graph, Node, Wire, free_name, free_prefix
from fastgrad.pictures.overwritten import remove_overwritten_values
from fastgrad.pictures.symbols import COMMUTATIVE, MAX_FORMULA, format_scalar, op_formula, op_symbol, truncate
from fastgrad.rules.arithmetic import add


class _Record:
    """A Tensor of the graph, with its node and the indices of its operands."""

    __slots__ = ("freed", "node", "number", "operands", "tensor")

    def __init__(self, tensor):
        self.tensor = tensor
        self.number = None  # index of the node, when its operands have theirs
        self.operands = None  # pairs (position of the operand, its record)
        self.freed = False
        try:
            self.node = node_of(tensor)  # (rule, operands, params, origins, current); None for a leaf, and if freed
        except errors.GraphFreedError:
            self.node, self.freed = None, True

    @property
    def sources(self):
        """Pairs (position of the operand, index of its node)."""
        return [(k, operand.number) for k, operand in self.operands]


def topological_order(y, max_nodes=None):
    """Return a record of every Tensor that `y` depends on, operands first; None if there are more than `max_nodes`.

    Ends at results whose operands a sweep has released.
    """
    root = _Record(y)
    records, order, stack = {node_key(y): root}, [], [root]
    while stack:
        record = stack[-1]
        if record.operands is not None:
            stack.pop()
            if record.number is None:
                record.number = len(order)
                order.append(record)
            continue
        record.operands = []
        for k, o in enumerate(record.node[3] if record.node else ()):
            if isinstance(o, Tensor):
                key = node_key(o)
                operand = records.get(key)
                if operand is None:
                    operand = records[key] = _Record(o)
                record.operands.append((k, operand))
        if max_nodes is not None and len(records) > max_nodes:
            return None
        stack += [operand for _, operand in reversed(record.operands) if operand.number is None]
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
    order = topological_order(y, max_nodes)
    if order is None:
        return None
    names.number_leaves([record.tensor for record in order if record.tensor.is_leaf and record.tensor.requires_grad])
    graph = Graph([_node(record, names) for record in order])
    graph.result = graph.nodes[-1].name or free_name({node.name for node in graph.nodes}, "y", "f", "result")
    graph.words = _words(graph, order)
    visible = None if shown is None else shown(graph)
    for number in range(len(order)) if visible is None else visible:
        _complete(graph, number, order[number])
    remove_overwritten_values(graph, order, visible)
    if any(record.freed for record in order):
        graph.notes.append(messages.FREED)
    if y.requires_grad:
        with no_grad():
            _sweep(graph, order, _initial_cotangent(graph, y, cotangent), visible)
    elif cotangent is not None:
        raise errors.not_recorded("this tensor")
    else:
        graph.notes.append(messages.NOT_RECORDED)
    if any(node.gradient is UNKNOWN for node in graph.nodes):
        graph.notes.append(messages.UNKNOWN)
    return graph


def _node(record, names):
    """Return the Node of a Tensor without its value and formula."""
    tensor = record.tensor
    name = names.of(tensor)
    if record.node is None and not record.freed:
        kind = LEAF if tensor.requires_grad else CONSTANT
        return Node(kind, name=name or names.of_array(tensor.detach().numpy()), shape=tensor.shape)
    node = Node(GATE, op=tensor.op, name=name, shape=tensor.shape, freed=record.freed)
    node.wires = [Wire(operand.number, place=k) for k, operand in record.operands]
    node.swaps = node.op in COMMUTATIVE
    return node


def _words(graph, order):
    """Return the names of all nodes. Unnamed nodes are numbered in order."""
    number, words, prefix = 0, [], free_prefix(node.name for node in graph.nodes)
    for node, record in zip(graph.nodes, order, strict=True):
        if node.name:
            words.append(node.name)
        elif node.kind == CONSTANT and record.tensor.size == 1:
            words.append(format_scalar(record.tensor.detach().item()).replace("−", "-"))
        else:
            number += 1
            words.append(f"{prefix}{number}")
    words[-1] = graph.result
    return words


def _complete(graph, number, record):
    """Set the value of a node, and of a gate its symbol and formula."""
    node = graph.nodes[number]
    node.value = record.tensor.detach().numpy()
    if node.freed:
        node.sign, node.formula = op_symbol(node.op, (), None), op_formula(node.op, ["…"])
    elif node.kind == GATE:
        rule, _, params, origins, _ = record.node
        plain = [None if isinstance(o, Tensor) else o for o in origins]
        node.sign = op_symbol(node.op, plain if rule.variadic or len(plain) == rule.n_operands else [], params)
        sources = dict(record.sources)
        parts = [
            graph.words[sources[k]] if k in sources else format_scalar(o).replace("−", "-")
            for k, o in enumerate(origins)
            if o is not None
        ]
        node.formula = truncate(op_formula(node.op, parts), MAX_FORMULA)


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
    return g.detach().copy() if g.dtype == y.dtype else g.detach().astype(y.dtype)


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
            node.gradient = g if g is UNKNOWN else g.numpy()
        if record.node is None:
            continue
        rule, operands, params, origins, _ = record.node
        # The rules get the values alone: the graph of an operand may be outdated by a write that they do not depend on.
        operands = tuple([o.detach() if isinstance(o, Tensor) else o for o in operands])
        y = record.tensor.detach()
        live = [w for w in node.wires if origins[w.place].requires_grad and rule.differentiable(w.place)]
        current = _is_current(graph, node, record)
        if visible and current:
            _set_local_gradients(rule, live, y, operands, params)
        known = current and g is not UNKNOWN
        products = _pull(rule, live, g, y, operands, params) if known else [UNKNOWN] * len(live)
        for wire, gx in zip(live, products, strict=True):
            if visible:
                wire.product = gx if gx is UNKNOWN else gx.numpy()
            before = cotangents.get(wire.source)
            if before is not None:
                gx = UNKNOWN if before is UNKNOWN or gx is UNKNOWN else add(before, gx)
            cotangents[wire.source] = gx


def _is_current(graph, node, record):
    """Return whether the values that the rule of a node reads are those of the forward pass."""
    rule, operands, _, origins, current = record.node
    if not current:
        return False
    lost = [k for k, o in record.operands if graph.nodes[o.number].overwritten and operands[k] is origins[k]]
    if not lost and not node.overwritten:
        return True
    among = [k for k, _ in record.operands]
    return not (any(rule.reads(k, among) for k in lost) or (node.overwritten and rule.reads_y(among)))


def _pull(rule, wires, g, y, operands, params):
    """Return the cotangent of the operand of each wire.

    Raises
    ------
    ShapeError
        If the vjp of a user-defined op returns another shape than that of the operand.
    """
    if rule.together and wires:
        pulled = rule.pull_all(g, y, operands, params)
        products = [pulled[wire.place] for wire in wires]
    else:
        products = [rule.pull(wire.place, g, y, operands, params) for wire in wires]
    for wire, gx in zip(wires, products, strict=True):
        if gx.shape != operands[wire.place].shape:
            raise errors.vjp_shape(rule.name, wire.place, gx.shape, operands[wire.place].shape)
    return products


def _set_local_gradients(rule, wires, y, operands, params):
    """Store the local gradient in each wire, or a description if it is a full Jacobian."""
    ones = asarray(np.ones(y.shape, y.dtype))
    if y.size == 1:
        for wire, local in zip(wires, _pull(rule, wires, ones, y, operands, params), strict=True):
            wire.local = local.numpy()
        return
    wide = tuple(broadcast_to(o, y.shape) if isinstance(o, Tensor) else o for o in operands) if rule.elementwise else ()
    for wire in wires:
        if rule.elementwise:
            wire.local = rule.pull(wire.place, ones, y, wide, params).numpy()
        else:
            wire.local = f"Jacobian of {format_shape(y.shape)} by {format_shape(operands[wire.place].shape) or 1}"
