"""Functions that `scipy.special` defines in Python, made of ops, by SciPy's names and signatures. Calls need SciPy.

`FUNCTIONS_OF_SCIPY` lists them. `fastgrad.autograd.scipy.special` calls them.
"""

import math

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import LazyModule
from fastgrad.errors import NotDifferentiableError
from fastgrad.rules import FUNCTIONS as _ops
from fastgrad.rules.activations import softplus as _softplus
from fastgrad.rules.checks import values_of
from fastgrad.rules.comparison import abs, where
from fastgrad.rules.exponential import exp, log
from fastgrad.rules.reductions import log_softmax as _log_softmax
from fastgrad.rules.reductions import logsumexp as _logsumexp
from fastgrad.rules.reductions import softmax as _softmax
from fastgrad.rules.reductions import sum
from fastgrad.rules.shapes import reshape
from fastgrad.rules.special_gamma import binom, gamma, gammaln, poch
from fastgrad.rules.special_gamma import polygamma as _polygamma
from fastgrad.rules.special_gamma import zeta as _zeta

special = LazyModule("scipy.special")


# --- sums of exponentials ---


def logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):
    """Logarithm of the sum of `b * exp(a)`, of its absolute value with `return_sign`; both arguments have gradients."""
    if b is None and not return_sign:
        return _logsumexp(a, axis, keepdims)
    values, factors = values_of(a), np.asarray(1.0) if b is None else values_of(b)
    counted = np.broadcast_to(factors != 0, np.broadcast_shapes(values.shape, factors.shape))
    top = np.max(values, axis=axis, keepdims=True, where=counted, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0).astype(values.dtype if values.dtype.kind == "f" else np.float64)
    e = exp(a - top)
    if b is not None:
        infinite = np.isinf(values_of(e)) & (factors == 0)  # not counted: derivatives with respect to `a` are 0
        if infinite.any():
            e = where(infinite, np.inf, exp(where(infinite, 0, a - top)))
        e = where(infinite, 0, b * e)
    total = sum(e, axis, True)
    signs = np.sign(values_of(total))
    y = log(abs(total) if return_sign else total) + top
    if not keepdims:
        shape = np.sum(values_of(e), axis=axis).shape
        y, signs = reshape(y, shape), signs.reshape(shape)
    return (y, signs) if return_sign else y


def _along(function, x, axis):
    """Apply a function along one axis to `x`, along several, or to all of its elements where `axis` is None."""
    if isinstance(axis, (int, np.integer)):
        return function(x, int(axis))
    axes = range(x.ndim) if axis is None else [k % x.ndim for k in parameters.axes(axis)]
    if len(axes) == x.ndim:
        return reshape(function(reshape(x, (-1,)), 0), x.shape)
    y = x - _logsumexp(x, tuple(axes), True)
    return y if function is _log_softmax else exp(y)


def softmax(x, axis=None):
    """`exp(x) / sum(exp(x))` over `axis`, over all elements by default."""
    return _along(_softmax, x, axis)


def log_softmax(x, axis=None):
    """Logarithm of `softmax`."""
    return _along(_log_softmax, x, axis)


def softplus(x, /):
    """`log(1 + exp(x))`."""
    return _softplus(x)


# --- gamma functions ---


def multigammaln(a, d):
    """Logarithm of the multivariate gamma function of dimension `d`."""
    special.multigammaln(values_of(a), d)  # raises for invalid arguments
    total = (d * (d - 1) / 4) * math.log(math.pi)
    for j in range(int(d)):
        total = total + gammaln(a - j / 2)
    return total


def polygamma(n, x):
    """Derivative number `n` of the digamma function."""
    return _polygamma(n, x)


def zeta(x, q=None):
    """Hurwitz zeta function, Riemann's without `q`. There is a gradient with respect to `q`."""
    return _zeta(x, 1.0 if q is None else q)


def _inexact(name, exact):
    if exact:
        raise NotDifferentiableError(f"scipy.special.{name} with exact=True computes with integers: leave out exact")


def comb(N, k, *, exact=False, repetition=False):
    """Number of combinations of `N` things taken `k` at a time, for real numbers."""
    _inexact("comb", exact)
    if repetition:
        return comb(N + k - 1, k)
    outside = (values_of(k) > values_of(N)) | (values_of(N) < 0) | (values_of(k) < 0)
    return where(outside, 0, binom(N, k))


def perm(N, k, exact=False):
    """Number of permutations of `N` things taken `k` at a time, for real numbers."""
    _inexact("perm", exact)
    outside = (values_of(k) > values_of(N)) | (values_of(N) < 0) | (values_of(k) < 0)
    return where(outside, 0, poch(N - k + 1, k))


def factorial(n, exact=False, extend="zero"):
    """`gamma(n + 1)`, and 0 for negative `n`."""
    _inexact("factorial", exact)
    if extend != "zero":
        raise NotDifferentiableError('scipy.special.factorial with extend="complex" has no gradient: use gamma(n + 1)')
    return where(values_of(n) < 0, 0, gamma(n + 1))


# --- functions with parameters ---


def lambertw(z, k=0, tol=1e-8):
    """Branch `k` of Lambert's W function, a complex number."""
    return _ops["lambertw"](z, k=k, tol=tol)


def erf(x, /):
    """Error function, of complex numbers too."""
    return _ops["complex_erf" if _is_complex(x) else "erf"](x)


def erfc(x, /):
    """Complementary error function, of complex numbers too."""
    return _ops["complex_erfc" if _is_complex(x) else "erfc"](x)


def _is_complex(x):
    return getattr(getattr(x, "dtype", None), "kind", None) == "c"


def _spherical(name):
    def function(n, z, derivative=False):
        if not derivative:
            return _ops[name](n, z)
        return _derivative(_ops[name], n, z)

    function.__name__ = name
    return function


def _derivative(op, n, z):
    """Return the derivative of an op of an order and an argument, as its rule has it."""
    return op.rule.vjps[1](1.0, n, z)


def _bessel_derivative(name, op, phase):
    """Return SciPy's function for derivative number `n` of a Bessel function, DLMF 10.6.7 and 10.29.5."""

    def function(v, z, n=1):
        total = 0
        for k in range(n + 1):
            total = total + (phase**k * math.comb(n, k)) * _ops[op](v - n + 2 * k, z)
        return total * ((-0.5) ** n if op == "kv" else 0.5**n)

    function.__name__ = name
    return function


FUNCTIONS_OF_SCIPY = {
    function.__name__: function
    for function in (
        logsumexp, softmax, log_softmax, softplus, multigammaln, polygamma, zeta, comb, perm, factorial, lambertw, erf,
        erfc, *map(_spherical, ("spherical_jn", "spherical_yn", "spherical_in", "spherical_kn")),
        _bessel_derivative("jvp", "jv", -1), _bessel_derivative("yvp", "yv", -1),
        _bessel_derivative("ivp", "iv", 1), _bessel_derivative("kvp", "kv", 1),
    )
}  # fmt: skip
