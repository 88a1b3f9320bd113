"""Gamma and Bessel functions of SciPy. Calls need SciPy.

Their names are SciPy's. `fastgrad.counterparts` calls them for SciPy's ufuncs.
"""

from fastgrad import errors, parameters
from fastgrad._lazy import LazyModule
from fastgrad.rules.comparison import sign, where
from fastgrad.rules.exponential import exp, log
from fastgrad.rules.logic import equal
from fastgrad.rules.rule import FUNCTIONS, rule

special = LazyModule("scipy.special")


@rule(
    vjp=lambda g, x, n: g * polygamma(x, n + 1),
    elementwise=True,
    domain=(0.5, 3),
    numpy=(),
    prepare=parameters.read(n=parameters.integer),
)
def polygamma(x, /, n=1):
    """Derivative number `n` of the digamma function."""
    return special.polygamma(n, x)


@rule(vjp=lambda g, x: g * polygamma(x, 1), elementwise=True, domain=(0.5, 3), numpy=())
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


def _no_gradient(name, argument):
    """Return the vjp of an argument that has none."""

    def refuse(g):
        raise errors.NotDifferentiableError(
            f"scipy.special.{name} has no gradient with respect to {argument}: pass {argument} as a number or array"
        )

    return refuse


@rule(
    vjp=(_no_gradient("gammainc", "a"), lambda g, x1, x2: g * exp((x1 - 1) * log(x2) - x2 - gammaln(x1))),
    elementwise=True,
    domain=(0.5, 3),
    numpy=(),
)
def gammainc(x1, x2, /):
    """Regularized lower incomplete gamma function. There is no gradient with respect to the first argument."""
    return special.gammainc(x1, x2)


@rule(
    vjp=(_no_gradient("gammaincc", "a"), lambda g, x1, x2: -g * exp((x1 - 1) * log(x2) - x2 - gammaln(x1))),
    elementwise=True,
    domain=(0.5, 3),
    numpy=(),
)
def gammaincc(x1, x2, /):
    """Regularized upper incomplete gamma function. There is no gradient with respect to the first argument."""
    return special.gammaincc(x1, x2)


# --- Bessel functions ---


def _over(y, x, at_zero):
    """Return `y / x`, and its limit where `x` is 0."""
    zero = equal(x, 0)
    return where(zero, at_zero, y / where(zero, 1, x)) if zero.detach().numpy().any() else y / x


@rule(vjp=lambda g, x: g * i1(x), elementwise=True, domain=(-3, 3), numpy=())
def bessel_i0(x, /):
    """Modified Bessel function of the first kind of order 0, SciPy's `i0`."""
    return special.i0(x)


@rule(vjp=lambda g, x, y: g * (bessel_i0(x) - _over(y, x, 0.5)), elementwise=True, domain=(-3, 3), numpy=())
def i1(x, /):
    """Modified Bessel function of the first kind of order 1."""
    return special.i1(x)


@rule(vjp=lambda g, x, y: g * (i1e(x) - sign(x) * y), elementwise=True, domain=(-3, 3), numpy=())
def i0e(x, /):
    """`i0(x) * exp(-abs(x))`; at 0, where it has a kink, the gradient is 0."""
    return special.i0e(x)


@rule(vjp=lambda g, x, y: g * (i0e(x) - sign(x) * y - _over(y, x, 0.5)), elementwise=True, domain=(-3, 3), numpy=())
def i1e(x, /):
    """`i1(x) * exp(-abs(x))`."""
    return special.i1e(x)


@rule(vjp=lambda g, x: -g * j1(x), elementwise=True, domain=(-3, 3), numpy=())
def j0(x, /):
    """Bessel function of the first kind of order 0."""
    return special.j0(x)


@rule(vjp=lambda g, x, y: g * (j0(x) - _over(y, x, 0.5)), elementwise=True, domain=(-3, 3), numpy=())
def j1(x, /):
    """Bessel function of the first kind of order 1."""
    return special.j1(x)


@rule(vjp=lambda g, x: -g * y1(x), elementwise=True, domain=(0.5, 3), numpy=())
def y0(x, /):
    """Bessel function of the second kind of order 0."""
    return special.y0(x)


@rule(vjp=lambda g, x, y: g * (y0(x) - y / x), elementwise=True, domain=(0.5, 3), numpy=())
def y1(x, /):
    """Bessel function of the second kind of order 1."""
    return special.y1(x)


@rule(vjp=lambda g, x: -g * k1(x), elementwise=True, domain=(0.5, 3), numpy=())
def k0(x, /):
    """Modified Bessel function of the second kind of order 0."""
    return special.k0(x)


@rule(vjp=lambda g, x, y: -g * (k0(x) + y / x), elementwise=True, domain=(0.5, 3), numpy=())
def k1(x, /):
    """Modified Bessel function of the second kind of order 1."""
    return special.k1(x)


@rule(vjp=lambda g, x, y: g * (y - k1e(x)), elementwise=True, domain=(0.5, 3), numpy=())
def k0e(x, /):
    """`k0(x) * exp(x)`."""
    return special.k0e(x)


@rule(vjp=lambda g, x, y: g * (y - k0e(x) - y / x), elementwise=True, domain=(0.5, 3), numpy=())
def k1e(x, /):
    """`k1(x) * exp(x)`."""
    return special.k1e(x)


# The names of SciPy's ufuncs.
_NAMES = """
    psi gamma rgamma gammaln loggamma beta betaln gammainc gammaincc i1 i0e i1e j0 j1 y0 y1 k0 k1 k0e k1e
"""
OPS = {name: FUNCTIONS[name] for name in _NAMES.split()} | {"i0": bessel_i0}
