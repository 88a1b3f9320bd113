"""Distribution functions of SciPy, and their inverses, that are incomplete gamma and beta functions. Calls need SciPy.

Their names are SciPy's. `fastgrad.counterparts` calls them for SciPy's ufuncs.
"""

import math

from fastgrad._lazy import LazyModule
from fastgrad.rules.arithmetic import sqrt
from fastgrad.rules.comparison import sign
from fastgrad.rules.exponential import exp, log1p
from fastgrad.rules.rule import FUNCTIONS, rule
from fastgrad.rules.special_errors import no_gradient
from fastgrad.rules.special_gamma import gammaln
from fastgrad.rules.special_incomplete import (
    beta_density,
    beta_slope,
    beta_weight,
    gamma_density,
    gamma_slope,
    gamma_weight,
)

special = LazyModule("scipy.special")

_LOG_ROOT_PI = 0.5 * math.log(math.pi)


# --- chi-squared, gamma and Poisson distributions ---


def _chi2_shape(v, x):
    return 0.5 * gamma_weight(0.5 * v, 0.5 * x) * gamma_slope(0.5 * v, 0.5 * x)


def _chi2_density(v, x):
    return 0.5 * gamma_density(0.5 * v, 0.5 * x)


@rule(
    vjp=(lambda g, x1, x2: g * _chi2_shape(x1, x2), lambda g, x1, x2: g * _chi2_density(x1, x2)),
    elementwise=True,
    domain=(0.5, 3),
    numpy=(),
)
def chdtr(x1, x2, /):
    """Distribution function of the chi-squared distribution with `x1` degrees of freedom, at `x2`."""
    return special.chdtr(x1, x2)


@rule(
    vjp=(lambda g, x1, x2: -g * _chi2_shape(x1, x2), lambda g, x1, x2: -g * _chi2_density(x1, x2)),
    elementwise=True,
    domain=(0.5, 3),
    numpy=(),
)
def chdtrc(x1, x2, /):
    """`1 - chdtr(x1, x2)`."""
    return special.chdtrc(x1, x2)


@rule(
    vjp=(
        lambda g, x1, y: -0.5 * g * y * gamma_slope(0.5 * x1, 0.5 * y),
        lambda g, x1, y: -g / _chi2_density(x1, y),
    ),
    elementwise=True,
    domain=((0.5, 3), (0.1, 0.9)),
    numpy=(),
)
def chdtri(x1, x2, /):
    """Inverse of `chdtrc` in its second argument."""
    return special.chdtri(x1, x2)


_GDTR = (
    lambda g, x1, x2, x3: g * x3 * gamma_density(x2, x1 * x3),
    lambda g, x1, x2, x3: g * gamma_weight(x2, x1 * x3) * gamma_slope(x2, x1 * x3),
    lambda g, x1, x2, x3: g * x1 * gamma_density(x2, x1 * x3),
)


@rule(vjp=_GDTR, elementwise=True, domain=(0.5, 3), numpy=())
def gdtr(x1, x2, x3, /):
    """Distribution function of the gamma distribution with rate `x1` and shape `x2`, at `x3`."""
    return special.gdtr(x1, x2, x3)


@rule(
    vjp=(
        lambda g, x1, x2, x3: -g * x3 * gamma_density(x2, x1 * x3),
        lambda g, x1, x2, x3: -g * gamma_weight(x2, x1 * x3) * gamma_slope(x2, x1 * x3),
        lambda g, x1, x2, x3: -g * x1 * gamma_density(x2, x1 * x3),
    ),
    elementwise=True,
    domain=(0.5, 3),
    numpy=(),
)
def gdtrc(x1, x2, x3, /):
    """`1 - gdtr(x1, x2, x3)`."""
    return special.gdtrc(x1, x2, x3)


@rule(
    vjp=(
        lambda g, x1, y: -g * y / x1,
        lambda g, x1, x2, y: -g * y * gamma_slope(x2, x1 * y),
        lambda g, x1, x2, y: g / (x1 * gamma_density(x2, x1 * y)),
    ),
    elementwise=True,
    domain=((0.5, 3), (0.5, 3), (0.1, 0.9)),
    numpy=(),
)
def gdtrix(x1, x2, x3, /):
    """Inverse of `gdtr` in its last argument."""
    return special.gdtrix(x1, x2, x3)


# The derivatives in the counts, which are rounded down, are 0.


@rule(vjp=(None, lambda g, x1, x2: -g * _poisson(x1, x2)), elementwise=True, domain=((0, 3), (0.5, 3)), numpy=())
def pdtr(x1, x2, /):
    """Distribution function of the Poisson distribution with mean `x2`, at `x1`."""
    return special.pdtr(x1, x2)


