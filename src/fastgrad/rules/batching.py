"""Batching rules: how an op is applied to a batch along axis 0 of its operands, for `batch=` of `rule`.

A batching rule `batch(operands, batched, params, size)` returns operands and parameters with which the same op computes
the batch, or the result itself as a Tensor, or None: then the op is applied to one element after the other.
Elementwise ops need none.
"""

import math

import numpy as np

from fastgrad import errors
from fastgrad.rules.derivatives import ops


def shape_of(x):
    """Return the shape of a Tensor, an array or a number. `np.shape` would need the values of a Batched one."""
    return x.shape if hasattr(x, "shape") else np.shape(x)


def rank(x, is_batch):
    """Return the number of axes of one element."""
    return len(shape_of(x)) - is_batch


def expanded(x, is_batch, size):
    """Return an operand with axis 0 of the batch, along which all elements are the same if it is not batched."""
    return x if is_batch else ops.broadcast_to(x, (size, *shape_of(x)))


def aligned(operands, batched, ndim=0):
    """Return operands that broadcast as their elements do: batched ones of lower rank get axes of length 1."""
    ndim = max(ndim, *(rank(x, b) for x, b in zip(operands, batched, strict=True)))
    return tuple(_padded(x, ndim) if b else x for x, b in zip(operands, batched, strict=True))


def _padded(x, ndim):
    """Return a batch of elements with `ndim` axes, by axes of length 1 after axis 0."""
    missing = ndim + 1 - x.ndim
    return ops.reshape(x, (x.shape[0], *(1,) * missing, *x.shape[1:])) if missing > 0 else x


def one_axis(axis, ndim):
    """Return the axis of a batch for an axis of its elements with `ndim` axes."""
    if not -ndim <= axis < ndim:
        raise errors.bad_axis("vmap", axis, ndim)
    return axis % ndim + 1


def axes_behind(axis, ndim):
    """Return the axes of a batch for `axis` of its elements: all but axis 0 for None."""
    if axis is None:
        return tuple(range(1, ndim + 1))
    if type(axis) is tuple:
        return tuple(one_axis(k, ndim) for k in axis)
    if not ndim and axis in (0, -1):  # NumPy accepts them for a 0-d array
        return ()
    return one_axis(axis, ndim)


def _flat(x):
    """Return a batch of vectors with the elements of each array."""
    return x if x.ndim == 2 else ops.reshape(x, (x.shape[0], math.prod(x.shape[1:])))


def same(operands, batched, params, size):
    """The op treats each element of an array in the same way."""
    return operands, params


def over_axis(operands, batched, params, size):
    """The op reduces, flips or transforms along `axis`, by default all axes."""
    return operands, params | {"axis": axes_behind(params["axis"], operands[0].ndim - 1)}


def along_axis(operands, batched, params, size):
    """The op runs along one `axis`, by default that of the flattened array."""
    (x,) = operands
    if params["axis"] is None or x.ndim == 1:
        axis = params["axis"] or 0
        if axis not in (0, -1):
            raise errors.bad_axis("vmap", axis, 0)
        return (_flat(x),), params | {"axis": 1}
    return operands, params | {"axis": one_axis(params["axis"], x.ndim - 1)}


def stacks(operands, batched, params, size):
    """The op works on the last two axes, and on stacks of them; it is left to raise for one axis."""
    return (operands, params) if operands[0].ndim > 2 else None


def joined(operands, batched, params, size, new=0):
    """The op joins arrays along `axis`; `new`: along a new axis."""
    ndim = rank(operands[0], batched[0]) + new
    operands = tuple(expanded(x, b, size) for x, b in zip(operands, batched, strict=True))
    return operands, params | {"axis": one_axis(params["axis"], ndim)}


def stacked(operands, batched, params, size):
    """The op joins arrays along a new `axis`."""
    return joined(operands, batched, params, size, 1)


# --- shapes


