"""Exponentials and logarithms."""

import math

import numpy as np

from fastgrad.rules.rule import ops, rule

_LN2, _LN10 = math.log(2), math.log(10)


@rule(vjp=lambda g, y: g * y, elementwise=True, domain=(-3, 3))
def exp(x, /):
    """e raised to `x`."""
    return np.exp(x)


@rule(vjp=lambda g, x: g * exp(x), elementwise=True, domain=(-3, 3))  # y + 1 cancels for x far below 0
def expm1(x, /):
    """`exp(x) - 1`, exact near 0."""
    return np.expm1(x)


@rule(vjp=lambda g, y: g * (y * _LN2), elementwise=True, domain=(-3, 3))
def exp2(x, /):
    """2 raised to `x`."""
    return np.exp2(x)


@rule(vjp=lambda g, x: g / x, elementwise=True, domain=(0.5, 3))
def log(x, /):
    """Natural logarithm of `x`."""
    return np.log(x)


@rule(vjp=lambda g, x: g / (1 + x), elementwise=True, domain=(-0.5, 3))
def log1p(x, /):
    """`log(1 + x)`, exact near 0."""
    return np.log1p(x)


@rule(vjp=lambda g, x: g / (x * _LN2), elementwise=True, domain=(0.5, 3))
def log2(x, /):
    """Logarithm of `x` to base 2."""
    return np.log2(x)


@rule(vjp=lambda g, x: g / (x * _LN10), elementwise=True, domain=(0.5, 3))
def log10(x, /):
    """Logarithm of `x` to base 10."""
    return np.log10(x)


def _ahead(x1, x2):
    """`x1 - x2`; 0, not NaN, where both are the same infinity."""
    both = np.isinf(_value(x1)) & ops.equal(x1, x2).detach().numpy()
    return ops.where(both, 0, x1) - ops.where(both, 0, x2) if both.any() else x1 - x2


def _value(x):
    return x.detach().numpy() if hasattr(x, "numpy") else x


@rule(
    # exp(x1 - y), written so that it keeps its digits where y is close to x1
    vjp=(lambda g, x1, x2: g * ops.sigmoid(_ahead(x1, x2)), lambda g, x1, x2: g * ops.sigmoid(_ahead(x2, x1))),
    elementwise=True,
    domain=(-3, 3),
)
def logaddexp(x1, x2, /):
    """`log(exp(x1) + exp(x2))` without overflow."""
    return np.logaddexp(x1, x2)
