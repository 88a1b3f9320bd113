"""Activations and losses as modules: the functions of `nn.functional` with their parameters."""

from __future__ import annotations

from typing import Any

from fastgrad._engine import Tensor
from fastgrad.nn import functional as F
from fastgrad.nn.module import Module


class ReLU(Module):
    """`maximum(x, 0)`."""

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x)


class Tanh(Module):
    """Hyperbolic tangent."""

    def forward(self, x: Tensor) -> Tensor:
        return F.tanh(x)


class Sigmoid(Module):
    """`1 / (1 + exp(-x))`."""

    def forward(self, x: Tensor) -> Tensor:
        return F.sigmoid(x)


class LogSigmoid(Module):
    """`log(sigmoid(x))`."""

    def forward(self, x: Tensor) -> Tensor:
        return F.logsigmoid(x)


class GELU(Module):
    """`x * Phi(x)`, the exact form."""

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(x)


class SiLU(Module):
    """`x * sigmoid(x)`."""

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(x)


class Softplus(Module):
    """`log(1 + exp(x))`."""

    def forward(self, x: Tensor) -> Tensor:
        return F.softplus(x)


class LeakyReLU(Module):
    """`x` if `x > 0`, else `negative_slope * x`.

    Parameters
    ----------
    negative_slope : float
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class ELU(Module):
    """`x` if `x > 0`, else `alpha * (exp(x) - 1)`.

    Parameters
    ----------
    alpha : float
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Tensor) -> Tensor:
        return F.elu(x, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class Softmax(Module):
    """`exp(x) / sum(exp(x))` along the axis `dim`."""

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return F.softmax(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """`log(softmax(x))` along the axis `dim`."""

    def forward(self, x: Tensor) -> Tensor:
        return F.log_softmax(x, self.dim)


class _Loss(Module):
    """Base of the losses, which are reduced to the "mean" or "sum", or not at all ("none")."""

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction


class CrossEntropyLoss(_Loss):
    """`nn.functional.cross_entropy` of scores (..., classes) and labels (...)."""

    def forward(self, logits: Tensor, labels: Any) -> Tensor:
        return F.cross_entropy(logits, labels, reduction=self.reduction)


class MSELoss(_Loss):
    """`nn.functional.mse_loss` of predictions and targets of the same shape."""

    def forward(self, predictions: Tensor, targets: Any) -> Tensor:
        return F.mse_loss(predictions, targets, reduction=self.reduction)


class BCEWithLogitsLoss(_Loss):
    """`nn.functional.binary_cross_entropy_with_logits` of logits and probabilities of the same shape."""

    def forward(self, logits: Tensor, targets: Any) -> Tensor:
        return F.binary_cross_entropy_with_logits(logits, targets, reduction=self.reduction)


class HingeLoss(Module):
    """`nn.functional.hinge_loss` of scores and labels, 1 or -1, of the same shape."""

    def __init__(self, delta: float = 1.0, reduction: str = "mean") -> None:
        self.delta, self.reduction = delta, reduction

    def forward(self, scores: Tensor, labels: Any) -> Tensor:
        return F.hinge_loss(scores, labels, self.delta, self.reduction)


class MulticlassHingeLoss(HingeLoss):
    """`nn.functional.multiclass_hinge_loss` of scores (rows, classes) and labels (rows,)."""

    def forward(self, scores: Tensor, labels: Any) -> Tensor:
        return F.multiclass_hinge_loss(scores, labels, self.delta, self.reduction)
