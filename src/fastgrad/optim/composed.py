"""Schedulers composed of schedulers: one after another, or all at each step."""

from __future__ import annotations

import operator
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastgrad.optim import messages
from fastgrad.optim.optimizer import Optimizer
from fastgrad.optim.schedulers import Commit, Scheduler
from fastgrad.tracebacks import boundary


class _Composed(Scheduler):
    """Base of schedulers that hold schedulers of one optimizer and share their initial rates."""

    schedulers: list[Scheduler]

    def _hold(self, schedulers: Iterable[Scheduler], optimizer: Any) -> None:
        name = type(self).__name__
        self.schedulers = list(schedulers)
        for number, one in enumerate(self.schedulers):
            if not isinstance(one, Scheduler):
                raise messages.not_a_scheduler(name, number, type(one).__name__)
        if not self.schedulers:
            raise messages.no_schedulers(name)
        self._attach(optimizer or self.schedulers[0].optimizer)
        for number, one in enumerate(self.schedulers):
            if one.optimizer is not self.optimizer:
                raise messages.another_optimizer(name, number)
        self.base_lrs = []
        self._add_groups()

    def _undo(self) -> None:
        super()._undo()
        for one in self.schedulers:
            one._undo()

    def _present(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Return the state of this scheduler, with those of its schedulers as "_schedulers"."""
        made = super().state_dict()
        return {**made, "_schedulers": [one.state_dict() for one in self.schedulers]}

    def _plan(self, state: Any, where: str, wrong: list[str]) -> Commit:
        commit = super()._plan(state, where, wrong)
        given = state.get("_schedulers") if isinstance(state, Mapping) else None
        if not isinstance(given, (list, tuple)) or len(given) != len(self.schedulers):
            wrong.append(f"{where}_schedulers: not the states of {len(self.schedulers)} schedulers")
            return commit
        commits = [one._plan(s, f"{where}{k}.", wrong) for k, (one, s) in enumerate(zip(self.schedulers, given))]

        def commit_all() -> None:
            for each in (commit, *commits):
                each()

        return commit_all

    def _ignored(self, key: Any, state: Mapping[str, Any]) -> bool:
        return key == "_schedulers" or super()._ignored(key, state)


class SequentialLR(_Composed):
    """Runs schedulers one after another: number k + 1 starts, at its own step 0, at step `milestones[k]`.

    A warmup followed by a cosine is
    `SequentialLR(opt, [LinearLR(opt), CosineAnnealingLR(opt, 95)], milestones=[5])`. Creating one resets the rates to
    the initial ones, then starts the scheduler of step 0.

    Parameters
    ----------
    optimizer : Optimizer
    schedulers : iterable of Scheduler
        All of the same optimizer.
    milestones : sequence of int
        One fewer than schedulers, in ascending order.
    """

    @boundary
    def __init__(self, optimizer: Optimizer, schedulers: Iterable[Scheduler], milestones: Sequence[int]) -> None:
        self._attach(optimizer)
        self._hold(schedulers, optimizer)
        self.milestones = self._checked(milestones)
        self._restart()

    def _checked(self, milestones: Any) -> list[int]:
        milestones = list(milestones)
        whole = all(hasattr(m, "__index__") for m in milestones)
        if not whole or len(self.schedulers) != len(milestones) + 1 or milestones != sorted(milestones):
            raise messages.bad_milestones(len(self.schedulers), milestones)
        return [operator.index(m) for m in milestones]

    def _begin(self) -> None:
        self._undo()
        self.last_epoch = 0
        first = self.schedulers[bisect_right(self.milestones, 0)]
        first._begin()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:
        """Set the rates of the next step."""
        self._add_groups()
        t = self.last_epoch + 1
        k = bisect_right(self.milestones, t)
        one = self.schedulers[k]
        if k and self.milestones[k - 1] == t:
            one._restart()
        else:
            one.step()
        self.last_epoch = t
        self._last_lr = one.get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "_milestones": list(self.milestones)}

    def _entries(self) -> tuple[str, ...]:
        return ("last_epoch",)

    def _plan(self, state: Any, where: str, wrong: list[str]) -> Commit:
        commit = super()._plan(state, where, wrong)
        milestones = self.milestones
        try:
            milestones = self._checked(state.get("_milestones", milestones) if isinstance(state, Mapping) else ())
        except (TypeError, ValueError) as error:
            wrong.append(f"{where}_milestones: {error}")

        def commit_all() -> None:
            commit()
            self.milestones = milestones

        return commit_all

    def _ignored(self, key: Any, state: Mapping[str, Any]) -> bool:
        return key == "_milestones" or super()._ignored(key, state)


class ChainedScheduler(_Composed):
    """Runs several schedulers at each step, each on the rates that the previous one has set.

    Parameters
    ----------
    schedulers : iterable of Scheduler
        All of the same optimizer.
    optimizer : Optimizer, optional
        By default that of the schedulers.
    """

    @boundary
    def __init__(self, schedulers: Iterable[Scheduler], optimizer: Optimizer | None = None) -> None:
        self._hold(schedulers, optimizer)
        self.last_epoch = 0
        self._last_lr = self._present()

    def _begin(self) -> None:
        self._step_all(lambda one: one._begin(), 0)

    def step(self) -> None:
        """Set the rates of the next step."""
        self._step_all(lambda one: one.step(), self.last_epoch + 1)

    def _step_all(self, move: Any, t: int) -> None:
        self._add_groups()
        for one in self.schedulers:
            move(one)
        self.last_epoch = t
        self._last_lr = self._present()

    def _entries(self) -> tuple[str, ...]:
        return ()  # PyTorch's has no step number of its own
