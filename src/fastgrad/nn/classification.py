"""Losses of class scores and class numbers."""

import warnings

import numpy as np

from fastgrad import errors
from fastgrad._engine import Tensor
from fastgrad.nn.reductions import as_tensor, reduction_of
from fastgrad.rules import losses
from fastgrad.rules.checks import check_labels, reduced
from fastgrad.rules.rule import FUNCTIONS
from fastgrad.tracebacks import boundary, outside_frame

_cross_entropy = losses.cross_entropy
_log_softmax, _permute_dims, _relu, _where = map(
    FUNCTIONS.__getitem__, ("log_softmax", "permute_dims", "relu", "where")
)


def cross_entropy(
    input,
    target,
    weight=None,
    size_average=None,
    ignore_index=-100,
    reduce=None,
    reduction="mean",
    label_smoothing=0.0,
):
    """Return `-log(softmax(input)[target])` for each row, reduced to the mean by default.

    The classes are the last axis. As in PyTorch, they may also be the second axis of three or more; if the shapes fit
    both, the last axis is used, with a warning.

    Parameters
    ----------
    input : Tensor or array, shape (..., classes) or (batch, classes, ...)
        Scores, also called logits.
    target : Tensor or array
        Class numbers of shape (...) or (batch, ...), or probabilities of the shape of `input`.
    weight : Tensor or array, shape (classes,), optional
        The factor of each class. The mean is divided by the sum of the factors of the labels; for probabilities it is
        divided by the number of rows.
    size_average, reduce : bool, optional
        Older spellings of `reduction`.
    ignore_index : int
        Rows with this label have loss 0 and are not counted by the mean. Does not apply to probabilities.
    reduction : {"mean", "sum", "none"}
    label_smoothing : float
        From 0 to 1. This part of each target is distributed equally to all classes.

    Returns
    -------
    Tensor
        A scalar, or for "none" one loss per row.

    Raises
    ------
    ShapeError
        If the shapes of `input`, `target` and `weight` do not fit.
    DTypeError
        If `target` has the shape of labels but no integers.
    IndexError
        If a label is not a class number.
    ValueError
        If `label_smoothing` or `reduction` is out of range.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if weight is None and ignore_index < 0 and not label_smoothing and getattr(input, "ndim", 3) < 3:
        try:
            return _cross_entropy(input, target, reduction)
        except (errors.IndexingError, errors.DTypeError, errors.ShapeError):
            pass  # rows to ignore, or probabilities: below, where other targets raise the same error again
    return _cross_entropy_with_options(input, target, weight, ignore_index, reduction, label_smoothing)


@boundary
def _cross_entropy_with_options(input, target, weight, ignore_index, reduction, label_smoothing):
    """Return the loss for any arguments.

    A function of its own, so that `cross_entropy` stays short. CPython 3.12 and 3.13 store the position of an error
    that is raised while another is handled as an int, and loop forever if there is no memory for it; ints up to 256
    need none.
    """
    if not 0 <= label_smoothing <= 1:
        raise errors.BadSetting(f"cross_entropy: label_smoothing must be from 0 to 1, got {label_smoothing}")
    scores, labels = as_tensor(input), as_tensor(target)
    if labels.dtype.kind == "f" and labels.shape == scores.shape:
        return _cross_entropy_of_probabilities(scores, labels, weight, reduction, label_smoothing)
    scores = _classes_last("cross_entropy", scores, labels)
    ignored = ignore_index >= 0 or np.any(labels.detach().numpy() == ignore_index)
    if weight is None and not label_smoothing and not ignored:
        return _cross_entropy(scores, labels, reduction)
    logs = _log_softmax(scores, -1)
    loss, factors = _picked("cross_entropy", logs, labels, weight, ignore_index)
    if label_smoothing:
        spread = logs if weight is None else logs * as_tensor(weight)
        kept = labels.detach().numpy() != ignore_index
        spread = _where(kept, spread.sum(axis=-1), 0)
        loss = loss * (1 - label_smoothing) - spread * (label_smoothing / scores.shape[-1])
    return _reduced(loss, factors, reduction)


def _cross_entropy_of_probabilities(scores, target, weight, reduction, label_smoothing):
    if scores.ndim > 2:
        _warn_of_axes("cross_entropy", scores, target)
    classes = scores.shape[-1] if scores.ndim else 1
    terms = _log_softmax(scores, -1)
    if weight is not None:
        terms = terms * _class_weights("cross_entropy", weight, classes)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    return reduced(-(terms * target).sum(axis=-1), reduction)


def _warn_of_axes(op, scores, labels):
    warnings.warn(
        f"{op}: scores of shape {scores.shape} and targets of shape {labels.shape} fit with the classes as last axis, "
        "which is used, and as second axis, as in PyTorch: for the latter move it, fg.moveaxis(scores, 1, -1)",
        errors.GradientWarning,
        stacklevel=outside_frame()[1],
    )


def _classes_last(op, scores, labels):
    """Return the scores with the classes as last axis. PyTorch's class axis is the second one."""
    if scores.ndim < 3 or labels.shape != (scores.shape[0], *scores.shape[2:]):
        return scores
    if labels.shape == scores.shape[:-1] and labels.size:
        _warn_of_axes(op, scores, labels)
        return scores
    return _permute_dims(scores, (0, *range(2, scores.ndim), 1))


