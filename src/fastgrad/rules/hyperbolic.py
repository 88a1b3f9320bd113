"""Hyperbolic functions and their inverses."""

import numpy as np

from fastgrad.rules.arithmetic import sqrt
from fastgrad.rules.rule import rule


@rule(vjp=lambda g, x: g * cosh(x), elementwise=True, domain=(-3, 3))
def sinh(x, /):
    """Hyperbolic sine of `x`."""
    return np.sinh(x)


@rule(vjp=lambda g, x: g * sinh(x), elementwise=True, domain=(-3, 3))
def cosh(x, /):
    """Hyperbolic cosine of `x`."""
    return np.cosh(x)


@rule(vjp=lambda g, y: g * (1 - y) * (1 + y), elementwise=True, domain=(-3, 3))  # 1 - y*y cancels near |y| = 1
def tanh(x, /):
    """Hyperbolic tangent of `x`."""
    return np.tanh(x)


@rule(vjp=lambda g, x: g / sqrt(1 + x * x), elementwise=True, domain=(-3, 3), aliases=("asinh",))
def arcsinh(x, /):
    """Inverse hyperbolic sine of `x`."""
    return np.arcsinh(x)


@rule(
    vjp=lambda g, x: g / (sqrt(x - 1) * sqrt(x + 1)),  # two roots, since x*x - 1 cancels near 1; also the branch cut
    elementwise=True,
    domain=(1.2, 3),
    aliases=("acosh",),
)
def arccosh(x, /):
    """Inverse hyperbolic cosine of `x`."""
    return np.arccosh(x)


@rule(
    vjp=lambda g, x: g / ((1 - x) * (1 + x)), elementwise=True, domain=(-0.9, 0.9), aliases=("atanh",)
)  # 1 - x*x cancels near |x| = 1
def arctanh(x, /):
    """Inverse hyperbolic tangent of `x`."""
    return np.arctanh(x)
