"""Losses as modules: the functions of `nn.functional` with their options."""

from __future__ import annotations

from typing import Any

from fastgrad._engine import Tensor
from fastgrad.nn import functional as F
from fastgrad.nn import messages
from fastgrad.nn.module import Module
from fastgrad.nn.reductions import as_tensor, reduction_of


class _Loss(Module):
    """Base of the losses, which are reduced to the "mean" or "sum", or not at all ("none").

    `size_average` and `reduce` are older spellings of `reduction`.
    """

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        if isinstance(size_average, Tensor):
            raise messages.options_wanted(f"nn.{type(self).__name__}")
        self.reduction = reduction_of(size_average, reduce, reduction)


class _WeightedLoss(_Loss):
    """Base of losses with factors, which are a buffer."""

    weight: Tensor | None

    def __init__(
        self,
        weight: Any = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", None if weight is None else as_tensor(weight))


class CrossEntropyLoss(_WeightedLoss):
    """`nn.functional.cross_entropy` of scores (..., classes) and labels (...), or probabilities (..., classes).

    Parameters
    ----------
    weight : Tensor or array, shape (classes,), optional
    size_average : bool, optional
    ignore_index : int
    reduce : bool, optional
    reduction : {"mean", "sum", "none"}
    label_smoothing : float
    """

    def __init__(
        self,
        weight: Any = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(_WeightedLoss):
    """`nn.functional.nll_loss` of log-probabilities (..., classes) and labels (...).

    Parameters
    ----------
    weight : Tensor or array, shape (classes,), optional
    size_average : bool, optional
    ignore_index : int
    reduce : bool, optional
    reduction : {"mean", "sum", "none"}
    """

    def __init__(
        self,
        weight: Any = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class MSELoss(_Loss):
    """`nn.functional.mse_loss` of predictions and targets of the same shape."""

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """`nn.functional.l1_loss` of predictions and targets of the same shape."""

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """`nn.functional.smooth_l1_loss` of predictions and targets of the same shape."""

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        beta: float = 1.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """`nn.functional.huber_loss` of predictions and targets of the same shape."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.huber_loss(input, target, self.reduction, self.delta)


class BCELoss(_WeightedLoss):
    """`nn.functional.binary_cross_entropy` of probabilities and targets of the same shape."""

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_WeightedLoss):
    """`nn.functional.binary_cross_entropy_with_logits` of logits and probabilities of the same shape.

    Parameters
    ----------
    weight : Tensor or array, optional
    size_average, reduce : bool, optional
    reduction : {"mean", "sum", "none"}
    pos_weight : Tensor or array, optional
    """

    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Any = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Any = None,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.register_buffer("pos_weight", None if pos_weight is None else as_tensor(pos_weight))

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class KLDivLoss(_Loss):
    """`nn.functional.kl_div` of log-probabilities and probabilities of the same shape."""

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class GaussianNLLLoss(_Loss):
    """`nn.functional.gaussian_nll_loss` of means, targets and variances."""

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full, self.eps = full, eps

    def forward(self, input: Tensor, target: Any, var: Any) -> Tensor:
        return F.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)


class SoftMarginLoss(_Loss):
    """`nn.functional.soft_margin_loss` of scores and targets, 1 or -1, of the same shape."""

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class CosineEmbeddingLoss(_Loss):
    """`nn.functional.cosine_embedding_loss` of two arrays of vectors and targets, 1 or -1."""

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Any) -> Tensor:
        return F.cosine_embedding_loss(input1, input2, target, self.margin, reduction=self.reduction)


class MarginRankingLoss(CosineEmbeddingLoss):
    """`nn.functional.margin_ranking_loss` of two arrays of scores and targets, 1 or -1, of the same shape."""

    def forward(self, input1: Tensor, input2: Tensor, target: Any) -> Tensor:
        return F.margin_ranking_loss(input1, input2, target, self.margin, reduction=self.reduction)


class TripletMarginLoss(_Loss):
    """`nn.functional.triplet_margin_loss` of anchors, positive and negative examples."""

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap, reduction=self.reduction
        )


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
