"""Activations, layers and losses as functions. Each is a rule, or a few ops, and has no gradient of its own."""

import math

import numpy as np

from fastgrad import errors, parameters
from fastgrad._engine import Tensor, asarray, batch_moments, no_grad
from fastgrad.nn import messages
from fastgrad.nn.random import generator
from fastgrad.nn.windows import avg_pool1d, avg_pool2d, conv1d, conv2d, max_pool1d, max_pool2d
from fastgrad.rules import losses, normalization
from fastgrad.rules.checks import check_labels, reduced
from fastgrad.rules.rule import FUNCTIONS

relu = FUNCTIONS["relu"]
sigmoid = FUNCTIONS["sigmoid"]
tanh = FUNCTIONS["tanh"]
logsigmoid = FUNCTIONS["logsigmoid"]
softplus = FUNCTIONS["softplus"]
gelu = FUNCTIONS["gelu"]
silu = FUNCTIONS["silu"]
leaky_relu = FUNCTIONS["leaky_relu"]
elu = FUNCTIONS["elu"]
softmax = FUNCTIONS["softmax"]
log_softmax = FUNCTIONS["log_softmax"]
logsumexp = FUNCTIONS["logsumexp"]
cross_entropy = losses.cross_entropy


def _pair(name, x, target):
    """Return both as Tensors; raise unless their shapes are equal, since (n,) would broadcast with (n, 1).

    Integer and boolean targets are converted to the dtype of `x`; NumPy would compute int64 and float32 in float64.
    """
    x = x if isinstance(x, Tensor) else asarray(x)
    target = target if isinstance(target, Tensor) else asarray(target)
    if x.shape != target.shape:
        raise errors.ShapeError(f"{name}: shapes {x.shape} and {target.shape} differ: reshape or broadcast one of them")
    if target.dtype.kind in "biu" and x.dtype.kind == "f":
        target = FUNCTIONS["astype"](target, x.dtype)
    return x, target


def binary_cross_entropy_with_logits(logits, targets, /, reduction="mean"):
    """Return the cross-entropy of `sigmoid(logits)` and probabilities `targets`, for logits of any size.

    Parameters
    ----------
    logits, targets : Tensor or array of one shape
        `targets` are from 0 to 1.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A scalar, or the shape of `logits` for "none".

    Raises
    ------
    ShapeError
        If the shapes differ.
    """
    logits, targets = _pair("binary_cross_entropy_with_logits", logits, targets)
    loss = losses.binary_cross_entropy_with_logits(logits, targets)
    return reduced(loss, reduction)


def mse_loss(predictions, targets, /, reduction="mean"):
    """Return the squared differences, reduced to their mean by default.

    Parameters
    ----------
    predictions, targets : Tensor or array of one shape
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A scalar, or the shape of `predictions` for "none".

    Raises
    ------
    ShapeError
        If the shapes differ.
    """
    predictions, targets = _pair("mse_loss", predictions, targets)
    return reduced(FUNCTIONS["square"](predictions - targets), reduction)


def hinge_loss(scores, labels, /, delta=1.0, reduction="mean"):
    """Return the binary hinge loss `max(0, delta - labels * scores)`, reduced to its mean by default.

    Parameters
    ----------
    scores : Tensor or array
    labels : array of the same shape
        Each is +1 or -1.
    delta : float
        The margin.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A scalar, or the shape of `scores` for "none". At the margin itself the gradient is 0.

    Raises
    ------
    ShapeError
        If the shapes differ.
    ValueError
        If a label is neither 1 nor -1.
    """
    scores, labels = _pair("hinge_loss", scores, labels)
    values = labels.detach().numpy()
    wrong = values[np.abs(values) != 1]
    if wrong.size:
        raise ValueError(f"hinge_loss: labels must be 1 or -1, got {wrong[0]}: for labels 0 and 1 pass 2 * labels - 1")
    return reduced(relu(delta - labels * scores), reduction)


