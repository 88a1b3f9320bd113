"""Argument checks of ops that NumPy does not have: real numbers, class labels, reductions. No gradients."""

import math

import numpy as np

from fastgrad import _engine, parameters
from fastgrad.errors import DTypeError, IndexingError, ShapeError

REDUCTIONS = ("mean", "sum", "none")


def values_of(x):
    """Return the values of an operand, a Tensor or a number, as an array."""
    return np.asarray(x.detach().numpy() if hasattr(x, "numpy") else x)


def occurs(mask):
    """Return whether `mask` holds anywhere.

    In a program that can branch no more this is True, since a later call may find another answer: the formula for the
    elements where the mask holds must leave the bits of all others alone.
    """
    if isinstance(mask, bool) or _engine.can_branch_no_more():
        return mask is not False
    mask = mask.detach().numpy() if hasattr(mask, "detach") else mask  # in a program still a Tensor, and this a branch
    return bool(mask.any())


def real_only(op, x):
    """Return `x`; raise DTypeError if it is complex, where the formula of `op` would be wrong."""
    if isinstance(x, complex) or (isinstance(x, np.ndarray) and x.dtype.kind == "c"):
        raise DTypeError(f"{op} takes real numbers, got {getattr(x, 'dtype', 'complex')}: pass x.real or abs(x)")
    return x


def check_labels(op, scores, labels):
    """Return the labels as an array; raise unless they are valid class numbers for scores of shape (..., classes)."""
    labels = np.asarray(labels)
    if not scores.shape:
        raise ShapeError(f"{op}: scores of shape () have no axis of classes: pass an array of shape (rows, classes)")
    if labels.dtype.kind not in "iu":
        raise DTypeError(f"{op}: labels must be integers, class numbers, got {labels.dtype}: use labels.astype(int)")
    if labels.shape != scores.shape[:-1]:
        raise ShapeError(
            f"{op}: scores of shape {scores.shape} need labels of shape {scores.shape[:-1]}, one class number per row; "
            f"got {labels.shape}"
        )
    classes = scores.shape[-1]
    # viewed as unsigned numbers, negative labels are large: one comparison finds both kinds of invalid labels
    if labels.size and labels.astype(np.intp, copy=False).view(np.uintp).max() >= classes:
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise IndexingError(
            f"{op}: label {wrong} is not a class: scores of shape {scores.shape} have classes 0 to {classes - 1}"
        )
    return labels


def check_reduction(params):
    params["reduction"] = parameters.word(params["reduction"])
    if params["reduction"] not in REDUCTIONS:
        raise ValueError(f'reduction must be "mean", "sum" or "none", got {params["reduction"]!r}')
    return params


def reduced(values, reduction):
    """Reduce losses as `reduction` says. The mean of no losses is NaN, as in NumPy and PyTorch."""
    check_reduction({"reduction": reduction})
    if reduction == "none":
        return values
    if reduction == "sum":
        return values.sum()
    # avoids NumPy's warning and keeps the dtype of the losses
    return values.mean() if values.size else values.sum() * math.nan
