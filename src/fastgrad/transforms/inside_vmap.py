"""The transforms inside vmap: `grad` and its relatives of a function that runs for a batch.

A transform of `f` inside vmap is the transform of a function of the whole batch, outside of vmap: it puts its arguments
into the batch, calls `f`, and takes the batch out. Elements do not depend on each other, so that the gradient of the
sum over the batch is the gradient of each element. All differentiated arguments are put into the batch first, also
those that are the same for all elements; otherwise their gradients would be summed over the batch.
"""

import functools

import numpy as np

from fastgrad import _tree, batching, transform_arguments
from fastgrad._engine import Run, Tensor, asarray, is_grad_enabled, leaves, map_leaves, tensor
from fastgrad._lazy import lazy_module
from fastgrad.batching import Batched, entered, left, running
from fastgrad.functions.shapes import moveaxis
from fastgrad.rules.rule import FUNCTIONS
from fastgrad.transforms.lift import entry

forward = lazy_module("fastgrad.transforms.forward")
matrices = lazy_module("fastgrad.transforms.matrices")
recompute = lazy_module("fastgrad.transforms.recompute")
reverse = lazy_module("fastgrad.transforms.reverse")
_ARRAYS = (Tensor, np.ndarray, np.generic, float, complex, int)


def whole(x, level):
    """Return the values of a batch, along axis 0, of a value that is batched or the same for all elements."""
    if type(x) is Batched and x.level is level:
        return x.value
    if not isinstance(x, _ARRAYS):
        return x
    x = x if isinstance(x, Tensor) else tensor(x)
    return FUNCTIONS["broadcast_to"](x, (level.size, *x.shape))


def _elements(tree, level):
    """Return a tree of arrays of the batch as a tree of elements."""
    return map_leaves(lambda x: Batched(asarray(x), level) if isinstance(x, _ARRAYS) else x, tree)


def _whole(tree, level):
    return map_leaves(lambda x: whole(x, level), tree)


def _of_batch(f, level, args, numbers, kwargs, results):
    """Return `f` as a function of the arguments `numbers` of the whole batch; `results` converts what it returns."""

    def of_batch(*values):
        given = list(args)
        for k, value in zip(numbers, values, strict=True):
            given[k] = _elements(value, level)
        with entered(level):
            out = f(*given, **kwargs)
        return results(out)

    return functools.wraps(f)(of_batch)


def _sum(y, level):
    return FUNCTIONS["sum"](whole(asarray(y), level), axis=0)


def _scalar_sum(verb, y, level):
    """Return the sum over the batch of a result that is one real number for each element."""
    if type(y) is not Batched or y.value.shape != (level.size,):
        reverse.require_scalar(verb, y)
        y = Batched(whole(asarray(y), level), level)
    return FUNCTIONS["sum"](y.value)


def _numbers(verb, argnums, args):
    """Return the positions of the differentiated arguments."""
    return list(transform_arguments.positions(verb, argnums, len(args)))


def _given(args, numbers, level):
    """Return the differentiated arguments for the whole batch."""
    return [_whole(args[k], level) for k in numbers]


def _own(x, level):
    """Return a differentiated value for the whole batch, as a Tensor that `Run` need not copy.

    A value that is the same for all elements is copied once, and repeated by a stride of 0, so that products read one
    matrix. The sweep still computes one gradient per element, since the cotangent has the shape of the batch.
    """
    is_batch = type(x) is Batched and x.level is level
    if not is_batch and not isinstance(x, _ARRAYS):
        return x
    x = x.value if is_batch else x
    if not isinstance(x, Tensor):
        x = tensor(x)
    elif x.requires_grad and is_grad_enabled():
        x = entry(x)
    else:
        x = x.detach().copy()
    return x if is_batch else FUNCTIONS["broadcast_to"](x, (level.size, *x.shape))


def gradient(verb, f, argnums, has_aux, with_value, args, kwargs):
    """Return what `grad`, or `value_and_grad` if `with_value`, returns for each element."""
    numbers, kinds = _numbers(verb, argnums, args), []
    with left() as level:

        def of_batch(*values):
            given = list(values)
            for k in numbers:
                given[k] = map_leaves(lambda x: Batched(x, level), values[k])
            with entered(level):
                value = f(*given, **kwargs)
            value, aux = transform_arguments.pair(verb, value) if has_aux else (value, None)
            kinds[:] = [type(x) is Batched and x.level is level for x in leaves(aux)]
            aux = map_leaves(lambda x: x.value if type(x) is Batched and x.level is level else x, aux)
            return _scalar_sum(verb, value, level), (whole(value, level), aux)

        of_batch._is_derivative = transform_arguments.is_derivative(f)
        given = list(args)
        if running.levels:
            for k in numbers:
                given[k] = _whole(args[k], level)
            (_, (value, aux)), gs = gradient(verb, of_batch, argnums, True, True, given, {})
        else:
            for k in numbers:
                given[k] = map_leaves(lambda x: _own(x, level), args[k])
            run = Run(verb, given, argnums, private=True)
            y, (value, aux) = run.call(of_batch)
            gs = run.gradients((y,)) if isinstance(y, Tensor) and y.requires_grad else [None] * len(run.inputs)
            run.warn_unreached(gs)
            gs, value, aux = run.pack(gs), run.value(value), run.value(aux)
        gs = map_leaves(lambda g: Batched(g, level), gs)
        value = _elements(value, level)
        pairs = zip(leaves(aux), kinds, strict=True)
        aux = _tree.fill(aux, [Batched(asarray(x), level) if is_batch else x for x, is_batch in pairs])
    if with_value:
        return ((value, aux), gs) if has_aux else (value, gs)
    return (gs, aux) if has_aux else gs


