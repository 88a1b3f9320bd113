"""The sweep: visits the nodes from the result to the leaves, each after all of its consumers.

This is backpropagation. Each node receives the *cotangent* of its value: the derivative of the final result with
respect to it. The rule of the node computes the cotangents of its operands from it (local gradient times upstream
gradient), and the cotangents that several consumers contribute to one node are added.
"""

import os
import threading

import numpy as np

from fastgrad import anomaly, errors, parameters, sweep_arguments
from fastgrad.engine_python import writes
from fastgrad.engine_python.leaving import recording
from fastgrad.engine_python.record import check_not_stale, functions
from fastgrad.engine_python.tensor import Tensor, asarray, new_tensor
from fastgrad.tracebacks import shorten

KEPT_NODES, KEPT_BYTES = 200, 65536  # of a graph that can be drawn after `backward`
_keeps_small_graphs = False
MAX_TRIES = 10_000  # to write a sum of gradients that other threads keep changing
_grad_lock = threading.RLock()  # held while sums are written to `.grad`


def _renew_lock():
    """Replace the lock in a forked child: the thread that may have held it does not exist there."""
    global _grad_lock
    _grad_lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def reachable(roots, targets, partial):
    """Return all nodes that the roots depend on, each with a Tensor of its value.

    The search does not continue beyond targets if `partial` is set.
    """
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
    """Return the gradients of the target nodes, as a dict.

    Parameters
    ----------
    roots : list of (Tensor, Tensor)
        The results to start from, each with its cotangent.
    targets : set of Node or None
        None stands for all nodes whose gradient is stored in a `.grad`.
    retain_graph : bool
        Keep the graph; it is freed otherwise.
    partial : bool, default False
        Cotangents that reach a target are not propagated further, nor passed to its hooks.
    """
    found = reachable(roots, targets, partial)
    unfreed = [node for node in found if node.operands is not None or targets is None or node not in targets]
    if targets is None:
        targets = {node for node in found if node.grad_owner is not None}
    order = sorted(found, key=lambda node: node.depth, reverse=True)  # a node is deeper than all its operands
    leading, inner = set(), set()  # nodes that are targets or depend on one, and nodes whose rule must run
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
            check_versions(node, found[node])
            y = saved_result(node, found[node])
            together = _pull_all(node, g, y) if node.rule.together else None
            for k, edge in enumerate(node.edges):
                if edge in leading:
                    _accumulate(cotangents, edge, _pull(node, k, g, y, together))
            if _overwritten(node, found[node]):  # by the rule, which may run code of users
                check_versions(node, found[node])
    for node in unfreed:
        if node.operands is None:
            raise errors.graph_freed(node.rule.name)  # freed by another thread: gradients may be incomplete
    if not retain_graph:
        for node in inner:
            node.free()
    return gradients


def in_mode(create_graph, function, *args):
    """Call `function`, recording or not. A `with` block would leave the mode set if its `__exit__` is interrupted."""
    block, inside = recording.open(create_graph), anomaly.inside.open(True)
    try:
        return function(*args)
    finally:
        inside.close()
        block.close()


def restore_mode(function, *args):
    """Call a rule or hook and restore the mode: a suspended generator may have left a block open."""
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


def saved_result(node, y):
    """Return the result as the rule reads it: the copy of its value if one was saved, else `y`."""
    if node.saved_result is None:
        return writes.kept(y, node.version)
    saved = new_tensor(node.saved_result, node)
    saved.storage.version = node.version
    return saved


def _pull_all(node, g, y):
    """Compute the cotangents of all operands, for a rule that computes them together."""
    saved, params = node.saved, node.params
    if node.operands is None:
        raise errors.graph_freed(node.rule.name)
    return restore_mode(node.rule.pull_all, g, y, saved, params)


def _pull(node, k, g, y, together):
    """Compute the cotangent of operand `k` with the rule of the node."""
    saved, params = node.saved, node.params
    if node.operands is None:
        raise errors.graph_freed(node.rule.name)  # freed by a sweep of the rule itself, or of another thread
    gx = restore_mode(node.rule.pull, k, g, y, saved, params) if together is None else together[k]
    if not isinstance(gx, Tensor):
        raise errors.bad_rule(node.rule.name, k, gx)
    if gx.shape != saved[k].shape:
        raise errors.vjp_shape(node.rule.name, k, gx.shape, saved[k].shape)
    if anomaly.noting():
        anomaly.check(node.rule.name, True, gx, [g], lambda: node.where)
    return gx


