"""The sweep: from the result back to the leaves, each node once, after all that came of it. Knows no op's mathematics.

This is backpropagation. Every node gets the *cotangent* of its value: how the final result changes with it. Its rule
turns that into one cotangent for each operand (local gradient times upstream gradient), and where several arrive they
add up.
"""

import os
import threading

import numpy as np

from fastgrad import anomaly, errors
from fastgrad.engine_python.leaving import recording
from fastgrad.engine_python.record import functions, require_true_graph
from fastgrad.engine_python.tensor import Tensor, asarray

TRIES = 10_000  # at a sum of gradients that somebody else keeps changing
_writing = threading.RLock()  # held while sums are written to `.grad`


def _renew_lock():
    """In a forked child, where the thread that may have held it does not exist."""
    global _writing
    _writing = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def reachable(roots, targets, partial):
    """All nodes from the roots down, each with a Tensor of its value; `partial`: not beyond targets."""
    found = {}
    stack = [(y.node, y) for y, _ in roots]
    while stack:
        node, t = stack.pop()
        if node in found:
            continue
        found[node] = t
        if node.operands is None and (targets is None or node not in targets):
            raise errors.graph_freed(node.rule.name)
        if not (partial and node in targets):
            pairs = zip(node.edges, node.operands or (), strict=True)
            stack.extend((edge, x) for edge, x in pairs if edge is not None)
    return found


def sweep(roots, targets, retain_graph, partial=False):
    """The gradients of the target nodes, as a dict.

    `roots` are pairs (tensor, cotangent). `targets` None means all nodes with a tensor to keep their gradient.
    `partial`: what flows into a target goes no further, and past its hooks.
    """
    found = reachable(roots, targets, partial)
    whole = [node for node in found if node.operands is not None or targets is None or node not in targets]
    if targets is None:
        targets = {node for node in found if node.keeper is not None}
    order = sorted(found, key=lambda node: node.depth, reverse=True)  # a node is deeper than all its operands
    leading, inner = set(), set()  # nodes that lead to a target, and those of them with a target below
    for node in reversed(order):
        if not (partial and node in targets) and any(edge in leading for edge in node.edges):
            inner.add(node)
        if node in inner or node in targets:
            leading.add(node)

    cotangents, gradients = {}, {}
    for y, g in roots:
        _accumulate(cotangents, y.node, g)
    for node in order:
        if node not in leading or node not in cotangents:
            continue
        g = cotangents.pop(node)
        if not (partial and node in targets):
            g = _run_hooks(node, g)
        if node in targets:
            gradients[node] = g
        if node in inner:
            _check_versions(node, found[node])
            y = _as_read(node, found[node])
            together = _pull_all(node, g, y) if node.rule.together else None
            for k, edge in enumerate(node.edges):
                if edge in leading:
                    _accumulate(cotangents, edge, _pull(node, k, g, y, together))
                    if _overwritten(node, found[node]):
                        _check_versions(node, found[node])
    for node in whole:
        if node.operands is None:
            raise errors.graph_freed(node.rule.name)  # meanwhile, by another thread: parts may be missing
    if not retain_graph:
        for node in inner:
            node.free()
    return gradients


def _in_mode(create_graph, function, *args):
    """Call `function`, recording or not. No `with`: an interrupt in its `__exit__` would leave the mode behind."""
    block, inside = recording.open(create_graph), anomaly.inside.open(True)
    try:
        return function(*args)
    finally:
        inside.close()
        block.close()


def _undisturbed(function, *args):
    """Call a rule or hook. If it leaves a generator suspended in a block, the sweep goes on outside that."""
    before = recording.innermost.get()
    try:
        return function(*args)
    finally:
        recording.innermost.set(before)


def _accumulate(cotangents, node, g):
    if node not in cotangents:
        cotangents[node] = g
        return
    before = cotangents[node]
    total = cotangents[node] = functions["add"](before, g)
    if anomaly.noting():
        anomaly.check_sum(node.rule and node.rule.name, total, (before, g), lambda: node.where)


