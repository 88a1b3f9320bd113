"""Activations, layers and losses. Each is a rule, or a short sentence of them, without a gradient of its own."""

import math

import numpy as np

from fastgrad import errors, parameters
from fastgrad._engine import Tensor, asarray, batch_moments, no_grad
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
    """Both as Tensors of one shape: broadcasting (n,) against (n, 1) would make n * n losses of n.

    Targets that are integers or booleans take the dtype of `x`: NumPy would make float64 of int64 and float32.
    """
    x = x if isinstance(x, Tensor) else asarray(x)
    target = target if isinstance(target, Tensor) else asarray(target)
    if x.shape != target.shape:
        raise errors.ShapeError(f"{name}: shapes {x.shape} and {target.shape} differ; reshape or broadcast one of them")
    if target.dtype.kind in "biu" and x.dtype.kind == "f":
        target = FUNCTIONS["astype"](target, x.dtype)
    return x, target


def binary_cross_entropy_with_logits(logits, targets, /, reduction="mean"):
    """Cross-entropy of `sigmoid(logits)` against probabilities `targets`, stable for logits of any size.

    Parameters
    ----------
    logits, targets : Tensor or array of one shape
        `targets` between 0 and 1.
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
    """Mean of the squared differences.

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
    """Binary hinge loss, the mean of `max(0, delta - labels * scores)`.

    Parameters
    ----------
    scores : Tensor or array
    labels : array of the same shape
        +1 or -1 each.
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
        For a label that is neither 1 nor -1.
    """
    scores, labels = _pair("hinge_loss", scores, labels)
    values = labels.detach().numpy()
    wrong = values[np.abs(values) != 1]
    if wrong.size:
        raise ValueError(f"hinge_loss: labels are 1 or -1; got {wrong[0]}. For labels 0 and 1 pass 2 * labels - 1")
    return reduced(relu(delta - labels * scores), reduction)


def multiclass_hinge_loss(scores, labels, /, delta=1.0, reduction="mean"):
    """Multiclass SVM loss of each row, `sum over j != y of max(0, s_j - s_y + delta)`, and their mean.

    Parameters
    ----------
    scores : Tensor or array, shape (rows, classes)
    labels : array of integers, shape (rows,)
        The class of each row.
    delta : float
        The margin by which the right class is to win.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A scalar, or shape (rows,) for "none". At the margin itself the gradient is 0.

    Raises
    ------
    ShapeError, DTypeError, IndexError
        For labels that do not fit the scores.
    """
    scores = scores if isinstance(scores, Tensor) else asarray(scores)
    labels = check_labels("multiclass_hinge_loss", scores, labels)
    margins = np.full(scores.shape, delta, scores.dtype if scores.dtype.kind == "f" else float)
    at = (*np.ix_(*map(np.arange, labels.shape)), labels) if labels.ndim != 1 else (np.arange(len(labels)), labels)
    margins[at] = 0  # the right class itself: max(0, 0), gradient 0
    right = scores[at].reshape((*labels.shape, 1))
    return reduced(relu(scores - right + margins).sum(axis=-1), reduction)


