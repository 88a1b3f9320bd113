"""Distributions of powers, exponentials and logarithms: of extremes, of lifetimes, with heavy tails."""

import math

import numpy as np

from fastgrad.autograd.scipy import special
from fastgrad.autograd.scipy.stats._completion import POSITIVE, continuous, log1mexp
from fastgrad.rules.activations import logsigmoid, sigmoid, softplus
from fastgrad.rules.arithmetic import power, sqrt
from fastgrad.rules.comparison import abs, where
from fastgrad.rules.exponential import exp, expm1, log, log1p
from fastgrad.rules.hyperbolic import arctanh, tanh
from fastgrad.rules.trigonometric import arctan, arctan2, tan

LOG_2 = math.log(2)
LOG_PI = math.log(math.pi)

uniform = continuous(
    "uniform",
    support=(0, 1),
    logpdf=lambda x: 0 * x,
    cdf=lambda x: x,
    sf=lambda x: 1 - x,
    logcdf=log,
    logsf=lambda x: log1p(-x),
    ppf=lambda q: 1 * q,
    isf=lambda q: 1 - q,
)

expon = continuous(
    "expon",
    support=POSITIVE,
    logpdf=lambda x: -x,
    logsf=lambda x: -x,
    ppf=lambda q: -log1p(-q),
    isf=lambda q: -log(q),
)

rayleigh = continuous(
    "rayleigh",
    support=POSITIVE,
    logpdf=lambda x: log(x) - 0.5 * (x * x),
    logsf=lambda x: -0.5 * (x * x),
    ppf=lambda q: sqrt(-2 * log1p(-q)),
    isf=lambda q: sqrt(-2 * log(q)),
)

weibull_min = continuous(
    "weibull_min",
    "c",
    support=POSITIVE,
    logpdf=lambda x, c: log(c) + special.xlogy(c - 1, x) - power(x, c),
    logsf=lambda x, c: -power(x, c),
    ppf=lambda q, c: power(-log1p(-q), 1 / c),
    isf=lambda q, c: power(-log(q), 1 / c),
)

weibull_max = continuous(
    "weibull_max",
    "c",
    support=(-np.inf, 0),
    logpdf=lambda x, c: log(c) + special.xlogy(c - 1, -x) - power(-x, c),
    logcdf=lambda x, c: -power(-x, c),
    ppf=lambda q, c: -power(-log(q), 1 / c),
    isf=lambda q, c: -power(-log1p(-q), 1 / c),
)


def _exponweib_logcdf(x, a, c):
    return a * log1mexp(-power(x, c))


exponweib = continuous(
    "exponweib",
    "a c",
    support=POSITIVE,
    logpdf=lambda x, a, c: (
        log(a) + log(c) + special.xlogy(a - 1, -expm1(-power(x, c))) - power(x, c) + special.xlogy(c - 1, x)
    ),
    logcdf=_exponweib_logcdf,
    ppf=lambda q, a, c: power(-log1p(-power(q, 1 / a)), 1 / c),
    isf=lambda q, a, c: power(-log1mexp(log1p(-q) / a), 1 / c),
)

exponpow = continuous(
    "exponpow",
    "b",
    support=POSITIVE,
    logpdf=lambda x, b: 1 + log(b) + special.xlogy(b - 1, x) + power(x, b) - exp(power(x, b)),
    logsf=lambda x, b: -expm1(power(x, b)),
    ppf=lambda q, b: power(log1p(-log1p(-q)), 1 / b),
    isf=lambda q, b: power(log1p(-log(q)), 1 / b),
)

gompertz = continuous(
    "gompertz",
    "c",
    support=POSITIVE,
    logpdf=lambda x, c: log(c) + x - c * expm1(x),
    logsf=lambda x, c: -c * expm1(x),
    ppf=lambda q, c: log1p(-log1p(-q) / c),
    isf=lambda q, c: log1p(-log(q) / c),
)