def reshape(operands, batched, params, size):
    """`shape`, where -1 is the length that is left for each element."""
    shape, n = params["shape"], math.prod(operands[0].shape[1:])
    if shape.count(-1) == 1:
        known = math.prod(k for k in shape if k != -1)
        if known and n % known == 0:
            shape = tuple(n // known if k == -1 else k for k in shape)
    return operands, {"shape": (size, *shape)}


def broadcast_to(operands, batched, params, size):
    """`shape` behind axis 0."""
    return (_padded(operands[0], len(params["shape"])),), {"shape": (size, *params["shape"])}


def sum_to(operands, batched, params, size):
    """Sums over axes in front of `shape` are sums over axes 1 and following."""
    (x,), shape = operands, params["shape"]
    lead = x.ndim - 1 - len(shape)
    if lead <= 0:
        return operands, {"shape": (size, *shape)}
    return ops.reshape(ops.sum_to(x, (size, *(1,) * lead, *shape)), (size, *shape))


def permute_dims(operands, batched, params, size):
    """Axis 0 stays."""
    ndim = operands[0].ndim - 1
    return operands, {"axes": (0, *(one_axis(k, ndim) for k in params["axes"]))}


def roll(operands, batched, params, size):
    """Along `axis`, or of the flattened elements."""
    (x,), shift = operands, params["shift"]
    if params["axis"] is not None:
        return operands, {"shift": shift, "axis": axes_behind(params["axis"], x.ndim - 1)}
    return ops.reshape(ops.roll(_flat(x), int(np.sum(shift)), 1), x.shape)


def tile(operands, batched, params, size):
    """One copy along axis 0."""
    reps = params["reps"]
    reps = reps if type(reps) is tuple else (reps,)
    x = _padded(operands[0], len(reps))
    return (x,), {"reps": (1,) * (x.ndim - len(reps)) + reps}


def triangle(operands, batched, params, size):
    """The last two axes; a vector is the rows of a square matrix."""
    (x,) = operands
    if x.ndim == 1:
        return None
    if x.ndim == 2:
        n = x.shape[1]
        x = ops.broadcast_to(ops.reshape(x, (size, 1, n)), (size, n, n))
    return (x,), params


def pad(operands, batched, params, size):
    """No border along axis 0."""
    ndim, more = operands[0].ndim - 1, {}
    for name in ("pad_width", "constant_values"):
        value = params[name]
        if name == "pad_width" or np.ndim(value):
            pairs = np.broadcast_to(np.asarray(value), (ndim, 2)).tolist()
            more[name] = ((0, 0), *map(tuple, pairs))
    return operands, params | more


def diagonal(operands, batched, params, size):
    """Both axes behind axis 0."""
    ndim = operands[0].ndim - 1
    return operands, params | {name: one_axis(params[name], ndim) for name in ("axis1", "axis2")}


# --- products


def matmul(operands, batched, params, size):
    """Stacks of matrices that broadcast. Products of a batch and one array are one product where they can be."""
    (x1, x2), (b1, b2) = operands, batched
    n1, n2 = rank(x1, b1), rank(x2, b2)
    if not n1 or not n2:
        raise errors.ShapeError("matmul: operands of vmap's function must have at least one axis, got a number")
    if not b2 and n2 <= 2:  # the rows of a batch by one matrix, or by one vector
        return operands, params
    if not b1 and n1 == 2 and n2 == 1:
        return ops.matmul(x2, ops.permute_dims(x1, (1, 0)))
    x1 = _as_matrices(x1, b1, -2) if n1 == 1 else x1
    x2 = _as_matrices(x2, b2, -1) if n2 == 1 else x2
    if not (b1 and b2 and x1.ndim == x2.ndim):
        x1, x2 = aligned((x1, x2), batched)
    y = ops.matmul(x1, x2)
    shape = y.shape[:-2] + y.shape[-2:-1] * (n1 > 1) + y.shape[-1:] * (n2 > 1)
    return y if shape == y.shape else ops.reshape(y, shape)


def _as_matrices(x, is_batch, axis):
    """Return vectors as matrices of one row (axis -2) or of one column (axis -1)."""
    shape = shape_of(x)
    return ops.reshape(x, (*shape[:-1], 1, shape[-1]) if axis == -2 else (*shape, 1))


def dot(operands, batched, params, size):
    """As matmul, up to matrices; a product if one is a number."""
    n1, n2 = (rank(x, b) for x, b in zip(operands, batched, strict=True))
    if not n1 or not n2:
        return ops.multiply(*aligned(operands, batched))
    if n1 <= 2 and n2 <= 2:
        found = matmul(operands, batched, params, size)
        return ops.matmul(*found[0]) if type(found) is tuple else found
    axes = ((n1 - 1,), (max(n2 - 2, 0),))
    return _contracted(operands, batched, (n1, n2), axes)


def tensordot(operands, batched, params, size):
    """A sum of products with one letter more."""
    ndims = tuple(rank(x, b) for x, b in zip(operands, batched, strict=True))
    axes = tuple(tuple(one_axis(k, n) - 1 for k in part) for part, n in zip(params["axes"], ndims, strict=True))
    return _contracted(operands, batched, ndims, axes)


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _contracted(operands, batched, ndims, axes):
    """Return the sum of products over pairs of axes, for a batch."""
    first = list(_LETTERS[1 : ndims[0] + 1])
    second = list(_LETTERS[ndims[0] + 1 : ndims[0] + ndims[1] + 1])
    for k1, k2 in zip(*axes, strict=True):
        if shape_of(operands[0])[k1 + batched[0]] != shape_of(operands[1])[k2 + batched[1]]:
            raise errors.ShapeError("tensordot: shape-mismatch for sum")
        second[k2] = first[k1]
    kept = [x for k, x in enumerate(first) if k not in axes[0]] + [x for k, x in enumerate(second) if k not in axes[1]]
    terms = ("a" * is_batch + "".join(part) for part, is_batch in zip((first, second), batched, strict=True))
    return ops.einsum(*operands, subscripts=",".join(terms) + "->a" + "".join(kept))


def outer(operands, batched, params, size):
    """Products of all pairs of elements."""
    x1, x2 = (_flat(x) if b else ops.reshape(x, (-1,)) for x, b in zip(operands, batched, strict=True))
    return ops.multiply(ops.reshape(x1, (*x1.shape, 1)), ops.reshape(x2, (*x2.shape[:-1], 1, x2.shape[-1])))


def einsum(operands, batched, params, size):
    """One letter more in the terms of batched operands and in the output."""
    inputs, _, output = params["subscripts"].partition("->")
    letter = next(c for c in _LETTERS if c not in params["subscripts"])
    terms = (letter * is_batch + term for term, is_batch in zip(inputs.split(","), batched, strict=True))
    return operands, params | {"subscripts": ",".join(terms) + "->" + letter + output}


def cross(operands, batched, params, size):
    """Vectors along `axis`."""
    ndim = max(rank(x, b) for x, b in zip(operands, batched, strict=True))
    axis = params["axis"]
    if axis >= 0 and len({rank(x, b) for x, b in zip(operands, batched, strict=True)}) > 1:
        return None
    return aligned(operands, batched), {"axis": one_axis(axis, ndim) - (ndim + 1)}
