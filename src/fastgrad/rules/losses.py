"""Losses that are one gate: softmax and the negative log-likelihood in one step, whose gradient is a difference."""

import numpy as np

from fastgrad.rules.activations import sigmoid
from fastgrad.rules.checks import check_labels, check_reduction, real_only, reduced
from fastgrad.rules.reductions import softmax
from fastgrad.rules.rule import RULES, rule
from fastgrad.rules.shapes import reshape


def _plain(labels):
    return np.asarray(labels.numpy() if hasattr(labels, "numpy") else labels)


def _cross_entropy_vjp(g, logits, labels, reduction):
    shape = logits.shape
    hot = np.zeros(shape, g.dtype)
    np.put_along_axis(hot, _plain(labels)[..., None], 1, axis=-1)
    if reduction == "mean":
        g = g / max(_plain(labels).size, 1)
    elif reduction == "none":
        g = reshape(g, (*shape[:-1], 1))
    return (softmax(logits) - hot) * g


def _draw(rng):
    for shape, reduction in (((3, 4), "mean"), ((3, 4), "sum"), ((2, 3, 4), "none"), ((5,), "mean"), ((1, 2), "mean")):
        yield (rng.normal(size=shape), rng.integers(shape[-1], size=shape[:-1])), {"reduction": reduction}


@rule(
    vjp=(
        lambda g, logits, labels, reduction: _cross_entropy_vjp(g, logits, labels, reduction),
        None,
    ),  # softmax - one-hot
    holomorphic=False,
    numpy=(),
    prepare=check_reduction,
    samples=_draw,
)
def cross_entropy(logits, labels, /, reduction="mean"):
    """`-log(softmax(logits)[label])` of each row, their mean by default."""
    logits = real_only("cross_entropy", np.asarray(logits))
    labels = check_labels("cross_entropy", logits, labels)
    picked = np.take_along_axis(RULES["log_softmax"].forward(logits), labels[..., None], axis=-1)[..., 0]
    return reduced("cross_entropy", -picked, reduction)


@rule(
    vjp=(
        lambda g, logits, targets: (
            g * ((1 - targets) * sigmoid(logits) - targets * sigmoid(-logits))
        ),  # sigmoid - target would cancel
        lambda g, logits: -g * logits,
    ),
    elementwise=True,
    holomorphic=False,
    numpy=(),
    domain=((-4, 4), (0, 1)),
)
def binary_cross_entropy_with_logits(logits, targets, /):
    """`-targets * log(sigmoid(logits)) - (1 - targets) * log(1 - sigmoid(logits))`, element by element."""
    logits, targets = real_only("binary_cross_entropy_with_logits", logits), real_only("targets", targets)
    logits = np.asarray(logits, np.result_type(logits, targets))  # a Python number must not widen the other one
    tail = np.log1p(np.exp(-np.abs(logits)))
    return targets * (np.maximum(-logits, 0) + tail) + (1 - targets) * (np.maximum(logits, 0) + tail)
