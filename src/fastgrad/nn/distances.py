"""Norms and distances of vectors along an axis, and the losses made of them."""

import functools

import numpy as np

from fastgrad import errors, parameters
from fastgrad._engine import Tensor
from fastgrad.functions.arguments import constant_result
from fastgrad.functions.products import norm
from fastgrad.functions.shapes import broadcast_arrays
from fastgrad.nn.reductions import as_tensor, pair, reduction_of
from fastgrad.rules.checks import reduced
from fastgrad.rules.rule import FUNCTIONS

_maximum, _relu, _sqrt, _where = map(FUNCTIONS.__getitem__, ("maximum", "relu", "sqrt", "where"))


def normalize(input, p=2.0, dim=1, eps=1e-12):
    """Return `input / max(norm(input, p), eps)`, with the norms of the vectors along the axis `dim`.

    Parameters
    ----------
    input : Tensor or array
    p : float
        The order of the norm.
    dim : int
    eps : float

    Returns
    -------
    Tensor, shape of `input`

    Raises
    ------
    AxisError
        If there is no axis `dim`.
    """
    x = as_tensor(input)
    return x / _maximum(norm(x, p, dim, True), eps)


def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """Return `sum(x1 * x2) / (max(norm(x1), eps) * max(norm(x2), eps))` along the axis `dim`.

    Parameters
    ----------
    x1, x2 : Tensor or array
        Broadcast against each other.
    dim : int
    eps : float

    Returns
    -------
    Tensor
        Without the axis `dim`.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.
    AxisError
        If there is no axis `dim`.
    """
    x1, x2 = broadcast_arrays(x1, x2)
    lengths = (_maximum(norm(x, 2, dim, True), eps) for x in (x1, x2))
    return (x1 / next(lengths) * (x2 / next(lengths))).sum(axis=dim)


def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    """Return the norms of order `p` of `x1 - x2 + eps`, along the last axis.

    Parameters
    ----------
    x1, x2 : Tensor or array
        Broadcast against each other.
    p : float
    eps : float
        Added to each difference.
    keepdim : bool
        Whether the result keeps the last axis, with length 1.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.
    """
    return norm(as_tensor(x1) - as_tensor(x2) + eps, p, -1, bool(keepdim))


def cosine_embedding_loss(input1, input2, target, margin=0.0, size_average=None, reduce=None, reduction="mean"):
    """Return `1 - cos` of the vectors along the last axis where `target` is 1, `max(0, cos - margin)` where it is -1.

    Parameters
    ----------
    input1, input2 : Tensor or array of one shape, (rows, features) or (features,)
    target : Tensor or array, shape (rows,) or ()
        Each is 1 or -1.
    margin : float
    size_average, reduce : bool, optional
        Older spellings of `reduction`.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A scalar, or for "none" the shape of `target`.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    """
    x1, x2 = pair("cosine_embedding_loss", input1, input2)
    labels = np.asarray(target.detach().numpy() if isinstance(target, Tensor) else target)
    if labels.shape != x1.shape[:-1]:
        raise errors.ShapeError(
            f"cosine_embedding_loss: vectors of shape {x1.shape} need a target of shape {x1.shape[:-1]}, "
            f"got {labels.shape}"
        )
    tiny = 1e-12
    squares = ((x * x).sum(axis=-1) + tiny for x in (x1, x2))
    cosine = (x1 * x2).sum(axis=-1) / _sqrt(next(squares) * next(squares))
    loss = _where(labels == 1, 1 - cosine, _where(labels == -1, _relu(cosine - margin), 0))
    return reduced(loss, reduction_of(size_average, reduce, reduction))


def margin_ranking_loss(input1, input2, target, margin=0.0, size_average=None, reduce=None, reduction="mean"):
    """Return `max(0, -target * (input1 - input2) + margin)`, reduced to its mean by default.

    Parameters
    ----------
    input1, input2 : Tensor or array of one shape
    target : Tensor or array of this shape
        1 if `input1` should be larger, -1 if `input2` should.
    margin : float
    size_average, reduce : bool, optional
        Older spellings of `reduction`.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A scalar, or the shape of `input1` for "none". At the margin itself the gradient is 0.

    Raises
    ------
    ShapeError
        If the shapes differ.
    """
    x1, x2 = pair("margin_ranking_loss", input1, input2)
    x1, target = pair("margin_ranking_loss", x1, target)
    return reduced(_relu(target * (x2 - x1) + margin), reduction_of(size_average, reduce, reduction))


def triplet_margin_loss(
    anchor,
    positive,
    negative,
    margin=1.0,
    p=2.0,
    eps=1e-6,
    swap=False,
    size_average=None,
    reduce=None,
    reduction="mean",
):
    """Return `max(0, d(anchor, positive) - d(anchor, negative) + margin)`, with `d = pairwise_distance`.

    Parameters
    ----------
    anchor, positive, negative : Tensor or array, shape (..., features)
    margin : float
    p, eps : float
        Those of `pairwise_distance`.
    swap : bool
        Whether `d(positive, negative)` is used where it is less than `d(anchor, negative)`.
    size_average, reduce : bool, optional
        Older spellings of `reduction`.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A scalar, or for "none" one loss per row. At the margin itself the gradient is 0.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.
    """
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = FUNCTIONS["minimum"](far, pairwise_distance(positive, negative, p, eps))
    loss = _relu(pairwise_distance(anchor, positive, p, eps) - far + margin)
    return reduced(loss, reduction_of(size_average, reduce, reduction))


def one_hot(tensor, num_classes=-1):
    """Return an array of int64 with a last axis that is 1 at the class number, and 0 elsewhere.

    Parameters
    ----------
    tensor : Tensor or array of integers
    num_classes : int
        The length of the last axis. By default the largest class number + 1.

    Returns
    -------
    Tensor, shape (*tensor.shape, num_classes)

    Raises
    ------
    DTypeError
        If the class numbers are not integers.
    IndexError
        If a class number is negative, or not less than `num_classes`.
    ValueError
        If the number of classes is to be found in an empty array.
    """
    call = functools.partial(_one_hot, num_classes=parameters.integer(num_classes))
    return constant_result("one_hot", call, tensor)


def _one_hot(labels, num_classes):
    if labels.dtype.kind not in "iu":
        raise errors.DTypeError(f"one_hot: class numbers must be integers, got {labels.dtype}: use labels.astype(int)")
    if num_classes < 0 and not labels.size:
        raise errors.BadSetting("one_hot: an empty array does not tell the number of classes: pass num_classes")
    n = int(labels.max()) + 1 if num_classes < 0 else num_classes
    if labels.size and not 0 <= labels.min() <= labels.max() < n:
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise errors.IndexingError(f"one_hot: {wrong} is not a class number from 0 to {n - 1}")
    return (labels[..., None] == np.arange(n)).astype(np.int64)
