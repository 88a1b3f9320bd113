"""The error function and its complement, without SciPy.

Two polynomials, fitted at Chebyshev nodes with 40 digits of working precision and rounded to float64, approximate
erf(x)/x in x*x for |x| < 1, and x exp(x*x) erfc(x) in t = (x - 3)/(x + 3), scaled to [-1, 1], for x from 1 to 28, where
erfc underflows.
"""

import math

import numpy as np

from fastgrad.rules.checks import real_only
from fastgrad.rules.exponential import exp
from fastgrad.rules.rule import rule

_NEAR = (
    -4.2320376764874594e-12, 8.709755232851789e-11, -1.2164764337224506e-09, 1.479243542696247e-08,
    -1.6364645854816389e-07, 1.6462045711013026e-06, -1.4925647581008593e-05, 0.00012055332903350668,
    -0.0008548327021945428, 0.005223977625423455, -0.026866170645129854, 0.1128379167095512, -0.37612638903183754,
    1.1283791670955126,
)  # fmt: skip
_FAR = (
    -3.0283971740218e-12, 1.3292643801241614e-11, 5.565677941554824e-11, -1.9947270237294514e-10,
    -7.197987078427296e-10, 2.3915340326254873e-09, 8.453393069138448e-09, -3.337837589172647e-08,
    -8.808458511992862e-08, 5.607932807523415e-07, 4.270510676901932e-07, -9.797341139976812e-06,
    2.0755073552108096e-05, 0.00010464146874123599, -0.0009600926042691833, 0.0040593755630867565,
    -0.011787398100986626, 0.025438183395040812, -0.04018624890622547, 0.038530506715108714, 0.5486196533621273,
)  # fmt: skip
_LAST = 28.0  # erfc(28) is 0 in float64
_LOW, _HIGH = -0.5, (_LAST - 3) / (_LAST + 3)  # (x - 3)/(x + 3) at 1 and at _LAST


def _horner(coefficients, t):
    total = np.full_like(t, coefficients[0])
    for c in coefficients[1:]:
        total *= t
        total += c
    return total


def _near(x):
    """Return erf(x) for |x| < 1."""
    return x * _horner(_NEAR, x * x)


def _far(x):
    """Return erfc(x) for x >= 1."""
    x = np.minimum(x, _LAST)
    t = ((x - 3) / (x + 3) - _LOW) * (2 / (_HIGH - _LOW)) - 1
    head = x.astype(np.float32).astype(np.float64)  # its square is exact, so that exp(-x*x) is accurate
    return np.exp(-head * head) * np.exp((head - x) * (head + x)) * _horner(_FAR, t) / x


def _evaluate(x, near, far):
    """Return `near(x)` for |x| < 1 and `far(x)` elsewhere, computed in float64, in the dtype of a NumPy ufunc."""
    x = real_only("erf", np.asarray(x))
    z = np.atleast_1d(x).astype(np.float64)
    inner = np.abs(z) < 1
    out = np.empty_like(z)
    out[inner] = near(z[inner])
    out[~inner] = far(z[~inner])
    return out.astype(x.dtype if x.dtype.kind == "f" else np.float64, copy=False).reshape(x.shape)


def erf_array(x):
    return _evaluate(x, _near, lambda z: np.sign(z) * (1 - _far(np.abs(z))))


def erfc_array(x):
    return _evaluate(x, lambda z: 1 - _near(z), _both_tails)


def _both_tails(z):
    tail = _far(np.abs(z))
    return np.where(z < 0, 2 - tail, tail)


_SLOPE = 2 / math.sqrt(math.pi)


@rule(vjp=lambda g, x: g * (exp(-x * x) * _SLOPE), elementwise=True, holomorphic=False, domain=(-3, 3), numpy=())
def erf(x, /):
    """Error function, `2 / sqrt(pi)` times the integral of `exp(-t*t)` from 0 to `x`."""
    return erf_array(x)


@rule(vjp=lambda g, x: g * (exp(-x * x) * -_SLOPE), elementwise=True, holomorphic=False, domain=(-3, 3), numpy=())
def erfc(x, /):
    """`1 - erf(x)`, accurate where erf is close to 1."""
    return erfc_array(x)