@rule(vjp=(None, lambda g, x1, x2: g * _poisson(x1, x2)), elementwise=True, domain=((0, 3), (0.5, 3)), numpy=())
def pdtrc(x1, x2, /):
    """`1 - pdtr(x1, x2)`."""
    return special.pdtrc(x1, x2)


def _poisson(k, m):
    return gamma_density(_floor(k) + 1, m)


def _floor(k):
    return FUNCTIONS["floor"](k)


@rule(
    vjp=(None, lambda g, x1, y: -g / _poisson(x1, y)),
    elementwise=True,
    domain=((2, 2), (0.1, 0.9)),
    numpy=(),
)
def pdtri(x1, x2, /):
    """Inverse of `pdtr` in its second argument."""
    return special.pdtri(x1, x2)


@rule(
    vjp=(
        lambda g, x2, x3, y: g / (x3 * gamma_density(x2, y * x3)),
        lambda g, x2, x3, y: -g * y * gamma_slope(x2, y * x3),
        lambda g, x3, y: -g * y / x3,
    ),
    elementwise=True,
    domain=((0.1, 0.9), (0.5, 3), (0.5, 3)),
    numpy=(),
)
def gdtria(x1, x2, x3, /):
    """Inverse of `gdtr` in its first argument: the rate at which the value of `gdtr` is `x1`."""
    return special.gdtria(x1, x2, x3)


# --- F, binomial and negative binomial distributions ---


def _part(d1, d2, x):
    """Return the argument of the beta distribution for one of the F distribution."""
    return d1 * x / (d2 + d1 * x)


def _f_weight(d1, d2, x):
    return beta_weight(0.5 * d1, 0.5 * d2, _part(d1, d2, x))


def _f_slope(d1, d2, x, order):
    """Return the derivative of `fdtr` in `d1` or `d2`, divided by the weight: of the shape and of the argument."""
    own = 0.5 * beta_slope(0.5 * d1, 0.5 * d2, _part(d1, d2, x), order=order)
    return own + 1 / d1 if order == "a" else own - 1 / d2


def _f_density(d1, d2, x):
    return beta_density(0.5 * d1, 0.5 * d2, _part(d1, d2, x)) * (d1 * d2) / (d2 + d1 * x) ** 2


@rule(
    vjp=(
        lambda g, x1, x2, x3: g * _f_weight(x1, x2, x3) * _f_slope(x1, x2, x3, "a"),
        lambda g, x1, x2, x3: g * _f_weight(x1, x2, x3) * _f_slope(x1, x2, x3, "b"),
        lambda g, x1, x2, x3: g * _f_density(x1, x2, x3),
    ),
    elementwise=True,
    domain=(0.5, 3),
    numpy=(),
)
def fdtr(x1, x2, x3, /):
    """Distribution function of the F distribution with `x1` and `x2` degrees of freedom, at `x3`.

    The derivatives in `x1` and `x2` lose digits by cancellation in proportion to `x1` and `x2`.
    """
    return special.fdtr(x1, x2, x3)


@rule(
    vjp=(
        lambda g, x1, x2, x3: -g * _f_weight(x1, x2, x3) * _f_slope(x1, x2, x3, "a"),
        lambda g, x1, x2, x3: -g * _f_weight(x1, x2, x3) * _f_slope(x1, x2, x3, "b"),
        lambda g, x1, x2, x3: -g * _f_density(x1, x2, x3),
    ),
    elementwise=True,
    domain=(0.5, 3),
    numpy=(),
)
def fdtrc(x1, x2, x3, /):
    """`1 - fdtr(x1, x2, x3)`."""
    return special.fdtrc(x1, x2, x3)


@rule(
    vjp=(  # the weight is the argument times the density
        lambda g, x1, x2, y: -g * y * _f_slope(x1, x2, y, "a"),
        lambda g, x1, x2, y: -g * y * _f_slope(x1, x2, y, "b"),
        lambda g, x1, x2, y: g / _f_density(x1, x2, y),
    ),
    elementwise=True,
    domain=((0.5, 3), (0.5, 3), (0.1, 0.9)),
    numpy=(),
)
def fdtri(x1, x2, x3, /):
    """Inverse of `fdtr` in its last argument."""
    return special.fdtri(x1, x2, x3)


def _binomial(k, n, p):
    return beta_density(_floor(k) + 1, n - _floor(k), p)


_COUNTS = ((0, 2), (3, 3), (0.1, 0.9))


