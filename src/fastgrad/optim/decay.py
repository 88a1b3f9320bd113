"""Learning rates that decay by factors, with PyTorch's chainable definitions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from fastgrad.optim import messages
from fastgrad.optim.optimizer import Optimizer
from fastgrad.optim.schedulers import LambdaLR, Scheduler, check_count, check_number


class ExponentialLR(Scheduler):
    """Multiplies the rate by `gamma` at every step.

    Parameters
    ----------
    optimizer : Optimizer
    gamma : float
    """

    settings: ClassVar = ("gamma",)

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = gamma
        super().__init__(optimizer)

    def check(self, settings: Mapping[str, Any]) -> None:
        check_number("ExponentialLR", "gamma", settings["gamma"])

    def next_rate(self, lr: float, base: float, t: int) -> float:
        return lr * self.gamma if t else lr


class MultiStepLR(Scheduler):
    """Multiplies the rate by `gamma` at the steps `milestones`.

    Parameters
    ----------
    optimizer : Optimizer
    milestones : iterable of int
        A number that occurs several times multiplies as often.
    gamma : float
    """

    settings: ClassVar = ("milestones", "gamma")

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1) -> None:
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer)

    def check(self, settings: Mapping[str, Any]) -> None:
        steps = _steps(settings["milestones"])
        if not all(hasattr(m, "__index__") and not isinstance(m, bool) for m in steps):
            raise messages.invalid("MultiStepLR", "milestones", settings["milestones"], "ints")
        check_number("MultiStepLR", "gamma", settings["gamma"])

    def next_rate(self, lr: float, base: float, t: int) -> float:
        return lr * self.gamma ** _steps(self.milestones).count(t) if t else lr


def _steps(milestones: Any) -> list[Any]:
    """Return milestones as a list; PyTorch's state has a Counter of them."""
    if isinstance(milestones, Mapping):
        return [int(step) for step, times in milestones.items() for _ in range(int(times))]
    return list(milestones)


class MultiplicativeLR(LambdaLR):
    """Multiplies the rate by `factor(t)` at every step `t`.

    Parameters
    ----------
    optimizer : Optimizer
    lr_lambda : function of the number of the step, or list of them
        One function for all groups, or one for each.
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]]
    ) -> None:
        super().__init__(optimizer, lr_lambda)

    def get_lr(self) -> list[float]:
        rates = [group["lr"] for group in self.optimizer.param_groups]
        if self.last_epoch == 0:
            return rates
        return [lr * factor(self.last_epoch) for lr, factor in zip(rates, self.factors(len(rates)))]


class ConstantLR(Scheduler):
    """`factor` times the rate, until step `total_iters`.

    Parameters
    ----------
    optimizer : Optimizer
    factor : float
        Greater than 0, at most 1.
    total_iters : int
    """

    settings: ClassVar = ("factor", "total_iters")

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5) -> None:
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer)

    def check(self, settings: Mapping[str, Any]) -> None:
        if not 0 < check_number("ConstantLR", "factor", settings["factor"]) <= 1:
            raise messages.invalid("ConstantLR", "factor", settings["factor"], "greater than 0 and at most 1")
        check_count("ConstantLR", "total_iters", settings["total_iters"])

    def next_rate(self, lr: float, base: float, t: int) -> float:
        if t == 0:
            return lr * self.factor
        return lr * (1 / self.factor) if t == self.total_iters else lr


class PolynomialLR(Scheduler):
    """`(1 - t / total_iters)**power` times the initial rate, and 0 from step `total_iters`.

    Parameters
    ----------
    optimizer : Optimizer
    total_iters : int
    power : float
    """

    settings: ClassVar = ("total_iters", "power")

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer)

    def check(self, settings: Mapping[str, Any]) -> None:
        check_count("PolynomialLR", "total_iters", settings["total_iters"])
        check_number("PolynomialLR", "power", settings["power"])

    def next_rate(self, lr: float, base: float, t: int) -> float:
        if t == 0 or t > self.total_iters:
            return lr
        left, before = self.total_iters - t, self.total_iters - (t - 1)
        return lr * (left / before) ** self.power
