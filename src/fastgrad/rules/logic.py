"""Comparisons. They have no gradient; the rules of other ops choose with them."""

import numpy as np

from fastgrad.rules.rule import rule

_PAIR = (-3, 3)


@rule(vjp=None, elementwise=True, domain=_PAIR)
def equal(x1, x2, /):
    """Whether `x1 == x2`, element by element."""
    return np.equal(x1, x2)


@rule(vjp=None, elementwise=True, domain=_PAIR)
def not_equal(x1, x2, /):
    """Whether `x1 != x2`, element by element."""
    return np.not_equal(x1, x2)


@rule(vjp=None, elementwise=True, domain=_PAIR)
def less(x1, x2, /):
    """Whether `x1 < x2`, element by element."""
    return np.less(x1, x2)


@rule(vjp=None, elementwise=True, domain=_PAIR)
def less_equal(x1, x2, /):
    """Whether `x1 <= x2`, element by element."""
    return np.less_equal(x1, x2)


@rule(vjp=None, elementwise=True, domain=_PAIR)
def greater(x1, x2, /):
    """Whether `x1 > x2`, element by element."""
    return np.greater(x1, x2)


@rule(vjp=None, elementwise=True, domain=_PAIR)
def greater_equal(x1, x2, /):
    """Whether `x1 >= x2`, element by element."""
    return np.greater_equal(x1, x2)


@rule(vjp=None, elementwise=True, domain=_PAIR)
def signbit(x, /):
    """Whether the sign of `x` is negative, -0.0 included."""
    return np.signbit(x)
