"""`autograd.numpy.numpy_vjps`: what vjps of users' primitives are written with.

The vjps of NumPy's functions are not here: they are fastgrad's rules (`fastgrad.rules`), and `primitive_vjps` has them.
"""

import numpy as np

from fastgrad._engine import Tensor
from fastgrad.autograd.numpy import numpy_wrapper as anp
from fastgrad.autograd.numpy._functions import CONSTANT
from fastgrad.rules.rule import FUNCTIONS

nograd_functions = [getattr(anp, name) for name in CONSTANT.split() if hasattr(anp, name)]


# --- shapes and dtypes of operands ---


def unbroadcast(x, target_meta, broadcast_idx=0):
    """Return the sum of `x` over the axes along which an operand was broadcast.

    Parameters
    ----------
    x : array_like
        A cotangent of the result of a broadcasting function.
    target_meta : tuple
        Shape, number of axes, dtype and whether complex, of the operand: `autograd.numpy.metadata(operand)`.
    broadcast_idx : int
        The axis at which the result has axes that the operand does not have: 0 or -1.

    Returns
    -------
    array
        Of the operand's shape, and real if the operand is.
    """
    shape, ndim, _, is_complex = target_meta
    has, more = anp.shape(x), anp.ndim(x) - ndim
    if has != shape:
        if more > 0:
            first = broadcast_idx if broadcast_idx >= 0 else broadcast_idx + len(has) + 1 - more
            x = anp.sum(x, axis=tuple(range(first, first + more)))
            has = has[:first] + has[first + more :]
        spread = tuple(k for k, (n, wanted) in enumerate(zip(has, shape, strict=False)) if wanted == 1 and n != 1)
        x = anp.sum(x, axis=spread, keepdims=True) if spread else x
    return anp.real(x) if not is_complex and anp.iscomplexobj(x) else x


def unbroadcast_f(target, f):
    """Return the vjp `f` of a broadcasting function with its results summed to the shape of the operand `target`."""
    target_meta = anp.metadata(target)
    return lambda g: unbroadcast(f(g), target_meta)


def unbroadcast_einsum(x, target_meta, subscript):
    """Return `x` summed over the axes that the ellipsis in the subscripts of an operand of `einsum` stands for."""
    if Ellipsis not in subscript:
        return x
    at = list(subscript).index(Ellipsis)
    return unbroadcast(x, target_meta, -1 if at == len(subscript) - 1 and at > 0 else at)


def match_complex(target, x):
    """Return `x` as a real array if `target` is real, and as a complex one if it is complex."""
    if anp.iscomplexobj(target):
        return x if anp.iscomplexobj(x) else x + 0j
    return anp.real(x) if anp.iscomplexobj(x) else x


def repeat_to_match_shape(g, shape, dtype, axis, keepdims):
    """Return the cotangent of a reduction along `axis`, repeated along it, and the number of elements of one sum.

    Parameters
    ----------
    g : array_like
        The cotangent.
    shape, dtype : tuple of int, dtype
        Those of the operand.
    axis : int, tuple of int or None
        As it was passed to the reduction.
    keepdims : bool
        Not needed: the number of elements of `g` is the same.
    """
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = {k % len(shape) for k in axes} if shape else set()
    kept = tuple(1 if k in axes else n for k, n in enumerate(shape))
    count = 1
    for k in axes:
        count *= shape[k]
    return anp.broadcast_to(anp.reshape(g, kept), shape).astype(dtype), count


# --- selecting ---


def balanced_eq(x, z, y):
    """Return 1 where `x` equals `z`, and 1/2 where `y` does too: the derivative of `maximum` with respect to `x`."""
    return (x == z) / (1.0 + (x == y))


def replace_zero(x, val):
    """Return `x` with `val` in place of its zeros."""
    return anp.where(x, x, val)


def reverse_axis(x, axis):
    """Return `x` in reverse order along an axis."""
    return anp.flip(x, axis)


def unpermuter(g, permutation):
    """Return `g` in the order from which `permutation` took it."""
    return g[anp.argsort(permutation)]


def untake(x, idx, vs):
    """Return zeros of a vector space with `x` added at an index, at repeated ones more than once.

    Parameters
    ----------
    x : array_like
        The cotangent of `A[idx]`.
    idx : index
        As it was passed to the array `A`.
    vs : VSpace
        Of `A`.

    Returns
    -------
    array
        The cotangent of `A`.
    """
    if isinstance(idx, list) and (not idx or not isinstance(idx[0], slice)):
        idx = np.array(idx, dtype=int)
    if isinstance(x, Tensor):
        return FUNCTIONS["scatter_add"](x, key=idx, shape=vs.shape)
    out = np.zeros(vs.shape, vs.dtype)
    np.add.at(out, idx, x)
    return out


