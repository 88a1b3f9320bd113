"""SGD, Adam, AdamW and RMSprop with PyTorch's definitions: a compiled step per group, or a formula per parameter."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, ClassVar

from fastgrad import _engine
from fastgrad._engine import Tensor
from fastgrad.optim import formulas, messages
from fastgrad.optim.optimizer import Optimizer, Slots, gradient_of, with_gradient
from fastgrad.tracebacks import boundary

DECAY_RATE = (0, 1)  # range of the decay rate of a moving average


def check_betas(optimizer: Optimizer, group: dict[str, Any]) -> None:
    """Raise unless the betas of a group are a pair."""
    if not isinstance(group["betas"], (tuple, list)) or len(group["betas"]) != 2:
        raise messages.invalid(type(optimizer).__name__, "betas", group["betas"], "a pair of numbers from 0 to 1")


class SGD(Optimizer):
    """Stochastic gradient descent: `b = momentum * b + (1 - dampening) * g` and `p -= lr * b`.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        As for `Optimizer`.
    lr : float
    momentum, dampening : float
        The first `b` is the gradient, without dampening.
    weight_decay : float
        Adds `weight_decay * p` to the gradient.
    nesterov : bool
        Use `p -= lr * (g + momentum * b)`. Requires momentum, and no dampening.
    maximize : bool
        Maximize instead of minimize.
    """

    ranges: ClassVar = {**Optimizer.ranges, "momentum": (0, math.inf)}
    slots: ClassVar = ("momentum_buffer",)

    @boundary
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        settings = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        super().__init__(params, {**settings, "nesterov": nesterov, "maximize": maximize})

    def check(self, group: dict[str, Any]) -> None:
        super().check(group)
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            raise messages.bad_nesterov(group["momentum"], group["dampening"])

    def update(self, group: dict[str, Any], slots: Slots) -> Iterable[int] | None:
        if _engine.sgd_step is None or group["maximize"]:
            return with_gradient(group)
        return _engine.sgd_step(
            group["params"], slots.kept["momentum_buffer"], group["lr"], group["momentum"], group["dampening"],
            group["weight_decay"], group["nesterov"],
        )  # fmt: skip

    def update_one(self, group: dict[str, Any], slots: Slots, k: int, p: Tensor) -> None:
        buffers = slots.kept["momentum_buffer"]
        buffers[k] = formulas.sgd(
            p, gradient_of(group, p), buffers[k], group["lr"], group["momentum"], group["dampening"],
            group["weight_decay"], group["nesterov"],
        )  # fmt: skip


class Adam(Optimizer):
    """Adam: the moving average of the gradient, divided by the root of the moving average of its square.

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
    amsgrad : bool
        Use the largest second-moment estimate so far (Reddi, Kale and Kumar, arXiv:1904.09237).
    maximize : bool
        Maximize instead of minimize.

    References
    ----------
    Kingma and Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980.
    """

    ranges: ClassVar = {**Optimizer.ranges, "betas": DECAY_RATE, "eps": (0, math.inf)}
    slots: ClassVar = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
    required: ClassVar = ("step", "exp_avg", "exp_avg_sq")
    squares: ClassVar = ("exp_avg_sq", "max_exp_avg_sq")
    decoupled: ClassVar = False

    @boundary
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**settings, "amsgrad": amsgrad, "maximize": maximize})

    def check(self, group: dict[str, Any]) -> None:
        check_betas(self, group)
        super().check(group)

    def update(self, group: dict[str, Any], slots: Slots) -> Iterable[int] | None:
        if _engine.adam_step is None or group["amsgrad"] or group["maximize"]:
            return with_gradient(group)
        kept = slots.kept
        beta1, beta2 = group["betas"]
        return _engine.adam_step(
            group["params"], kept["exp_avg"], kept["exp_avg_sq"], slots.counts, group["lr"], beta1, beta2, group["eps"],
            group["weight_decay"], self.decoupled,
        )  # fmt: skip

    def update_one(self, group: dict[str, Any], slots: Slots, k: int, p: Tensor) -> None:
        means, squares, largest = slots.kept.values()
        slots.counts[k] += 1
        g, t = gradient_of(group, p), int(slots.counts[k])
        rest = t, group["lr"], *group["betas"], group["eps"], group["weight_decay"], self.decoupled
        if group["amsgrad"]:
            means[k], squares[k], largest[k] = formulas.adam_amsgrad(p, g, means[k], squares[k], largest[k], *rest)
        else:
            means[k], squares[k] = formulas.adam(p, g, means[k], squares[k], *rest)


class AdamW(Adam):
    """Adam with decoupled weight decay: `p *= 1 - lr * weight_decay`, without adding it to the gradient.

    Parameters are those of `Adam`, except that `weight_decay` is 0.01 by default.

    References
    ----------
    Loshchilov and Hutter, "Decoupled weight decay regularization", arXiv:1711.05101.
    """

    decoupled: ClassVar = True

    @boundary
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)


class RMSprop(Optimizer):
    """RMSprop: the gradient divided by the root of the moving average of its square.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        As for `Optimizer`.
    lr : float
    alpha : float
        Decay rate of the moving average of the square.
    eps : float
        Added to the root, for numerical stability.
    weight_decay : float
        Adds `weight_decay * p` to the gradient.
    momentum : float
    centered : bool
        Subtract the square of the moving average of the gradient, which gives an estimate of its variance.
    maximize : bool
        Maximize instead of minimize.

    References
    ----------
    Hinton, "Neural networks for machine learning", lecture 6, 2012; centered: Graves, arXiv:1308.0850.
    """

    ranges: ClassVar = {**Optimizer.ranges, "alpha": DECAY_RATE, "eps": (0, math.inf), "momentum": (0, math.inf)}
    slots: ClassVar = ("square_avg", "grad_avg", "momentum_buffer")
    required: ClassVar = ("square_avg",)
    squares: ClassVar = ("square_avg",)

    @boundary
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        settings = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(params, {**settings, "centered": centered, "maximize": maximize})

    def update(self, group: dict[str, Any], slots: Slots) -> Iterable[int] | None:
        if _engine.rmsprop_step is None or group["maximize"]:
            return with_gradient(group)
        kept = slots.kept
        return _engine.rmsprop_step(
            group["params"], kept["square_avg"], kept["grad_avg"], kept["momentum_buffer"], group["lr"], group["alpha"],
            group["eps"], group["momentum"], group["weight_decay"], group["centered"],
        )  # fmt: skip

    def update_one(self, group: dict[str, Any], slots: Slots, k: int, p: Tensor) -> None:
        squares, means, buffers = slots.kept.values()
        squares[k], means[k], buffers[k] = formulas.rmsprop(
            p, gradient_of(group, p), squares[k], means[k], buffers[k], group["lr"], group["alpha"], group["eps"],
            group["momentum"], group["weight_decay"], group["centered"],
        )  # fmt: skip
