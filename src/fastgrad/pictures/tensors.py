"""The description of a graph of Tensors, with every gradient in it. Touches no `.grad` and frees nothing.

Gradients come from the rules, one `pull` per wire, as in the pure-Python engine's sweep, hooks left out: a picture has
no side effects. The local gradient is the same pull at an upstream gradient of one.
"""

import numpy as np

from fastgrad import errors
from fastgrad._engine import Tensor, asarray, no_grad, node_key, node_of
from fastgrad.functions.shapes import broadcast_to
from fastgrad.pictures import messages
from fastgrad.pictures.graph import CONSTANT, GATE, LEAF, Graph, Node, Wire, free_letter, free_name
from fastgrad.pictures.signs import COMMUTING, LONGEST_FORMULA, clipped, formula_of, short, sign_of
from fastgrad.rules.arithmetic import add


class _Recorded:
    """A Tensor met on the walk: how it was computed, and the numbers of the nodes of its operands."""

    __slots__ = ("from_", "how", "tensor")

    def __init__(self, tensor):
        self.tensor = tensor
        self.how = node_of(tensor)
        self.from_ = ()  # pairs (operand number, node number)


def walk(y, most=None):
    """Everything `y` was computed from, operands before results; None if that is more than `most`.

    Raises
    ------
    GraphFreedError
        Where a sweep has released the edges.
    MutationError
        Where a value that a rule reads was overwritten.
    """
    numbers, order = {}, []
    stack = [(node_key(y), _Recorded(y), False)]
    met = {stack[0][0]}
    while stack:
        key, record, expanded = stack.pop()
        origins = record.how[3] if record.how else ()
        if expanded:
            record.from_ = tuple((k, numbers[node_key(o)]) for k, o in enumerate(origins) if isinstance(o, Tensor))
            numbers[key] = len(order)
            order.append(record)
            continue
        if key in numbers:
            continue
        met.add(key)
        if most is not None and len(met) > most:
            return None
        stack.append((key, record, True))
        for o in reversed(origins):
            if isinstance(o, Tensor) and node_key(o) not in numbers:
                stack.append((node_key(o), _Recorded(o), False))
    return order


def describe(y, names, cotangent=None, shown=None, most=None):
    """The Graph of the Tensor `y`.

    Parameters
    ----------
    y : Tensor
    names : Names
        What the user calls the Tensors.
    cotangent : array, optional
        Where the gradients start from, of the shape of `y`; ones otherwise.
    shown : function of the nodes, optional
        Which of them will be in the picture: the others need no local gradients.
    most : int, optional
        Give up, and return None, where there are more nodes.
    """
    try:
        order = walk(y, most)
    except errors.GraphFreedError:
        raise messages.drawn_freed(y.op) from None
    if order is None:
        return None
    graph = Graph([_node(record, names) for record in order])
    graph.result = graph.nodes[-1].name or free_name({node.name for node in graph.nodes}, "y", "f", "result")
    _leave_out_overwritten(graph, order)
    _write_formulas(graph, order)
    if y.requires_grad:
        with no_grad():
            _sweep(graph, order, _start(graph, y, cotangent), None if shown is None else shown(graph))
    elif cotangent is not None:
        raise errors.not_recorded("this tensor")
    return graph


def _node(record, names):
    tensor, how = record.tensor, record.how
    value = tensor.detach().numpy()
    name = names.of(tensor)
    if how is None:
        return Node(LEAF if tensor.requires_grad else CONSTANT, value, name=name)
    rule, _, params, origins = how
    plain = [None if isinstance(o, Tensor) else o for o in origins]
    numbers = plain if rule.variadic or len(plain) == rule.n_operands else []
    node = Node(GATE, value, op=rule.name, sign=sign_of(rule.name, numbers, params), name=name)
    node.wires = [Wire(number, place=k) for k, number in record.from_]
    node.swaps = rule.name in COMMUTING
    return node


