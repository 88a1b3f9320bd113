"""Losses of predictions and targets of the same shape. Each is a rule or a few ops."""

import math

import numpy as np

from fastgrad import errors
from fastgrad.nn.reductions import as_tensor, pair, reduction_of, weighted
from fastgrad.rules import losses
from fastgrad.rules.checks import reduced
from fastgrad.rules.rule import FUNCTIONS

_abs, _exp, _log, _relu, _softplus, _square, _where = map(
    FUNCTIONS.__getitem__, ("abs", "exp", "log", "relu", "softplus", "square", "where")
)


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """Return the squared differences `(input - target)**2`, reduced to their mean by default.

    Parameters
    ----------
    input, target : Tensor or array of one shape
    size_average, reduce : bool, optional
        Older spellings of `reduction`.
    reduction : {"mean", "sum", "none"}
    weight : Tensor or array, optional
        Factors of the squares. The mean is divided by their sum.

    Returns
    -------
    Tensor
        A scalar, or the shape of `input` for "none".

    Raises
    ------
    ShapeError
        If the shapes differ.
    """
    input, target = pair("mse_loss", input, target)
    loss, reduction = _square(input - target), reduction_of(size_average, reduce, reduction)
    return reduced(loss, reduction) if weight is None else _weighted_mean("mse_loss", loss, weight, reduction)


def _factors(name, loss, weight):
    weight = as_tensor(weight)
    if weight.shape != loss.shape:
        raise errors.ShapeError(f"{name}: weight has shape {weight.shape}, but the losses have shape {loss.shape}")
    return weight


def _weighted_mean(name, loss, weight, reduction):
    """Reduce losses with weights of their shape; the mean is divided by the sum of the weights."""
    weight = _factors(name, loss, weight)
    return weighted(loss, weight, "sum") / weight.sum() if reduction == "mean" else weighted(loss, weight, reduction)


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """Return the absolute differences `abs(input - target)`, reduced to their mean by default.

    Parameters
    ----------
    input, target : Tensor or array of one shape
    size_average, reduce : bool, optional
        Older spellings of `reduction`.
    reduction : {"mean", "sum", "none"}
    weight : Tensor or array, optional
        Factors of the differences. The mean is divided by their sum.

    Returns
    -------
    Tensor
        A scalar, or the shape of `input` for "none". Where the difference is 0, so is the gradient.

    Raises
    ------
    ShapeError
        If the shapes differ.
    """
    input, target = pair("l1_loss", input, target)
    loss, reduction = _abs(input - target), reduction_of(size_average, reduce, reduction)
    return reduced(loss, reduction) if weight is None else _weighted_mean("l1_loss", loss, weight, reduction)


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """Return `d**2 / (2 beta)` where `d = abs(input - target)` is less than `beta`, else `d - beta / 2`.

    Parameters
    ----------
    input, target : Tensor or array of one shape
    size_average, reduce : bool, optional
        Older spellings of `reduction`.
    reduction : {"mean", "sum", "none"}
    beta : float
        At least 0. For 0 this is `l1_loss`.

    Returns
    -------
    Tensor
        A scalar, or the shape of `input` for "none".

    Raises
    ------
    ShapeError
        If the shapes differ.
    ValueError
        If `beta` is negative.
    """
    input, target = pair("smooth_l1_loss", input, target)
    if not beta >= 0:
        raise errors.BadSetting(f"smooth_l1_loss: beta must be at least 0, got {beta}")
    distance = _abs(input - target)
    loss = distance
    if beta:
        loss = _where(distance.detach() < beta, distance * distance * (0.5 / beta), distance - 0.5 * beta)
    return reduced(loss, reduction_of(size_average, reduce, reduction))


def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """Return `d**2 / 2` where `d = abs(input - target)` is at most `delta`, else `delta * (d - delta / 2)`.

    Parameters
    ----------
    input, target : Tensor or array of one shape
    reduction : {"mean", "sum", "none"}
    delta : float
        Greater than 0.
    weight : Tensor or array, optional
        Factors of the losses. As in PyTorch, the mean is divided by the number of losses, not by the sum of factors.

    Returns
    -------
    Tensor
        A scalar, or the shape of `input` for "none".

    Raises
    ------
    ShapeError
        If the shapes differ.
    ValueError
        If `delta` is not positive.
    """
    input, target = pair("huber_loss", input, target)
    if not delta > 0:
        raise errors.BadSetting(f"huber_loss: delta must be greater than 0, got {delta}")
    distance = _abs(input - target)
    loss = _where(distance.detach() <= delta, distance * distance * 0.5, (distance - 0.5 * delta) * delta)
    return reduced(loss if weight is None else loss * _factors("huber_loss", loss, weight), reduction)


