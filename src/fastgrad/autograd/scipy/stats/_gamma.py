"""Distributions whose functions are gamma, beta and Bessel functions."""

import math

import numpy as np

from fastgrad.autograd.scipy import special
from fastgrad.autograd.scipy.stats._completion import POSITIVE, continuous
from fastgrad.rules.arithmetic import power, sqrt
from fastgrad.rules.exponential import exp, log, log1p

LOG_2 = math.log(2)
LOG_PI = math.log(math.pi)


def _gamma_logpdf(x, a):
    return special.xlogy(a - 1, x) - x - special.gammaln(a)


gamma = continuous(
    "gamma",
    "a",
    support=POSITIVE,
    logpdf=_gamma_logpdf,
    cdf=lambda x, a: special.gammainc(a, x),
    sf=lambda x, a: special.gammaincc(a, x),
    ppf=lambda q, a: special.gammaincinv(a, q),
    isf=lambda q, a: special.gammainccinv(a, q),
)

chi2 = continuous(
    "chi2",
    "df",
    support=POSITIVE,
    logpdf=lambda x, df: _gamma_logpdf(0.5 * x, 0.5 * df) - LOG_2,
    cdf=lambda x, df: special.gammainc(0.5 * df, 0.5 * x),
    sf=lambda x, df: special.gammaincc(0.5 * df, 0.5 * x),
    ppf=lambda q, df: 2 * special.gammaincinv(0.5 * df, q),
    isf=lambda q, df: 2 * special.gammainccinv(0.5 * df, q),
)

chi = continuous(
    "chi",
    "df",
    support=POSITIVE,
    logpdf=lambda x, df: (
        LOG_2 - 0.5 * LOG_2 * df - special.gammaln(0.5 * df) + special.xlogy(df - 1, x) - 0.5 * (x * x)
    ),
    cdf=lambda x, df: special.gammainc(0.5 * df, 0.5 * (x * x)),
    sf=lambda x, df: special.gammaincc(0.5 * df, 0.5 * (x * x)),
    ppf=lambda q, df: sqrt(2 * special.gammaincinv(0.5 * df, q)),
    isf=lambda q, df: sqrt(2 * special.gammainccinv(0.5 * df, q)),
)

maxwell = continuous(
    "maxwell",
    support=POSITIVE,
    logpdf=lambda x: 0.5 * (LOG_2 - LOG_PI) + 2 * log(x) - 0.5 * (x * x),
    cdf=lambda x: special.gammainc(1.5, 0.5 * (x * x)),
    sf=lambda x: special.gammaincc(1.5, 0.5 * (x * x)),
    ppf=lambda q: sqrt(2 * special.gammaincinv(1.5, q)),
    isf=lambda q: sqrt(2 * special.gammainccinv(1.5, q)),
)

nakagami = continuous(
    "nakagami",
    "nu",
    support=POSITIVE,
    logpdf=lambda x, nu: (
        LOG_2 + special.xlogy(nu, nu) - special.gammaln(nu) + special.xlogy(2 * nu - 1, x) - nu * (x * x)
    ),
    cdf=lambda x, nu: special.gammainc(nu, nu * (x * x)),
    sf=lambda x, nu: special.gammaincc(nu, nu * (x * x)),
    ppf=lambda q, nu: sqrt(special.gammaincinv(nu, q) / nu),
    isf=lambda q, nu: sqrt(special.gammainccinv(nu, q) / nu),
)

invgamma = continuous(
    "invgamma",
    "a",
    support=POSITIVE,
    vanishes=True,
    logpdf=lambda x, a: -(a + 1) * log(x) - special.gammaln(a) - 1 / x,
    cdf=lambda x, a: special.gammaincc(a, 1 / x),
    sf=lambda x, a: special.gammainc(a, 1 / x),
    ppf=lambda q, a: 1 / special.gammainccinv(a, q),
    isf=lambda q, a: 1 / special.gammaincinv(a, q),
)

