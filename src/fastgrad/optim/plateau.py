"""A learning rate that is reduced when a measured value stops improving."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from fastgrad.optim import messages
from fastgrad.optim.optimizer import Optimizer
from fastgrad.optim.schedulers import Scheduler, check_number


class ReduceLROnPlateau(Scheduler):
    """Multiplies the rate by `factor` after more than `patience` steps without improvement.

    Parameters
    ----------
    optimizer : Optimizer
    mode : {"min", "max"}
        Whether smaller or larger values are better.
    factor : float
        Less than 1.
    patience : int
        The number of steps without improvement that are tolerated.
    threshold : float
        Smaller improvements do not count.
    threshold_mode : {"rel", "abs"}
        Whether the threshold is relative to the best value.
    cooldown : int
        The number of steps after a reduction during which steps without improvement are not counted.
    min_lr : float or sequence of float
        The smallest rate, for all groups or for each.
    eps : float
        A reduction by at most this amount is omitted.

    Attributes
    ----------
    best : float
        The best value so far.
    num_bad_epochs : int
        The number of steps since then.

    Raises
    ------
    ValueError
        If a setting is out of range, or the value passed to `step` is not a number.
    """

    settings: ClassVar = (
        "mode", "factor", "patience", "threshold", "threshold_mode", "cooldown", "min_lrs", "eps",
        "best", "num_bad_epochs", "cooldown_counter",
    )  # fmt: skip

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        self._attach(optimizer)
        self.mode, self.factor, self.patience, self.cooldown, self.eps = mode, factor, patience, cooldown, eps
        self.threshold, self.threshold_mode = threshold, threshold_mode
        n = len(optimizer.param_groups)
        self.min_lrs = list(min_lr) if isinstance(min_lr, (list, tuple)) else [min_lr] * n
        self._reset()
        super().__init__(optimizer)

    def check(self, settings: Mapping[str, Any]) -> None:
        name, invalid = "ReduceLROnPlateau", messages.invalid
        if settings["mode"] not in ("min", "max"):
            raise invalid(name, "mode", settings["mode"], '"min" or "max"')
        if settings["threshold_mode"] not in ("rel", "abs"):
            raise invalid(name, "threshold_mode", settings["threshold_mode"], '"rel" or "abs"')
        if not check_number(name, "factor", settings["factor"]) < 1:
            raise invalid(name, "factor", settings["factor"], "less than 1")
        for word in "threshold", "eps":
            check_number(name, word, settings[word])
        for word in "patience", "cooldown", "num_bad_epochs", "cooldown_counter":
            value = settings[word]
            if isinstance(value, bool) or not hasattr(value, "__index__") or value < 0:
                raise invalid(name, word, value, "an int of at least 0")
        rates, n = settings["min_lrs"], len(self.optimizer.param_groups)
        if not isinstance(rates, (list, tuple)) or len(rates) != n:
            raise invalid(name, "min_lr", rates, f"one number, or one for each of {n} groups")
        for rate in rates:
            check_number(name, "min_lr", rate)

    def _reset(self) -> None:
        self.best = math.inf if self.mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = 0

    def _begin(self) -> None:
        self._reset()
        self._add_groups()
        self.last_epoch = 0
        self._last_lr = [float(group["lr"]) for group in self.optimizer.param_groups]

    def is_better(self, value: float, best: float) -> bool:
        """Return whether `value` improves on `best` by more than the threshold."""
        relative = self.threshold_mode == "rel" and math.isfinite(best)  # inf * (1 - 1) would be NaN
        if self.mode == "min":
            return value < (best * (1 - self.threshold) if relative else best - self.threshold)
        return value > (best * (1 + self.threshold) if relative else best + self.threshold)

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Note the value of this step, and reduce the rates if it has not improved for long enough.

        Parameters
        ----------
        metrics : number or Tensor with one element
        epoch : int, optional
            The number of this step, by default one more than before.
        """
        try:
            value = float(metrics.item() if hasattr(metrics, "item") else metrics)
        except (TypeError, ValueError):
            raise messages.invalid("ReduceLROnPlateau.step", "metrics", metrics, "a number") from None
        self._add_groups()
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self.is_better(value, self.best):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = [float(group["lr"]) for group in self.optimizer.param_groups]

    def _reduce(self) -> None:
        groups = self.optimizer.param_groups
        least = [*self.min_lrs, *[0.0] * (len(groups) - len(self.min_lrs))]
        for group, low in zip(groups, least):
            rate = max(group["lr"] * self.factor, low)
            if group["lr"] - rate > self.eps:
                group["lr"] = rate

    def _entries(self) -> tuple[str, ...]:
        return ("last_epoch",)

    def _ignored(self, key: Any, state: Mapping[str, Any]) -> bool:
        return key in ("default_min_lr", "mode_worse") or super()._ignored(key, state)