def jacobian(f, argnums, args, kwargs):
    """Return the Jacobians of each element: that of the sum over the batch, with the axis of the batch in front."""
    numbers = _numbers("jacobian", argnums, args)
    ndims = []
    with left() as level:

        def results(out):
            ndims[:] = [np.ndim(y) if not isinstance(y, Tensor) else y.ndim for y in _tree.leaves(out)]
            structure[:] = [_tree.map_leaves(lambda y: None, out)]
            return _tree.map_leaves(lambda y: _sum(y, level), out)

        structure = []
        of_batch = _of_batch(f, level, args, numbers, kwargs, results)
        own = tuple(range(len(numbers))) if isinstance(argnums, tuple) else 0
        found = matrices.jacobian(of_batch, own)(*_given(args, numbers, level))
        return _elements(_in_front(structure[0], found, iter(ndims)), level)


def _in_front(out, found, ndims):
    """Return nested Jacobians with the axis of the batch, which follows the axes of each result, in front."""
    if isinstance(out, dict):
        return {key: _in_front(out[key], found[key], ndims) for key in out}
    if isinstance(out, (tuple, list)):
        return type(found)(_in_front(o, j, ndims) for o, j in zip(out, found, strict=True))
    ndim = next(ndims)
    return _tree.map_leaves(lambda j: moveaxis(asarray(j), ndim, 0), found)


def elementwise_grad(f, argnums, args, kwargs):
    """Return the derivatives of an elementwise function, for each element."""
    numbers = _numbers("elementwise_grad", argnums, args)
    with left() as level:
        of_batch = _of_batch(f, level, args, numbers, kwargs, lambda out: _whole(out, level))
        own = tuple(range(len(numbers))) if isinstance(argnums, tuple) else 0
        return _elements(reverse.elementwise_grad(of_batch, own)(*_given(args, numbers, level)), level)


def jvp(f, primals, tangents):
    """Return value and tangent for each element."""
    with left() as level:
        of_batch = _of_batch(f, level, primals, range(len(primals)), {}, lambda out: _whole(out, level))
        return _elements(forward.jvp(of_batch, _whole(primals, level), _whole(tangents, level)), level)


def hvp(f, primals, tangents):
    """Return the product with the Hessian of each element: that of the sum over the batch has no other blocks."""
    with left() as level:
        of_batch = _of_batch(f, level, primals, range(len(primals)), {}, lambda out: _scalar_sum("hvp", out, level))
        return _elements(forward.hvp(of_batch, _whole(primals, level), _whole(tangents, level)), level)


def vjp(f, primals, has_aux):
    """Return the value and the pullback of each element."""
    with left() as level:

        def results(out):
            return _whole(out, level)

        of_batch = _of_batch(f, level, primals, range(len(primals)), {}, results)
        value, pull, *aux = reverse.vjp(of_batch, *_whole(primals, level), has_aux=has_aux)

    def pullback(cotangent):
        if not running.levels or running.levels[-1] is not level:
            return _elements(pull(_whole(cotangent, level)), level)
        with left():
            return _elements(pull(_whole(cotangent, level)), level)

    return (_elements(value, level), pullback, *(_elements(a, level) for a in aux))


def pulled(pullback, cotangent):
    """Return the results of a pullback from outside of vmap for a batch of cotangents, one after the other."""
    level = batching.innermost(_tree.leaves(cotangent))
    wholes = [whole(x, level) for x in _tree.leaves(cotangent)]
    parts = [pullback(_tree.fill(cotangent, [x[k] for x in wholes])) for k in range(level.size)]
    rows = zip(*(_tree.leaves(part) for part in parts), strict=True)
    stacks = [Batched(FUNCTIONS["stack"](*map(asarray, row), axis=0), level) for row in rows]
    return _tree.fill(parts[0], stacks)


def checkpoint(f, args, kwargs):
    """Return the results of a checkpointed function for each element."""
    flat = _tree.leaves([args, kwargs])
    with left() as level:
        places = [k for k, x in enumerate(flat) if type(x) is Batched and x.level is level]

        def of_batch(*values):
            given = list(flat)
            for k, value in zip(places, values, strict=True):
                given[k] = Batched(value, level)
            own_args, own_kwargs = _tree.fill([args, kwargs], given)
            with entered(level):
                return _whole(f(*own_args, **own_kwargs), level)

        return _elements(recompute.checkpoint(functools.wraps(f)(of_batch))(*(flat[k].value for k in places)), level)


batching.inside["gradient"] = gradient
