"""Discrete distributions: derivatives with respect to the parameters that are real numbers.

Counts, and `loc`, have none: probabilities jump there. A gradient that reaches them is an error.
"""

import numpy as np

from fastgrad._engine import Tensor
from fastgrad.autograd.scipy import special
from fastgrad.autograd.scipy.stats._completion import completed
from fastgrad.autograd.scipy.stats._distribution import Distribution, settle
from fastgrad.primitives import primitive
from fastgrad.rules.arithmetic import power
from fastgrad.rules.checks import values_of
from fastgrad.rules.exponential import expm1, log, log1p


def _refuse(g):
    raise NotImplementedError("probabilities of counts have no derivative with respect to the count, or to loc")


@primitive(vjp=_refuse, jvp=lambda t: _refuse(t), elementwise=True)
def _count(x, /):
    return np.array(x, float)


class Discrete(Distribution):
    """A discrete distribution; `counts` are the shape parameters that are integers."""

    first = "k"
    trailing = ("loc",)
    defaults = (0,)

    def __init__(self, name, shapes, support, valid, counts, formulas):
        super().__init__(name, shapes, support, valid, formulas)
        self._counts = counts

    def _evaluate(self, method, k, *given):
        *shapes, loc = given
        shapes = [
            _count(shape) if word in self._counts and isinstance(shape, Tensor) else shape
            for word, shape in zip(self._shapes, shapes, strict=True)
        ]
        k = (_count(k) if isinstance(k, Tensor) else k) - (_count(loc) if isinstance(loc, Tensor) else loc)
        low, high, valid = self._domain(shapes)
        at = values_of(k)
        whole = np.floor(at)
        if method in ("pmf", "logpmf"):
            keep = valid & (whole == at) & (at >= low) & (at <= high)
            fill = 0 if method == "pmf" else -np.inf
        else:
            keep = valid & (at >= low) & (whole < high)
            ends = {"cdf": (0, 1), "sf": (1, 0), "logcdf": (-np.inf, 0), "logsf": (0, -np.inf)}[method]
            fill = np.where(at < low, *ends)
            if not np.array_equal(whole, at):
                k = k - (at - whole)
        fill = np.where(valid & (at == at), fill, np.nan)
        return settle(k, keep, self._formulas[method], shapes, np.where(np.isfinite(low), low, 0), fill)


def discrete(name, shapes, *, support, valid, counts=(), **formulas):
    """Make a discrete distribution of formulas of `(k, *shapes)`, for `loc=0`."""
    methods = (
        ("pmf", "logpmf", "cdf", "sf", "logcdf", "logsf") if "cdf" in formulas or "logsf" in formulas else ("pmf",)
    )
    return Discrete(name, shapes, support, valid, counts, completed(formulas, methods))


def _is_count(n):
    return (n >= 0) & (n == np.floor(n))


def _is_probability(p):
    return (p >= 0) & (p <= 1)


FROM_ZERO = (0, np.inf)

poisson = discrete(
    "poisson",
    "mu",
    support=FROM_ZERO,
    valid=lambda mu: mu >= 0,
    logpmf=lambda k, mu: special.xlogy(k, mu) - special.gammaln(k + 1) - mu,
    cdf=lambda k, mu: special.gammaincc(k + 1, mu),
    sf=lambda k, mu: special.gammainc(k + 1, mu),
)


def _log_choose(n, k):
    return special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)


binom = discrete(
    "binom",
    "n p",
    support=lambda n, p: (0, n),
    valid=lambda n, p: _is_count(n) & _is_probability(p),
    counts=("n",),
    logpmf=lambda k, n, p: _log_choose(n, k) + special.xlogy(k, p) + special.xlog1py(n - k, -p),
    cdf=lambda k, n, p: special.betainc(n - k, k + 1, 1 - p),
    sf=lambda k, n, p: special.betainc(k + 1, n - k, p),
)

bernoulli = discrete(
    "bernoulli",
    "p",
    support=(0, 1),
    valid=_is_probability,
    logpmf=lambda k, p: special.xlogy(k, p) + special.xlog1py(1 - k, -p),
    cdf=lambda k, p: 1 - p + 0 * k,
    sf=lambda k, p: p + 0 * k,
)

geom = discrete(
    "geom",
    "p",
    support=(1, np.inf),
    valid=lambda p: (p > 0) & (p <= 1),
    logpmf=lambda k, p: special.xlog1py(k - 1, -p) + log(p),
    logsf=lambda k, p: k * log1p(-p),
)

nbinom = discrete(
    "nbinom",
    "n p",
    support=FROM_ZERO,
    valid=lambda n, p: (n > 0) & (p > 0) & (p <= 1),
    logpmf=lambda k, n, p: (
        special.gammaln(n + k) - special.gammaln(k + 1) - special.gammaln(n) + n * log(p) + special.xlog1py(k, -p)
    ),
    cdf=lambda k, n, p: special.betainc(n, k + 1, p),
    sf=lambda k, n, p: special.betainc(k + 1, n, 1 - p),
)

betabinom = discrete(
    "betabinom",
    "n a b",
    support=lambda n, a, b: (0, n),
    valid=lambda n, a, b: _is_count(n) & (a > 0) & (b > 0),
    counts=("n",),
    logpmf=lambda k, n, a, b: (
        -log(n + 1) - special.betaln(n - k + 1, k + 1) + special.betaln(k + a, n - k + b) - special.betaln(a, b)
    ),
)

planck = discrete(
    "planck",
    "lambda_",
    support=FROM_ZERO,
    valid=lambda rate: rate > 0,
    logpmf=lambda k, rate: log(-expm1(-rate)) - rate * k,
    logsf=lambda k, rate: -rate * (k + 1),
)

logser = discrete(
    "logser",
    "p",
    support=(1, np.inf),
    valid=lambda p: (p > 0) & (p < 1),
    pmf=lambda k, p: -power(p, k) / (k * log1p(-p)),
    logpmf=lambda k, p: k * log(p) - log(k) - log(-log1p(-p)),
)

__all__ = ["bernoulli", "betabinom", "binom", "geom", "logser", "nbinom", "planck", "poisson"]