def check_versions(node, y):
    """Raise if a value that the rule reads was overwritten, or if the sweep of a hook has freed the node."""
    saved = node.saved  # read first, because another thread may free the node
    if node.operands is None:
        raise errors.graph_freed(node.rule.name)
    node.saved = saved = tuple(
        writes.kept(x, version) if isinstance(x, Tensor) else x for x, version in zip(saved, node.versions, strict=True)
    )
    for what, x, version in _read_values(node, saved, writes.kept(y, node.version)):
        if x.storage.version != version and not writes.survives(x, version):
            raise errors.mutated(node.rule.name, what, version, x.storage.version)


def _read_values(node, saved, y):
    """Return what the rule of a node reads: for each value its description, a Tensor, and the version it must have."""
    tensors = [k for k, x in enumerate(saved) if isinstance(x, Tensor)]
    read = [(f"operand {k}", saved[k], node.versions[k]) for k in tensors if node.rule.reads(k, tensors)]
    if node.rule.reads_y(tensors):
        read.append(("its result", y, node.version))
    return read


def _overwritten(node, y):
    """Return whether the rule, or code that it called, wrote to a value that the rule reads."""
    return y.storage.version != node.version or any(
        isinstance(x, Tensor) and x.storage.version != version
        for x, version in zip(node.saved, node.versions, strict=False)
    )


def _run_hooks(node, g):
    if node.hooks:
        g = functions["copy"](g)  # a hook may write to it, and other nodes may share the cotangent
    for hook in tuple(node.hooks.values()):
        before = functions["copy"](g) if anomaly.noting() else None
        other = restore_mode(hook, g)
        if other is not None:
            g = sweep_arguments.checked_hook_result(other, g, Tensor, asarray)
        if before is not None:
            anomaly.check_hook(node.rule and node.rule.name, g, before, lambda: node.where)
    return g


def _root(y, cotangent, what):
    """Return the pair (y, cotangent) to start from; None as a cotangent becomes 1 if `y` is one real number."""
    g = sweep_arguments.checked_cotangent(y, cotangent, what, Tensor, asarray)
    check_not_stale(y)
    return y, asarray(np.ones(y.shape, y.dtype)) if g is None else g


def backward(self, cotangent=None, *, retain_graph=False, create_graph=False, gradient=None):
    retain_graph = retain_graph or create_graph
    try:
        root = _root(self, parameters.either(cotangent, gradient), "this tensor")
        kept = _small_graph(self) if _keeps_small_graphs and not retain_graph else None
        in_mode(create_graph, _accumulate_in_leaves, [root], retain_graph or kept is not None, create_graph)
    except Exception as error:
        shorten(error)
        raise
    for node in kept or ():
        if node.operands:
            node.free(drawable=True)


def _accumulate_in_leaves(roots, retain_graph, create_graph):
    gradients = _received(sweep(roots, None, retain_graph), create_graph)
    owners = [(node.grad_owner, g) for node, g in gradients.items()]  # None if a hook wrote to the tensor in place
    pairs = [(t, g) for owner, g in owners if owner is not None and (t := owner()) is not None]
    sums = [_grad_sum(t, g) for t, g in pairs]  # may fail, so it is done before anything is written
    if anomaly.noting():
        for (t, g), (before, _, total) in zip(pairs, sums, strict=True):
            anomaly.check_sum(t.op, total, (before, g), lambda t=t: t.node.where)
    with _grad_lock:
        for k, (t, g) in enumerate(pairs):
            for _ in range(MAX_TRIES):
                if _set_grad(t, *sums[k]):
                    break
                sums[k] = _grad_sum(t, g)
            else:
                raise errors.written_meanwhile("backward")
    return sums  # keeps the old gradients alive, so that their deallocation runs in the caller's mode


def set_receiver(x, find, number, part=None):
    """Let `find()`, a weak reference, be told of the gradient of the leaf `x` as its `number`; None: nobody.

    `part` is an array of the shape and dtype of `x`, into which the gradient is copied and which then has the result.
    """
    x._receiver = None if find is None else (find, number, part)


def overwritten_array(x):
    """Return the C-contiguous array of the leaf `x`, for a caller that overwrites it at once; counted as one write.

    None if the memory is not its own.
    """
    if x.requires_grad or not x.array.flags.c_contiguous or not x.array.flags.owndata or x.storage.foreign:
        return None
    x.storage.version += 1
    return x.array


