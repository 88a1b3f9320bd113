"""Adagrad, Adadelta, Adamax and RAdam with PyTorch's definitions: a formula per parameter."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, ClassVar

from fastgrad._engine import Tensor
from fastgrad.optim import formulas
from fastgrad.optim.first_order import DECAY_RATE, check_betas
from fastgrad.optim.optimizer import Optimizer, Slots, gradient_of


class Adagrad(Optimizer):
    """Adagrad: the gradient divided by the root of the sum of its squares.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        As for `Optimizer`.
    lr : float
    lr_decay : float
        The rate of step t is `lr / (1 + (t - 1) * lr_decay)`.
    weight_decay : float
        Adds `weight_decay * p` to the gradient.
    initial_accumulator_value : float
        The first value of the sums.
    eps : float
        Added to the root, for numerical stability.
    maximize : bool
        Maximize instead of minimize.

    References
    ----------
    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization", JMLR 12,
    2011.
    """

    ranges: ClassVar = {
        **Optimizer.ranges, "lr_decay": (0, math.inf), "initial_accumulator_value": (0, math.inf), "eps": (0, math.inf),
    }  # fmt: skip
    slots: ClassVar = ("sum",)
    required: ClassVar = ("step", "sum")
    squares: ClassVar = ("sum",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        settings = {"lr": lr, "lr_decay": lr_decay, "weight_decay": weight_decay, "eps": eps, "maximize": maximize}
        super().__init__(params, {**settings, "initial_accumulator_value": initial_accumulator_value})

    def update_one(self, group: dict[str, Any], slots: Slots, k: int, p: Tensor) -> None:
        slots.counts[k] += 1
        rate = group["lr"] / (1 + (int(slots.counts[k]) - 1) * group["lr_decay"])
        sums = slots.kept["sum"]
        sums[k] = formulas.adagrad(
            p, gradient_of(group, p), sums[k], rate, group["initial_accumulator_value"], group["eps"],
            group["weight_decay"],
        )  # fmt: skip


class Adadelta(Optimizer):
    """Adadelta: the gradient times the ratio of the root mean squares of the updates and of the gradient.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        As for `Optimizer`.
    lr : float
    rho : float
        Decay rate of the moving averages.
    eps : float
        Added to the mean squares, for numerical stability.
    weight_decay : float
        Adds `weight_decay * p` to the gradient.
    maximize : bool
        Maximize instead of minimize.

    References
    ----------
    Zeiler, "ADADELTA: an adaptive learning rate method", arXiv:1212.5701.
    """

    ranges: ClassVar = {**Optimizer.ranges, "rho": (0, 1 + 2**-52), "eps": (0, math.inf)}
    slots: ClassVar = ("square_avg", "acc_delta")
    required: ClassVar = ("square_avg", "acc_delta")
    squares: ClassVar = ("square_avg", "acc_delta")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        settings = {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, settings)

    def update_one(self, group: dict[str, Any], slots: Slots, k: int, p: Tensor) -> None:
        squares, deltas = slots.kept.values()
        slots.counts[k] += 1
        squares[k], deltas[k] = formulas.adadelta(
            p, gradient_of(group, p), squares[k], deltas[k], group["lr"], group["rho"], group["eps"],
            group["weight_decay"],
        )  # fmt: skip


class _Moments(Optimizer):
    """Base of optimizers with two moment estimates."""

    ranges: ClassVar = {**Optimizer.ranges, "betas": DECAY_RATE, "eps": (0, math.inf)}

    def check(self, group: dict[str, Any]) -> None:
        check_betas(self, group)
        super().check(group)


class Adamax(_Moments):
    """Adamax: the moving average of the gradient, divided by a decaying maximum of its magnitude.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        As for `Optimizer`.
    lr : float
    betas : (float, float)
        Decay rates of the average and of the maximum.
    eps : float
        Added to the magnitude, for numerical stability.
    weight_decay : float
        Adds `weight_decay * p` to the gradient.
    maximize : bool
        Maximize instead of minimize.

    References
    ----------
    Kingma and Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980.
    """

    slots: ClassVar = ("exp_avg", "exp_inf")
    required: ClassVar = ("step", "exp_avg", "exp_inf")
    squares: ClassVar = ("exp_inf",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, settings)

    def update_one(self, group: dict[str, Any], slots: Slots, k: int, p: Tensor) -> None:
        means, largest = slots.kept.values()
        slots.counts[k] += 1
        means[k], largest[k] = formulas.adamax(
            p, gradient_of(group, p), means[k], largest[k], int(slots.counts[k]), group["lr"], *group["betas"],
            group["eps"], group["weight_decay"],
        )  # fmt: skip


class RAdam(_Moments):
    """Adam with a variance rectification: without the second moment, until its estimate is reliable.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        As for `Optimizer`.
    lr : float
    betas : (float, float)
        Decay rates of the first-moment and second-moment estimates.
    eps : float
        Added to the root, for numerical stability.
    weight_decay : float
        Adds `weight_decay * p` to the gradient.
    decoupled_weight_decay : bool
        Whether the weight decay is that of `AdamW`.
    maximize : bool
        Maximize instead of minimize.

    References
    ----------
    Liu et al., "On the variance of the adaptive learning rate and beyond", arXiv:1908.03265.
    """

    slots: ClassVar = ("exp_avg", "exp_avg_sq")
    required: ClassVar = ("step", "exp_avg", "exp_avg_sq")
    squares: ClassVar = ("exp_avg_sq",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, {**settings, "decoupled_weight_decay": decoupled_weight_decay})

    def update_one(self, group: dict[str, Any], slots: Slots, k: int, p: Tensor) -> None:
        means, squares = slots.kept.values()
        slots.counts[k] += 1
        means[k], squares[k] = formulas.radam(
            p, gradient_of(group, p), means[k], squares[k], int(slots.counts[k]), group["lr"], *group["betas"],
            group["eps"], group["weight_decay"], group["decoupled_weight_decay"],
        )  # fmt: skip
