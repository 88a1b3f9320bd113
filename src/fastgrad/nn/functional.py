"""Activations, layers and losses as functions. Each is a rule, or a few ops, and has no gradient of its own."""

import functools
import math

import numpy as np

from fastgrad import errors, parameters
from fastgrad._engine import Tensor, constant_call, drawn, is_capturing, no_grad
from fastgrad._lazy import lazy_module
from fastgrad.functions.contractions import einsum
from fastgrad.nn import messages
from fastgrad.nn.activation_functions import (
    celu,
    elu,
    gelu,
    glu,
    leaky_relu,
    log_softmax,
    logsigmoid,
    logsumexp,
    mish,
    overwritten,
    relu,
    selu,
    sigmoid,
    silu,
    softmax,
    softmin,
    softplus,
    softsign,
    tanh,
    tanhshrink,
)
from fastgrad.nn.attention import scaled_dot_product_attention
from fastgrad.nn.classification import cross_entropy, multiclass_hinge_loss, nll_loss
from fastgrad.nn.distances import (
    cosine_embedding_loss,
    cosine_similarity,
    margin_ranking_loss,
    normalize,
    one_hot,
    pairwise_distance,
    triplet_margin_loss,
)
from fastgrad.nn.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    gaussian_nll_loss,
    hinge_loss,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    smooth_l1_loss,
    soft_margin_loss,
)
from fastgrad.nn.normalizations import batch_norm, group_norm, instance_norm, layer_norm
from fastgrad.nn.piecewise import hardsigmoid, hardswish, hardtanh, prelu, relu6, softshrink, threshold
from fastgrad.nn.random import generator
from fastgrad.nn.reductions import as_tensor
from fastgrad.nn.resizing import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    interpolate,
    pad,
)
from fastgrad.nn.transposed import conv_transpose1d, conv_transpose2d
from fastgrad.nn.windows import avg_pool1d, avg_pool2d, conv1d, conv2d, max_pool1d, max_pool2d
from fastgrad.rules.rule import FUNCTIONS
from fastgrad.tracebacks import boundary

answers = lazy_module("fastgrad.foreign.answers")


def linear(x, weight, bias=None):
    """Return `x @ weight.T + bias`.

    Parameters
    ----------
    x : Tensor or array, shape (..., in)
    weight : Tensor or array, shape (out, in)
    bias : Tensor or array, shape (out,), optional

    Returns
    -------
    Tensor, shape (..., out)

    Raises
    ------
    ShapeError
        If the lengths differ.
    """
    x = as_tensor(x)
    y = x @ as_tensor(weight).T
    return y if bias is None else y + bias


