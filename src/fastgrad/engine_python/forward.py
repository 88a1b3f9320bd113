"""Forward mode, and several directions at once: tangents pushed along the graph, cotangents pulled back in batches."""

import numpy as np

from fastgrad import direction_errors, errors, parameters, sweep_arguments
from fastgrad.engine_python.record import check_not_stale, functions
from fastgrad.engine_python.sweep import check_versions, in_mode, reachable, restore_mode, saved_result
from fastgrad.engine_python.tensor import Tensor, asarray, new_tensor


def push_forward(outputs, inputs, tangents, *, batch=None, create_graph=False):
    """Return the tangents of the outputs, None where they are zero, for tangents of the inputs.

    With `batch`, tangents and results have an additional axis 0 of that length. The graph is kept.
    """
    if batch == 0:
        return (None,) * len(outputs)
    found = _directions(inputs, tangents, batch, "tangents")
    nodes, values = _ordered(outputs, inputs)
    ends = {x.node for x in inputs}
    in_mode(create_graph, _push_all, [node for node in nodes if node not in ends], values, found, batch)
    return tuple(_own(found.get(y.node), tangents) for y in outputs)


def pull_back(outputs, inputs, cotangents, *, batch, create_graph=False):
    """Return the gradients of the inputs, None where they are zero, for a batch of cotangents of the outputs.

    Cotangents and results have an additional axis 0 of length `batch`. Hooks are run.
    """
    if batch == 0:
        return (None,) * len(inputs)
    found = _directions(outputs, cotangents, batch, "cotangents")
    nodes, values = _ordered(outputs, inputs)
    ends = {x.node for x in inputs}
    leading = set(ends)  # nodes that lead to an input
    for node in nodes:
        if any(edge in leading for edge in node.edges):
            leading.add(node)
    listed = [node for node in reversed(nodes) if node in leading]
    in_mode(create_graph, _pull_all, listed, values, found, leading, ends, batch)
    return tuple(_own(found.get(x.node), cotangents) for x in inputs)


def _directions(tensors, given, batch, word):
    """Return the tangents of inputs or the cotangents of outputs by node; those that are None are left out."""
    found = {}
    for k, (x, t) in enumerate(zip(tensors, given, strict=True)):
        if t is None:
            continue
        if not isinstance(t, Tensor) or t.dtype != x.dtype or t.shape != _batched(x.shape, batch):
            raise direction_errors.direction_shape(word, k, t, x.shape, x.dtype, batch)
        found[x.node] = functions["add"](found[x.node], t) if x.node in found else t
    return found


def _batched(shape, batch):
    return shape if batch is None else (batch, *shape)


def _own(t, given):
    """Return a result that shares no memory with what the caller passed."""
    return t if t is None else functions["copy"](t)


def _ordered(outputs, inputs):
    """Return the nodes that the outputs depend on, operands first, and a Tensor of the value of each."""
    for y in outputs:
        check_not_stale(y)
    values = reachable([(y, None) for y in outputs], {x.node for x in inputs}, True)
    return sorted(values, key=lambda node: node.depth), values


def _push_all(nodes, values, found, batch):
    for node in nodes:
        tangents = [found.get(edge) for edge in node.edges]
        if all(t is None for t in tangents):
            continue
        y, saved, params = _read(node, values[node])
        if batch is None:
            t = restore_mode(node.rule.push, tangents, y, saved, params)
        else:
            t = restore_mode(node.rule.push_batch, tangents, y, saved, params, batch)
        if t is None:
            continue
        if not isinstance(t, Tensor) or t.dtype != y.dtype or t.shape != _batched(y.shape, batch):
            raise direction_errors.jvp_shape(node.rule.name, t, y.shape, y.dtype, batch)
        found[node] = t
        check_versions(node, values[node])


def _pull_all(nodes, values, found, leading, ends, batch):
    for node in nodes:
        if node not in found:
            continue
        g = found[node]
        if node.hooks:
            g = found[node] = sweep_arguments.hooked(tuple(node.hooks.values()), g, batch, functions, asarray)
        if node in ends:
            continue
        y, saved, params = _read(node, values[node])
        if node.rule.together:
            pulled = restore_mode(node.rule.pull_all_batch, g, y, saved, params, batch)
        else:
            pulled = [
                restore_mode(node.rule.pull_batch, k, g, y, saved, params, batch) if edge in leading else None
                for k, edge in enumerate(node.edges)
            ]
        for k, (edge, gx) in enumerate(zip(node.edges, pulled, strict=True)):
            if edge not in leading or gx is None:
                continue
            if not isinstance(gx, Tensor) or gx.shape != _batched(saved[k].shape, batch):
                raise errors.vjp_shape(node.rule.name, k, getattr(gx, "shape", gx), _batched(saved[k].shape, batch))
            found[edge] = functions["add"](found[edge], gx) if edge in found else gx
        check_versions(node, values[node])


def _read(node, value):
    """Return the result, the operands and the parameters that the rule of a node reads."""
    check_versions(node, value)
    return saved_result(node, value), node.saved, node.params


def reached_inputs(outputs, inputs):
    """Return for each input whether the outputs depend on it, and whether gradients on the way would meet hooks."""
    ends = {x.node for x in inputs}
    nodes, _ = _ordered(outputs, inputs)
    leading = set()
    for node in nodes:
        if node in ends or any(edge in leading for edge in node.edges):
            leading.add(node)
    return tuple(x.node in leading for x in inputs), any(node.hooks for node in leading)


def graph_signature(outputs, inputs):
    """Return the nodes that lead from the inputs to the outputs, operands first, and a list that describes them.

    Each node is represented by a Tensor. The lists of two graphs are equal if these have the same ops, shapes and
    dtypes, connected in the same way, hooks at the same places, and the same parameters where patterns depend on them.
    """
    ends = {x.node for x in inputs}
    nodes, values = _ordered(outputs, inputs)
    number, found, leading = {}, [], []
    for x in inputs:
        number[x.node] = len(number)
        found += [x.shape, x.dtype]
    for node in nodes:
        found += ["hooks"] * bool(node.hooks)
        if node in ends or not any(edge in number for edge in node.edges):
            continue
        y, rule = values[node], node.rule
        number[node] = len(number)
        leading.append(y if y.node is node else new_tensor(y.array, node, y.storage))
        found += [rule, y.shape, y.dtype, len(node.operands)]
        for o, edge in zip(node.operands, node.edges, strict=True):
            at = number.get(edge)
            found.append(at if at is not None else o.shape if isinstance(o, Tensor) else None)
        if rule.pattern is not None or rule.view:
            found += map(parameters.comparable, node.params.values())
    for y in outputs:
        found += [number.get(y.node), y.shape, y.dtype]
    return leading, found


def unit_directions(x, low, high):
    """Return the unit vectors number `low` to `high` of the elements of `x`, as a batch."""
    basis = np.zeros((high - low, x.size), x.dtype)
    basis[np.arange(high - low), np.arange(low, high)] = 1
    return asarray(basis.reshape((high - low, *x.shape)))
