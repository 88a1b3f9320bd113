"""Activations that are piecewise linear. Their gradient at a kink is that of one of its sides."""

import numpy as np

from fastgrad import errors
from fastgrad.nn.activation_functions import documented_inplace, overwritten
from fastgrad.nn.reductions import as_tensor
from fastgrad.rules.rule import FUNCTIONS

_clip, _where = FUNCTIONS["clip"], FUNCTIONS["where"]


@documented_inplace
def hardtanh(x, min_val=-1.0, max_val=1.0, inplace=False):
    """Return `x` limited to the interval from `min_val` to `max_val`.

    Parameters
    ----------
    x : Tensor or array
    min_val, max_val : float
    {inplace}

    Returns
    -------
    Tensor, shape of `x`
        The gradient at and outside both ends is 0.

    Raises
    ------
    ValueError
        If `min_val` is greater than `max_val`.
    """
    if min_val > max_val:
        raise errors.BadSetting(f"hardtanh: min_val={min_val} is greater than max_val={max_val}")
    if inplace:
        return overwritten(hardtanh, x, min_val, max_val)
    x = as_tensor(x)
    at = x.detach().numpy()
    return _where((at <= min_val) | (at >= max_val), _clip(x.detach(), min_val, max_val), x)


@documented_inplace
def relu6(x, inplace=False):
    """Return `minimum(maximum(x, 0), 6)`; its gradient at 0 and 6 is 0.

    Parameters
    ----------
    x : Tensor or array
    {inplace}

    Returns
    -------
    Tensor, shape of `x`
    """
    return hardtanh(x, 0.0, 6.0, inplace)


@documented_inplace
def hardsigmoid(x, inplace=False):
    """Return `relu6(x + 3) / 6`.

    Parameters
    ----------
    x : Tensor or array
    {inplace}

    Returns
    -------
    Tensor, shape of `x`
    """
    return overwritten(hardsigmoid, x) if inplace else relu6(as_tensor(x) + 3.0) / 6.0


@documented_inplace
def hardswish(x, inplace=False):
    """Return `x * relu6(x + 3) / 6`.

    Parameters
    ----------
    x : Tensor or array
    {inplace}

    Returns
    -------
    Tensor, shape of `x`
    """
    return overwritten(hardswish, x) if inplace else as_tensor(x) * hardsigmoid(x)


@documented_inplace
def threshold(x, threshold, value, inplace=False):
    """Return `x` if `x > threshold`, else `value`.

    Parameters
    ----------
    x : Tensor or array
    threshold, value : float
    {inplace}

    Returns
    -------
    Tensor, shape of `x`
    """
    if inplace:
        return overwritten(_threshold, x, threshold, value)
    return _threshold(as_tensor(x), threshold, value)


def _threshold(x, threshold, value):
    return _where(x.detach().numpy() > threshold, x, value)


def prelu(x, weight):
    """Return `x` if `x > 0`, else `weight * x`.

    Parameters
    ----------
    x : Tensor or array
    weight : Tensor or array, shape (1,), or (channels,) for the second axis of `x`

    Returns
    -------
    Tensor, shape of `x`

    Raises
    ------
    ShapeError
        If the number of weights is neither 1 nor that of the channels.
    """
    x, weight = as_tensor(x), as_tensor(weight)
    channels = x.shape[1] if x.ndim > 1 else 1
    if weight.size != 1 and weight.shape != (channels,):
        raise errors.ShapeError(f"prelu: weight must have shape (1,) or ({channels},), got {weight.shape}")
    slopes = weight.reshape((-1, *(1,) * (x.ndim - 2))) if x.ndim > 1 else weight.reshape((1,) * x.ndim)
    return _where(x.detach().numpy() > 0, x, x * slopes)


def softshrink(x, lambd=0.5):
    """Return `x` reduced by `lambd` in magnitude, and 0 where the magnitude is at most `lambd`.

    Parameters
    ----------
    x : Tensor or array
    lambd : float

    Returns
    -------
    Tensor, shape of `x`
    """
    x = as_tensor(x)
    at = x.detach().numpy()
    return _where(np.abs(at) <= lambd, 0, x - lambd * np.sign(at))