def _as_read(node, y):
    """The result as its rule reads it: the same place in the graph, and the value that was kept of it, if one was."""
    if node.value is None:
        return y
    kept = Tensor(node.value, node)
    kept.storage.version = node.version
    return kept


def _pull_all(node, g, y):
    """The cotangents of all operands, of a rule that gives them together."""
    kept, params = node.kept, node.params
    if node.operands is None:
        raise errors.graph_freed(node.rule.name)
    return _undisturbed(node.rule.pull_all, g, y, kept, params)


def _pull(node, k, g, y, together):
    """The cotangent of operand `k`, by the node's rule."""
    kept, params = node.kept, node.params
    if node.operands is None:
        raise errors.graph_freed(node.rule.name)  # meanwhile: by the rule's own sweep, or by another thread's
    gx = _undisturbed(node.rule.pull, k, g, y, kept, params) if together is None else together[k]
    if not isinstance(gx, Tensor):
        raise errors.bad_rule(node.rule.name, k, gx)
    if gx.shape != kept[k].shape:
        raise errors.vjp_shape(node.rule.name, k, gx.shape, kept[k].shape)
    if anomaly.noting():
        anomaly.check(node.rule.name, True, gx, [g], lambda: node.where)
    return gx


def _check_versions(node, y):
    """Refuse to read a value that was written since it was recorded, or a node that a hook's own sweep has freed."""
    kept, versions = node.kept, node.versions  # another thread may free the node
    if node.operands is None:
        raise errors.graph_freed(node.rule.name)
    tensors = [k for k, x in enumerate(kept) if isinstance(x, Tensor)]
    read = [(f"operand {k}", kept[k], versions[k]) for k in tensors if node.rule.reads(k, tensors)]
    if node.rule.reads_y(tensors):
        read.append(("its result", y, node.version))
    for what, x, version in read:
        if x.storage.version != version:
            raise errors.mutated(node.rule.name, what, version, x.storage.version)


def _overwritten(node, y):
    """Whether the rule that has just run, or what it called, wrote to anything that its next part may read."""
    return y.storage.version != node.version or any(
        isinstance(x, Tensor) and x.storage.version != version
        for x, version in zip(node.kept, node.versions, strict=False)
    )


def _run_hooks(node, g):
    if node.hooks:
        g = functions["copy"](g)  # a hook may write to it, and other nodes may have the same cotangent
    for hook in tuple(node.hooks.values()):
        before = functions["copy"](g) if anomaly.noting() else None
        other = _undisturbed(hook, g)
        if other is not None:
            other = asarray(other)
            if other.dtype.kind == "c" and g.dtype.kind != "c":
                raise errors.hook_dtype(other.dtype, g.dtype)
            other = asarray(other, dtype=g.dtype)
            if other.shape != g.shape:
                raise errors.hook_result(f"shape {other.shape}", g.shape)
            g = other
        if before is not None:
            anomaly.check_hook(node.rule and node.rule.name, g, before, lambda: node.where)
    return g


def _root(y, cotangent, what):
    """The pair (y, cotangent) to start from, with the cotangent checked, or made if `y` is one real number."""
    if not isinstance(y, Tensor):
        raise errors.not_a_tensor(what, y)
    if y.node is None:
        raise errors.not_recorded(what)
    require_true_graph(y)
    if cotangent is None:
        if y.size != 1:
            raise errors.not_scalar(y.shape)
        if y.dtype.kind == "c":
            raise errors.complex_result(y.dtype)
        return y, asarray(np.ones(y.shape, y.dtype))
    cotangent = asarray(cotangent)
    if cotangent.shape != y.shape:
        raise errors.cotangent_shape(cotangent.shape, y.shape)
    if cotangent.dtype.kind == "c" and y.dtype.kind != "c":
        raise errors.cotangent_dtype(cotangent.dtype, y.dtype)
    return y, asarray(cotangent, dtype=y.dtype)


def backward(self, cotangent=None, *, retain_graph=False, create_graph=False):
    root = _root(self, cotangent, "this tensor")
    _in_mode(create_graph, _accumulate_in_leaves, [root], retain_graph or create_graph)


