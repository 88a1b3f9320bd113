"""Elementwise functions of NumPy's main namespace that fewer programs use. Imported at first use."""

import math

import numpy as np

from fastgrad import parameters
from fastgrad.rules.arithmetic import power_base_vjp, power_exponent_vjp, round, zeros_of
from fastgrad.rules.checks import occurs, values_of
from fastgrad.rules.comparison import sign, where
from fastgrad.rules.draws import signed
from fastgrad.rules.logic import equal, greater, less
from fastgrad.rules.rule import ops, rule

_LN2 = math.log(2)
around = round


def _pick(g, x1, x2, loses):
    """`g` for the selected operand, 0 for the other; half of `g` for both at a tie, or if both are NaN."""
    a, b = values_of(x1), values_of(x2)
    nan1, nan2 = np.isnan(a), np.isnan(b)
    ties = equal(x1, x2).detach().numpy() | (nan1 & nan2)
    lost = (loses(x1, x2).detach().numpy() | nan1) & ~nan2
    return where(lost | (nan1 & ~nan2), 0, where(ties, 0.5 * g, g) if occurs(ties) else g)


@rule(
    vjp=(lambda g, x1, x2: _pick(g, x1, x2, less), lambda g, x1, x2: _pick(g, x2, x1, less)),
    elementwise=True,
    domain=(-3, 3),
)
def fmax(x1, x2, /):
    """The larger of `x1` and `x2`, or the one that is not NaN: it gets the gradient; at a tie each gets half."""
    return np.fmax(x1, x2)


@rule(
    vjp=(lambda g, x1, x2: _pick(g, x1, x2, greater), lambda g, x1, x2: _pick(g, x2, x1, greater)),
    elementwise=True,
    domain=(-3, 3),
)
def fmin(x1, x2, /):
    """The smaller of `x1` and `x2`, or the one that is not NaN: it gets the gradient; at a tie each gets half."""
    return np.fmin(x1, x2)


@rule(
    vjp=(lambda g: g, lambda g, x1, x2, y: -g * rint((x1 - y) / x2)),
    elementwise=True,
    domain=((0.1, 0.9), (1, 3)),
    samples=lambda rng: [((rng.choice((-1, 1), 6) * (rng.integers(0, 3, 6) + rng.uniform(0.2, 0.8, 6)), -1.0), {})],
)
def fmod(x1, x2, /):
    """`x1 - trunc(x1 / x2) * x2`, with the sign of `x1`. The gradient is that of the linear piece at `x1`, `x2`."""
    return np.fmod(x1, x2)


@rule(
    vjp=(lambda g: zeros_of(g), lambda g, x1: where(equal(x1, 0), g, 0)),
    elementwise=True,
    domain=((0.5, 3), (-3, 3)),
    samples=signed(0.3, 3, ([(3, 4), (4,)], {})),
)
def heaviside(x1, x2, /):
    """0 where `x1` is negative, 1 where it is positive, and `x2` where it is 0. The gradient of `x1` is 0."""
    return np.heaviside(x1, x2)


@rule(
    vjp=lambda g, y: g / (3 * y * y),  # infinite at 0, as the derivative is
    elementwise=True,
    domain=(0.5, 3),
    samples=signed(0.3, 3, ((3, 4), {})),
)
def cbrt(x, /):
    """Cube root of `x`."""
    return np.cbrt(x)


def _difference(x1, x2):
    """`(x1 - x2) * log(2)`, or 0 instead of NaN where both are the same infinity."""
    both = np.isinf(values_of(x1)) & equal(x1, x2).detach().numpy()
    return _LN2 * (where(both, 0, x1) - where(both, 0, x2) if occurs(both) else ops.subtract(x1, x2))


@rule(
    # 2**(x1 - y) as a sigmoid, which is accurate where y is close to x1
    vjp=(
        lambda g, x1, x2: g * ops.sigmoid(_difference(x1, x2)),
        lambda g, x1, x2: g * ops.sigmoid(_difference(x2, x1)),
    ),
    elementwise=True,
    domain=(-3, 3),
)
def logaddexp2(x1, x2, /):
    """`log2(2**x1 + 2**x2)`, computed without overflow."""
    return np.logaddexp2(x1, x2)


def _in_dtype_of(g, x):
    """`x` in the dtype of `g`, in which the result was computed, if its own is narrower."""
    return ops.astype(x, g.dtype) if not hasattr(x, "dtype") or x.dtype != g.dtype else x


@rule(
    vjp=(
        lambda g, x1, x2: power_base_vjp(g, _in_dtype_of(g, x1), _in_dtype_of(g, x2)),
        lambda g, y, x1: power_exponent_vjp(g, y, _in_dtype_of(g, x1)),
    ),
    elementwise=True,
    domain=((0.5, 3), (-2, 2)),
)
def float_power(x1, x2, /):
    """`x1` raised to the power `x2` in float64 or complex128. The gradient is as of `power`."""
    return np.float_power(x1, x2)


@rule(vjp=lambda g, x: g * sign(x), elementwise=True, domain=(0.3, 3), samples=signed(0.3, 3, ((3, 4), {})))
def fabs(x, /):
    """Absolute value of a real `x`, as a floating dtype; its gradient at 0 is 0."""
    return np.fabs(x)


@rule(
    vjp=lambda g: g * (math.pi / 180), elementwise=True, domain=(-300, 300), aliases=("radians",),
    numpy=("deg2rad", "radians"),
)  # fmt: skip
def deg2rad(x, /):
    """`x` degrees in radians."""
    return np.deg2rad(x)