loggamma = continuous(
    "loggamma",
    "c",
    logpdf=lambda x, c: c * x - exp(x) - special.gammaln(c),
    cdf=lambda x, c: special.gammainc(c, exp(x)),
    sf=lambda x, c: special.gammaincc(c, exp(x)),
    ppf=lambda q, c: log(special.gammaincinv(c, q)),
    isf=lambda q, c: log(special.gammainccinv(c, q)),
)


def _positive_exponent(a, c):
    if np.any(c < 0):  # SciPy's cdf then has the other tail
        raise NotImplementedError("gengamma has derivatives for positive c")
    return (a > 0) & (c > 0)


gengamma = continuous(
    "gengamma",
    "a c",
    support=POSITIVE,
    valid=_positive_exponent,
    logpdf=lambda x, a, c: log(c) + special.xlogy(c * a - 1, x) - power(x, c) - special.gammaln(a),
    cdf=lambda x, a, c: special.gammainc(a, power(x, c)),
    sf=lambda x, a, c: special.gammaincc(a, power(x, c)),
    ppf=lambda q, a, c: power(special.gammaincinv(a, q), 1 / c),
    isf=lambda q, a, c: power(special.gammainccinv(a, q), 1 / c),
)

beta = continuous(
    "beta",
    "a b",
    support=(0, 1),
    logpdf=lambda x, a, b: special.xlog1py(b - 1, -x) + special.xlogy(a - 1, x) - special.betaln(a, b),
    cdf=lambda x, a, b: special.betainc(a, b, x),
    sf=lambda x, a, b: special.betaincc(a, b, x),
    ppf=lambda q, a, b: special.betaincinv(a, b, q),
    isf=lambda q, a, b: special.betainccinv(a, b, q),
)

betaprime = continuous(
    "betaprime",
    "a b",
    support=POSITIVE,
    logpdf=lambda x, a, b: special.xlogy(a - 1, x) - (a + b) * log1p(x) - special.betaln(a, b),
    cdf=lambda x, a, b: special.betainc(a, b, x / (1 + x)),
    sf=lambda x, a, b: special.betainc(b, a, 1 / (1 + x)),
)

f = continuous(
    "f",
    "dfn dfd",
    support=POSITIVE,
    logpdf=lambda x, dfn, dfd: (
        0.5 * dfn * log(dfn / dfd)
        + special.xlogy(0.5 * dfn - 1, x)
        - 0.5 * (dfn + dfd) * log1p(dfn * x / dfd)
        - special.betaln(0.5 * dfn, 0.5 * dfd)
    ),
    cdf=lambda x, dfn, dfd: special.betainc(0.5 * dfn, 0.5 * dfd, dfn * x / (dfd + dfn * x)),
    sf=lambda x, dfn, dfd: special.betainc(0.5 * dfd, 0.5 * dfn, dfd / (dfd + dfn * x)),
)

t = continuous(
    "t",
    "df",
    logpdf=lambda x, df: -special.betaln(0.5 * df, 0.5) - 0.5 * log(df) - 0.5 * (df + 1) * log1p(x * x / df),
    cdf=lambda x, df: special.stdtr(df, x),
    sf=lambda x, df: special.stdtr(df, -x),
    ppf=lambda q, df: special.stdtrit(df, q),
    isf=lambda q, df: -special.stdtrit(df, q),
)

vonmises = continuous(
    "vonmises",
    "kappa",
    valid=lambda kappa: kappa >= 0,
    logpdf=lambda x, kappa: kappa * special.cosm1(x) - log(2 * math.pi) - log(special.i0e(kappa)),
)

__all__ = [
    "beta", "betaprime", "chi", "chi2", "f", "gamma", "gengamma", "invgamma", "loggamma", "maxwell", "nakagami", "t",
    "vonmises",
]  # fmt: skip