def _received(gradients, create_graph):
    """Return the gradients as the receivers of leaves leave them, which combine them with those of other processes."""
    begun, result, parts = {}, dict(gradients), []
    for node, g in gradients.items():
        owner = node.grad_owner and node.grad_owner()
        find, number, part = getattr(owner, "_receiver", None) or (None, 0, None)  # a slot that few Tensors fill
        receiver = find and find()
        if not receiver or node.rule is not None:
            continue
        if create_graph:
            raise errors.received_graph()
        if receiver not in begun:
            begun[receiver] = receiver.begin()
        weight, local = begun[receiver]
        result[node] = own = functions["copy"](g)  # cotangents may share memory
        own.array[...] = own.array * weight if weight else 0  # which may be NaN
        if not local and part is not None:
            part[...] = own.array
            parts.append((own.array, part))
        if not local:
            receiver.receive(number, own.array if part is None else None)
    for receiver in begun:
        receiver.finish()
    for array, part in parts:
        array[...] = part
    return result


def _grad_sum(t, g):
    """Return the present `.grad`, its version and the new sum. Always a copy, because cotangents may share memory."""
    before = t.grad
    version = None if before is None else before.storage.version
    return before, version, functions["copy"](g) if before is None else functions["add"](before, g)


def _set_grad(t, before, version, total):
    """Set `.grad` and return True, unless another thread changed it after `total` was computed from it."""
    if t._grad is before and (before is None or before.storage.version == version):
        t._grad = total
        return True
    return False


Tensor.backward = backward


def gradients(outputs, inputs, cotangents=None, *, retain_graph=False, create_graph=False, allow_unused=False):
    try:
        return _gradients(outputs, inputs, cotangents, retain_graph, create_graph, allow_unused)
    except Exception as error:
        shorten(error)
        raise


def partial_gradients(outputs, inputs, cotangents, *, create_graph=False):
    """Return the cotangents that flow into each input directly, or None; keeps the graph.

    As `gradients`, but cotangents are not propagated from one input to another, and hooks of the inputs do not run.
    """
    return _gradients(outputs, inputs, cotangents, True, create_graph, True, True)


def _gradients(outputs, inputs, cotangents, retain_graph, create_graph, allow_unused, partial=False):
    outputs, inputs, cotangents = sweep_arguments.checked_sequences(outputs, inputs, cotangents, Tensor)
    nodes = [x.node for x in inputs]
    if None in nodes:  # code that ran since the check, such as a callback of the collector, changed `requires_grad`
        raise errors.input_without_grad(nodes.index(None))
    roots = [_root(y, g, f"outputs[{k}]") for k, (y, g) in enumerate(zip(outputs, cotangents, strict=True))]
    freed = [node for node in nodes if node.operands is None]
    found = in_mode(create_graph, _copied_gradients, roots, set(nodes), retain_graph or create_graph, partial)
    for k, node in enumerate(nodes):
        if node not in found and freed:
            raise errors.graph_freed(freed[0].rule.name)  # its operands are no longer known
        if node not in found and not allow_unused:
            raise errors.input_unused(k)
    return tuple(found.get(node) for node in nodes)


def _copied_gradients(roots, targets, retain_graph, partial):
    return {node: functions["copy"](g) for node, g in sweep(roots, targets, retain_graph, partial).items()}


def keep_small_graphs(on):
    """Let `backward` keep the operands of small graphs that it frees, so that they can be drawn."""
    global _keeps_small_graphs
    _keeps_small_graphs = on


def _small_graph(y):
    """Return the nodes of a graph with few nodes and small values, operands included; None for a larger one."""
    found, order, nbytes = {id(y.node): y}, [(y, y.node)], 0
    for t, node in order:
        nbytes += t.nbytes
        if len(order) > KEPT_NODES or nbytes > KEPT_BYTES:
            return None
        if node is None or not node.operands:
            continue
        for o, edge in zip(node.operands, node.edges, strict=True):
            if isinstance(o, Tensor) and id(edge or o) not in found:
                found[id(edge or o)] = o
                order.append((o, edge))
    return [node for _, node in order if node is not None]


def node_of(x):
    """Return `(rule, operands, params, origins, current)` of the op that computed `x`, or None for a leaf.

    `operands` are the values that the rule reads (some are copies), `origins` the operands in the graph. `current` is
    False if a value that the rule reads was overwritten.
    """
    if x.is_leaf:
        return None
    node = x.node
    operands, edges, saved, params = node.drawable or (node.operands, node.edges, node.saved, node.params)
    if operands is None:
        raise errors.graph_freed(node.rule.name)
    origins = tuple(
        o if edge is None or o.node is edge else new_tensor(o.array, edge, o.storage)
        for o, edge in zip(operands, edges, strict=True)
    )
    current = all(value.storage.version == version for _, value, version in _read_values(node, saved, x))
    return node.rule, saved, params, origins, current


def node_key(x):
    """Return a number that identifies the node of `x` during its lifetime."""
    return id(x if x.node is None else x.node)
