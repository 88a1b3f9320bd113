"""Learning rates that follow the number of steps: each group's `lr` is a function of its first and of it."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from fastgrad.optim import messages
from fastgrad.optim.optimizer import Optimizer


class Scheduler:
    """Base of the schedulers. Making one sets the rate of step 0; `step()`, after the optimiser's, the next.

    Parameters
    ----------
    optimizer : Optimizer

    Attributes
    ----------
    base_lrs : list of float
        What the groups' rates were at first; kept as "initial_lr" in the groups.
    last_epoch : int
        The number of steps.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise messages.no_optimizer(type(self).__name__, type(optimizer).__name__)
        self.optimizer = optimizer
        self.base_lrs = [group.setdefault("initial_lr", group["lr"]) for group in optimizer.param_groups]
        self.last_epoch = 0
        self._set()

    def rate(self, base: float, t: int) -> float:
        """The learning rate at step `t` where it was `base` at first."""
        raise NotImplementedError

    def step(self) -> None:
        """Set the rates of the next step."""
        self.last_epoch += 1
        self._set()

    def _set(self) -> None:
        for group, base in zip(self.optimizer.param_groups, self.base_lrs):
            group["lr"] = self.rate(base, self.last_epoch)

    def get_last_lr(self) -> list[float]:
        """The groups' present rates."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """The number of steps, and the first rates."""
        return {"last_epoch": self.last_epoch, "base_lrs": list(self.base_lrs)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where `state_dict()` was taken."""
        self.last_epoch, self.base_lrs = int(state_dict["last_epoch"]), list(state_dict["base_lrs"])
        self._set()


class LambdaLR(Scheduler):
    """The first rate times `factor(t)`."""

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float]) -> None:
        self.lr_lambda = lr_lambda
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        return base * self.lr_lambda(t)


class StepLR(Scheduler):
    """The rate times `gamma` every `step_size` steps."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size, self.gamma = _positive("StepLR", "step_size", step_size), gamma
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        return base * self.gamma ** (t // self.step_size)


class CosineAnnealingLR(Scheduler):
    """From the first rate to `eta_min` in `T_max` steps, along half a cosine, and back (Loshchilov, 2017)."""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max, self.eta_min = _positive("CosineAnnealingLR", "T_max", T_max), eta_min
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * t / self.T_max)) / 2


class LinearLR(Scheduler):
    """From `start_factor` to `end_factor` times the first rate in `total_iters` steps, then constant: a warmup."""

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5
    ) -> None:
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters = _positive("LinearLR", "total_iters", total_iters)
        for name in "start_factor", "end_factor":
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"LinearLR: {name}={getattr(self, name)} does not lie between 0 and 1")
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        done = min(t, self.total_iters) / self.total_iters
        return base * (self.start_factor + (self.end_factor - self.start_factor) * done)


class SequentialLR(Scheduler):
    """Schedulers one after another: number k + 1 begins, with its own step 0, at step `milestones[k]`.

    A warmup and then a cosine: `SequentialLR(opt, [LinearLR(opt), CosineAnnealingLR(opt, 95)], milestones=[5])`.
    """

    def __init__(self, optimizer: Optimizer, schedulers: Iterable[Scheduler], milestones: Sequence[int]) -> None:
        self.schedulers, self.milestones = list(schedulers), list(milestones)
        if len(self.schedulers) != len(self.milestones) + 1 or self.milestones != sorted(self.milestones):
            raise ValueError(
                f"SequentialLR: {len(self.schedulers)} schedulers need one milestone less than that, in ascending "
                f"order; got {self.milestones}"
            )
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        k = bisect_right(self.milestones, t)
        return self.schedulers[k].rate(base, t - self.milestones[k - 1] if k else t)


class ChainedScheduler(Scheduler):
    """Schedulers at the same time: each takes the rate that the one before it gives for the first one."""

    def __init__(self, schedulers: Iterable[Scheduler], optimizer: Optimizer | None = None) -> None:
        self.schedulers = list(schedulers)
        if not self.schedulers:
            raise ValueError("ChainedScheduler: it needs at least one scheduler")
        super().__init__(self.schedulers[0].optimizer if optimizer is None else optimizer)

    def rate(self, base: float, t: int) -> float:
        for scheduler in self.schedulers:
            base = scheduler.rate(base, t)
        return base


def _positive(scheduler: str, name: str, value: int) -> int:
    if not value >= 1:
        raise ValueError(f"{scheduler}: {name}={value} is not at least 1")
    return value
