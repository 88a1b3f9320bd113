"""Activations and losses. Each is a rule, or a short sentence of them; nothing here has a gradient of its own."""

import math

import numpy as np

from fastgrad import errors
from fastgrad._engine import Tensor, asarray
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
cross_entropy = FUNCTIONS["cross_entropy"]


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
        If the shapes differ, or for the mean of nothing.
    """
    logits, targets = _pair("binary_cross_entropy_with_logits", logits, targets)
    loss = FUNCTIONS["binary_cross_entropy_with_logits"](logits, targets)
    return reduced("binary_cross_entropy_with_logits", loss, reduction)


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
        If the shapes differ, or for the mean of nothing.
    """
    predictions, targets = _pair("mse_loss", predictions, targets)
    return reduced("mse_loss", FUNCTIONS["square"](predictions - targets), reduction)


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
        If the shapes differ, or for the mean of nothing.
    ValueError
        For a label that is neither 1 nor -1.
    """
    scores, labels = _pair("hinge_loss", scores, labels)
    values = labels.numpy()
    wrong = values[np.abs(values) != 1]
    if wrong.size:
        raise ValueError(f"hinge_loss: labels are 1 or -1; got {wrong[0]}. For labels 0 and 1 pass 2 * labels - 1")
    return reduced("hinge_loss", relu(delta - labels * scores), reduction)


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
    return reduced("multiclass_hinge_loss", relu(scores - right + margins).sum(axis=-1), reduction)


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
    for axis in (start_dim, end_dim):
        if not -x.ndim <= axis < x.ndim:
            raise errors.bad_axis("flatten", axis, x.ndim)
    first, last = start_dim % x.ndim, end_dim % x.ndim
    if first > last:
        raise errors.ShapeError(f"flatten: start_dim={start_dim} lies behind end_dim={end_dim}; exchange them")
    shape = x.shape
    return x.reshape((*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


__all__ = [
    "binary_cross_entropy_with_logits", "cross_entropy", "elu", "flatten", "gelu", "hinge_loss", "leaky_relu", "linear",
    "log_softmax",
    "logsigmoid", "logsumexp", "mse_loss", "multiclass_hinge_loss", "relu", "sigmoid", "silu", "softmax", "softplus",
    "tanh",
]  # fmt: skip
