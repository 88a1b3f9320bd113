"""Batching rules of the families that `import fastgrad` does not load. See `batching`."""

import math

import numpy as np

from fastgrad._lazy import lazy_module
from fastgrad.batching import Batched
from fastgrad.rules.batching import aligned, along_axis, axes_behind, expanded, one_axis, rank, shape_of
from fastgrad.rules.checks import values_of
from fastgrad.rules.derivatives import ops

convolution = lazy_module("fastgrad.rules.convolution")


def _moved(x, source, destination):
    """Return `x` with one axis at another place."""
    order = [k for k in range(x.ndim) if k != source]
    order.insert(destination, source)
    return ops.permute_dims(x, tuple(order))


def _flat(x):
    return ops.reshape(x, (x.shape[0], math.prod(x.shape[1:])))


# --- linear systems


def solve(operands, batched, params, size):
    """Vectors are columns of matrices; those of a batch are the columns of one if the matrix is the same."""
    (a, b), (is_a, is_b) = operands, batched
    if rank(b, is_b) != 1 or rank(a, is_a) < 2:
        return aligned(operands, batched), params
    if not is_a and rank(a, False) == 2:
        return ops.permute_dims(ops.solve(a, ops.permute_dims(b, (1, 0))), (1, 0))
    b = ops.reshape(b, (*shape_of(b), 1))
    y = ops.solve(*aligned((a, b), batched))
    return ops.reshape(y, y.shape[:-1])


# --- quantiles, counts and selections


def quantile(name):
    """Return the rule of an op whose results for several quantiles are along axes in front."""

    def batch(operands, batched, params, size):
        a, q = operands
        if batched[1] or params["weights"] is not None:
            return None
        axis = axes_behind(params["axis"], a.ndim - 1)
        return _moved(getattr(ops, name)(a, q, **params | {"axis": axis}), rank(q, False), 0)

    return batch


def bincount(operands, batched, params, size):
    """Weights of a batch are added up at the same places."""
    x, weights = operands
    if batched[0] or type(x) is Batched:
        return None
    places = np.asarray(values_of(x)).astype(np.intp)
    length = max(params["minlength"], places.max(initial=-1) + 1)
    return ops.scatter_add(weights, (slice(None), places), (size, length))


def linspace(operands, batched, params, size):
    """Along `axis` of the result."""
    ndim = max(rank(x, b) for x, b in zip(operands, batched, strict=True)) + 1
    return aligned(operands, batched), params | {"axis": one_axis(params["axis"], ndim)}


def insert(operands, batched, params, size):
    """Several places along `axis`; the same values in all elements."""
    arr, values = operands
    obj = params["obj"]
    if batched[1] or not (isinstance(obj, slice) or np.ndim(obj)):
        return None
    (arr,), params = along_axis((arr,), batched, params, size)
    return (arr, values), params


def compress(operands, batched, params, size):
    """The same condition for all elements."""
    if batched[0]:
        return None
    (a,), params = along_axis(operands[1:], batched, params, size)
    return (operands[0], a), params


def extract(operands, batched, params, size):
    """The same condition for all elements."""
    if batched[0] or type(operands[0]) is Batched:
        return None
    return ops.compress(np.ravel(values_of(operands[0])), _flat(operands[1]), axis=1)


def resize(operands, batched, params, size):
    """The elements in a cycle."""
    x, shape = _flat(operands[0]), params["new_shape"]
    if not x.shape[1]:
        return None
    places = np.arange(math.prod(shape)) % x.shape[1]
    return ops.reshape(ops.getitem(x, (slice(None), places)), (size, *shape))


# --- curves


def interp(operands, batched, params, size):
    """All elements at the same points."""
    return None if any(batched[1:]) else (operands, params)


def polyval(operands, batched, params, size):
    """Horner's rule if the coefficients are batched."""
    (p, x), (is_p, is_x) = operands, batched
    if not is_p:
        return operands, params
    if not p.shape[1]:
        return None
    width = (1,) * rank(x, is_x)
    terms = [ops.reshape(p[:, k], (size, *width)) for k in range(p.shape[1])]
    y = ops.broadcast_to(terms[0], (size, *shape_of(x)[is_x:]))
    for term in terms[1:]:
        y = y * x + term
    return y


def vander(operands, batched, params, size):
    """Powers of each element."""
    (x,), n = operands, params["N"]
    if x.ndim != 2:
        return None
    n = x.shape[1] if n is None else n
    powers = np.arange(n) if params["increasing"] else np.arange(n - 1, -1, -1)
    return ops.power(ops.reshape(x, (*x.shape, 1)), powers)