@rule(
    vjp=lambda g: g * (180 / math.pi), elementwise=True, domain=(-3, 3), aliases=("degrees",),
    numpy=("rad2deg", "degrees"),
)  # fmt: skip
def rad2deg(x, /):
    """`x` radians in degrees."""
    return np.rad2deg(x)


radians, degrees = deg2rad, rad2deg


@rule(vjp=lambda g: zeros_of(g), elementwise=True, domain=(0.1, 0.4))
def rint(x, /):
    """`x` rounded to the nearest integer, halves to even; its gradient is 0."""
    return np.rint(x)


@rule(vjp=lambda g: zeros_of(g), elementwise=True, numpy=(), domain=(0.1, 0.9))
def fix(x, /):
    """`x` rounded toward zero; its gradient is 0."""
    return np.trunc(x)  # np.fix is deprecated since NumPy 2.5


@rule(vjp=lambda g: g, elementwise=True, numpy=(), domain=(0.1, 0.9))
def fractional_part(x, /):
    """`x - trunc(x)`, with the sign of `x`: the first result of `modf`."""
    return np.modf(x)[0]


@rule(
    vjp=(lambda g, x2: ldexp(g, x2), None),
    elementwise=True,
    samples=lambda rng: [
        ((rng.normal(size=shape), rng.integers(-3, 4, powers)), {})
        for shape, powers in (((3, 4), (4,)), ((2,), ()), ((0, 2), (2,)))
    ],
)
def ldexp(x1, x2, /):
    """`x1 * 2**x2`, for integers `x2`, to which no gradient flows."""
    return np.ldexp(x1, x2)


def _where_finite(g, x):
    """`g` where `x` is finite and 0 elsewhere, separately for the real and the imaginary parts."""
    if g.dtype.kind != "c":
        return where(np.isfinite(x), g, 0)
    return where(np.isfinite(x.real), ops.real(g), 0) + 1j * where(np.isfinite(x.imag), ops.imag(g), 0)


@rule(
    vjp=lambda g, x: _where_finite(g, x.detach().numpy()),
    numpy=(),  # its function is `functions.elementwise.nan_to_num`
    elementwise=True,
    samples=lambda rng: [
        ((rng.normal(size=shape),), params)
        for shape, params in (((2, 3), {}), ((), {"nan": 1.0}), ((0, 2), {"posinf": 3.0}))
    ],
)
def nan_to_num(x, /, nan=0.0, posinf=None, neginf=None):
    """`x` with numbers in place of NaN and infinities, which get gradient 0."""
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


# --- functions whose derivatives are a sequence of functions ---


@rule(vjp=lambda g, x: g * sinc_derivative(x, 1), elementwise=True, domain=(-3, 3))
def sinc(x, /):
    """`sin(pi * x) / (pi * x)`, and 1 at 0."""
    return np.sinc(x)


@rule(
    vjp=lambda g, x, n: g * sinc_derivative(x, n + 1),
    elementwise=True,
    numpy=(),
    prepare=parameters.read(n=parameters.integer),
    samples=lambda rng: [
        ((rng.uniform(-3, 3, shape),), {"n": n}) for shape, n in (((2, 3), 1), ((4,), 2), ((), 3), ((0, 2), 1))
    ],
)
def sinc_derivative(x, /, n):
    """Derivative number `n` of `sinc`: by its recurrence, which would cancel near 0, and there by the power series."""
    x = np.asarray(x)
    near = np.abs(x) * math.pi < max(2, n)
    far = np.where(near, 1, x)
    y = np.sinc(far)
    for k in range(1, n + 1):
        y = (math.pi ** (k - 1) * np.sin(math.pi * far + k * (math.pi / 2)) - k * y) / far
    return np.where(near, _sinc_series(np.where(near, x, 0), n), y).astype(x.dtype, copy=False)


def _sinc_series(x, n):
    """The sum of `(-1)**k * pi**(2 * k) * x**(2 * k - n) / ((2 * k + 1) * factorial(2 * k - n))` over `2 * k >= n`."""
    total, first = np.zeros_like(x), -(-n // 2)
    for k in range(first + 16 + n, first - 1, -1):
        total += (-1) ** k * math.pi ** (2 * k) / ((2 * k + 1) * math.factorial(2 * k - n)) * x ** (2 * k - n)
    return total


@rule(vjp=lambda g, x: g * bessel_i(x, 1), elementwise=True, domain=(-3, 3))
def i0(x, /):
    """Modified Bessel function of the first kind, order 0."""
    return np.i0(x)


@rule(
    vjp=lambda g, x, n: g * (0.5 * (bessel_i(x, n - 1) + bessel_i(x, n + 1))),
    elementwise=True,
    numpy=(),
    prepare=parameters.read(n=parameters.integer),
    samples=lambda rng: [
        ((rng.uniform(-3, 3, shape),), {"n": n}) for shape, n in (((2, 3), 1), ((4,), 2), ((), 0), ((0, 2), 1))
    ],
)
def bessel_i(x, /, n):
    """Modified Bessel function of the first kind, of order `n`: `i0(x)` times ratios of neighbouring orders."""
    x, n = np.asarray(x), abs(n)
    largest = np.max(np.abs(x), initial=0, where=np.isfinite(x))
    ratio, product = np.zeros_like(x), np.i0(x)
    # by the continued fraction of the ratios, whose error falls as exp(-last**2 / x)
    for k in range(n + 20 + int(math.sqrt(40 * min(largest, 1000))), 0, -1):
        ratio = 1 / (2 * k / x + ratio)
        if k <= n:
            product = product * ratio
    return product