def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """Return `-target * log(input) - (1 - target) * log(1 - input)` of probabilities, each logarithm at least -100.

    `binary_cross_entropy_with_logits` is more accurate, and also differentiable where a sigmoid rounds to 0 or 1.

    Parameters
    ----------
    input, target : Tensor or array of one shape
        Numbers from 0 to 1.
    weight : Tensor or array, optional
        Factors of the losses; broadcasts.
    size_average, reduce : bool, optional
        Older spellings of `reduction`.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A scalar, or the shape of `input` for "none".

    Raises
    ------
    ShapeError
        If the shapes differ.
    ValueError
        If an element of `input` is not from 0 to 1.
    """
    input, target = pair("binary_cross_entropy", input, target)
    values = input.detach().numpy()
    wrong = values[~((values >= 0) & (values <= 1))]
    if wrong.size:
        raise errors.BadSetting(
            f"binary_cross_entropy: input must be probabilities from 0 to 1, got {wrong[0]}: "
            "for scores use binary_cross_entropy_with_logits"
        )
    loss = losses.binary_cross_entropy(input, target)
    return weighted(loss, weight, reduction_of(size_average, reduce, reduction))


def binary_cross_entropy_with_logits(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None
):
    """Return the cross-entropy of `sigmoid(input)` and probabilities `target`, for logits of any size.

    Parameters
    ----------
    input, target : Tensor or array of one shape
        `target` is from 0 to 1.
    weight : Tensor or array, optional
        Factors of the losses; broadcasts.
    size_average, reduce : bool, optional
        Older spellings of `reduction`.
    reduction : {"mean", "sum", "none"}
    pos_weight : Tensor or array, optional
        Factors of the part `-target * log(sigmoid(input))`, such as negatives / positives of each class; broadcasts.

    Returns
    -------
    Tensor
        A scalar, or the shape of `input` for "none".

    Raises
    ------
    ShapeError
        If the shapes differ.
    """
    input, target = pair("binary_cross_entropy_with_logits", input, target)
    if pos_weight is None:
        loss = losses.binary_cross_entropy_with_logits(input, target)
    else:
        loss = target * as_tensor(pos_weight) * _softplus(-input) + (1 - target) * _softplus(input)
    return weighted(loss, weight, reduction_of(size_average, reduce, reduction))


def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    """Return `target * (log(target) - input)`, the terms of the Kullback-Leibler divergence.

    Parameters
    ----------
    input : Tensor or array
        Log-probabilities.
    target : Tensor or array of the same shape
        Probabilities, or log-probabilities if `log_target` is set. Where it is 0, the term is 0.
    size_average, reduce : bool, optional
        Older spellings of `reduction`.
    reduction : {"mean", "batchmean", "sum", "none"}
        "batchmean" divides the sum by the length of the first axis, which is the divergence of distributions.
    log_target : bool

    Returns
    -------
    Tensor
        A scalar, or the shape of `input` for "none".

    Raises
    ------
    ShapeError
        If the shapes differ.
    """
    input, target = pair("kl_div", input, target)
    if log_target:
        loss = _exp(target) * (target - input)
    else:
        positive = target.detach().numpy() > 0
        loss = target * _log(_where(positive, target, 1)) - target * input
    reduction = reduction_of(size_average, reduce, reduction)
    if reduction == "batchmean":
        return loss.sum() / (loss.shape[0] if loss.ndim else 1)
    return reduced(loss, reduction)


def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="mean"):
    """Return `(log(var) + (input - target)**2 / var) / 2`, with `var` at least `eps`.

    Parameters
    ----------
    input, target : Tensor or array
        `input` is the predicted mean. The shapes broadcast.
    var : Tensor or array
        The predicted variance: of the shape of `input`; with 1 in place of its last length; or without its last axis.
    full : bool
        Whether to add the constant `log(2 pi) / 2`.
    eps : float
        Smaller variances are replaced by `eps`, without a gradient for `var`.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A scalar, or the shape of `input` for "none".

    Raises
    ------
    ShapeError
        If `var` has another shape.
    ValueError
        If a variance is negative.
    """
    input, target, var = as_tensor(input), as_tensor(target), as_tensor(var)
    if var.shape != input.shape:
        if var.shape == input.shape[:-1]:
            var = var[..., None]
        elif var.shape != (*input.shape[:-1], 1):
            raise errors.ShapeError(
                f"gaussian_nll_loss: var has shape {var.shape} and input {input.shape}: pass a variance per element, "
                "or one per row"
            )
    if var.size and not var.detach().numpy().min() >= 0:
        raise errors.BadSetting("gaussian_nll_loss: var must be at least 0")
    raised = var + np.maximum(eps - var.detach().numpy(), 0)  # the gradient is that of var, as in PyTorch
    loss = 0.5 * (_log(raised) + _square(input - target) / raised)
    return reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)


def soft_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """Return `log(1 + exp(-target * input))` for targets 1 and -1, reduced to its mean by default.

    Parameters
    ----------
    input, target : Tensor or array of one shape
    size_average, reduce : bool, optional
        Older spellings of `reduction`.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A scalar, or the shape of `input` for "none".

    Raises
    ------
    ShapeError
        If the shapes differ.
    """
    input, target = pair("soft_margin_loss", input, target)
    return reduced(_softplus(-target * input), reduction_of(size_average, reduce, reduction))


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
    scores, labels = pair("hinge_loss", scores, labels)
    values = labels.detach().numpy()
    wrong = values[np.abs(values) != 1]
    if wrong.size:
        raise ValueError(f"hinge_loss: labels must be 1 or -1, got {wrong[0]}: for labels 0 and 1 pass 2 * labels - 1")
    return reduced(_relu(delta - labels * scores), reduction)
