"""Activations as functions, with the options of PyTorch. `inplace=True` overwrites the operand with the result."""

import math

from fastgrad import errors
from fastgrad._engine import Tensor
from fastgrad.nn.reductions import as_tensor
from fastgrad.rules.rule import FUNCTIONS

_relu, _silu, _gelu, _elu, _leaky_relu, _softplus, _softmax, _tanh, _sigmoid = map(
    FUNCTIONS.__getitem__, ("relu", "silu", "gelu", "elu", "leaky_relu", "softplus", "softmax", "tanh", "sigmoid")
)
_abs = FUNCTIONS["abs"]

logsigmoid = FUNCTIONS["logsigmoid"]
log_softmax = FUNCTIONS["log_softmax"]
logsumexp = FUNCTIONS["logsumexp"]
sigmoid, softmax, tanh = _sigmoid, _softmax, _tanh


def overwritten(function, x, *parameters):
    """Write `function(x, *parameters)` to `x` in place, recorded, and return `x`."""
    if not isinstance(x, Tensor):
        raise errors.DTypeError(f"inplace=True needs a Tensor to overwrite, got {type(x).__name__}: omit inplace")
    # The function may need its operand in the backward pass: it is given a copy. relu needs its result only.
    x[...] = function(x if function is _relu else x.copy(), *parameters)
    return x


_INPLACE = """
    inplace : bool
        Whether the result is written to `x`, which is returned. The write is recorded: gradients are those without
        it, and a backward pass that needs the old values of `x` raises `MutationError`.
"""


def documented_inplace(function):
    """Insert the description of `inplace` into a docstring."""
    function.__doc__ = function.__doc__.replace("\n    {inplace}\n", _INPLACE)
    return function


@documented_inplace
def relu(x, inplace=False):
    """Return `maximum(x, 0)`; its gradient at 0 is 0.

    Parameters
    ----------
    x : Tensor or array
    {inplace}

    Returns
    -------
    Tensor, shape of `x`
    """
    return overwritten(_relu, x) if inplace else _relu(x)


@documented_inplace
def leaky_relu(x, negative_slope=0.01, inplace=False):
    """Return `x` if `x > 0`, else `negative_slope * x`; its gradient at 0 is `negative_slope`.

    Parameters
    ----------
    x : Tensor or array
    negative_slope : float
    {inplace}

    Returns
    -------
    Tensor, shape of `x`
    """
    return overwritten(_leaky_relu, x, negative_slope) if inplace else _leaky_relu(x, negative_slope)


@documented_inplace
def elu(x, alpha=1.0, inplace=False):
    """Return `x` if `x > 0`, else `alpha * (exp(x) - 1)`.

    Parameters
    ----------
    x : Tensor or array
    alpha : float
    {inplace}

    Returns
    -------
    Tensor, shape of `x`
    """
    return overwritten(_elu, x, alpha) if inplace else _elu(x, alpha)


_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


@documented_inplace
def selu(x, inplace=False):
    """Return `scale * x` if `x > 0`, else `scale * alpha * (exp(x) - 1)` (Klambauer et al., arXiv:1706.02515).

    Parameters
    ----------
    x : Tensor or array
    {inplace}

    Returns
    -------
    Tensor, shape of `x`
        With `alpha = 1.6732632...` and `scale = 1.0507009...`, for which mean 0 and variance 1 are a fixed point.
    """
    return overwritten(selu, x) if inplace else _elu(x, _SELU_ALPHA) * _SELU_SCALE


@documented_inplace
def celu(x, alpha=1.0, inplace=False):
    """Return `x` if `x > 0`, else `alpha * (exp(x / alpha) - 1)`.

    Parameters
    ----------
    x : Tensor or array
    alpha : float
        Not 0.
    {inplace}

    Returns
    -------
    Tensor, shape of `x`
    """
    return overwritten(celu, x, alpha) if inplace else _elu(as_tensor(x) / alpha, 1.0) * alpha


@documented_inplace
def silu(x, inplace=False):
    """Return `x * sigmoid(x)`.

    Parameters
    ----------
    x : Tensor or array
    {inplace}

    Returns
    -------
    Tensor, shape of `x`
    """
    return overwritten(_silu, x) if inplace else _silu(x)


@documented_inplace
def mish(x, inplace=False):
    """Return `x * tanh(log(1 + exp(x)))`.

    Parameters
    ----------
    x : Tensor or array
    {inplace}

    Returns
    -------
    Tensor, shape of `x`
    """
    return overwritten(mish, x) if inplace else _tanh(_softplus(x)) * x


def gelu(x, approximate="none"):
    """Return `x * Phi(x)`, where `Phi` is the normal distribution function.

    Parameters
    ----------
    x : Tensor or array
    approximate : {"none", "tanh"}
        "tanh" computes `0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))`.

    Returns
    -------
    Tensor, shape of `x`

    Raises
    ------
    ValueError
        If `approximate` is neither of the two.
    """
    if approximate == "none":
        return _gelu(x)
    if approximate != "tanh":
        raise errors.BadSetting(f'gelu: approximate must be "none" or "tanh", got {approximate!r}')
    x = as_tensor(x)
    return x * 0.5 * (1 + _tanh((x * x * x * 0.044715 + x) * math.sqrt(2 / math.pi)))


def softplus(x, beta=1.0, threshold=20.0):
    """Return `log(1 + exp(beta * x)) / beta` without overflow.

    Parameters
    ----------
    x : Tensor or array
    beta : float
    threshold : float
        Accepted for PyTorch's signature, where the result is `x` above `threshold / beta`. It is not needed here: the
        accurate value is computed everywhere, which differs by less than `exp(-threshold) / beta`.

    Returns
    -------
    Tensor, shape of `x`
    """
    return _softplus(x) if beta == 1 else _softplus(as_tensor(x) * beta) / beta


def tanhshrink(x):
    """Return `x - tanh(x)`.

    Parameters
    ----------
    x : Tensor or array

    Returns
    -------
    Tensor, shape of `x`
    """
    return as_tensor(x) - _tanh(x)


def softsign(x):
    """Return `x / (1 + abs(x))`.

    Parameters
    ----------
    x : Tensor or array

    Returns
    -------
    Tensor, shape of `x`
    """
    return as_tensor(x) / (1 + _abs(x))


def softmin(x, dim=-1, *, dtype=None):
    """Return `softmax(-x)` along the axis `dim`.

    Parameters
    ----------
    x : Tensor or array
    dim : int
    dtype : dtype, optional
        The dtype to compute in, and of the result.

    Returns
    -------
    Tensor, shape of `x`

    Raises
    ------
    AxisError
        If there is no axis `dim`.
    """
    return _softmax(-as_tensor(x), dim, dtype=dtype)


def glu(x, dim=-1):
    """Return `a * sigmoid(b)`, where `a` and `b` are the two halves of `x` along the axis `dim`.

    Parameters
    ----------
    x : Tensor or array
    dim : int

    Returns
    -------
    Tensor
        With half of the length along the axis.

    Raises
    ------
    ShapeError
        If the length of the axis is odd.
    AxisError
        If there is no axis `dim`.
    """
    x = as_tensor(x)
    if not -x.ndim <= dim < x.ndim:
        raise errors.bad_axis("glu", dim, x.ndim)
    n = x.shape[dim]
    if n % 2:
        raise errors.ShapeError(f"glu: axis {dim} has length {n}, but it must be even")
    before = (slice(None),) * (dim % x.ndim)
    return x[(*before, slice(n // 2))] * _sigmoid(x[(*before, slice(n // 2, None))])