@rule(
    vjp=(None, no_gradient("bdtr", "n"), lambda g, x1, x2, x3: -g * _binomial(x1, x2, x3)),
    elementwise=True,
    domain=_COUNTS,
    numpy=(),
)
def bdtr(x1, x2, x3, /):
    """Distribution function of the binomial distribution of `x2` trials with probability `x3`, at `x1`."""
    return special.bdtr(x1, x2, x3)


@rule(
    vjp=(None, no_gradient("bdtrc", "n"), lambda g, x1, x2, x3: g * _binomial(x1, x2, x3)),
    elementwise=True,
    domain=_COUNTS,
    numpy=(),
)
def bdtrc(x1, x2, x3, /):
    """`1 - bdtr(x1, x2, x3)`."""
    return special.bdtrc(x1, x2, x3)


@rule(
    vjp=(
        no_gradient("nbdtr", "k"),
        no_gradient("nbdtr", "n"),
        lambda g, x1, x2, x3: g * beta_density(x2, x1 + 1, x3),
    ),
    elementwise=True,
    domain=((2, 2), (3, 3), (0.1, 0.9)),
    numpy=(),
)
def nbdtr(x1, x2, x3, /):
    """Distribution function of the negative binomial distribution: at most `x1` failures before `x2` successes."""
    return special.nbdtr(x1, x2, x3)


@rule(
    vjp=(
        no_gradient("nbdtrc", "k"),
        no_gradient("nbdtrc", "n"),
        lambda g, x1, x2, x3: -g * beta_density(x2, x1 + 1, x3),
    ),
    elementwise=True,
    domain=((2, 2), (3, 3), (0.1, 0.9)),
    numpy=(),
)
def nbdtrc(x1, x2, x3, /):
    """`1 - nbdtr(x1, x2, x3)`."""
    return special.nbdtrc(x1, x2, x3)


@rule(
    vjp=(None, no_gradient("bdtri", "n"), lambda g, x1, x2, y: -g / _binomial(x1, x2, y)),
    elementwise=True,
    domain=_COUNTS,
    numpy=(),
)
def bdtri(x1, x2, x3, /):
    """Inverse of `bdtr` in its last argument."""
    return special.bdtri(x1, x2, x3)


@rule(
    vjp=(
        no_gradient("nbdtri", "k"),
        no_gradient("nbdtri", "n"),
        lambda g, x1, x2, y: g / beta_density(x2, x1 + 1, y),
    ),
    elementwise=True,
    domain=((2, 2), (3, 3), (0.1, 0.9)),
    numpy=(),
)
def nbdtri(x1, x2, x3, /):
    """Inverse of `nbdtr` in its last argument."""
    return special.nbdtri(x1, x2, x3)


# --- Student's t distribution ---


def _t_density(df, t):
    root = gammaln(0.5 * df + 0.5) - gammaln(0.5 * df) - _LOG_ROOT_PI
    return exp(root - (0.5 * df + 0.5) * log1p(t * t / df)) / sqrt(df)


def _t_shape(df, t):
    """Return the derivative of `stdtr` in the degrees of freedom: by the beta distribution of `t**2 / (df + t**2)`."""
    part = t * t / (df + t * t)
    slope = 0.5 * beta_slope(0.5, 0.5 * df, part, order="b") - 1 / df
    return 0.5 * sign(t) * beta_weight(0.5, 0.5 * df, part) * slope


@rule(
    vjp=(lambda g, x1, x2: g * _t_shape(x1, x2), lambda g, x1, x2: g * _t_density(x1, x2)),
    elementwise=True,
    domain=((0.5, 5), (-3, 3)),
    numpy=(),
)
def stdtr(x1, x2, /):
    """Distribution function of Student's t distribution with `x1` degrees of freedom, at `x2`.

    The relative error of the derivative in `x1`, which cancels to the order of `x1**-2`, is 2e-15 times `x1`.
    """
    return special.stdtr(x1, x2)


@rule(
    vjp=(lambda g, x1, y: -g * _t_shape(x1, y) / _t_density(x1, y), lambda g, x1, y: g / _t_density(x1, y)),
    elementwise=True,
    domain=((0.5, 5), (0.1, 0.9)),
    numpy=(),
)
def stdtrit(x1, x2, /):
    """Inverse of `stdtr` in its second argument."""
    return special.stdtrit(x1, x2)


# The names of SciPy's ufuncs.
_NAMES = """
    chdtr chdtrc chdtri gdtr gdtrc gdtrix gdtria pdtr pdtrc pdtri fdtr fdtrc fdtri bdtr bdtrc bdtri nbdtr nbdtrc nbdtri
    stdtr stdtrit
"""
OPS = {name: FUNCTIONS[name] for name in _NAMES.split()}