def linear(x, weight, bias=None):
    """`x @ weight.T + bias`.

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
    """The axes from `start_dim` to `end_dim`, both included, as one.

    Parameters
    ----------
    x : Tensor or array
    start_dim, end_dim : int
        Negative ones count from the last axis.

    Raises
    ------
    AxisError
        For an axis that `x` does not have.
    """
    x = x if isinstance(x, Tensor) else asarray(x)
    start_dim, end_dim = parameters.integers((start_dim, end_dim))
    for axis in (start_dim, end_dim):
        if not -x.ndim <= axis < x.ndim:
            raise errors.bad_axis("flatten", axis, x.ndim)
    first, last = start_dim % x.ndim, end_dim % x.ndim
    if first > last:
        raise errors.ShapeError(f"flatten: start_dim={start_dim} lies behind end_dim={end_dim}; exchange them")
    shape = x.shape
    return x.reshape((*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    """`(x - mean) / sqrt(var + eps) * weight + bias`, with mean and biased variance over the last axes.

    Parameters
    ----------
    x : Tensor or array, shape (..., *normalized_shape)
    normalized_shape : int or sequence of int
        The lengths of the last axes, those to be normalised over.
    weight, bias : Tensor or array of shape `normalized_shape`, optional
    eps : float

    Raises
    ------
    ShapeError
        If `x` does not end in `normalized_shape`, or weight or bias have another one.
    """
    x = x if isinstance(x, Tensor) else asarray(x)
    wanted = parameters.shape(normalized_shape)
    if not wanted or x.shape[-len(wanted) :] != wanted:
        raise errors.ShapeError(f"layer_norm: normalized_shape={wanted} is not how the shape {x.shape} ends")
    for name, p in ("weight", weight), ("bias", bias):
        if p is not None and p.shape != wanted:
            raise errors.ShapeError(f"layer_norm: {name} of shape {p.shape} for normalized_shape={wanted}")
    return normalization.layer_norm(x, weight, bias, len(wanted), eps)


def batch_norm(x, running_mean=None, running_var=None, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """`(x - mean) / sqrt(var + eps) * weight + bias` per channel, the second axis.

    Parameters
    ----------
    x : Tensor or array, shape (batch, channels, ...)
    running_mean, running_var : Tensor, shape (channels,), optional
        Used where `training` is False; where it is True, moved in place towards the mean and the unbiased variance
        of this batch.
    weight, bias : Tensor or array, shape (channels,), optional
    training : bool
        Whether to normalise by this batch's mean and biased variance.
    momentum : float
        How far the running ones are moved.
    eps : float

    Raises
    ------
    ShapeError
        For less than two axes, running statistics or parameters of another shape than (channels,), or a batch with
        one value per channel while training.
    """
    x = x if isinstance(x, Tensor) else asarray(x)
    if x.ndim < 2:
        raise errors.ShapeError(f"batch_norm: x of shape {x.shape} has no axis of channels; it is the second one")
    channels = x.shape[1]
    named = ("running_mean", running_mean), ("running_var", running_var), ("weight", weight), ("bias", bias)
    for name, p in named:
        if p is not None and p.shape != (channels,):
            raise errors.ShapeError(f"batch_norm: {name} of shape {p.shape} for {channels} channels")
    across = (channels,) + (1,) * (x.ndim - 2)
    per_channel = lambda p: p.reshape(across) if x.ndim > 2 else p
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError("batch_norm: without training=True it needs running_mean and running_var")
        scale = (running_var + eps) ** -0.5
        scale = scale if weight is None else scale * weight
        shift = -running_mean * scale if bias is None else bias - running_mean * scale
        return x * per_channel(scale) + per_channel(shift)
    count = x.size // channels if channels else 0
    if count < 2:
        raise errors.ShapeError(f"batch_norm: shape {x.shape} has {count} values per channel; training needs two")
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
    """Each element 0 with probability `p`, the others times `1 / (1 - p)`; `x` itself where `training` is False.

    Parameters
    ----------
    x : Tensor or array
    p : float
        Between 0 and 1.
    training : bool
    rng : numpy.random.Generator or int, optional
        Where the choice is drawn from; the package's generator (`fg.nn.seed`) otherwise.

    Raises
    ------
    ValueError
        For a `p` outside 0 to 1.
    """
    x = x if isinstance(x, Tensor) else asarray(x)
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p={p} is no probability: it lies between 0 and 1")
    if not training or p == 0:
        return x
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(float)
    if p == 1:
        return x * np.zeros(x.shape, dtype)
    factors = (generator(rng).random(x.shape, dtype) >= p).astype(dtype)
    factors *= 1 / (1 - p)
    return x * asarray(factors)


def embedding(indices, weight, padding_idx=None):
    """The rows of `weight` that `indices` name.

    Parameters
    ----------
    indices : Tensor or array of integers, any shape
        Each from 0 to rows - 1.
    weight : Tensor, shape (rows, features)
    padding_idx : int, optional
        A row that gets no gradient; negative ones count from the last.

    Returns
    -------
    Tensor, shape (*indices.shape, features)

    Raises
    ------
    DTypeError
        For indices that are no integers.
    IndexError
        For an index out of range.
    """
    weight = weight if isinstance(weight, Tensor) else asarray(weight)
    indices = np.asarray(indices.detach().numpy() if isinstance(indices, Tensor) else indices)
    if indices.dtype.kind not in "iu":
        raise errors.DTypeError(f"embedding: indices are integers, got {indices.dtype}: use indices.astype(int)")
    rows = weight.shape[0]
    # as unsigned numbers, negative ones are large: one look finds both kinds
    if indices.size and indices.astype(np.intp, copy=False).view(np.uintp).max() >= rows:
        wrong = indices.min() if indices.min() < 0 else indices.max()
        raise errors.IndexingError(f"embedding: index {wrong} is no row; there are rows 0 to {rows - 1}")
    y = weight[indices]
    if padding_idx is None:
        return y
    if not -rows <= padding_idx < rows:
        raise errors.IndexingError(f"embedding: padding_idx={padding_idx} is no row of {rows}")
    return FUNCTIONS["where"]((indices == padding_idx % rows)[..., None], y.detach(), y)


__all__ = [
    "avg_pool1d", "avg_pool2d", "batch_norm", "binary_cross_entropy_with_logits", "conv1d", "conv2d", "cross_entropy",
    "dropout", "elu", "embedding", "flatten", "gelu", "hinge_loss", "layer_norm", "leaky_relu", "linear", "log_softmax",
    "logsigmoid", "logsumexp", "max_pool1d", "max_pool2d", "mse_loss", "multiclass_hinge_loss", "relu", "sigmoid",
    "silu", "softmax", "softplus", "tanh",
]  # fmt: skip
