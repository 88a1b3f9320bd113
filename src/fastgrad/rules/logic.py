"""Comparisons. They have no gradient; the rules of other ops use them to select elements."""

import numpy as np

from fastgrad.rules.rule import rule

_PAIR = (-3, 3)


@rule(vjp=None, elementwise=True, domain=_PAIR)
def equal(x1, x2, /):
    """Whether `x1 == x2`, elementwise."""
    return np.equal(x1, x2)


@rule(vjp=None, elementwise=True, domain=_PAIR)
def not_equal(x1, x2, /):
    """Whether `x1 != x2`, elementwise."""
    return np.not_equal(x1, x2)


@rule(vjp=None, elementwise=True, domain=_PAIR)
def less(x1, x2, /):
    """Whether `x1 < x2`, elementwise."""
    return np.less(x1, x2)


@rule(vjp=None, elementwise=True, domain=_PAIR)
def less_equal(x1, x2, /):
    """Whether `x1 <= x2`, elementwise."""
    return np.less_equal(x1, x2)


@rule(vjp=None, elementwise=True, domain=_PAIR)
def greater(x1, x2, /):
    """Whether `x1 > x2`, elementwise."""
    return np.greater(x1, x2)


@rule(vjp=None, elementwise=True, domain=_PAIR)
def greater_equal(x1, x2, /):
    """Whether `x1 >= x2`, elementwise."""
    return np.greater_equal(x1, x2)


@rule(vjp=None, elementwise=True, domain=_PAIR)
def signbit(x, /):
    """Whether the sign bit of `x` is set, elementwise; True for -0.0."""
    return np.signbit(x)