def multiclass_hinge_loss(scores, labels, /, delta=1.0, reduction="mean"):
    """Return the multiclass SVM loss `sum over j != y of max(0, s_j - s_y + delta)`, reduced to its mean by default.

    Parameters
    ----------
    scores : Tensor or array, shape (rows, classes)
    labels : array of integers, shape (rows,)
        The class of each row.
    delta : float
        The margin between the score of the correct class and the others.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A scalar, or shape (rows,) for "none". At the margin itself the gradient is 0.

    Raises
    ------
    ShapeError, DTypeError, IndexError
        If the labels do not fit the scores.
    """
    scores = scores if isinstance(scores, Tensor) else asarray(scores)
    labels = check_labels("multiclass_hinge_loss", scores, labels)
    margins = np.full(scores.shape, delta, scores.dtype if scores.dtype.kind == "f" else float)
    at = (*np.ix_(*map(np.arange, labels.shape)), labels) if labels.ndim != 1 else (np.arange(len(labels)), labels)
    margins[at] = 0  # the correct class itself: max(0, 0), with gradient 0
    right = scores[at].reshape((*labels.shape, 1))
    return reduced(relu(scores - right + margins).sum(axis=-1), reduction)


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
    x = x if isinstance(x, Tensor) else asarray(x)
    y = x @ (weight if isinstance(weight, Tensor) else asarray(weight)).T
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
    x = x if isinstance(x, Tensor) else asarray(x)
    start_dim, end_dim = parameters.integers((start_dim, end_dim))
    for axis in (start_dim, end_dim):
        if not -x.ndim <= axis < x.ndim:
            raise errors.bad_axis("flatten", axis, x.ndim)
    first, last = start_dim % x.ndim, end_dim % x.ndim
    if first > last:
        raise errors.ShapeError(f"flatten: start_dim={start_dim} is after end_dim={end_dim}: exchange them")
    shape = x.shape
    return x.reshape((*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    """Return `(x - mean) / sqrt(var + eps) * weight + bias`, with mean and biased variance over the last axes.

    Parameters
    ----------
    x : Tensor or array, shape (..., *normalized_shape)
    normalized_shape : int or sequence of int
        The lengths of the last axes, which are normalized.
    weight, bias : Tensor or array of shape `normalized_shape`, optional
    eps : float

    Returns
    -------
    Tensor, shape of `x`

    Raises
    ------
    ShapeError
        If the shape of `x` does not end with `normalized_shape`, or weight or bias have another shape.
    """
    x = x if isinstance(x, Tensor) else asarray(x)
    wanted = parameters.shape(normalized_shape)
    if not wanted or x.shape[-len(wanted) :] != wanted:
        raise errors.ShapeError(f"layer_norm: the shape {x.shape} does not end with normalized_shape={wanted}")
    for name, p in ("weight", weight), ("bias", bias):
        if p is not None and p.shape != wanted:
            raise errors.ShapeError(f"layer_norm: {name} has shape {p.shape}, but normalized_shape={wanted}")
    return normalization.layer_norm(x, weight, bias, len(wanted), eps)


def batch_norm(x, running_mean=None, running_var=None, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """Return `(x - mean) / sqrt(var + eps) * weight + bias` for each channel (the second axis).

    Parameters
    ----------
    x : Tensor or array, shape (batch, channels, ...)
    running_mean, running_var : Tensor, shape (channels,), optional
        Used instead of the batch statistics if `training` is False. Otherwise they are updated in place with the mean
        and the unbiased variance of the batch.
    weight, bias : Tensor or array, shape (channels,), optional
    training : bool
        Whether to normalize with the mean and the biased variance of the batch.
    momentum : float
        The weight of the batch in the update of the running statistics.
    eps : float

    Returns
    -------
    Tensor, shape of `x`

    Raises
    ------
    ShapeError
        If `x` has fewer than two axes, running statistics or parameters are not of shape (channels,), or a training
        batch has one value per channel.
    ValueError
        If `training` is False and the running statistics are missing.
    """
    x = x if isinstance(x, Tensor) else asarray(x)
    if x.ndim < 2:
        raise errors.ShapeError(f"batch_norm: x must have at least two axes, (batch, channels, ...), got {x.shape}")
    channels = x.shape[1]
    named = ("running_mean", running_mean), ("running_var", running_var), ("weight", weight), ("bias", bias)
    for name, p in named:
        if p is not None and p.shape != (channels,):
            raise errors.ShapeError(f"batch_norm: {name} has shape {p.shape}, but there are {channels} channels")
    shape = (channels,) + (1,) * (x.ndim - 2)
    per_channel = lambda p: p.reshape(shape) if x.ndim > 2 else p
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError("batch_norm: training=False needs running_mean and running_var")
        scale = (running_var + eps) ** -0.5
        scale = scale if weight is None else scale * weight
        shift = -running_mean * scale if bias is None else bias - running_mean * scale
        return x * per_channel(scale) + per_channel(shift)
    count = x.size // channels if channels else 0
    if count < 2:
        raise errors.ShapeError(f"batch_norm: shape {x.shape} has {count} value(s) per channel, training needs two")
    axes = (0, *range(2, x.ndim))
    y = normalization.batch_norm(x, weight, bias, eps)
    if running_mean is not None or running_var is not None:
        with no_grad():
            moments = None if batch_moments is None else batch_moments(y)
            mean, var = (x.detach().mean(axes), x.detach().var(axes)) if moments is None else moments
            if running_mean is not None:
                running_mean += momentum * (mean - running_mean)
            if running_var is not None:
                running_var += momentum * (var * (count / (count - 1)) - running_var)
    return y


def dropout(x, p=0.5, training=True, *, rng=None):
    """Set each element to 0 with probability `p` and multiply the others by `1 / (1 - p)`.

    Parameters
    ----------
    x : Tensor or array
    p : float
        From 0 to 1.
    training : bool
        If False, `x` is returned.
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
    x = x if isinstance(x, Tensor) else asarray(x)
    if not 0 <= p <= 1:
        raise messages.bad_probability("dropout", "p", p)
    if not training or p == 0:
        return x
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(float)
    if p == 1:
        return x * np.zeros(x.shape, dtype)
    factors = (generator(rng).random(x.shape, dtype) >= p).astype(dtype)
    factors *= 1 / (1 - p)
    return x * asarray(factors)


def embedding(indices, weight, padding_idx=None):
    """Return the rows of `weight` at `indices`.

    Parameters
    ----------
    indices : Tensor or array of integers, any shape
        Each is from 0 to rows - 1.
    weight : Tensor, shape (rows, features)
    padding_idx : int, optional
        The number of a row that receives no gradient; negative ones count from the last row.

    Returns
    -------
    Tensor, shape (*indices.shape, features)

    Raises
    ------
    DTypeError
        If `indices` are not integers.
    IndexError
        If an index is out of range.
    """
    weight = weight if isinstance(weight, Tensor) else asarray(weight)
    indices = np.asarray(indices.detach().numpy() if isinstance(indices, Tensor) else indices)
    if indices.dtype.kind not in "iu":
        raise errors.DTypeError(f"embedding: indices must be integers, got {indices.dtype}: use indices.astype(int)")
    rows = weight.shape[0]
    # viewed as unsigned numbers, negative indices are large: one comparison finds both kinds of invalid indices
    if indices.size and indices.astype(np.intp, copy=False).view(np.uintp).max() >= rows:
        wrong = indices.min() if indices.min() < 0 else indices.max()
        raise errors.IndexingError(f"embedding: index {wrong} is out of range for {rows} rows")
    y = weight[indices]
    if padding_idx is None:
        return y
    if not -rows <= padding_idx < rows:
        raise errors.IndexingError(f"embedding: padding_idx={padding_idx} is out of range for {rows} rows")
    return FUNCTIONS["where"]((indices == padding_idx % rows)[..., None], y.detach(), y)


__all__ = [
    "avg_pool1d", "avg_pool2d", "batch_norm", "binary_cross_entropy_with_logits", "conv1d", "conv2d", "cross_entropy",
    "dropout", "elu", "embedding", "flatten", "gelu", "hinge_loss", "layer_norm", "leaky_relu", "linear", "log_softmax",
    "logsigmoid", "logsumexp", "max_pool1d", "max_pool2d", "mse_loss", "multiclass_hinge_loss", "relu", "sigmoid",
    "silu", "softmax", "softplus", "tanh",
]  # fmt: skip