gumbel_r = continuous(
    "gumbel_r",
    logpdf=lambda x: -x - exp(-x),
    logcdf=lambda x: -exp(-x),
    ppf=lambda q: -log(-log(q)),
    isf=lambda q: -log(-log1p(-q)),
)

gumbel_l = continuous(
    "gumbel_l",
    logpdf=lambda x: x - exp(x),
    logsf=lambda x: -exp(x),
    ppf=lambda q: log(-log1p(-q)),
    isf=lambda q: log(-log(q)),
)

invweibull = continuous(
    "invweibull",
    "c",
    support=POSITIVE,
    vanishes=True,
    logpdf=lambda x, c: log(c) - (c + 1) * log(x) - power(x, -c),
    logcdf=lambda x, c: -power(x, -c),
    ppf=lambda q, c: power(-log(q), -1 / c),
    isf=lambda q, c: power(-log1p(-q), -1 / c),
)

logistic = continuous(
    "logistic",
    logpdf=lambda x: logsigmoid(x) + logsigmoid(-x),
    cdf=sigmoid,
    sf=lambda x: sigmoid(-x),
    logcdf=logsigmoid,
    logsf=lambda x: logsigmoid(-x),
    ppf=lambda q: special.logit(q),
    isf=lambda q: -special.logit(q),
)

genlogistic = continuous(
    "genlogistic",
    "c",
    logpdf=lambda x, c: log(c) - x - (c + 1) * softplus(-x),
    logcdf=lambda x, c: -c * softplus(-x),
    ppf=lambda q, c: -log(expm1(-log(q) / c)),
    isf=lambda q, c: -log(expm1(-log1p(-q) / c)),
)

halflogistic = continuous(
    "halflogistic",
    support=POSITIVE,
    logpdf=lambda x: LOG_2 - x - 2 * softplus(-x),
    cdf=lambda x: tanh(0.5 * x),
    sf=lambda x: 2 * sigmoid(-x),
    logsf=lambda x: logsigmoid(-x) + LOG_2,
    ppf=lambda q: 2 * arctanh(q),
    isf=lambda q: log(2 - q) - log(q),
)

hypsecant = continuous(
    "hypsecant",
    logpdf=lambda x: LOG_2 - LOG_PI - softplus(-2 * abs(x)) - abs(x),
    cdf=lambda x: 2 / math.pi * arctan(exp(x)),
    sf=lambda x: 2 / math.pi * arctan(exp(-x)),
    ppf=lambda q: log(tan(0.5 * math.pi * q)),
    isf=lambda q: -log(tan(0.5 * math.pi * q)),
)

fisk = continuous(
    "fisk",
    "c",
    support=POSITIVE,
    logpdf=lambda x, c: log(c) + special.xlogy(c - 1, x) - 2 * softplus(c * log(x)),
    cdf=lambda x, c: sigmoid(c * log(x)),
    sf=lambda x, c: sigmoid(-c * log(x)),
    logcdf=lambda x, c: logsigmoid(c * log(x)),
    logsf=lambda x, c: logsigmoid(-c * log(x)),
    ppf=lambda q, c: exp(special.logit(q) / c),
    isf=lambda q, c: exp(-special.logit(q) / c),
)

burr = continuous(
    "burr",
    "c d",
    support=POSITIVE,
    logpdf=lambda x, c, d: log(c) + log(d) + special.xlogy(c * d - 1, x) - (d + 1) * softplus(c * log(x)),
    logcdf=lambda x, c, d: -d * softplus(-c * log(x)),
    ppf=lambda q, c, d: power(expm1(-log(q) / d), -1 / c),
    isf=lambda q, c, d: power(expm1(-log1p(-q) / d), -1 / c),
)