def flatten(x, start_dim=1, end_dim=-1):
    """Return `x` with the axes from `start_dim` to `end_dim` (inclusive) flattened into one.

    Parameters
    ----------
    x : Tensor or array
    start_dim, end_dim : int
        Negative ones count from the last axis.

    Returns
    -------
    Tensor

    Raises
    ------
    AxisError
        If an axis is out of bounds.
    """
    x = as_tensor(x)
    start_dim, end_dim = parameters.integers((start_dim, end_dim))
    for axis in (start_dim, end_dim):
        if not -x.ndim <= axis < x.ndim:
            raise errors.bad_axis("flatten", axis, x.ndim)
    first, last = start_dim % x.ndim, end_dim % x.ndim
    if first > last:
        raise errors.ShapeError(f"flatten: start_dim={start_dim} is after end_dim={end_dim}: exchange them")
    shape = x.shape
    return x.reshape((*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


def bilinear(x1, x2, weight, bias=None):
    """Return `sum over i, j of x1[i] * weight[k, i, j] * x2[j]`, plus `bias[k]`.

    Parameters
    ----------
    x1 : Tensor or array, shape (..., in1)
    x2 : Tensor or array, shape (..., in2)
    weight : Tensor or array, shape (out, in1, in2)
    bias : Tensor or array, shape (out,), optional

    Returns
    -------
    Tensor, shape (..., out)

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    y = einsum("...i,kij,...j->...k", as_tensor(x1), as_tensor(weight), as_tensor(x2))
    return y if bias is None else y + bias


def dropout(x, p=0.5, training=True, inplace=False, *, rng=None):
    """Set each element to 0 with probability `p` and multiply the others by `1 / (1 - p)`.

    Parameters
    ----------
    x : Tensor or array
    p : float
        From 0 to 1.
    training : bool
        If False, `x` is returned.
    inplace : bool
        Whether the result is written to `x`.
    rng : numpy.random.Generator or int, optional
        Source of random numbers; by default the generator of the package, see `fg.nn.seed`.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If `p` is not from 0 to 1.
    """
    return _dropped("dropout", x, p, training, inplace, rng, None)


def dropout1d(x, p=0.5, training=True, inplace=False, *, rng=None):
    """Set whole channels of (..., channels, length) to 0 with probability `p`; otherwise as `dropout`.

    Parameters
    ----------
    x : Tensor or array, shape (batch, channels, length) or (channels, length)
    p : float
    training, inplace : bool
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If `x` has another number of axes.
    ValueError
        If `p` is not from 0 to 1.
    """
    return _dropped("dropout1d", x, p, training, inplace, rng, 1)


def dropout2d(x, p=0.5, training=True, inplace=False, *, rng=None):
    """Set whole channels of (..., channels, height, width) to 0 with probability `p`; otherwise as `dropout`.

    Parameters
    ----------
    x : Tensor or array, shape (batch, channels, height, width) or (channels, height, width)
    p : float
    training, inplace : bool
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If `x` has another number of axes.
    ValueError
        If `p` is not from 0 to 1.
    """
    return _dropped("dropout2d", x, p, training, inplace, rng, 2)


@boundary
def _dropped(name, x, p, training, inplace, rng, axes):
    """Return `x` with random zeros; `axes` is how many of the last axes share one random number, or None."""
    if not 0 <= p <= 1:
        raise messages.bad_probability(name, "p", p)
    if inplace and training and p:
        return overwritten(lambda x: _dropped(name, x, p, True, False, rng, axes), x)
    x = as_tensor(x)
    if axes is not None and x.ndim not in (axes + 1, axes + 2):
        raise errors.ShapeError(f"{name}: x must have {axes + 1} or {axes + 2} axes, got shape {x.shape}")
    if not training or p == 0:
        return x
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(float)
    shape = x.shape if axes is None else (*x.shape[:-axes], *(1,) * axes)
    if p == 1:
        return x * np.zeros(shape, dtype)

    def draw():
        factors = (generator(rng).random(shape, dtype) >= p).astype(dtype)
        factors *= 1 / (1 - p)
        return factors

    return x * drawn(draw)


def embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    """Return the rows of `weight` at the indices `input`.

    Parameters
    ----------
    input : Tensor or array of integers, any shape
        Each is from 0 to rows - 1.
    weight : Tensor, shape (rows, features)
    padding_idx : int, optional
        The number of a row that receives no gradient; negative ones count from the last row.
    max_norm : float, optional
        Rows that are used and whose norm is larger are first scaled to this norm, in place and without recording.
    norm_type : float
        The order of the norm for `max_norm`.
    scale_grad_by_freq : bool
        Whether the gradient of each row is divided by the number of its occurrences in `input`.
    sparse : bool
        Must be False: gradients are arrays.

    Returns
    -------
    Tensor, shape (*input.shape, features)

    Raises
    ------
    DTypeError
        If the indices are not integers.
    IndexError
        If an index is out of range.
    ValueError
        If `sparse` is set.
    """
    weight, rows = as_tensor(weight), weight.shape[0]
    if sparse:
        raise errors.BadSetting("embedding: sparse=True is not supported, gradients are arrays: omit it")
    if is_capturing() and isinstance(input, Tensor):
        indices = constant_call("embedding", functools.partial(_row_numbers, rows=rows), (input,))
    else:
        indices = _row_numbers(np.asarray(input.detach().numpy() if isinstance(input, Tensor) else input), rows)
    if max_norm is not None:
        _limit_rows(weight, np.unique(indices), max_norm, norm_type)
    y = weight[indices]
    if scale_grad_by_freq:
        _, which, counts = np.unique(indices, return_inverse=True, return_counts=True)
        share = (1 / counts[which].reshape(indices.shape)).astype(weight.dtype)[..., None]
        y = y.detach() + (y - y.detach()) * share
    if padding_idx is None:
        return y
    if not -rows <= padding_idx < rows:
        raise errors.IndexingError(f"embedding: padding_idx={padding_idx} is out of range for {rows} rows")
    return FUNCTIONS["where"]((indices == padding_idx % rows)[..., None], y.detach(), y)


def _row_numbers(indices, rows):
    """Return `indices` of rows; raise if they are no integers from 0 to `rows - 1`."""
    if indices.dtype.kind not in "iu":
        raise errors.DTypeError(f"embedding: indices must be integers, got {indices.dtype}: use indices.astype(int)")
    # viewed as unsigned numbers, negative indices are large: one comparison finds both kinds of invalid indices
    if indices.size and indices.astype(np.intp, copy=False).view(np.uintp).max() >= rows:
        wrong = indices.min() if indices.min() < 0 else indices.max()
        raise errors.IndexingError(f"embedding: index {wrong} is out of range for {rows} rows")
    return indices


def _limit_rows(weight, rows, max_norm, norm_type):
    """Scale the rows whose norm is larger than `max_norm` to this norm, in place."""
    values = weight.detach().numpy()[rows]
    norms = np.linalg.norm(values, norm_type, axis=1)
    over = norms > max_norm
    if over.any():
        with no_grad():
            weight[rows[over]] = values[over] * (max_norm / (norms[over] + 1e-7))[:, None]


__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d", "avg_pool1d",
    "avg_pool2d", "batch_norm", "bilinear", "binary_cross_entropy", "binary_cross_entropy_with_logits", "celu",
    "conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d", "cosine_embedding_loss", "cosine_similarity",
    "cross_entropy", "dropout", "dropout1d", "dropout2d", "elu", "embedding", "flatten", "gaussian_nll_loss", "gelu",
    "glu", "group_norm", "hardsigmoid", "hardswish", "hardtanh", "hinge_loss", "huber_loss", "instance_norm",
    "interpolate", "kl_div", "l1_loss", "layer_norm", "leaky_relu", "linear", "log_softmax", "logsigmoid", "logsumexp",
    "margin_ranking_loss", "max_pool1d", "max_pool2d", "mish", "mse_loss", "multiclass_hinge_loss", "nll_loss",
    "normalize", "one_hot", "pad", "pairwise_distance", "prelu", "relu", "relu6", "scaled_dot_product_attention",
    "selu", "sigmoid", "silu", "smooth_l1_loss", "soft_margin_loss", "softmax", "softmin", "softplus", "softshrink",
    "softsign", "tanh", "tanhshrink", "threshold", "triplet_margin_loss",
]  # fmt: skip


def __getattr__(name):
    raise answers.missing("nn.functional", name)
