"""The normal distribution, and those that are transformations of it."""

import math

from fastgrad.autograd.scipy import special
from fastgrad.autograd.scipy.stats._completion import POSITIVE, REAL, continuous, log1mexp
from fastgrad.rules.arithmetic import sqrt
from fastgrad.rules.checks import values_of
from fastgrad.rules.comparison import where
from fastgrad.rules.exponential import exp, log, log1p, logaddexp
from fastgrad.rules.hyperbolic import arcsinh, sinh

LOG_2 = math.log(2)
LOG_ROOT_2_PI = 0.5 * math.log(2 * math.pi)
ROOT_2_PI = math.sqrt(2 * math.pi)


def logphi(x):
    """Return the logarithm of the density of the standard normal distribution."""
    return -0.5 * (x * x) - LOG_ROOT_2_PI


norm = continuous(
    "norm",
    pdf=lambda x: exp(-0.5 * (x * x)) / ROOT_2_PI,
    logpdf=logphi,
    cdf=lambda x: special.ndtr(x),
    sf=lambda x: special.ndtr(-x),
    logcdf=lambda x: special.log_ndtr(x),
    logsf=lambda x: special.log_ndtr(-x),
    ppf=lambda q: special.ndtri(q),
    isf=lambda q: -special.ndtri(q),
)


def _log_mass(a, b):
    """Return the logarithm of the probability between `a` and `b`, computed in the tail that is nearer."""
    right = values_of(a) > 0
    low, high = special.log_ndtr(where(right, -b, a)), special.log_ndtr(where(right, -a, b))
    return high + log1mexp(low - high)


truncnorm = continuous(
    "truncnorm",
    "a b",
    support=lambda a, b: (a, b),
    valid=lambda a, b: a < b,
    logpdf=lambda x, a, b: logphi(x) - _log_mass(a, b),
    logcdf=lambda x, a, b: _log_mass(a, x) - _log_mass(a, b),
    logsf=lambda x, a, b: _log_mass(x, b) - _log_mass(a, b),
)

halfnorm = continuous(
    "halfnorm",
    support=POSITIVE,
    logpdf=lambda x: logphi(x) + LOG_2,
    cdf=lambda x: special.erf(x / math.sqrt(2)),
    logsf=lambda x: special.log_ndtr(-x) + LOG_2,
    ppf=lambda q: special.ndtri((1 + q) / 2),
    isf=lambda q: -special.ndtri(q / 2),
)

lognorm = continuous(
    "lognorm",
    "s",
    support=POSITIVE,
    vanishes=True,
    logpdf=lambda x, s: logphi(log(x) / s) - log(s) - log(x),
    cdf=lambda x, s: special.ndtr(log(x) / s),
    sf=lambda x, s: special.ndtr(-log(x) / s),
    logcdf=lambda x, s: special.log_ndtr(log(x) / s),
    logsf=lambda x, s: special.log_ndtr(-log(x) / s),
    ppf=lambda q, s: exp(s * special.ndtri(q)),
    isf=lambda q, s: exp(-s * special.ndtri(q)),
)

powernorm = continuous(
    "powernorm",
    "c",
    logpdf=lambda x, c: log(c) + logphi(x) + (c - 1) * special.log_ndtr(-x),
    logsf=lambda x, c: c * special.log_ndtr(-x),
    ppf=lambda q, c: -special.ndtri_exp(log1p(-q) / c),
    isf=lambda q, c: -special.ndtri_exp(log(q) / c),
)

powerlognorm = continuous(
    "powerlognorm",
    "c s",
    support=POSITIVE,
    vanishes=True,
    logpdf=lambda x, c, s: log(c) - log(x) - log(s) + logphi(log(x) / s) + (c - 1) * special.log_ndtr(-log(x) / s),
    logsf=lambda x, c, s: c * special.log_ndtr(-log(x) / s),
    ppf=lambda q, c, s: exp(-s * special.ndtri_exp(log1p(-q) / c)),
    isf=lambda q, c, s: exp(-s * special.ndtri_exp(log(q) / c)),
)

skewnorm = continuous(
    "skewnorm",
    "a",
    valid=lambda a: a == a,
    logpdf=lambda x, a: LOG_2 + logphi(x) + special.log_ndtr(a * x),
)

exponnorm = continuous(
    "exponnorm",
    "K",
    logpdf=lambda x, K: (0.5 / K - x) / K + special.log_ndtr(x - 1 / K) - log(K),
    cdf=lambda x, K: special.ndtr(x) - exp((0.5 / K - x) / K + special.log_ndtr(x - 1 / K)),
    logsf=lambda x, K: logaddexp(special.log_ndtr(-x), (0.5 / K - x) / K + special.log_ndtr(x - 1 / K)),
)