def _accumulate_in_leaves(roots, retain_graph):
    gradients = sweep(roots, None, retain_graph)
    keepers = [(node.keeper, g) for node, g in gradients.items()]  # None: that tensor was written in place by a hook
    kept = [(t, g) for keeper, g in keepers if keeper is not None and (t := keeper()) is not None]
    sums = [_summed(t, g) for t, g in kept]  # all that can fail
    if anomaly.noting():
        for (t, g), (before, _, total) in zip(kept, sums, strict=True):
            anomaly.check_sum(t.op, total, (before, g), lambda t=t: t.node.where)
    with _writing:
        for k, (t, g) in enumerate(kept):
            for _ in range(TRIES):
                if _written(t, *sums[k]):
                    break
                sums[k] = _summed(t, g)
            else:
                raise errors.written_meanwhile("backward")
    return sums  # which hold the old gradients: what their end sets off runs in the caller's mode


def _summed(t, g):
    """What `.grad` is, at which version, and what it is to be. Copies, because cotangents may share memory."""
    before = t.grad
    version = None if before is None else before.storage.version
    return before, version, functions["copy"](g) if before is None else functions["add"](before, g)


def _written(t, before, version, total):
    """Set `.grad` if it still is what the sum was made of, since other threads write it too. Returns whether it was."""
    if t._grad is before and (before is None or before.storage.version == version):
        t._grad = total
        return True
    return False


Tensor.backward = backward


def gradients(outputs, inputs, cotangents=None, *, retain_graph=False, create_graph=False, allow_unused=False):
    return _gradients(outputs, inputs, cotangents, retain_graph, create_graph, allow_unused)


def partial_gradients(outputs, inputs, cotangents, *, create_graph=False):
    """As `gradients`, None where there is none, of what flows into each input directly: not on from one input to
    another, and without the hooks of the inputs. Keeps the graph.
    """
    return _gradients(outputs, inputs, cotangents, True, create_graph, True, True)


def _gradients(outputs, inputs, cotangents, retain_graph, create_graph, allow_unused, partial=False):
    outputs = (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    if not isinstance(cotangents, (tuple, list)):
        cotangents = (cotangents,) * (len(outputs) if cotangents is None else 1)
    if len(cotangents) != len(outputs):
        raise errors.cotangent_count(len(cotangents), len(outputs))
    nodes = []
    for k, x in enumerate(inputs):
        if not isinstance(x, Tensor):
            raise errors.not_a_tensor(f"inputs[{k}]", x)
        nodes.append(x.node)
        if nodes[k] is None:
            raise errors.input_without_grad(k)
    roots = [_root(y, g, f"outputs[{k}]") for k, (y, g) in enumerate(zip(outputs, cotangents, strict=True))]
    freed = [node for node in nodes if node.operands is None]
    found = _in_mode(create_graph, _own_gradients, roots, set(nodes), retain_graph or create_graph, partial)
    for k, node in enumerate(nodes):
        if node not in found and freed:
            raise errors.graph_freed(freed[0].rule.name)  # what lies behind it is not known any more
        if node not in found and not allow_unused:
            raise errors.input_unused(k)
    return tuple(found.get(node) for node in nodes)


def _own_gradients(roots, targets, retain_graph, partial):
    return {node: functions["copy"](g) for node, g in sweep(roots, targets, retain_graph, partial).items()}


def node_of(x):
    """How `x` was computed: `(rule, operands, params, origins)`; None for a leaf.

    `operands` are as the rule reads them (some are private copies), `origins` as they hang in the graph.
    """
    node = x.node
    if x.is_leaf:
        return None
    _check_versions(node, x)
    origins = tuple(
        o if edge is None or o.node is edge else Tensor(o.array, edge, o.storage)
        for o, edge in zip(node.operands, node.edges, strict=True)
    )
    return node.rule, node.kept, node.params, origins


def node_key(x):
    """A number that stands for the node of `x` as long as it lives."""
    return id(x if x.node is None else x.node)