def _leave_out_overwritten(graph, order):
    """No value for nodes whose memory a later node was written into: what stands there is not theirs."""
    owners = {}  # address of the memory: the nodes that it was the value of, so far
    for node, record in zip(graph.nodes, order, strict=True):
        if not node.value.size:
            continue
        same = owners.setdefault(node.value.__array_interface__["data"][0], [])
        if record.how is not None and record.how[0].view:
            if any(graph.nodes[w.source].value is None for w in node.wires):
                node.value = None
                continue
        elif record.how is not None:  # the result of an op has memory of its own, unless it was written in place
            for earlier in same:
                earlier.value = None
            same.clear()
        same.append(node)
    if any(node.value is None for node in graph.nodes):
        graph.notes.append("values that were overwritten in place are left out")


def _write_formulas(graph, order):
    """How each gate came about, by the names of its operands; unnamed ones are numbered in order."""
    number, words, letter = 0, [], free_letter(node.name for node in graph.nodes)
    for node, record in zip(graph.nodes, order, strict=True):
        if node.kind == GATE:
            sources = dict(record.from_)
            parts = [
                words[sources[k]] if k in sources else short(o).replace("−", "-")
                for k, o in enumerate(record.how[3])
                if o is not None
            ]
            node.formula = clipped(formula_of(node.op, parts), LONGEST_FORMULA)
        if node.name:
            words.append(node.name)
        elif node.kind == CONSTANT and node.value is not None and node.value.size == 1:
            words.append(short(node.value.item()).replace("−", "-"))
        else:
            number += 1
            words.append(f"{letter}{number}")
    words[-1] = graph.result
    graph.words = words


def _start(graph, y, cotangent):
    """The cotangent of `y` as a Tensor, and a note where it was made up."""
    if cotangent is None:
        if y.size != 1:
            graph.notes.append(
                f"{graph.result} has shape {_times(y.shape)}: the gradients are of the sum of its elements, "
                "from a cotangent of ones"
            )
        return asarray(np.ones(y.shape, y.dtype))
    g = asarray(cotangent)
    if g.shape != y.shape:
        raise errors.cotangent_shape(g.shape, y.shape)
    if g.dtype.kind == "c" and y.dtype.kind != "c":
        raise errors.cotangent_dtype(g.dtype, y.dtype)
    graph.notes.append("the gradients start from the given cotangent")
    return g.detach() if g.dtype == y.dtype else g.detach().astype(y.dtype)


def _times(shape):
    return "×".join(map(str, shape)) or "1"


def _sweep(graph, order, g, shown):
    """Backpropagation over the description: every node once, after all its consumers."""
    cotangents = {graph.root: g}
    for number in range(graph.root, -1, -1):
        g = cotangents.pop(number, None)
        if g is None:
            continue
        node, record = graph.nodes[number], order[number]
        visible = shown is None or number in shown
        if visible:
            node.gradient = g.numpy()
        if record.how is None:
            continue
        rule, operands, params, origins = record.how
        live = [w for w in node.wires if origins[w.place].requires_grad and rule.differentiable(w.place)]
        if visible:
            for wire in live:
                wire.local = _local(rule, wire.place, record.tensor, operands, params)
        for wire in live:
            gx = _pulled(rule, wire.place, g, record.tensor, operands, params)
            if gx.shape != operands[wire.place].shape:
                raise errors.vjp_shape(rule.name, wire.place, gx.shape, operands[wire.place].shape)
            if visible:
                wire.product = gx.numpy()
            before = cotangents.get(wire.source)
            cotangents[wire.source] = gx if before is None else add(before, gx)


def _pulled(rule, k, g, y, operands, params):
    """The cotangent of operand `k`."""
    if rule.together:
        return rule.pull_all(g, y, operands, params)[k]
    return rule.pull(k, g, y, operands, params)


def _local(rule, k, y, operands, params):
    """The local gradient of operand `k`, or words where it is a Jacobian of more than one axis."""
    ones = asarray(np.ones(y.shape, y.dtype))
    if y.size == 1:
        return _pulled(rule, k, ones, y, operands, params).numpy()
    if rule.elementwise:
        wide = tuple(broadcast_to(o, y.shape) if isinstance(o, Tensor) else o for o in operands)
        return rule.pull(k, ones, y, wide, params).numpy()
    return f"Jacobian of {_times(y.shape)} by {_times(operands[k].shape)}"
