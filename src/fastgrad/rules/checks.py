"""What the ops that NumPy does not have check for themselves: real numbers, class labels, reductions. No gradients."""

import math

import numpy as np

from fastgrad import parameters
from fastgrad.errors import DTypeError, IndexingError, ShapeError

REDUCTIONS = ("mean", "sum", "none")


def real_only(op, x):
    """`x`, which must not be complex: the formula of `op` would be another one there."""
    if isinstance(x, complex) or (isinstance(x, np.ndarray) and x.dtype.kind == "c"):
        raise DTypeError(f"{op} takes real numbers, got {getattr(x, 'dtype', 'complex')}: pass x.real or abs(x)")
    return x


def check_labels(op, scores, labels):
    """Labels that fit scores of shape (..., classes): integers, one per row, each a class."""
    labels = np.asarray(labels)
    if not scores.shape:
        raise ShapeError(f"{op}: scores of shape () have no axis of classes; pass an array of shape (rows, classes)")
    if labels.dtype.kind not in "iu":
        raise DTypeError(f"{op}: labels are integers, one class each, got {labels.dtype}: use labels.astype(int)")
    if labels.shape != scores.shape[:-1]:
        raise ShapeError(
            f"{op}: scores of shape {scores.shape} need labels of shape {scores.shape[:-1]}, one class number per row; "
            f"got {labels.shape}"
        )
    classes = scores.shape[-1]
    # as unsigned numbers, negative labels are large ones: one look finds both kinds
    if labels.size and labels.astype(np.intp, copy=False).view(np.uintp).max() >= classes:
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise IndexingError(f"{op}: label {wrong} is no class; scores of shape {scores.shape} have 0 to {classes - 1}")
    return labels


def check_reduction(params):
    params["reduction"] = parameters.word(params["reduction"])
    if params["reduction"] not in REDUCTIONS:
        raise ValueError(f'reduction={params["reduction"]!r} is not one of "mean", "sum", "none"')
    return params


def reduced(values, reduction):
    """Losses put together as `reduction` says; the mean of none is NaN, as NumPy and PyTorch have it."""
    check_reduction({"reduction": reduction})
    if reduction == "none":
        return values
    if reduction == "sum":
        return values.sum()
    # without NumPy's warning, and in the dtype of the losses
    return values.mean() if values.size else values.sum() * math.nan
