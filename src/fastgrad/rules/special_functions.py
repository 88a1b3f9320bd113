"""Error functions, entropies and logarithms of SciPy. Calls need SciPy.

Their names are SciPy's. `fastgrad.counterparts` calls them for SciPy's ufuncs.
"""

import math

from fastgrad._lazy import LazyModule
from fastgrad.rules.arithmetic import sqrt, square
from fastgrad.rules.comparison import abs, clip, maximum, where
from fastgrad.rules.exponential import exp, log, log1p
from fastgrad.rules.logic import equal, less_equal
from fastgrad.rules.rule import FUNCTIONS, rule
from fastgrad.rules.trigonometric import sin

special = LazyModule("scipy.special")

_DEGREE = math.pi / 180
_ROOT_PI = math.sqrt(math.pi)
_ROOT_2_PI = math.sqrt(2 * math.pi)
_LOG_ROOT_2_PI = math.log(_ROOT_2_PI)


@rule(vjp=lambda g, y: g * (exp(y * y) * (_ROOT_PI / 2)), elementwise=True, domain=(-0.9, 0.9), numpy=())
def erfinv(x, /):
    """Inverse of the error function."""
    return special.erfinv(x)


@rule(vjp=lambda g, y: g * (exp(y * y) * (-_ROOT_PI / 2)), elementwise=True, domain=(0.1, 1.9), numpy=())
def erfcinv(x, /):
    """Inverse of the complementary error function."""
    return special.erfcinv(x)


@rule(vjp=lambda g, x, y: g * (2 * x * y - 2 / _ROOT_PI), elementwise=True, domain=(-1, 3), numpy=())
def erfcx(x, /):
    """Scaled complementary error function, `exp(x**2) * erfc(x)`."""
    return special.erfcx(x)


@rule(vjp=lambda g, x: g * (exp(x * x) * (2 / _ROOT_PI)), elementwise=True, domain=(-1.5, 1.5), numpy=())
def erfi(x, /):
    """Imaginary error function, `-1j * erf(1j * x)`."""
    return special.erfi(x)


@rule(vjp=lambda g, x, y: g * (1 - 2 * x * y), elementwise=True, domain=(-3, 3), numpy=())
def dawsn(x, /):
    """Dawson's integral, `sqrt(pi) / 2 * exp(-x**2) * erfi(x)`."""
    return special.dawsn(x)


@rule(vjp=lambda g, x: g * (exp(-0.5 * x * x) / _ROOT_2_PI), elementwise=True, domain=(-3, 3), numpy=())
def ndtr(x, /):
    """Distribution function of the standard normal distribution."""
    return special.ndtr(x)


@rule(vjp=lambda g, x, y: g * exp(-0.5 * x * x - _LOG_ROOT_2_PI - y), elementwise=True, domain=(-3, 3), numpy=())
def log_ndtr(x, /):
    """Logarithm of `ndtr`, accurate in the lower tail."""
    return special.log_ndtr(x)


@rule(vjp=lambda g, y: g * (exp(0.5 * y * y) * _ROOT_2_PI), elementwise=True, domain=(0.1, 0.9), numpy=())
def ndtri(x, /):
    """Quantile function of the standard normal distribution."""
    return special.ndtri(x)


@rule(vjp=lambda g, x, y: g * (exp(x + 0.5 * y * y) * _ROOT_2_PI), elementwise=True, domain=(-3, -0.1), numpy=())
def ndtri_exp(x, /):
    """`ndtri(exp(x))`."""
    return special.ndtri_exp(x)


@rule(vjp=lambda g, x: g / (x * (1 - x)), elementwise=True, domain=(0.1, 0.9), numpy=())
def logit(x, /):
    """Logarithm of the odds, `log(x / (1 - x))`."""
    return special.logit(x)


@rule(vjp=lambda g, y: g * y * math.log(10), elementwise=True, domain=(-1, 1), numpy=())
def exp10(x, /):
    """`10**x`."""
    return special.exp10(x)


@rule(vjp=lambda g, x: -g * sin(x), elementwise=True, domain=(-3, 3), numpy=())
def cosm1(x, /):
    """`cos(x) - 1`, accurate near 0."""
    return special.cosm1(x)


@rule(vjp=lambda g, x: g * exp(x) / x, elementwise=True, domain=(0.5, 3), numpy=())
def expi(x, /):
    """Exponential integral Ei."""
    return special.expi(x)


@rule(vjp=lambda g, x: -g * exp(-x) / x, elementwise=True, domain=(0.5, 3), numpy=())
def exp1(x, /):
    """Exponential integral E1."""
    return special.exp1(x)


def _none_at_zero(slope, x1, edge):
    """Return `slope`, and 0 where `x1` is 0 and `edge`, on which the logarithm depends, is not positive."""
    return where(equal(x1, 0).detach().numpy() & less_equal(edge, 0).detach().numpy(), 0, slope)


