"""Incomplete gamma and beta functions of SciPy and their inverses. Calls need SciPy.

Their names are SciPy's. `fastgrad.counterparts` calls them for SciPy's ufuncs. The derivatives with respect to the
shapes are those of `rules/incomplete.py`.
"""

import numpy as np

from fastgrad._lazy import LazyModule
from fastgrad.rules import incomplete
from fastgrad.rules.comparison import where
from fastgrad.rules.exponential import log, log1p
from fastgrad.rules.logic import equal
from fastgrad.rules.rule import FUNCTIONS, rule
from fastgrad.rules.special_errors import no_gradient
from fastgrad.rules.special_functions import xlog1py, xlogy
from fastgrad.rules.special_gamma import polygamma, psi

special = LazyModule("scipy.special")

_SHAPES = ((0.5, 3), (0.5, 3), (0.1, 0.9))
_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def as_ufunc(function, *xs, **params):
    """Return the result of a function that computes in float64 in the dtype that a ufunc would return."""
    dtype = np.result_type(*xs)
    return function(*xs, **params).astype(dtype if dtype in _FLOATS else np.float64, copy=False)


# --- gamma ---


def _quotient(x1, x2):
    """Return `x1 / x2`, and 0 where `x1` is 0."""
    return where(equal(x1, 0), 0, x1 / x2)


@rule(
    vjp=(
        lambda g, x1, x2, y: g * (xlogy(y, x2) - y * psi(x1)),
        lambda g, x1, x2, y: g * y * (_quotient(x1 - 1, x2) - 1),
    ),
    elementwise=True,
    domain=(0.5, 3),
    numpy=(),
)
def gamma_density(x1, x2, /):
    """Density of the gamma distribution, `x2**(x1 - 1) * exp(-x2) / gamma(x1)`."""
    return as_ufunc(incomplete.gamma_density, x1, x2)


@rule(
    vjp=(
        lambda g, x1, x2, y: g * (xlogy(y, x2) - y * psi(x1)),
        lambda g, x1, x2: g * (x1 - x2) * gamma_density(x1, x2),
    ),
    elementwise=True,
    domain=(0.5, 3),
    numpy=(),
)
def gamma_weight(x1, x2, /):
    """`x2**x1 * exp(-x2) / gamma(x1)`."""
    return as_ufunc(incomplete.gamma_weight, x1, x2)


def _log_gamma_slope(a, x):
    """Return the derivative of the logarithm of the density with respect to the shape."""
    return log(x) - psi(a)


@rule(
    vjp=(
        lambda g, x1, x2, y: g * (gamma_slope_2(x1, x2) - y * _log_gamma_slope(x1, x2)),
        lambda g, x1, x2, y: g * (_log_gamma_slope(x1, x2) / x2 - y * (x1 / x2 - 1)),
    ),
    elementwise=True,
    domain=(0.5, 3),
    numpy=(),
)
def gamma_slope(x1, x2, /):
    """Derivative of `gammainc(x1, x2)` with respect to the shape, divided by `gamma_weight(x1, x2)`."""
    return as_ufunc(incomplete.gamma_slope, x1, x2)


@rule(
    vjp=(
        no_gradient("gammainc", "a of the second derivative in a"),
        lambda g, x1, x2, y: g * ((_log_gamma_slope(x1, x2) ** 2 - polygamma(1, x1)) / x2 - y * (x1 / x2 - 1)),
    ),
    elementwise=True,
    domain=(0.5, 3),
    numpy=(),
)
def gamma_slope_2(x1, x2, /):
    """Second derivative of `gammainc(x1, x2)` with respect to the shape, divided by `gamma_weight(x1, x2)`."""
    return as_ufunc(incomplete.gamma_slope, x1, x2, order=2)


@rule(
    vjp=(
        lambda g, x1, x2: g * gamma_weight(x1, x2) * gamma_slope(x1, x2),
        lambda g, x1, x2: g * gamma_density(x1, x2),
    ),
    elementwise=True,
    domain=(0.5, 3),
    numpy=(),
)
def gammainc(x1, x2, /):
    """Regularized lower incomplete gamma function. The shape `x1` has derivatives of the first and second order."""
    return special.gammainc(x1, x2)


@rule(
    vjp=(
        lambda g, x1, x2: -g * gamma_weight(x1, x2) * gamma_slope(x1, x2),
        lambda g, x1, x2: -g * gamma_density(x1, x2),
    ),
    elementwise=True,
    domain=(0.5, 3),
    numpy=(),
)
def gammaincc(x1, x2, /):
    """Regularized upper incomplete gamma function. The shape `x1` has derivatives of the first and second order."""
    return special.gammaincc(x1, x2)


@rule(
    vjp=(lambda g, x1, y: -g * y * gamma_slope(x1, y), lambda g, x1, y: g / gamma_density(x1, y)),
    elementwise=True,
    domain=((0.5, 3), (0.1, 0.9)),
    numpy=(),
)
def gammaincinv(x1, x2, /):
    """Inverse of `gammainc` in its second argument. The shape `x1` has derivatives of the first and second order."""
    return special.gammaincinv(x1, x2)


@rule(
    vjp=(lambda g, x1, y: -g * y * gamma_slope(x1, y), lambda g, x1, y: -g / gamma_density(x1, y)),
    elementwise=True,
    domain=((0.5, 3), (0.1, 0.9)),
    numpy=(),
)
def gammainccinv(x1, x2, /):
    """Inverse of `gammaincc` in its second argument. The shape `x1` has derivatives of the first and second order."""
    return special.gammainccinv(x1, x2)


