"""Vector norms of every order. Gradients are finite: at a kink, the gradient of an element is 0."""

import math

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules.arithmetic import ones_of, zeros_of
from fastgrad.rules.checks import occurs
from fastgrad.rules.comparison import abs, sign, where
from fastgrad.rules.draws import signed, uniform
from fastgrad.rules.logic import equal
from fastgrad.rules.reductions import EMPTY_RESULTS, SHAPES, extreme_vjp, real_inner, restore_axes
from fastgrad.rules.rule import rule
from fastgrad.rules.statistics import replace_zeros

batching = lazy_functions("fastgrad.rules.batching")
patterns = lazy_functions("fastgrad.rules.patterns")


def _norm_vjp(g, x, y, axis, keepdims, ord):
    """`g * sign(x) * (abs(x) / y)**(ord - 1)`; 0 at a zero element, the kink. For inf and -inf, as `max` and `min`."""
    if ord == 2:
        return x * restore_axes(g / replace_zeros(y), x.shape, axis, keepdims)
    if ord == 0:
        return zeros_of(x)
    if math.isinf(ord):
        return sign(x) * extreme_vjp(g, abs(x), y, axis, keepdims)
    g, y = restore_axes(g, x.shape, axis, keepdims), restore_axes(y, x.shape, axis, keepdims)
    return sign(x) * g if ord == 1 else sign(x) * (g * _slope(abs(x), y, ord))


def _slope(size, y, ord):
    """`(size / y)**(ord - 1)`, or 0 where an element is 0 and this, or its derivative, would be infinite."""
    flat = equal(y, 0).detach().numpy()  # all elements are 0, or one is 0 and `ord` is negative
    if ord < 2:
        flat = flat | equal(size, 0).detach().numpy()
    ratio = size / replace_zeros(y)
    return where(flat, 0, where(flat, 1, ratio) ** (ord - 1)) if occurs(flat) else ratio ** (ord - 1)


_SHAPES = (*SHAPES, *EMPTY_RESULTS)
_ORDERS = tuple(((2, 3), {"axis": 1, "ord": p}) for p in (1, 3, 0.5, -1, -2.5, math.inf, -math.inf, 0, 2))


@rule(
    batch=batching.over_axis,
    vjp=lambda g, x, y, axis, keepdims, ord: _norm_vjp(g, x, y, axis, keepdims, ord),
    jvp=lambda t, x, y, axis, keepdims, ord: real_inner(
        t, _norm_vjp(ones_of(y), x, y, axis, keepdims, ord), axis, keepdims
    ),
    holomorphic=False,
    numpy=("linalg.norm",),
    prepare=parameters.read(axis=parameters.axes, keepdims=parameters.flag),
    samples=lambda rng: [*uniform(-2, 2, *_SHAPES)(rng), *signed(0.3, 3, *_ORDERS)(rng)],
    pattern=patterns.reduces,
)
def norm(x, /, axis=None, keepdims=False, ord=2):
    """`sum(abs(x)**ord)**(1/ord)` over `axis`, all axes by default; the largest or smallest magnitude for inf or -inf.

    The gradient at a kink is 0: of an element that is 0, unless `ord` is at least 2, and of all where the norm is 0.
    """
    if ord == 2:
        square = np.real(np.conj(x) * x) if np.iscomplexobj(x) else np.multiply(x, x)
        return np.sqrt(np.sum(square, axis=axis, keepdims=keepdims))
    size = np.abs(x)
    if math.isinf(ord):
        return (np.max if ord > 0 else np.min)(size, axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.not_equal(x, 0).astype(size.dtype), axis=axis, keepdims=keepdims)
    total = np.sum(size if ord == 1 else size**ord, axis=axis, keepdims=keepdims)
    return total if ord == 1 else total ** np.reciprocal(ord, dtype=total.dtype)