burr12 = continuous(
    "burr12",
    "c d",
    support=POSITIVE,
    logpdf=lambda x, c, d: log(c) + log(d) + special.xlogy(c - 1, x) - (d + 1) * log1p(power(x, c)),
    logsf=lambda x, c, d: -d * log1p(power(x, c)),
    ppf=lambda q, c, d: power(expm1(-log1p(-q) / d), 1 / c),
    isf=lambda q, c, d: power(expm1(-log(q) / d), 1 / c),
)

pareto = continuous(
    "pareto",
    "b",
    support=(1, np.inf),
    logpdf=lambda x, b: log(b) - (b + 1) * log(x),
    logsf=lambda x, b: -b * log(x),
    ppf=lambda q, b: exp(-log1p(-q) / b),
    isf=lambda q, b: power(q, -1 / b),
)

lomax = continuous(
    "lomax",
    "c",
    support=POSITIVE,
    logpdf=lambda x, c: log(c) - (c + 1) * log1p(x),
    logsf=lambda x, c: -c * log1p(x),
    ppf=lambda q, c: expm1(-log1p(-q) / c),
    isf=lambda q, c: expm1(-log(q) / c),
)

powerlaw = continuous(
    "powerlaw",
    "a",
    support=(0, 1),
    logpdf=lambda x, a: log(a) + special.xlogy(a - 1, x),
    logcdf=lambda x, a: a * log(x),
    ppf=lambda q, a: power(q, 1 / a),
    isf=lambda q, a: exp(log1p(-q) / a),
)

loguniform = continuous(
    "loguniform",
    "a b",
    support=lambda a, b: (a, b),
    valid=lambda a, b: (a > 0) & (b > a),
    logpdf=lambda x, a, b: -log(x) - log(log(b / a)),
    cdf=lambda x, a, b: log(x / a) / log(b / a),
    sf=lambda x, a, b: log(b / x) / log(b / a),
    ppf=lambda q, a, b: a * exp(q * log(b / a)),
    isf=lambda q, a, b: b * exp(-q * log(b / a)),
)

laplace = continuous(
    "laplace",
    logpdf=lambda x: -abs(x) - LOG_2,
    cdf=lambda x: _laplace_cdf(x),
    sf=lambda x: _laplace_cdf(-x),
    ppf=lambda q: _laplace_ppf(q),
    isf=lambda q: -_laplace_ppf(q),
)


def _laplace_cdf(x):
    tail = 0.5 * exp(-abs(x))
    return where(x > 0, 1 - tail, tail)


def _laplace_ppf(q):
    right = q > 0.5
    return where(right, -1, 1) * log(2 * where(right, 1 - q, q))


cauchy = continuous(
    "cauchy",
    pdf=lambda x: 1 / (math.pi * (1 + x * x)),
    logpdf=lambda x: -LOG_PI - log1p(x * x),
    cdf=lambda x: arctan2(1.0, -x) / math.pi,
    sf=lambda x: arctan2(1.0, x) / math.pi,
    ppf=lambda q: -1 / tan(math.pi * q),
    isf=lambda q: 1 / tan(math.pi * q),
)

halfcauchy = continuous(
    "halfcauchy",
    support=POSITIVE,
    pdf=lambda x: 2 / (math.pi * (1 + x * x)),
    logpdf=lambda x: LOG_2 - LOG_PI - log1p(x * x),
    cdf=lambda x: 2 / math.pi * arctan(x),
    sf=lambda x: 2 / math.pi * arctan2(1.0, x),
    ppf=lambda q: tan(0.5 * math.pi * q),
    isf=lambda q: 1 / tan(0.5 * math.pi * q),
)

__all__ = [
    "burr", "burr12", "cauchy", "expon", "exponpow", "exponweib", "fisk", "genlogistic", "gompertz", "gumbel_l",
    "gumbel_r", "halfcauchy", "halflogistic", "hypsecant", "invweibull", "laplace", "logistic", "loguniform", "lomax",
    "pareto", "powerlaw", "rayleigh", "uniform", "weibull_max", "weibull_min",
]  # fmt: skip