# --- beta ---


def _first(a, b):
    """Return the expectation of log(t) under the beta distribution, as `_first(b, a)` that of log(1 - t)."""
    return psi(a) - psi(a + b)


@rule(
    vjp=(
        lambda g, x1, x2, x3, y: g * (xlogy(y, x3) - y * _first(x1, x2)),
        lambda g, x1, x2, x3, y: g * (xlog1py(y, -x3) - y * _first(x2, x1)),
        lambda g, x1, x2, x3, y: g * y * (_quotient(x1 - 1, x3) - _quotient(x2 - 1, 1 - x3)),
    ),
    elementwise=True,
    domain=_SHAPES,
    numpy=(),
)
def beta_density(x1, x2, x3, /):
    """Density of the beta distribution, `x3**(x1 - 1) * (1 - x3)**(x2 - 1) / beta(x1, x2)`."""
    return as_ufunc(incomplete.beta_density, x1, x2, x3)


@rule(
    vjp=(
        lambda g, x1, x2, x3, y: g * (xlogy(y, x3) - y * _first(x1, x2)),
        lambda g, x1, x2, x3, y: g * (xlog1py(y, -x3) - y * _first(x2, x1)),
        lambda g, x1, x2, x3: g * (x1 - (x1 + x2) * x3) * beta_density(x1, x2, x3),
    ),
    elementwise=True,
    domain=_SHAPES,
    numpy=(),
)
def beta_weight(x1, x2, x3, /):
    """`x3**x1 * (1 - x3)**x2 / beta(x1, x2)`."""
    return as_ufunc(incomplete.beta_weight, x1, x2, x3)


def _log_slopes(a, b, x):
    return {"a": log(x) - _first(a, b), "b": log1p(-x) - _first(b, a)}


def _slope_in_shape(which):
    def vjp(g, y, x1, x2, x3, order):
        if len(order) == 2:
            no_gradient("betainc", f"{which} of its second derivative in the shapes")(g)
        both = "".join(sorted(order + which))
        return g * (beta_slope(x1, x2, x3, order=both) - y * _log_slopes(x1, x2, x3)[which])

    return vjp


def _slope_in_x(g, y, x1, x2, x3, order):
    slopes = _log_slopes(x1, x2, x3)
    moment = slopes[order[0]]
    if len(order) == 2:
        moment = moment * slopes[order[1]] + polygamma(1, x1 + x2)
        moment = moment - polygamma(1, x1 if order == "aa" else x2) if order != "ab" else moment
    return g * (moment / (x3 * (1 - x3)) - y * (x1 / x3 - x2 / (1 - x3)))


@rule(
    vjp=(_slope_in_shape("a"), _slope_in_shape("b"), _slope_in_x),
    elementwise=True,
    domain=_SHAPES,
    numpy=(),
)
def beta_slope(x1, x2, x3, /, *, order="a"):
    """Derivative of `betainc(x1, x2, x3)` with respect to its shapes, divided by `beta_weight(x1, x2, x3)`.

    `order` is "a", "b", "aa", "ab" or "bb".
    """
    return as_ufunc(incomplete.beta_slope, x1, x2, x3, order=order)


def _in_shape(order, sign):
    """Return the vjp of a distribution function of the beta family in a shape."""
    return lambda g, x1, x2, x3: sign * g * beta_weight(x1, x2, x3) * beta_slope(x1, x2, x3, order=order)


@rule(
    vjp=(_in_shape("a", 1), _in_shape("b", 1), lambda g, x1, x2, x3: g * beta_density(x1, x2, x3)),
    elementwise=True,
    domain=_SHAPES,
    numpy=(),
)
def betainc(x1, x2, x3, /):
    """Regularized incomplete beta function. The shapes `x1` and `x2` have derivatives of the first and second order."""
    return special.betainc(x1, x2, x3)


@rule(
    vjp=(_in_shape("a", -1), _in_shape("b", -1), lambda g, x1, x2, x3: -g * beta_density(x1, x2, x3)),
    elementwise=True,
    domain=_SHAPES,
    numpy=(),
)
def betaincc(x1, x2, x3, /):
    """`1 - betainc(x1, x2, x3)`. The shapes `x1` and `x2` have derivatives of the first and second order."""
    return special.betaincc(x1, x2, x3)


def _implicit(order):
    """Return the vjp of an inverse in a shape: minus the derivative in the shape, divided by the density."""
    return lambda g, x1, x2, y: -g * y * (1 - y) * beta_slope(x1, x2, y, order=order)


@rule(
    vjp=(_implicit("a"), _implicit("b"), lambda g, x1, x2, y: g / beta_density(x1, x2, y)),
    elementwise=True,
    domain=_SHAPES,
    numpy=(),
)
def betaincinv(x1, x2, x3, /):
    """Inverse of `betainc` in its last argument. The shapes have derivatives of the first and second order."""
    return special.betaincinv(x1, x2, x3)


@rule(
    vjp=(_implicit("a"), _implicit("b"), lambda g, x1, x2, y: -g / beta_density(x1, x2, y)),
    elementwise=True,
    domain=_SHAPES,
    numpy=(),
)
def betainccinv(x1, x2, x3, /):
    """Inverse of `betaincc` in its last argument. The shapes have derivatives of the first and second order."""
    return special.betainccinv(x1, x2, x3)


# The names of SciPy's ufuncs.
_NAMES = "gammainc gammaincc gammaincinv gammainccinv betainc betaincc betaincinv betainccinv"
OPS = {name: FUNCTIONS[name] for name in _NAMES.split()}