def _class_weights(op, weight, classes):
    weight = as_tensor(weight)
    if weight.shape != (classes,):
        raise errors.ShapeError(f"{op}: weight must have shape ({classes},), one factor per class, got {weight.shape}")
    return weight


def _picked(op, logs, labels, weight, ignore_index):
    """Return minus the weighted log-probabilities of the labels, and their factors; both are 0 for `ignore_index`."""
    numbers = np.asarray(labels.detach().numpy() if isinstance(labels, Tensor) else labels)
    kept = numbers != ignore_index
    numbers = check_labels(op, logs, np.where(kept, numbers, 0) if numbers.dtype.kind in "iu" else numbers)
    rows = logs.reshape((numbers.size, logs.shape[-1]))
    found = rows[np.arange(numbers.size), numbers.ravel()].reshape(numbers.shape)
    factors = kept.astype(logs.dtype)
    if weight is not None:
        weight = _class_weights(op, weight, logs.shape[-1])
        factors = np.asarray(weight.detach().numpy()[numbers] * factors, logs.dtype)
    return _where(kept, -found, 0) * factors, factors


def _reduced(loss, factors, reduction):
    return loss.sum() / factors.sum() if reduction == "mean" and factors.any() else reduced(loss, reduction)


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    """Return `-input[target]` for each row of log-probabilities, reduced to the mean by default.

    Parameters
    ----------
    input : Tensor or array, shape (..., classes) or (batch, classes, ...)
        Log-probabilities, as of `log_softmax`. The axis of the classes is found as by `cross_entropy`.
    target : Tensor or array of integers, shape (...) or (batch, ...)
    weight : Tensor or array, shape (classes,), optional
        The factor of each class. The mean is divided by the sum of the factors of the labels.
    size_average, reduce : bool, optional
        Older spellings of `reduction`.
    ignore_index : int
        Rows with this label have loss 0 and are not counted by the mean.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A scalar, or for "none" one loss per row.

    Raises
    ------
    ShapeError, DTypeError, IndexError
        If the labels do not fit the scores, or `weight` does not fit the classes.
    """
    logs, labels = as_tensor(input), as_tensor(target)
    loss, factors = _picked("nll_loss", _classes_last("nll_loss", logs, labels), labels, weight, ignore_index)
    return _reduced(loss, factors, reduction_of(size_average, reduce, reduction))


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
    scores = as_tensor(scores)
    labels = check_labels("multiclass_hinge_loss", scores, labels)
    margins = np.full(scores.shape, delta, scores.dtype if scores.dtype.kind == "f" else float)
    at = (*np.ix_(*map(np.arange, labels.shape)), labels) if labels.ndim != 1 else (np.arange(len(labels)), labels)
    margins[at] = 0  # the correct class itself: max(0, 0), with gradient 0
    right = scores[at].reshape((*labels.shape, 1))
    return reduced(_relu(scores - right + margins).sum(axis=-1), reduction)
