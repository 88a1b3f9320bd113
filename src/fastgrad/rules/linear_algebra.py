"""Products of vectors, matrices and stacks of them. In a gradient, `g` replaces the operand that it is for."""

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules.draws import normal
from fastgrad.rules.indexing import scatter_add
from fastgrad.rules.rule import rule
from fastgrad.rules.shapes import permute_dims, reshape, sum_to

batching = lazy_functions("fastgrad.rules.batching")
patterns = lazy_functions("fastgrad.rules.patterns")


def transposed(x):
    """Return `x` with its last two axes swapped."""
    return permute_dims(x, (1, 0) if x.ndim == 2 else (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def _rows(x):
    """Return a stack of matrices as one matrix of all their rows."""
    return reshape(x, (-1, x.shape[-1])) if x.shape[-1] else reshape(x, (int(np.prod(x.shape[:-1])), 0))


def summed(g, shape):
    """Return `g` summed over the axes along which a stack was broadcast."""
    return g if g.shape == shape else sum_to(g, shape)


def _matmul_left(g, x1_shape, x2):
    """`g @ x2.T`, for operands of any rank."""
    if x2.ndim == 1:
        return g * x2 if g.ndim == 0 else reshape(g, (*g.shape, 1)) * x2
    if len(x1_shape) == 1:
        return summed(reshape(matmul(x2, reshape(g, (*g.shape, 1))), x2.shape[:-1]), x1_shape)
    return summed(matmul(g, transposed(x2)), x1_shape)


def _matmul_right(g, x1, x2_shape):
    """`x1.T @ g`, for operands of any rank."""
    if x1.ndim == 1:
        if len(x2_shape) == 1:
            return g * x1
        return summed(reshape(x1, (-1, 1)) * reshape(g, (*g.shape[:-1], 1, g.shape[-1])), x2_shape)
    if len(x2_shape) == 1:
        return matmul(reshape(g, (-1,)), _rows(x1))
    if len(x2_shape) == 2 and x1.ndim > 2:
        return matmul(transposed(_rows(x1)), _rows(g))  # one product, which sums over the stack
    return summed(matmul(transposed(x1), g), x2_shape)


def _pairs(*shapes):
    return normal(*((list(pair), {}) for pair in shapes))


def _matmul_pattern(call, k):
    """Axes: the stack, numbered from 0, then -3 (rows of x1), -2 (summed over), -1 (columns of x2)."""
    n1, n2 = (len(call.shape_of(j)) for j in (0, 1))
    stack = tuple(range(max(n1, n2, 2) - 2))
    terms = [
        (*stack[len(stack) - max(n - 2, 0) :], *axes[-min(n, 2) :]) for n, axes in ((n1, (-3, -2)), (n2, (-2, -1)))
    ]
    if n2 == 1:
        terms[1] = (-2,)
    output = (*stack, *((-3,) if n1 > 1 else ()), *((-1,) if n2 > 1 else ()))
    return patterns.contraction(call, k, terms, output)


@rule(
    batch=batching.matmul,
    vjp=(lambda g, x1_shape, x2: _matmul_left(g, x1_shape, x2), lambda g, x1, x2_shape: _matmul_right(g, x1, x2_shape)),
    jvp="multilinear",
    samples=_pairs(
        ((2, 3), (3, 4)), ((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((4, 2, 3), (3, 2)), ((2, 3), (4, 3, 2)),
        ((4, 2, 3), (4, 3, 2)), ((4, 1, 2, 3), (5, 3, 2)), ((3,), (4, 3, 2)), ((4, 2, 3), (3,)), ((1, 2, 3), (4, 3, 2)),
        ((2, 0), (0, 3)), ((0, 2), (2, 3)), ((0, 2, 3), (3, 2)), ((4, 2, 0), (0, 3)), ((4, 2, 0), (0,)),
    ),
    pattern=_matmul_pattern,
)  # fmt: skip
def matmul(x1, x2, /):
    """Matrix product of `x1` and `x2`, where stacks of matrices broadcast: gradients `g @ x2.T` and `x1.T @ g`."""
    return np.matmul(x1, x2)


def _rest(ndim, axes):
    return tuple(k for k in range(ndim) if k not in axes)


def _tensordot_left(g, x1_shape, x2, axes):
    """Contract the last axes of `g` with the free axes of x2, then permute the remaining axes to those of x1."""
    axes1, axes2 = (tuple(a % n for a in part) for part, n in zip(axes, (len(x1_shape), x2.ndim), strict=True))
    free1, free2 = _rest(len(x1_shape), axes1), _rest(x2.ndim, axes2)
    gx = tensordot(g, x2, (tuple(range(len(free1), g.ndim)), free2))  # axes: free1, then axes2 in increasing order
    order = (*free1, *(axes1[axes2.index(a)] for a in sorted(axes2)))
    return permute_dims(gx, tuple(order.index(k) for k in range(len(x1_shape))))


def _tensordot_right(g, x1, x2_shape, axes):
    """Contract the first axes of `g` with the free axes of x1, then permute the remaining axes to those of x2."""
    axes1, axes2 = (tuple(a % n for a in part) for part, n in zip(axes, (x1.ndim, len(x2_shape)), strict=True))
    free1, free2 = _rest(x1.ndim, axes1), _rest(len(x2_shape), axes2)
    gx = tensordot(x1, g, (free1, tuple(range(len(free1)))))  # axes: axes1 in increasing order, then free2
    order = (*(axes2[axes1.index(a)] for a in sorted(axes1)), *free2)
    return permute_dims(gx, tuple(order.index(k) for k in range(len(x2_shape))))


def _tensordot_pattern(call, k, axes=None):
    """Axes: those of x1, then those of x2 that are not summed over."""
    n1, n2 = (len(call.shape_of(j)) for j in (0, 1))
    axes1, axes2 = (tuple(a % n for a in part) for part, n in zip(axes or call.params["axes"], (n1, n2), strict=True))
    second = [axes1[axes2.index(a)] if a in axes2 else n1 + a for a in range(n2)]
    output = (*_rest(n1, axes1), *(n1 + a for a in _rest(n2, axes2)))
    return patterns.contraction(call, k, [tuple(range(n1)), second], output)


@rule(
    batch=batching.tensordot,
    vjp=(
        lambda g, x1_shape, x2, axes: _tensordot_left(g, x1_shape, x2, axes),
        lambda g, x1, x2_shape, axes: _tensordot_right(g, x1, x2_shape, axes),
    ),
    jvp="multilinear",
    prepare=parameters.read(axes=parameters.numbers),
    numpy=(),
    samples=normal(
        ([(2, 3, 4), (4, 3, 5)], {"axes": ((1, 2), (1, 0))}), ([(2, 3), (3, 4)], {"axes": ((1,), (0,))}),
        ([(2,), (3,)], {"axes": ((), ())}), ([(2, 3), (3, 2)], {"axes": ((0, -1), (1, 0))}),
        ([(2, 3, 4), (2, 4, 3)], {"axes": ((2, 0), (1, 0))}), ([(0, 2), (2, 3)], {"axes": ((1,), (0,))}),
    ),
    pattern=_tensordot_pattern,
)  # fmt: skip
def tensordot(x1, x2, /, axes):
    """Sum of products of `x1` and `x2` over pairs of axes, `axes = (axes of x1, axes of x2)`."""
    return np.tensordot(x1, x2, axes)


def _dot_vjp(k, g, x1_shape, x2_shape, other):
    """As tensordot over the last axis of x1 and the second-to-last of x2; a product if an operand is 0-d."""
    if not x1_shape or not x2_shape:
        return sum_to(g * other, x2_shape if k else x1_shape)
    axes = ((len(x1_shape) - 1,), (max(len(x2_shape) - 2, 0),))
    return _tensordot_right(g, other, x2_shape, axes) if k else _tensordot_left(g, x1_shape, other, axes)


def _dot_pattern(call, k):
    n1, n2 = (len(call.shape_of(j)) for j in (0, 1))
    if not n1 or not n2:
        return patterns.elementwise(call, k)
    return _tensordot_pattern(call, k, ((n1 - 1,), (max(n2 - 2, 0),)))


@rule(
    batch=batching.dot,
    vjp=(
        lambda g, x1_shape, x2, x2_shape: _dot_vjp(0, g, x1_shape, x2_shape, x2),
        lambda g, x1, x1_shape, x2_shape: _dot_vjp(1, g, x1_shape, x2_shape, x1),
    ),
    jvp="multilinear",
    samples=_pairs(
        ((3,), (3,)), ((2, 3), (3, 4)), ((2, 3), (3,)), ((3,), (3, 2)), ((), (2, 3)), ((2, 3), ()), ((), ()),
        ((0,), (0,)), ((2, 3), (4, 3, 5)), ((3,), (2, 3, 4)), ((2, 4, 3), (3,)),
    ),
    pattern=_dot_pattern,
)  # fmt: skip
def dot(x1, x2, /):
    """Sum of products over the last axis of `x1` and the second-to-last of `x2`, as `numpy.dot`."""
    return np.dot(x1, x2)


def _outer_pattern(call, k):
    """Row i depends on element i of x1, and column i on element i of x2."""
    return None, np.indices(call.shape)[k].ravel()


@rule(
    batch=batching.outer,
    vjp=(
        lambda g, x1_shape, x2: reshape(matmul(g, reshape(x2, (-1,))), x1_shape),
        lambda g, x1, x2_shape: reshape(matmul(reshape(x1, (-1,)), g), x2_shape),
    ),
    jvp="multilinear",
    samples=_pairs(((2,), (3,)), ((2, 2), (3,)), ((), (2,)), ((0,), (2,))),
    pattern=_outer_pattern,
)
def outer(x1, x2, /):
    """Matrix of the products of the elements of `x1` and `x2`, which are flattened first."""
    return np.outer(x1, x2)


def _diagonal_vjp(g, x_shape, offset, axis1, axis2):
    """`g` on the diagonal that was read, zeros elsewhere."""
    ndim = len(x_shape)
    axis1, axis2 = axis1 % ndim, axis2 % ndim
    order = (*_rest(ndim, (axis1, axis2)), axis1, axis2)
    steps = np.arange(g.shape[-1])
    key = (..., steps + max(-offset, 0), steps + max(offset, 0))
    gx = scatter_add(g, key, tuple(x_shape[k] for k in order))
    return permute_dims(gx, tuple(order.index(k) for k in range(ndim)))


@rule(
    batch=batching.diagonal,
    vjp=lambda g, x_shape, offset, axis1, axis2: _diagonal_vjp(g, x_shape, offset, axis1, axis2),
    jvp="linear",
    view=True,
    prepare=parameters.read(offset=parameters.integer, axis1=parameters.integer, axis2=parameters.integer),
    samples=normal(
        ((3, 3), {}), ((3, 4), {"offset": 1}), ((3, 4), {"offset": -2}), ((2, 3, 4), {"axis1": 2, "axis2": 0}),
        ((2, 3, 3), {"axis1": -2, "axis2": -1}), ((2, 2), {"offset": 5}), ((0, 2), {}),
    ),
)  # fmt: skip
def diagonal(x, /, offset=0, axis1=0, axis2=1):
    """Diagonal `offset` of the matrices with axes `axis1` and `axis2`, as the last axis of the result."""
    y = np.diagonal(x, offset, axis1, axis2)
    y.flags.writeable = x.flags.writeable  # NumPy's is read-only
    return y
