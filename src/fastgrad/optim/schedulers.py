"""Learning rates as functions of the number of steps, with PyTorch's chainable definitions.

Each step computes the next rate of a group from its present rate. Several schedulers, and changes by the user, can
therefore be combined: a scheduler keeps what others have set.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from fastgrad.optim import messages
from fastgrad.optim.optimizer import Optimizer
from fastgrad.tracebacks import boundary

Commit = Callable[[], None]


class Scheduler:
    """Base class of the schedulers. Creating one sets the rate of step 0, and `step()` the next one.

    Call `step()` after that of the optimizer.

    A subclass defines `rate(base, t)`, if the rate depends on the initial rate and the number of the step only, or
    `next_rate(lr, base, t)`, if it depends on the previous rate.

    Parameters
    ----------
    optimizer : Optimizer

    Attributes
    ----------
    base_lrs : list of float
        The initial rates of the groups, stored as "initial_lr" in the groups. The initial rate of a group that is
        added later is the rate that it has then.
    last_epoch : int
        The number of steps taken.
    """

    settings: ClassVar[tuple[str, ...]] = ()

    @boundary
    def __init__(self, optimizer: Optimizer) -> None:
        self._attach(optimizer)
        self.check({name: getattr(self, name) for name in self.settings})
        self.base_lrs: list[float] = []
        self._begin()

    def _attach(self, optimizer: Any) -> None:
        if not isinstance(optimizer, Optimizer):
            raise messages.no_optimizer(type(self).__name__, type(optimizer).__name__)
        self.optimizer = optimizer
        self._loads = optimizer._loads

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise if a setting is out of its range."""

    def rate(self, base: float, t: int) -> float:
        """Return the learning rate at step `t` for the initial rate `base`."""
        raise NotImplementedError

    def next_rate(self, lr: float, base: float, t: int) -> float:
        """Return the learning rate at step `t` for the previous rate `lr` and the initial rate `base`."""
        return self.rate(base, t)

    def get_lr(self) -> list[float]:
        """Return the rates of the groups at step `last_epoch`, computed from the present rates."""
        groups = zip(self.optimizer.param_groups, self.base_lrs)
        return [self.next_rate(group["lr"], base, self.last_epoch) for group, base in groups]

    def step(self) -> None:
        """Set the rates of the next step."""
        self._move(self.last_epoch + 1)

    def get_last_lr(self) -> list[float]:
        """Return the rates that this scheduler set last."""
        return list(self._last_lr)

    # --- steps

    def _begin(self) -> None:
        """Take step 0 from the present rates of the groups."""
        self._move(0)

    def _restart(self) -> None:
        """Take step 0 from the initial rates of the groups."""
        self._add_groups()
        for group, base in zip(self.optimizer.param_groups, self.base_lrs):
            group["lr"] = base
        self._begin()

    def _undo(self) -> None:
        """Reset to the state before step 0."""
        self.last_epoch = -1

    def _move(self, t: int) -> None:
        self._add_groups()
        before = getattr(self, "last_epoch", 0)
        self.last_epoch = t
        try:
            rates = [float(rate) for rate in self.get_lr()]
            if len(rates) != len(self.base_lrs):
                raise messages.rate_count(type(self).__name__, len(rates), len(self.base_lrs))
        except BaseException:
            self.last_epoch = before
            raise
        for group, rate in zip(self.optimizer.param_groups, rates):
            group["lr"] = rate
        self._last_lr = rates

    def _add_groups(self) -> None:
        """Add groups that were added to the optimizer since the last step."""
        groups = self.optimizer.param_groups
        if len(groups) < len(self.base_lrs):
            raise messages.groups_gone(type(self).__name__, len(groups), len(self.base_lrs))
        for group in groups[len(self.base_lrs) :]:
            self.base_lrs.append(float(group.setdefault("initial_lr", group["lr"])))

    # --- state

    def state_dict(self) -> dict[str, Any]:
        """Return settings, number of steps, initial rates, rates set last and present rates, as plain numbers."""
        self._add_groups()
        return {
            **{name: getattr(self, name) for name in self.settings}, "base_lrs": list(self.base_lrs),
            "last_epoch": self.last_epoch, "_last_lr": list(self._last_lr),
            "lr": [float(group["lr"]) for group in self.optimizer.param_groups],
        }  # fmt: skip

    @boundary
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from the state that `state_dict()` returned, here or in PyTorch. On an error nothing is loaded.

        The rates belong to the optimizer: load its state too, before or after this one. If that was not done before,
        rates that this scheduler has set are set to those in the state.

        Raises
        ------
        StateError
            If entries are missing, unexpected or out of their range. The message names each of them.
        """
        wrong: list[str] = []
        if isinstance(state_dict, Mapping):  # values read from a file may be Tensors
            state_dict = {key: v.tolist() if hasattr(v, "tolist") else v for key, v in state_dict.items()}
        commit = self._plan(state_dict, "", wrong)
        if wrong:
            raise messages.state_mismatch(type(self).__name__, wrong)
        rates = state_dict.get("lr", state_dict.get("_last_lr"))
        own = self.optimizer._loads == self._loads
        before = self._last_lr
        commit()
        if own and rates is not None:
            for group, mine, rate in zip(self.optimizer.param_groups, before, rates):
                if group["lr"] == mine:
                    group["lr"] = float(rate)

    def _plan(self, state: Any, where: str, wrong: list[str]) -> Commit:
        """Check a state, and add errors to `wrong`, prefixed with `where`. Returns a function that loads the state."""
        if not isinstance(state, Mapping):
            wrong.append(f"{where or 'the state'}: {type(state).__name__}, not a dict")
            return lambda: None
        self._add_groups()
        known = {*self.settings, "last_epoch", "base_lrs", "_last_lr", "lr"}
        for key in self._entries():
            if key not in state:
                wrong.append(f"{where}{key}: missing")
        wrong += [f"{where}{key}: unexpected" for key in state if key not in known and not self._ignored(key, state)]
        for key in "base_lrs", "_last_lr", "lr":
            if key in state and not _rates(state[key], len(self.base_lrs), key == "base_lrs"):
                wrong.append(f"{where}{key}: {state[key]!r} is not a rate for each of {len(self.base_lrs)} groups")
        epoch = state.get("last_epoch", self.last_epoch)
        if isinstance(epoch, bool) or not isinstance(epoch, (int, float)) or not epoch >= -1 or epoch % 1 != 0:
            wrong.append(f"{where}last_epoch: {epoch!r} is not a number of steps")
        settings = {name: state.get(name, getattr(self, name)) for name in self.settings}
        try:
            self.check(settings)
        except ValueError as error:
            wrong.append(f"{where}{error}")

        def commit() -> None:
            for name, value in settings.items():
                setattr(self, name, value)
            self.base_lrs = [float(rate) for rate in state.get("base_lrs", self.base_lrs)]
            self.last_epoch = int(epoch)
            self._last_lr = [float(rate) for rate in state.get("_last_lr", self._last_lr)]

        return commit

    def _entries(self) -> tuple[str, ...]:
        return "base_lrs", "last_epoch"

    def _ignored(self, key: Any, state: Mapping[str, Any]) -> bool:
        """Return whether an entry is internal to PyTorch and not needed here."""
        return isinstance(key, str) and key in _BOOKKEEPING


_BOOKKEEPING = ("verbose", "_step_count", "_get_lr_called_within_step", "_is_initial")


class LambdaLR(Scheduler):
    """The initial rate times `factor(t)`.

    Parameters
    ----------
    optimizer : Optimizer
    lr_lambda : function of the number of the step, or list of them
        One function for all groups, or one for each.
    """

    @boundary
    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]]
    ) -> None:
        self.lr_lambda = lr_lambda
        super().__init__(optimizer)

    def get_lr(self) -> list[float]:
        bases = self.base_lrs
        return [base * factor(self.last_epoch) for base, factor in zip(bases, self.factors(len(bases)))]

    def factors(self, count: int) -> Sequence[Callable[[int], float]]:
        """Return the function of each of `count` groups."""
        factors = self.lr_lambda if isinstance(self.lr_lambda, (list, tuple)) else [self.lr_lambda] * count
        if len(factors) != count:
            raise messages.lambda_count(type(self).__name__, len(factors), count)
        return factors

    def _ignored(self, key: Any, state: Mapping[str, Any]) -> bool:
        functions = key == "lr_lambdas" and isinstance(state[key], list) and not any(state[key])
        return functions or super()._ignored(key, state)


class StepLR(Scheduler):
    """Multiplies the rate by `gamma` every `step_size` steps.

    Parameters
    ----------
    optimizer : Optimizer
    step_size : int
    gamma : float
    """

    settings: ClassVar = ("step_size", "gamma")

    @boundary
    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer)

    def check(self, settings: Mapping[str, Any]) -> None:
        check_count("StepLR", "step_size", settings["step_size"])
        check_number("StepLR", "gamma", settings["gamma"])

    def next_rate(self, lr: float, base: float, t: int) -> float:
        return lr * self.gamma if t and t % self.step_size == 0 else lr


class CosineAnnealingLR(Scheduler):
    """Half a cosine from the initial rate to `eta_min` in `T_max` steps, and back.

    Parameters
    ----------
    optimizer : Optimizer
    T_max : int
    eta_min : float

    References
    ----------
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", arXiv:1608.03983.
    """

    settings: ClassVar = ("T_max", "eta_min")

    @boundary
    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer)

    def check(self, settings: Mapping[str, Any]) -> None:
        check_count("CosineAnnealingLR", "T_max", settings["T_max"])
        check_number("CosineAnnealingLR", "eta_min", settings["eta_min"])

    def next_rate(self, lr: float, base: float, t: int) -> float:
        if t == 0:
            return lr
        height = lambda t: 1 + math.cos(math.pi * t / self.T_max)
        if (t - 1 - self.T_max) % (2 * self.T_max) == 0:  # the first step up from eta_min, where the ratio is 0 / 0
            return lr + (base - self.eta_min) * (1 - math.cos(math.pi / self.T_max)) / 2
        return height(t) / height(t - 1) * (lr - self.eta_min) + self.eta_min


class LinearLR(Scheduler):
    """Linear from `start_factor` to `end_factor` times the initial rate in `total_iters` steps, then constant.

    Parameters
    ----------
    optimizer : Optimizer
    start_factor, end_factor : float
        From 0 to 1; `start_factor` is greater than 0.
    total_iters : int
    """

    settings: ClassVar = ("start_factor", "end_factor", "total_iters")

    @boundary
    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5
    ) -> None:
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer)

    def check(self, settings: Mapping[str, Any]) -> None:
        check_count("LinearLR", "total_iters", settings["total_iters"])
        for name in "start_factor", "end_factor":
            value = check_number("LinearLR", name, settings[name])
            if not 0 <= value <= 1:
                raise messages.invalid("LinearLR", name, value, "between 0 and 1")
        if settings["start_factor"] == 0:
            raise messages.zero_factor()

    def next_rate(self, lr: float, base: float, t: int) -> float:
        if t == 0:
            return lr * self.start_factor
        if t > self.total_iters:
            return lr
        rise = self.end_factor - self.start_factor
        return lr * (1 + rise / (self.total_iters * self.start_factor + (t - 1) * rise))


def _rates(values: Any, count: int, first: bool) -> bool:
    """Return whether `values` are `count` learning rates. Initial rates (`first`) must not be negative."""
    if not isinstance(values, (list, tuple)) or len(values) != count:
        return False
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v) for v in values)
    return numbers and not (first and min(values) < 0)


def check_count(scheduler: str, name: str, value: Any) -> None:
    """Raise unless a setting is a positive whole number."""
    if isinstance(value, bool) or (not isinstance(value, (int, float)) and not hasattr(value, "__index__")):
        raise messages.not_a_count(scheduler, name, value)
    if not value >= 1 or value % 1 != 0:
        raise messages.not_a_count(scheduler, name, value)


def check_number(scheduler: str, name: str, value: Any) -> float:
    """Return a setting as a float; raise unless it is a finite number."""
    if isinstance(value, bool) or not hasattr(value, "__float__") or not math.isfinite(value):
        raise messages.not_finite(scheduler, name, value)
    return float(value)
