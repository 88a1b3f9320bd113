"""Elementwise functions with two results, or whose result depends on the values, as NumPy's. Imported at first use."""

import numpy as np

from fastgrad._engine import Tensor, tensor
from fastgrad.functions.arguments import as_tensor, plain
from fastgrad.functions.batches import by_element
from fastgrad.rules.rule import FUNCTIONS
from fastgrad.rules.ufuncs import fractional_part, ldexp
from fastgrad.rules.ufuncs import nan_to_num as _nan_to_num


def modf(x, /):
    """Return the fractional and the integral part of `x`, both with its sign.

    Parameters
    ----------
    x : Tensor or array

    Returns
    -------
    fractional, integral : Tensor
        The gradient of the integral part is 0.
    """
    x = as_tensor(x)
    fractional = fractional_part(x)
    return fractional, FUNCTIONS["astype"](FUNCTIONS["trunc"](x), fractional.dtype)


@by_element
def frexp(x, /):
    """Return the mantissa and the exponent of `x`, which is `mantissa * 2**exponent`.

    Parameters
    ----------
    x : Tensor or array

    Returns
    -------
    mantissa : Tensor
        With magnitudes from 0.5 to 1, or 0.
    exponent : Tensor of int
        A constant.
    """
    x = as_tensor(x)
    exponent = np.frexp(plain(x))[1]
    return ldexp(x, -exponent), tensor(exponent)


@by_element
def real_if_close(a, tol=100):
    """Return the real part of a complex `a` if all imaginary parts are close to zero, and otherwise `a`.

    Parameters
    ----------
    a : Tensor or array
    tol : float
        If greater than 1, the limit in machine epsilons of the dtype; otherwise the limit itself.

    Returns
    -------
    Tensor
    """
    a = as_tensor(a)
    real = a.dtype.kind == "c" and np.isrealobj(np.real_if_close(plain(a), tol))
    return FUNCTIONS["real"](a) if real else a


def nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    """Return `x` with numbers in place of NaN and infinities, which get gradient 0.

    Parameters
    ----------
    x : Tensor or array
    copy : bool
        If False, the numbers are written into `x`.
    nan : number
    posinf, neginf : number, optional
        By default the largest and the smallest finite number of the dtype.

    Returns
    -------
    Tensor
    """
    y = _nan_to_num(x, nan, posinf, neginf)
    if copy or not isinstance(x, (Tensor, np.ndarray)):
        return y
    x[...] = y if isinstance(x, Tensor) else plain(y)
    return as_tensor(x)
