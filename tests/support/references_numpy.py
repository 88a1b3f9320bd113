"""Independent formulas for ops of NumPy's main namespace that NumPy does not have under one name."""

import math

import numpy as np

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(60)


def _sinc_derivative(x, n):
    """The derivative, under the integral, of the integral of cos(pi * x * t) over t from 0 to 1."""
    t = (_NODES + 1) / 2
    return np.sum(_WEIGHTS / 2 * (math.pi * t) ** n * np.cos(math.pi * x[..., None] * t + n * math.pi / 2), axis=-1)


def _bessel_i(x, n):
    """The integral of exp(x * cos(t)) * cos(n * t) over one period, which the trapezoidal rule computes exactly."""
    t = np.arange(64) * (2 * math.pi / 64)
    return np.mean(np.exp(x[..., None] * np.cos(t)) * np.cos(n * t), axis=-1)


NUMPY = {
    "bessel_i": _bessel_i,
    "choose": lambda *choices, a, mode="raise": np.choose(a, choices, mode=mode),
    "fractional_part": lambda x: x - np.trunc(x),
    "insert": lambda arr, values, obj, axis=None: np.insert(arr, obj, values, axis),
    "interp": np.interp,
    "nan_to_num": np.nan_to_num,
    "polyval": np.polyval,
    "sinc_derivative": _sinc_derivative,
}
