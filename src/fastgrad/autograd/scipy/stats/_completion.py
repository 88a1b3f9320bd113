"""The functions of a distribution that follow from those that its formulas give."""

import numpy as np

from fastgrad.autograd.scipy.stats._distribution import POSITIVE, REAL, Continuous
from fastgrad.primitives import primitive
from fastgrad.rules.exponential import exp, expm1, log

__all__ = ["POSITIVE", "REAL", "continuous", "log1mexp"]


@primitive(vjp=lambda g, x: -g / expm1(-x), elementwise=True)
def log1mexp(x, /):
    """Logarithm of `1 - exp(x)` for negative `x`; the form depends on where it cancels (Maechler, 2012)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x > -0.6931471805599453, np.log(-np.expm1(x)), np.log1p(-np.exp(x)))


def _of(function, source):
    return lambda *args: function(source(*args))


# What follows from what, the most accurate source first.
_SOURCES = {
    "pdf": (("logpdf", exp),),
    "logpdf": (("pdf", log),),
    "cdf": (("logcdf", exp), ("logsf", lambda v: -expm1(v)), ("sf", lambda v: 1 - v)),
    "sf": (("logsf", exp), ("logcdf", lambda v: -expm1(v)), ("cdf", lambda v: 1 - v)),
    "logcdf": (("cdf", log), ("logsf", log1mexp)),
    "logsf": (("sf", log), ("logcdf", log1mexp)),
    "pmf": (("logpmf", exp),),
}


def completed(given, methods):
    """Return the formulas `given`, and those of the other `methods` that follow from them."""
    formulas = dict(given)
    for method in methods:
        for source, function in _SOURCES.get(method, ()):
            if method not in formulas and source in given:
                formulas[method] = _of(function, given[source])
    for method, source in (("logcdf", "cdf"), ("logsf", "sf")):  # of those that were derived themselves
        if method in methods and method not in formulas and source in formulas:
            formulas[method] = _of(log, formulas[source])
    return formulas


def continuous(name, shapes="", *, support=REAL, valid=None, vanishes=False, **formulas):
    """Make a continuous distribution of formulas of `(x, *shapes)`, for `loc=0` and `scale=1`."""
    methods = ("pdf", "logpdf", "cdf", "sf", "logcdf", "logsf")
    return Continuous(name, shapes, support, valid, completed(formulas, methods), vanishes)
