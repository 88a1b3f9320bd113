"""Exponentials and logarithms."""

import math

import numpy as np

from fastgrad.rules.checks import occurs
from fastgrad.rules.rule import ops, rule

_LN2, _LN10 = math.log(2), math.log(10)


@rule(vjp=lambda g, y: g * y, elementwise=True, domain=(-3, 3))
def exp(x, /):
    """e raised to the power `x`."""
    return np.exp(x)


@rule(vjp=lambda g, x: g * exp(x), elementwise=True, domain=(-3, 3))  # y + 1 would cancel far below 0
def expm1(x, /):
    """`exp(x) - 1`, accurate near 0."""
    return np.expm1(x)


@rule(vjp=lambda g, y: g * (y * _LN2), elementwise=True, domain=(-3, 3))
def exp2(x, /):
    """2 raised to the power `x`."""
    return np.exp2(x)


@rule(vjp=lambda g, x: g / x, elementwise=True, domain=(0.5, 3))
def log(x, /):
    """Natural logarithm of `x`."""
    return np.log(x)


@rule(vjp=lambda g, x: g / (1 + x), elementwise=True, domain=(-0.5, 3))
def log1p(x, /):
    """`log(1 + x)`, accurate near 0."""
    return np.log1p(x)


@rule(vjp=lambda g, x: g / (x * _LN2), elementwise=True, domain=(0.5, 3))
def log2(x, /):
    """Base-2 logarithm of `x`."""
    return np.log2(x)


@rule(vjp=lambda g, x: g / (x * _LN10), elementwise=True, domain=(0.5, 3))
def log10(x, /):
    """Base-10 logarithm of `x`."""
    return np.log10(x)


def _difference(x1, x2):
    """`x1 - x2`, or 0 instead of NaN where both are the same infinity."""
    both = np.isinf(_value(x1)) & ops.equal(x1, x2).detach().numpy()
    return ops.where(both, 0, x1) - ops.where(both, 0, x2) if occurs(both) else x1 - x2


def _value(x):
    return x.detach().numpy() if hasattr(x, "numpy") else x


@rule(
    # exp(x1 - y) as a sigmoid, which is accurate where y is close to x1
    vjp=(
        lambda g, x1, x2: g * ops.sigmoid(_difference(x1, x2)),
        lambda g, x1, x2: g * ops.sigmoid(_difference(x2, x1)),
    ),
    elementwise=True,
    domain=(-3, 3),
)
def logaddexp(x1, x2, /):
    """`log(exp(x1) + exp(x2))`, computed without overflow."""
    return np.logaddexp(x1, x2)
