"""The arithmetic gates: add copies the upstream gradient, multiply scales it by the other operand."""

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules.checks import occurs
from fastgrad.rules.draws import uniform
from fastgrad.rules.logic import equal, not_equal
from fastgrad.rules.rule import ops, rule

patterns = lazy_functions("fastgrad.rules.patterns")


@rule(vjp=(lambda g: g, lambda g: g), elementwise=True, domain=(-3, 3))
def add(x1, x2, /):
    """Sum of `x1` and `x2`: the add gate passes its upstream gradient to both operands."""
    return np.add(x1, x2)


@rule(vjp=(lambda g: g, lambda g: -g), elementwise=True, domain=(-3, 3))
def subtract(x1, x2, /):
    """Difference `x1 - x2`."""
    return np.subtract(x1, x2)


@rule(vjp=(lambda g, x2: g * x2, lambda g, x1: g * x1), elementwise=True, domain=(-3, 3))
def multiply(x1, x2, /):
    """Product of `x1` and `x2`: the gradient of each operand is the other one times the upstream gradient."""
    return np.multiply(x1, x2)


@rule(
    vjp=(lambda g, x2: g / x2, lambda g, y, x2: -(g * y / x2)),  # y / x2 avoids x2 * x2, which could overflow
    elementwise=True,
    domain=((-3, 3), (0.5, 3)),
    aliases=("true_divide",),
)
def divide(x1, x2, /):
    """Quotient `x1 / x2`."""
    return np.divide(x1, x2)


@rule(vjp=lambda g: -g, elementwise=True, domain=(-3, 3))
def negative(x, /):
    """Negative of `x`."""
    return np.negative(x)


@rule(vjp=lambda g: g, elementwise=True, domain=(-3, 3))
def positive(x, /):
    """Copy of `x`, with its sign."""
    return np.positive(x)


_SCALARS = (int, float, complex)


def power_base_vjp(g, x1, x2):
    """`g * x2 * x1**(x2 - 1)`; 0 for a constant exponent of 0, also where `x1` is 0."""
    if isinstance(x2, _SCALARS):
        if x2 == 2:
            return g * (2 * x1)
        if x2 == 1:
            return g
        if x2 == 0:  # x**0 is 1 everywhere, so the gradient at x = 0 is 0, not 0 * inf
            return zeros_of(g)
    else:
        if x2.dtype.kind in "bui":
            x2 = ops.astype(x2, g.dtype)  # x2 - 1 would wrap around in a small or unsigned dtype
        steep = equal(x1, 0).detach().numpy() | not_equal(x1, x1).detach().numpy()  # NaN**0 is 1 too
        corner = steep & equal(x2, 0).detach().numpy()
        if occurs(corner):
            x1 = ops.where(corner, 1, x1)
    return g * (x2 * power(x1, x2 - 1))


def power_exponent_vjp(g, y, x1):
    """`g * y * log(x1)`; 0 where `x1` is 0 and `y` is finite."""
    if isinstance(x1, _SCALARS):
        x1 = ops.astype(x1, g.dtype)
    zero = equal(x1, 0).detach().numpy() & np.isfinite(y.detach().numpy())
    if occurs(zero):  # 0**x2 is constant for x2 > 0, where y * log(0) would be NaN; for x2 < 0 both are infinite
        x1 = ops.where(zero, 1, x1)
    return g * (y * ops.log(x1))


@rule(
    vjp=(lambda g, x1, x2: power_base_vjp(g, x1, x2), lambda g, y, x1: power_exponent_vjp(g, y, x1)),
    elementwise=True,
    domain=((0.5, 3), (-2, 2)),
    samples=lambda rng: (
        [
            ((rng.uniform(-3, -0.5, (3, 4)), exponent), {})
            for exponent in (2, 3, -1, 0, 1, 2.0, -2.0, np.int64(4), np.arange(4))
        ]
        + [((rng.uniform(0.5, 3, 3), exponent), {}) for exponent in (0.5, -0.5, 2.5)]
        + [((base, rng.uniform(-2, 2, 3)), {}) for base in (2, 0.5)]
    ),
    aliases=("pow",),
)
def power(x1, x2, /):
    """`x1` raised to the power `x2`. The gradient with respect to the exponent is NaN for a negative base."""
    return np.power(x1, x2)


