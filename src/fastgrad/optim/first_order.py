"""SGD, Adam, AdamW, RMSprop, as PyTorch defines them: a group by a compiled step, or a parameter by its formula."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, ClassVar

from fastgrad import _engine
from fastgrad._engine import Tensor
from fastgrad.optim import formulas, messages
from fastgrad.optim.optimizer import Optimizer, Slots, with_gradient

_SHARE = (0, 1)  # of a running mean, how much of it stays


class SGD(Optimizer):
    """Stochastic gradient descent: `p -= lr * b`, `b = momentum * b + (1 - dampening) * g`.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        As `Optimizer` takes them.
    lr : float
    momentum, dampening : float
        The first `b` is the gradient, undamped.
    weight_decay : float
        Adds `weight_decay * p` to the gradient.
    nesterov : bool
        `p -= lr * (g + momentum * b)`: wants momentum, and no dampening.
    """

    ranges: ClassVar = {**Optimizer.ranges, "momentum": (0, math.inf)}
    slots: ClassVar = ("momentum_buffer",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        settings = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        super().__init__(params, {**settings, "nesterov": nesterov})

    def check(self, group: dict[str, Any]) -> None:
        super().check(group)
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            raise messages.bad_nesterov(group["momentum"], group["dampening"])

    def update(self, group: dict[str, Any], slots: Slots) -> Iterable[int] | None:
        if _engine.sgd_step is None:
            return with_gradient(group)
        return _engine.sgd_step(
            group["params"], slots.kept["momentum_buffer"], group["lr"], group["momentum"], group["dampening"],
            group["weight_decay"], group["nesterov"],
        )  # fmt: skip

    def update_one(self, group: dict[str, Any], slots: Slots, k: int, p: Tensor) -> None:
        buffers = slots.kept["momentum_buffer"]
        buffers[k] = formulas.sgd(
            p, p.grad, buffers[k], group["lr"], group["momentum"], group["dampening"], group["weight_decay"],
            group["nesterov"],
        )  # fmt: skip


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015): the gradient's running mean, divided by the root of its running square.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        As `Optimizer` takes them.
    lr : float
    betas : (float, float)
        How much of the running mean and of the running square stays at each step.
    eps : float
        Added to the root.
    weight_decay : float
        Adds `weight_decay * p` to the gradient.
    """

    ranges: ClassVar = {**Optimizer.ranges, "betas": _SHARE, "eps": (0, math.inf)}
    slots: ClassVar = ("exp_avg", "exp_avg_sq")
    required: ClassVar = ("step", "exp_avg", "exp_avg_sq")
    squares: ClassVar = ("exp_avg_sq",)
    decoupled: ClassVar = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def check(self, group: dict[str, Any]) -> None:
        if not isinstance(group["betas"], (tuple, list)) or len(group["betas"]) != 2:
            raise messages.bad_setting(type(self).__name__, "betas", group["betas"], *_SHARE)
        super().check(group)

    def update(self, group: dict[str, Any], slots: Slots) -> Iterable[int] | None:
        if _engine.adam_step is None:
            return with_gradient(group)
        kept = slots.kept
        beta1, beta2 = group["betas"]
        return _engine.adam_step(
            group["params"], kept["exp_avg"], kept["exp_avg_sq"], slots.counts, group["lr"], beta1, beta2, group["eps"],
            group["weight_decay"], self.decoupled,
        )  # fmt: skip

    def update_one(self, group: dict[str, Any], slots: Slots, k: int, p: Tensor) -> None:
        means, squares = slots.kept["exp_avg"], slots.kept["exp_avg_sq"]
        slots.counts[k] += 1
        means[k], squares[k] = formulas.adam(
            p, p.grad, means[k], squares[k], int(slots.counts[k]), group["lr"], *group["betas"], group["eps"],
            group["weight_decay"], self.decoupled,
        )  # fmt: skip


class AdamW(Adam):
    """Adam whose weight decay does not pass through the moments: `p *= 1 - lr * weight_decay` (Loshchilov, 2019).

    Parameters as for `Adam`; `weight_decay` is 0.01 unless given.
    """

    decoupled: ClassVar = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)


class RMSprop(Optimizer):
    """RMSprop (Hinton): the gradient divided by the root of its running square.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        As `Optimizer` takes them.
    lr : float
    alpha : float
        How much of the running square stays at each step.
    eps : float
        Added to the root.
    weight_decay : float
        Adds `weight_decay * p` to the gradient.
    momentum : float
    centered : bool
        Take the square of the running mean off the running square (Graves, 2013).
    """

    ranges: ClassVar = {**Optimizer.ranges, "alpha": _SHARE, "eps": (0, math.inf), "momentum": (0, math.inf)}
    slots: ClassVar = ("square_avg", "grad_avg", "momentum_buffer")
    required: ClassVar = ("square_avg",)
    squares: ClassVar = ("square_avg",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        settings = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(params, {**settings, "centered": centered})

    def update(self, group: dict[str, Any], slots: Slots) -> Iterable[int] | None:
        if _engine.rmsprop_step is None:
            return with_gradient(group)
        kept = slots.kept
        return _engine.rmsprop_step(
            group["params"], kept["square_avg"], kept["grad_avg"], kept["momentum_buffer"], group["lr"], group["alpha"],
            group["eps"], group["momentum"], group["weight_decay"], group["centered"],
        )  # fmt: skip

    def update_one(self, group: dict[str, Any], slots: Slots, k: int, p: Tensor) -> None:
        kept = slots.kept
        squares, means, buffers = kept["square_avg"], kept["grad_avg"], kept["momentum_buffer"]
        squares[k], means[k], buffers[k] = formulas.rmsprop(
            p, p.grad, squares[k], means[k], buffers[k], group["lr"], group["alpha"], group["eps"], group["momentum"],
            group["weight_decay"], group["centered"],
        )  # fmt: skip
