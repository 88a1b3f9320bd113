"""Losses that are one op: the softmax and the negative log-likelihood together have a simple, accurate gradient."""

import numpy as np

from fastgrad._lazy import lazy_functions
from fastgrad.rules.activations import sigmoid
from fastgrad.rules.checks import check_labels, check_reduction, real_only, reduced, values_of
from fastgrad.rules.reductions import mean, softmax, sum
from fastgrad.rules.rule import RULES, ops, rule
from fastgrad.rules.shapes import reshape

batching_families = lazy_functions("fastgrad.rules.batching_families")
patterns = lazy_functions("fastgrad.rules.patterns")


def _error(logits, labels):
    """`softmax(logits) - one_hot(labels)` for each row."""
    hot = (np.asarray(values_of(labels))[..., None] == np.arange(logits.shape[-1])).astype(logits.dtype)
    return softmax(logits) - hot


def _cross_entropy_vjp(g, logits, labels, reduction):
    """`softmax(logits) - one_hot(labels)` for each row, times the cotangent of its loss."""
    if reduction == "mean":
        g = g / max(logits.size // logits.shape[-1], 1)
    elif reduction == "none":
        g = reshape(g, (*logits.shape[:-1], 1))
    return _error(logits, labels) * g


def _cross_entropy_jvp(t, logits, labels, reduction):
    """The derivative of each loss along its row of `t`, reduced as the losses."""
    along = sum(t * _error(logits, labels), -1)
    return along if reduction == "none" else mean(along) if reduction == "mean" else sum(along)


def _draw(rng):
    for shape, reduction in (((3, 4), "mean"), ((3, 4), "sum"), ((2, 3, 4), "none"), ((5,), "mean"), ((0, 2), "sum")):
        yield (rng.normal(size=shape), rng.integers(shape[-1], size=shape[:-1])), {"reduction": reduction}


def _cross_entropy_pattern(call, k):
    return patterns.blocks(0, 1)(call, k) if call.params["reduction"] == "none" else None


@rule(
    batch=batching_families.cross_entropy,
    vjp=(lambda g, logits, labels, reduction: _cross_entropy_vjp(g, logits, labels, reduction), None),
    jvp=(lambda t, logits, labels, reduction: _cross_entropy_jvp(t, logits, labels, reduction), None),
    holomorphic=False,
    numpy=(),
    prepare=check_reduction,
    samples=_draw,
    pattern=_cross_entropy_pattern,
)
def cross_entropy(logits, labels, /, reduction="mean"):
    """`-log(softmax(logits)[label])` for each row, reduced to the mean by default."""
    logits = real_only("cross_entropy", np.asarray(logits))
    labels = check_labels("cross_entropy", logits, labels)
    rows = RULES["log_softmax"].forward(logits).reshape(labels.size, logits.shape[-1])
    losses = -rows[np.arange(labels.size), labels.ravel()].reshape(labels.shape)
    return reduced(losses, reduction)


@rule(
    vjp=(
        # since sigmoid(logits) - targets would cancel near a target of 1
        lambda g, logits, targets: g * ((1 - targets) * sigmoid(logits) - targets * sigmoid(-logits)),
        lambda g, logits: -g * logits,
    ),
    elementwise=True,
    holomorphic=False,
    numpy=(),
    domain=((-4, 4), (0, 1)),
)
def binary_cross_entropy_with_logits(logits, targets, /):
    """`-targets * log(sigmoid(logits)) - (1 - targets) * log(1 - sigmoid(logits))`, elementwise."""
    logits, targets = real_only("binary_cross_entropy_with_logits", logits), real_only("targets", targets)
    logits = np.asarray(logits, np.result_type(logits, targets))  # a Python number must not widen the other operand
    tail = np.log1p(np.exp(-np.abs(logits)))
    return targets * (np.maximum(-logits, 0) + tail) + (1 - targets) * (np.maximum(logits, 0) + tail)


@rule(
    vjp=(
        # each logarithm is at least -100, and the denominator at least 1e-12, so that the gradient at 0 and 1 is finite
        lambda g, x, targets: g * ((x - targets) / ops.maximum((1 - x) * x, 1e-12)),
        lambda g, x: g * (ops.maximum(ops.log1p(-x), -100.0) - ops.maximum(ops.log(x), -100.0)),
    ),
    elementwise=True,
    holomorphic=False,
    numpy=(),
    domain=((0.1, 0.9), (0, 1)),
)
def binary_cross_entropy(x, targets, /):
    """`-targets * log(x) - (1 - targets) * log(1 - x)`, elementwise; logarithms are at least -100."""
    x, targets = real_only("binary_cross_entropy", x), real_only("targets", targets)
    x = np.asarray(x, np.result_type(x, targets))  # a Python number must not widen the other operand
    return -targets * np.maximum(np.log(x), -100.0) - (1 - targets) * np.maximum(np.log1p(-x), -100.0)