def convolve(operands, batched, params, size):
    """A convolution with one channel per element."""
    n, m = (shape_of(x)[b:] for x, b in zip(operands, batched, strict=True))
    if len(n) != 1 or len(m) != 1 or not n[0] or not m[0]:
        return None
    (n,), (m,) = n, m
    a, v = (expanded(x, b, size) for x, b in zip(operands, batched, strict=True))
    a, v = ops.reshape(a, (1, size, n)), ops.reshape(ops.flip(v, 1), (size, 1, m))
    y = ops.reshape(convolution.conv1d(a, v, padding=m - 1, groups=size), (size, n + m - 1))
    less = min(n, m) - 1
    before, length = {"full": (0, n + m - 1), "same": (less // 2, max(n, m)), "valid": (less, max(n, m) - less)}[
        params["mode"]
    ]
    return ops.getitem(y, (slice(None), slice(before, before + length)))


# --- networks


def _as_channels(x, is_batch, size):
    """Return (n, channels, ...) of each element as (n, elements * channels, ...)."""
    x = _moved(expanded(x, is_batch, size), 0, 1)
    return ops.reshape(x, (x.shape[0], size * x.shape[2], *x.shape[3:]))


def _from_channels(y, size):
    """The opposite of `_as_channels`."""
    return _moved(ops.reshape(y, (y.shape[0], size, y.shape[1] // size, *y.shape[2:])), 1, 0)


def _as_rows(x):
    """Return (elements, n, ...) as (elements * n, ...)."""
    return ops.reshape(x, (x.shape[0] * x.shape[1], *x.shape[2:]))


def conv(operands, batched, params, size):
    """Elements are more rows for one kernel, and groups of channels for kernels of their own."""
    (x, weight, bias), (is_x, is_weight, is_bias) = operands, batched
    op = convolution.conv1d if rank(x, is_x) == 3 else convolution.conv2d
    if rank(weight, is_weight) != rank(x, is_x):
        return None
    own = None if is_bias or is_weight else bias
    if is_weight:
        groups = {"groups": params["groups"] * size}
        y = op(_as_channels(x, is_x, size), _as_rows(weight), None, **params | groups)
        y = _from_channels(y, size)
    elif is_x:
        y = op(_as_rows(x), weight, own, **params)
        y = ops.reshape(y, (size, x.shape[1], *y.shape[1:]))
    else:
        y = op(x, weight, own, **params)
    if bias is None or own is not None:
        return y
    shape = shape_of(bias)
    return y + ops.reshape(bias, (*shape[:-1], *(1,) * is_bias, shape[-1], *(1,) * (rank(x, is_x) - 2)))


def conv_input(operands, batched, params, size):
    """As `conv`."""
    (x, weight), (is_x, is_weight) = operands, batched
    if is_weight:
        params = params | {"groups": params["groups"] * size}
        return _from_channels(ops.conv_input(_as_channels(x, is_x, size), _as_rows(weight), **params), size)
    y = ops.conv_input(_as_rows(x), weight, **params)
    return ops.reshape(y, (size, x.shape[1], *y.shape[1:]))


def conv_weight(operands, batched, params, size):
    """Elements are groups of channels, as each has a kernel of its own."""
    x, cotangent = (_as_channels(x, b, size) for x, b in zip(operands, batched, strict=True))
    y = ops.conv_weight(x, cotangent, **params | {"groups": params["groups"] * size})
    return ops.reshape(y, (size, y.shape[0] // size, *y.shape[1:]))


def layer_norm(operands, batched, params, size):
    """Weights and biases of each element multiply, and are added to, what they have in common."""
    x, weight, bias = operands
    if not any(batched[1:]):
        return operands, params
    ndim, is_batch = rank(x, batched[0]), batched[0]
    y = ops.layer_norm(x, None, None, **params)
    for operand, other, combine in ((weight, batched[1], ops.multiply), (bias, batched[2], ops.add)):
        if operand is not None:
            y = combine(*aligned((y, operand), (is_batch, other), ndim))
            is_batch = is_batch or other
    return y


def batch_norm(operands, batched, params, size):
    """Elements are more channels."""
    x, *affine = operands
    channels = [
        p if p is None else ops.reshape(expanded(p, b, size), (size * shape_of(p)[-1],))
        for p, b in zip(affine, batched[1:], strict=True)
    ]
    return _from_channels(ops.batch_norm(_as_channels(x, batched[0], size), *channels, **params), size)


def cross_entropy(operands, batched, params, size):
    """The losses of all rows, reduced for each element."""
    logits, labels = (expanded(x, b, size) for x, b in zip(operands, batched, strict=True))
    losses = ops.cross_entropy(logits, labels, reduction="none")
    if params["reduction"] == "none" or losses.ndim == 1:
        return losses
    return (ops.mean if params["reduction"] == "mean" else ops.sum)(_flat(losses), axis=1)


def recurrent(name):
    """Return the rule of a recurrent network: elements are more rows, for the same weights and biases."""

    def batch(operands, batched, params, size):
        u, weight, *rest = operands
        if batched[1] or any(b and rank(x, b) < 2 for x, b in zip(rest, batched[2:], strict=True)):
            return None
        given = [_as_rows_of_steps(expanded(u, batched[0], size)), weight]
        for x, b in zip(rest, batched[2:], strict=True):
            state = x is not None and rank(x, b) == 2
            given.append(_as_rows(expanded(x, b, size)) if state else x)
        y = getattr(ops, name)(*given, **params)
        y = ops.reshape(y, (*y.shape[:-2], size, y.shape[-2] // size if size else 0, y.shape[-1]))
        return _moved(y, y.ndim - 3, 0)

    return batch


def _as_rows_of_steps(u):
    """Return (elements, steps, rows, ...) as (steps, elements * rows, ...)."""
    u = _moved(u, 0, 1)
    return ops.reshape(u, (u.shape[0], u.shape[1] * u.shape[2], *u.shape[3:]))