def wrapped_reshape(x, *args, **kwargs):
    """Return `x` with another shape, given as one argument or as several."""
    return anp.reshape(x, args, **kwargs) if args and isinstance(args[0], int) else anp.reshape(x, *args, **kwargs)


# --- products ---


def dot_adjoint_0(B, G, A_meta, B_meta):
    """Return the cotangent of `A` in `numpy.dot(A, B)`.

    Parameters
    ----------
    B, G : array_like
        The other operand, and the cotangent of the result.
    A_meta, B_meta : tuple
        `autograd.numpy.metadata` of the operands.

    Returns
    -------
    array
        Of the shape of `A`.
    """
    if A_meta[1] == 0 or B_meta[1] == 0:
        return anp.sum(G * B).astype(A_meta[2]) if A_meta[1] == 0 else (G * B).astype(A_meta[2])
    free = _without(B_meta[1], max(B_meta[1] - 2, 0))
    return anp.tensordot(G, B, (range(A_meta[1] - 1, anp.ndim(G)), free)).astype(A_meta[2])


def dot_adjoint_1(A, G, A_meta, B_meta):
    """Return the cotangent of `B` in `numpy.dot(A, B)`; see `dot_adjoint_0`."""
    if A_meta[1] == 0 or B_meta[1] == 0:
        return anp.sum(G * A).astype(B_meta[2]) if B_meta[1] == 0 else (G * A).astype(B_meta[2])
    free = range(A_meta[1] - 1)
    out = anp.tensordot(A, G, (free, free))
    return anp.moveaxis(out, 0, max(B_meta[1] - 2, 0)).astype(B_meta[2])


def matmul_adjoint_0(B, G, A_meta, B_ndim):
    """Return the cotangent of `A` in `numpy.matmul(A, B)`; see `dot_adjoint_0`."""
    if B_ndim == 1:
        return unbroadcast(anp.expand_dims(G, -1) * B, A_meta)
    g = anp.expand_dims(G, -2) if A_meta[1] == 1 else G
    a = anp.matmul(g, anp.swapaxes(B, -1, -2))
    return unbroadcast(a[..., 0, :] if A_meta[1] == 1 else a, A_meta)


def matmul_adjoint_1(A, G, A_ndim, B_meta):
    """Return the cotangent of `B` in `numpy.matmul(A, B)`; see `dot_adjoint_0`."""
    if A_ndim == 1:
        rows = anp.expand_dims(G, -2) if B_meta[1] > 1 else G
        return unbroadcast(rows * (anp.expand_dims(A, -1) if B_meta[1] > 1 else A), B_meta)
    g = anp.expand_dims(G, -1) if B_meta[1] == 1 else G
    b = anp.matmul(anp.swapaxes(A, -1, -2), g)
    return unbroadcast(b[..., 0] if B_meta[1] == 1 else b, B_meta)


def tensordot_adjoint_0(B, G, axes, A_ndim, B_ndim):
    """Return the cotangent of `A` in `numpy.tensordot(A, B, axes)`.

    Parameters
    ----------
    B, G : array_like
        The other operand, and the cotangent of the result.
    axes : int or pair of sequences of int
        As they were passed to `tensordot`.
    A_ndim, B_ndim : int
        The numbers of axes of the operands.

    Returns
    -------
    array
        Of the shape of `A`.
    """
    of_a, of_b = _summed_axes(axes, A_ndim, B_ndim)
    free_a, free_b = _without(A_ndim, *of_a), _without(B_ndim, *of_b)
    out = anp.tensordot(G, B, (range(len(free_a), len(free_a) + len(free_b)), free_b))
    rest = np.argsort(of_b)  # the summed axes are in the order of B's
    return anp.transpose(out, np.argsort([*free_a, *np.array(of_a, int)[rest]]))


def tensordot_adjoint_1(A, G, axes, A_ndim, B_ndim):
    """Return the cotangent of `B` in `numpy.tensordot(A, B, axes)`; see `tensordot_adjoint_0`."""
    of_a, of_b = _summed_axes(axes, A_ndim, B_ndim)
    free_a, free_b = _without(A_ndim, *of_a), _without(B_ndim, *of_b)
    out = anp.tensordot(A, G, (free_a, range(len(free_a))))
    rest = np.argsort(of_a)
    return anp.transpose(out, np.argsort([*np.array(of_b, int)[rest], *free_b]))


def _without(ndim, *axes):
    """Return all axes of an array but some."""
    return tuple(k for k in range(ndim) if k not in axes)


def _summed_axes(axes, a_ndim, b_ndim):
    """Return the axes over which `tensordot` sums, as lists of ints of the same length from 0 on."""
    if isinstance(axes, int):
        return list(range(a_ndim - axes, a_ndim)), list(range(axes))
    of_a, of_b = ([k] if isinstance(k, int) else list(k) for k in axes)
    return [k % a_ndim for k in of_a], [k % b_ndim for k in of_b]