def _ratio(x1, x2):
    """Return `x1 / x2`, and 0 where `x1` is 0."""
    return where(equal(x1, 0), 0, x1 / x2)


@rule(
    vjp=(lambda g, x1, x2: g * _none_at_zero(log(x2), x1, x2), lambda g, x1, x2: g * _ratio(x1, x2)),
    elementwise=True,
    domain=((-3, 3), (0.5, 3)),
    numpy=(),
)
def xlogy(x1, x2, /):
    """`x1 * log(x2)`, and 0 where `x1` is 0: there, the gradient is 0 unless `x2` is positive."""
    return special.xlogy(x1, x2)


@rule(
    vjp=(lambda g, x1, x2: g * _none_at_zero(log1p(x2), x1, x2 + 1), lambda g, x1, x2: g * _ratio(x1, 1 + x2)),
    elementwise=True,
    domain=((-3, 3), (-0.5, 3)),
    numpy=(),
)
def xlog1py(x1, x2, /):
    """`x1 * log1p(x2)`, and 0 where `x1` is 0: there, the gradient is 0 unless `x2` is above -1."""
    return special.xlog1py(x1, x2)


@rule(vjp=lambda g, x: -g * (log(x) + 1), elementwise=True, domain=(0.5, 3), numpy=())
def entr(x, /):
    """`-x * log(x)`; 0 at 0, where the gradient is infinite, and `-inf` for negative `x`."""
    return special.entr(x)


@rule(
    vjp=(lambda g, x1, x2: g * (log(x1 / x2) + 1), lambda g, x1, x2: -g * _ratio(x1, x2)),
    elementwise=True,
    domain=(0.5, 3),
    numpy=(),
)
def rel_entr(x1, x2, /):
    """`x1 * log(x1 / x2)`; 0 where `x1` is 0, with an infinite gradient of `x1`."""
    return special.rel_entr(x1, x2)


@rule(
    vjp=(lambda g, x1, x2: g * log(x1 / x2), lambda g, x1, x2: g * (1 - _ratio(x1, x2))),
    elementwise=True,
    domain=(0.5, 3),
    numpy=(),
)
def kl_div(x1, x2, /):
    """`x1 * log(x1 / x2) - x1 + x2`."""
    return special.kl_div(x1, x2)


@rule(
    vjp=(lambda g, x1, x2: g * maximum(abs(x2) - x1, 0), lambda g, x1, x2: g * clip(x2, -x1, x1)),
    elementwise=True,
    domain=((0.5, 1), (1.2, 3)),
    numpy=(),
)
def huber(x1, x2, /):
    """Huber loss of `x2`: `x2**2 / 2` up to the distance `x1` from 0, linear beyond."""
    return special.huber(x1, x2)


def _stretch(x1, x2):
    return sqrt(1 + square(x2 / x1))


@rule(
    vjp=(
        lambda g, x1, x2: g * (x1 * (_stretch(x1, x2) - 1) ** 2 / _stretch(x1, x2)),
        lambda g, x1, x2: g * x2 / _stretch(x1, x2),
    ),
    elementwise=True,
    domain=((0.5, 3), (-3, 3)),
    numpy=(),
)
def pseudo_huber(x1, x2, /):
    """Smooth Huber loss of `x2`, `x1**2 * (sqrt(1 + (x2 / x1)**2) - 1)`."""
    return special.pseudo_huber(x1, x2)


# --- angles in degrees ---


@rule(vjp=lambda g, x: g * cosdg(x) * _DEGREE, elementwise=True, domain=(-80, 80), numpy=())
def sindg(x, /):
    """Sine of an angle in degrees."""
    return special.sindg(x)


@rule(vjp=lambda g, x: g * sindg(x) * -_DEGREE, elementwise=True, domain=(-80, 80), numpy=())
def cosdg(x, /):
    """Cosine of an angle in degrees."""
    return special.cosdg(x)


@rule(vjp=lambda g, y: g * (1 + y * y) * _DEGREE, elementwise=True, domain=(-80, 80), numpy=())
def tandg(x, /):
    """Tangent of an angle in degrees."""
    return special.tandg(x)


@rule(vjp=lambda g, y: g * (1 + y * y) * -_DEGREE, elementwise=True, domain=(10, 80), numpy=())
def cotdg(x, /):
    """Cotangent of an angle in degrees."""
    return special.cotdg(x)


# The names of SciPy's ufuncs.
_NAMES = """
    erfinv erfcinv erfcx erfi dawsn ndtr log_ndtr ndtri ndtri_exp logit exp10 cosm1 expi exp1 xlogy xlog1py entr
    rel_entr kl_div huber pseudo_huber sindg cosdg tandg cotdg
"""
OPS = {name: FUNCTIONS[name] for name in _NAMES.split()}
