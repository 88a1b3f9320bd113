"""Gamma functions of SciPy and their relatives. Calls need SciPy.

Their names are SciPy's. `fastgrad.counterparts` calls them for SciPy's ufuncs.
"""

import math

from fastgrad._lazy import LazyModule
from fastgrad.rules.rule import FUNCTIONS, rule
from fastgrad.rules.special_errors import no_gradient

special = LazyModule("scipy.special")


@rule(
    vjp=(no_gradient("polygamma", "n"), lambda g, x1, x2: g * polygamma(x1 + 1, x2)),
    elementwise=True,
    domain=((1, 1), (0.5, 3)),
    numpy=(),
)
def polygamma(x1, x2, /):
    """Derivative number `x1` of the digamma function. There is no gradient with respect to `x1`, an integer."""
    if type(x1) is int and 0 < x1 < 20:  # a third of the time of SciPy's function, which computes the same for arrays
        return special.zeta(x1 + 1, x2) * ((-1) ** (x1 + 1) * math.factorial(x1))
    return special.polygamma(x1, x2)


@rule(vjp=lambda g, x: g * polygamma(1, x), elementwise=True, domain=(0.5, 3), numpy=())
def psi(x, /):
    """Digamma function, the derivative of the logarithm of the gamma function."""
    return special.psi(x)


@rule(vjp=lambda g, x, y: g * y * psi(x), elementwise=True, domain=(0.5, 3), numpy=())
def gamma(x, /):
    """Gamma function."""
    return special.gamma(x)


@rule(vjp=lambda g, x, y: -g * y * psi(x), elementwise=True, domain=(0.5, 3), numpy=())
def rgamma(x, /):
    """Reciprocal of the gamma function."""
    return special.rgamma(x)


@rule(vjp=lambda g, x: g * psi(x), elementwise=True, domain=(0.5, 3), numpy=())
def gammaln(x, /):
    """Logarithm of the absolute value of the gamma function."""
    return special.gammaln(x)


@rule(vjp=lambda g, x: g * psi(x), elementwise=True, domain=(0.5, 3), numpy=())
def loggamma(x, /):
    """Principal branch of the logarithm of the gamma function."""
    return special.loggamma(x)


@rule(
    vjp=(lambda g, x1, x2, y: g * y * (psi(x1) - psi(x1 + x2)), lambda g, x1, x2, y: g * y * (psi(x2) - psi(x1 + x2))),
    elementwise=True,
    domain=(0.5, 3),
    numpy=(),
)
def beta(x1, x2, /):
    """Beta function."""
    return special.beta(x1, x2)


@rule(
    vjp=(lambda g, x1, x2: g * (psi(x1) - psi(x1 + x2)), lambda g, x1, x2: g * (psi(x2) - psi(x1 + x2))),
    elementwise=True,
    domain=(0.5, 3),
    numpy=(),
)
def betaln(x1, x2, /):
    """Logarithm of the absolute value of the beta function."""
    return special.betaln(x1, x2)


@rule(
    vjp=(lambda g, x1, x2, y: g * y * (psi(x1 + x2) - psi(x1)), lambda g, x1, x2, y: g * y * psi(x1 + x2)),
    elementwise=True,
    domain=(0.5, 3),
    numpy=(),
)
def poch(x1, x2, /):
    """Rising factorial, `gamma(x1 + x2) / gamma(x1)`."""
    return special.poch(x1, x2)


@rule(
    vjp=(
        lambda g, x1, x2, y: g * y * (psi(x1 + 1) - psi(x1 - x2 + 1)),
        lambda g, x1, x2, y: g * y * (psi(x1 - x2 + 1) - psi(x2 + 1)),
    ),
    elementwise=True,
    domain=((3, 5), (0.5, 2)),
    numpy=(),
)
def binom(x1, x2, /):
    """Binomial coefficient, for real arguments."""
    return special.binom(x1, x2)


@rule(vjp=None, elementwise=True, domain=(0.5, 3), numpy=())
def gammasgn(x, /):
    """Sign of the gamma function. Its gradient is 0."""
    return special.gammasgn(x)


@rule(
    vjp=(no_gradient("zeta", "x"), lambda g, x1, x2: -g * x1 * zeta(x1 + 1, x2)),
    elementwise=True,
    domain=((1.5, 4), (0.5, 3)),
    numpy=(),
)
def zeta(x1, x2, /):
    """Hurwitz zeta function, the sum of `(k + x2)**-x1`. There is no gradient with respect to the first argument."""
    return special.zeta(x1, x2)


# The names of SciPy's ufuncs.
OPS = {
    name: FUNCTIONS[name]
    for name in ["psi", "gamma", "rgamma", "gammaln", "loggamma", "beta", "betaln", "poch", "binom", "gammasgn"]
}