johnsonsu = continuous(
    "johnsonsu",
    "a b",
    valid=lambda a, b: (b > 0) & (a == a),
    logpdf=lambda x, a, b: log(b) - 0.5 * log1p(x * x) + logphi(a + b * arcsinh(x)),
    cdf=lambda x, a, b: special.ndtr(a + b * arcsinh(x)),
    sf=lambda x, a, b: special.ndtr(-a - b * arcsinh(x)),
    logcdf=lambda x, a, b: special.log_ndtr(a + b * arcsinh(x)),
    logsf=lambda x, a, b: special.log_ndtr(-a - b * arcsinh(x)),
    ppf=lambda q, a, b: sinh((special.ndtri(q) - a) / b),
    isf=lambda q, a, b: sinh((-special.ndtri(q) - a) / b),
)

johnsonsb = continuous(
    "johnsonsb",
    "a b",
    support=(0, 1),
    vanishes=True,
    valid=lambda a, b: (b > 0) & (a == a),
    logpdf=lambda x, a, b: log(b) - log(x) - log1p(-x) + logphi(a + b * special.logit(x)),
    cdf=lambda x, a, b: special.ndtr(a + b * special.logit(x)),
    sf=lambda x, a, b: special.ndtr(-a - b * special.logit(x)),
    logcdf=lambda x, a, b: special.log_ndtr(a + b * special.logit(x)),
    logsf=lambda x, a, b: special.log_ndtr(-a - b * special.logit(x)),
    ppf=lambda q, a, b: special.expit((special.ndtri(q) - a) / b),
    isf=lambda q, a, b: special.expit((-special.ndtri(q) - a) / b),
)


def _standing(x, c):
    return (sqrt(x) - 1 / sqrt(x)) / c


def _lying(y, c):
    """Invert `_standing`."""
    half = 0.5 * c * y
    return (half + sqrt(half * half + 1)) ** 2


fatiguelife = continuous(
    "fatiguelife",
    "c",
    support=POSITIVE,
    vanishes=True,
    logpdf=lambda x, c: log1p(x) - log(2 * c) - 1.5 * log(x) + logphi(_standing(x, c)),
    cdf=lambda x, c: special.ndtr(_standing(x, c)),
    sf=lambda x, c: special.ndtr(-_standing(x, c)),
    logcdf=lambda x, c: special.log_ndtr(_standing(x, c)),
    logsf=lambda x, c: special.log_ndtr(-_standing(x, c)),
    ppf=lambda q, c: _lying(special.ndtri(q), c),
    isf=lambda q, c: _lying(-special.ndtri(q), c),
)


def _invgauss_tails(x, mu):
    """Return the logarithms of two parts: the cdf is their sum, and 1 - cdf the other tail less the second."""
    root = sqrt(x)
    return (x / mu - 1) / root, 2 / mu + special.log_ndtr(-(x / mu + 1) / root)


def _invgauss_logcdf(x, mu):
    at, second = _invgauss_tails(x, mu)
    return logaddexp(special.log_ndtr(at), second)


def _invgauss_logsf(x, mu):
    at, second = _invgauss_tails(x, mu)
    first = special.log_ndtr(-at)
    return first + log1p(-exp(second - first))


invgauss = continuous(
    "invgauss",
    "mu",
    support=POSITIVE,
    vanishes=True,
    logpdf=lambda x, mu: -LOG_ROOT_2_PI - 1.5 * log(x) - (x / mu - 1) ** 2 / (2 * x),
    logcdf=_invgauss_logcdf,
    logsf=_invgauss_logsf,
)

wald = continuous(
    "wald",
    support=POSITIVE,
    vanishes=True,
    logpdf=lambda x: -LOG_ROOT_2_PI - 1.5 * log(x) - (x - 1) ** 2 / (2 * x),
    logcdf=lambda x: _invgauss_logcdf(x, 1.0),
    logsf=lambda x: _invgauss_logsf(x, 1.0),
)

levy = continuous(
    "levy",
    support=POSITIVE,
    vanishes=True,
    logpdf=lambda x: -LOG_ROOT_2_PI - 1.5 * log(x) - 0.5 / x,
    cdf=lambda x: special.erfc(sqrt(0.5 / x)),
    sf=lambda x: special.erf(sqrt(0.5 / x)),
    logcdf=lambda x: special.log_ndtr(-1 / sqrt(x)) + LOG_2,
    ppf=lambda q: 1 / special.ndtri(q / 2) ** 2,
    isf=lambda q: 1 / (2 * special.erfinv(q) ** 2),
)

moyal = continuous(
    "moyal",
    logpdf=lambda x: -0.5 * (x + exp(-x)) - LOG_ROOT_2_PI,
    cdf=lambda x: special.erfc(exp(-0.5 * x) / math.sqrt(2)),
    sf=lambda x: special.erf(exp(-0.5 * x) / math.sqrt(2)),
    logcdf=lambda x: special.log_ndtr(-exp(-0.5 * x)) + LOG_2,
    ppf=lambda q: -log(2 * special.erfcinv(q) ** 2),
    isf=lambda q: -log(2 * special.erfinv(q) ** 2),
)

__all__ = [
    "LOG_2", "LOG_ROOT_2_PI", "REAL", "exponnorm", "fatiguelife", "halfnorm", "invgauss", "johnsonsb", "johnsonsu",
    "levy", "lognorm", "logphi", "moyal", "norm", "powerlognorm", "powernorm", "skewnorm", "truncnorm", "wald",
]  # fmt: skip
