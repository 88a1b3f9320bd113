"""Learning rates that rise and fall: one cycle, and cosines with warm restarts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from fastgrad.optim import messages
from fastgrad.optim.optimizer import Optimizer
from fastgrad.optim.schedulers import Scheduler, check_count, check_number


class CosineAnnealingWarmRestarts(Scheduler):
    """Half a cosine from the initial rate to `eta_min` in `T_0` steps, again in `T_0 * T_mult` steps, and so on.

    Parameters
    ----------
    optimizer : Optimizer
    T_0 : int
    T_mult : int
    eta_min : float

    References
    ----------
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", arXiv:1608.03983.
    """

    settings: ClassVar = ("T_0", "T_mult", "eta_min", "T_i", "T_cur")

    def __init__(self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0) -> None:
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        self.T_i, self.T_cur = T_0, 0.0
        super().__init__(optimizer)

    def check(self, settings: Mapping[str, Any]) -> None:
        for name in "T_0", "T_mult", "T_i":
            check_count("CosineAnnealingWarmRestarts", name, settings[name])
        for name in "eta_min", "T_cur":
            check_number("CosineAnnealingWarmRestarts", name, settings[name])

    def rate(self, base: float, t: int) -> float:
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2

    def _begin(self) -> None:
        self.T_i, self.T_cur = self.T_0, 0.0
        super()._begin()

    def step(self, epoch: float | None = None) -> None:
        """Set the rates of the next step, or of the step `epoch`, which may be a fraction.

        Parameters
        ----------
        epoch : float, optional
            At least 0.

        Raises
        ------
        ValueError
            If `epoch` is negative.
        """
        if epoch is None:
            epoch, part = self.last_epoch + 1, self.T_cur + 1
            if part >= self.T_i:
                part, self.T_i = part - self.T_i, self.T_i * self.T_mult
        else:
            if not epoch >= 0:
                raise messages.invalid("CosineAnnealingWarmRestarts", "epoch", epoch, "at least 0")
            part, length = epoch, self.T_0
            if self.T_mult == 1:
                part = epoch % length
            while part >= length:
                part, length = part - length, length * self.T_mult
            self.T_i = length
        self.T_cur = part
        self._move(math.floor(epoch))


class OneCycleLR(Scheduler):
    """Rises from `max_lr / div_factor` to `max_lr`, and falls to a fraction of the first rate.

    Momentum, or the first of `betas`, moves the other way.

    Parameters
    ----------
    optimizer : Optimizer
    max_lr : float or sequence of float
        One for all groups, or one for each.
    total_steps : int, optional
        The number of steps, by default `epochs * steps_per_epoch`.
    epochs, steps_per_epoch : int, optional
    pct_start : float
        The part of the steps during which the rate rises.
    anneal_strategy : {"cos", "linear"}
    cycle_momentum : bool
        Whether the momentum changes too.
    base_momentum, max_momentum : float or sequence of float
        The momentum at the highest and at the lowest rate.
    div_factor : float
        `max_lr` divided by the first rate.
    final_div_factor : float
        The first rate divided by the last one.
    three_phase : bool
        Whether the rate falls to the first rate as fast as it has risen, and then to the last one.

    Raises
    ------
    ValueError
        If the number of steps is missing, a setting is out of range, the optimizer has no momentum, or `step` is called
        after the last step.

    References
    ----------
    Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates",
    arXiv:1708.07120.
    """

    settings: ClassVar = ("total_steps",)

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
    ) -> None:
        self._attach(optimizer)
        if total_steps is None:
            for name, value in ("epochs", epochs), ("steps_per_epoch", steps_per_epoch):
                check_count("OneCycleLR without total_steps", name, value)
            total_steps = epochs * steps_per_epoch  # type: ignore[operator]
        if not 0 <= check_number("OneCycleLR", "pct_start", pct_start) <= 1:
            raise messages.invalid("OneCycleLR", "pct_start", pct_start, "between 0 and 1")
        if anneal_strategy not in ("cos", "linear"):
            raise messages.invalid("OneCycleLR", "anneal_strategy", anneal_strategy, '"cos" or "linear"')
        for name, value in ("div_factor", div_factor), ("final_div_factor", final_div_factor):
            if not check_number("OneCycleLR", name, value) > 0:
                raise messages.invalid("OneCycleLR", name, value, "greater than 0")
        self.total_steps, self.anneal_strategy = total_steps, anneal_strategy
        self.cycle_momentum = cycle_momentum
        if cycle_momentum and not any(word in optimizer.defaults for word in ("momentum", "betas")):
            raise messages.invalid("OneCycleLR", "cycle_momentum", True, "False for an optimizer without momentum")
        groups = optimizer.param_groups
        highest = self._per_group("max_lr", max_lr)
        lowest, most = self._per_group("base_momentum", base_momentum), self._per_group("max_momentum", max_momentum)
        for group, rate in zip(groups, highest):
            group["lr"] = group["initial_lr"] = rate / div_factor
        first = [rate / div_factor for rate in highest]
        last = [rate / final_div_factor for rate in first]
        rise = float(pct_start * total_steps) - 1
        # the end of each phase, and rates and momenta at its start and end
        self._phases = [(rise, first, highest, most, lowest)]
        if three_phase:
            self._phases.append((2 * rise, highest, first, lowest, most))
            self._phases.append((total_steps - 1, first, last, most, most))
        else:
            self._phases.append((total_steps - 1, highest, last, lowest, most))
        super().__init__(optimizer)

    def _per_group(self, name: str, value: Any) -> list[float]:
        n = len(self.optimizer.param_groups)
        values = list(value) if isinstance(value, (list, tuple)) else [value] * n
        if len(values) != n:
            raise messages.invalid("OneCycleLR", name, value, f"one number, or one for each of {n} groups")
        return [check_number("OneCycleLR", name, v) for v in values]

    def check(self, settings: Mapping[str, Any]) -> None:
        check_count("OneCycleLR", "total_steps", settings["total_steps"])

    def _between(self, start: float, end: float, part: float) -> float:
        if self.anneal_strategy == "linear":
            return start + (end - start) * part
        return end + (start - end) / 2 * (math.cos(math.pi * part) + 1)

    def get_lr(self) -> list[float]:
        t = self.last_epoch
        if t > self.total_steps:
            raise messages.cycle_over(t, self.total_steps)
        k = next((k for k, phase in enumerate(self._phases) if t <= phase[0]), len(self._phases) - 1)
        begin = self._phases[k - 1][0] if k else 0.0
        end, first, last, momenta, next_momenta = self._phases[k]
        part = (t - begin) / (end - begin) if end != begin else 1.0
        if self.cycle_momentum:
            for group, m0, m1 in zip(self.optimizer.param_groups, momenta, next_momenta):
                momentum = self._between(m0, m1, part)
                if "betas" in group:
                    group["betas"] = (momentum, *group["betas"][1:])
                else:
                    group["momentum"] = momentum
        return [self._between(r0, r1, part) for r0, r1 in zip(first, last)]

    def _ignored(self, key: Any, state: Mapping[str, Any]) -> bool:
        return key in ("_schedule_phases", "_anneal_func_type", "cycle_momentum", "use_beta1") or super()._ignored(
            key, state
        )