@rule(vjp=lambda g, x: g * (2 * x), elementwise=True, domain=(-3, 3))
def square(x, /):
    """`x * x`."""
    return np.square(x)


@rule(vjp=lambda g, y: g / (2 * y), elementwise=True, domain=(0.5, 3))  # infinite at 0, as the derivative is
def sqrt(x, /):
    """Square root of `x`."""
    return np.sqrt(x)


@rule(vjp=lambda g, y: -g * y * y, elementwise=True, domain=(0.5, 3))
def reciprocal(x, /):
    """`1 / x`."""
    return np.reciprocal(x)


def zeros_of(g):
    """Return zeros of the shape and dtype of `g`, the cotangent for an op that is locally constant."""
    return ops.astype(np.zeros(g.shape, bool), g.dtype)


def ones_of(y):
    """Return ones of the shape and dtype of `y`: the vjp of a reduction gives for them the gradient of each result."""
    return ops.astype(np.ones(y.shape, bool), y.dtype)


def _steps(rng):
    """Return operands whose quotient is not close to an integer, where floor is discontinuous."""
    x2 = rng.uniform(0.5, 2, (3, 4)) * rng.choice((-1, 1), (3, 4))
    return [((x2 * (rng.integers(-3, 3, (3, 4)) + rng.uniform(0.2, 0.8, (3, 4))), x2), {})]


@rule(
    vjp=(lambda g: g, lambda g, x1, x2: -g * floor_divide(x1, x2)),
    elementwise=True,
    domain=((0.1, 0.9), (1, 3)),
    samples=_steps,
    aliases=("mod",),
    numpy=("remainder", "mod"),
)
def remainder(x1, x2, /):
    """`x1 - floor(x1 / x2) * x2`, with the sign of `x2`. The gradient is that of the linear piece at `x1`, `x2`."""
    return np.remainder(x1, x2)


@rule(
    vjp=(lambda g: zeros_of(g), lambda g: zeros_of(g)),
    elementwise=True,
    domain=((0.1, 0.9), (1, 3)),
    samples=_steps,
    pattern=patterns.nothing,
)
def floor_divide(x1, x2, /):
    """`floor(x1 / x2)`. It is piecewise constant, so its gradient is 0."""
    return np.floor_divide(x1, x2)


@rule(vjp=lambda g: zeros_of(g), elementwise=True, domain=(0.1, 0.9), pattern=patterns.nothing)
def floor(x, /):
    """The largest integer not greater than `x`; its gradient is 0."""
    return np.floor(x)


@rule(vjp=lambda g: zeros_of(g), elementwise=True, domain=(0.1, 0.9), pattern=patterns.nothing)
def ceil(x, /):
    """The smallest integer not less than `x`; its gradient is 0."""
    return np.ceil(x)


@rule(vjp=lambda g: zeros_of(g), elementwise=True, domain=(0.1, 0.9), pattern=patterns.nothing)
def trunc(x, /):
    """`x` rounded toward zero; its gradient is 0."""
    return np.trunc(x)


@rule(
    vjp=lambda g: zeros_of(g),
    elementwise=True,
    prepare=parameters.read(decimals=parameters.integer),
    domain=(0.1, 0.4),
    samples=uniform(0.11, 0.14, ((3,), {"decimals": 1})),
    pattern=patterns.nothing,
)
def round(x, /, decimals=0):
    """`x` rounded to `decimals` decimal places, halves to even; its gradient is 0."""
    return np.round(x, decimals)
