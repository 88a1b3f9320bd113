"""Trigonometric functions and their inverses."""

import numpy as np

from fastgrad.rules.arithmetic import sqrt
from fastgrad.rules.checks import occurs
from fastgrad.rules.rule import ops, rule


@rule(vjp=lambda g, x: g * cos(x), elementwise=True, domain=(-3, 3))
def sin(x, /):
    """Sine of `x`."""
    return np.sin(x)


@rule(vjp=lambda g, x: -g * sin(x), elementwise=True, domain=(-3, 3))
def cos(x, /):
    """Cosine of `x`."""
    return np.cos(x)


@rule(vjp=lambda g, y: g * (1 + y * y), elementwise=True, domain=(-1.2, 1.2))
def tan(x, /):
    """Tangent of `x`."""
    return np.tan(x)


@rule(
    vjp=lambda g, x: g / sqrt((1 - x) * (1 + x)), elementwise=True, domain=(-0.9, 0.9), aliases=("asin",)
)  # 1 - x*x cancels near |x| = 1
def arcsin(x, /):
    """The angle in [-pi/2, pi/2] whose sine is `x`."""
    return np.arcsin(x)


@rule(
    vjp=lambda g, x: -g / sqrt((1 - x) * (1 + x)), elementwise=True, domain=(-0.9, 0.9), aliases=("acos",)
)  # 1 - x*x cancels near |x| = 1
def arccos(x, /):
    """The angle in [0, pi] whose cosine is `x`."""
    return np.arccos(x)


@rule(vjp=lambda g, x: g / (1 + x * x), elementwise=True, domain=(-3, 3), aliases=("atan",))
def arctan(x, /):
    """The angle in [-pi/2, pi/2] whose tangent is `x`."""
    return np.arctan(x)


def _radius(x1, x2):
    """The distance from the origin, or 1 at the origin, so that rules that divide by it give 0 and not NaN."""
    r = ops.hypot(x1, x2)
    zero = ops.equal(r, 0)
    return ops.where(zero, 1, r) if occurs(zero) else r


@rule(
    # x2 / (x1*x1 + x2*x2), without squares that could overflow
    vjp=(
        lambda g, x1, x2: g * x2 / _radius(x1, x2) / _radius(x1, x2),
        lambda g, x1, x2: -g * x1 / _radius(x1, x2) / _radius(x1, x2),
    ),
    elementwise=True,
    domain=((0.5, 3), (-3, 3)),
    aliases=("atan2",),
)
def arctan2(x1, x2, /):
    """The angle of the point `(x2, x1)`; its gradient at the origin is 0."""
    return np.arctan2(x1, x2)


@rule(
    vjp=(lambda g, x1, x2: g * (x1 / _radius(x1, x2)), lambda g, x1, x2: g * (x2 / _radius(x1, x2))),
    elementwise=True,
    domain=((0.5, 3), (-3, 3)),
)
def hypot(x1, x2, /):
    """`sqrt(x1**2 + x2**2)`, computed without overflow; its gradient at the origin is 0."""
    return np.hypot(x1, x2)
