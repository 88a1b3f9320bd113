"""Optimizer: groups of parameters with their settings, the state of each parameter, and the state dict."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from fastgrad._engine import Tensor, enable_grad, host_step, no_grad
from fastgrad._state import clear_gradients
from fastgrad.optim import messages, states
from fastgrad.tracebacks import boundary


class Slots:
    """The state of the parameters of one group: lists of Tensors by name, and step counts."""

    def __init__(self, names: Iterable[str], n: int) -> None:
        self.kept: dict[str, list[Tensor | None]] = {name: [None] * n for name in names}
        self.counts = np.zeros(n, np.intp)


class Optimizer:
    """Base class of the optimizers. `step()` updates the parameters in place, without recording.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        Leaves of float32 or float64. A dict is a group, with "params", settings that override the defaults, and
        optionally a "name".
    defaults : dict
        The settings of groups that do not override them.

    Raises
    ------
    ValueError
        If there are no parameters, a parameter is in two groups, or a setting is out of its range.
    TypeError
        If a parameter is not a leaf Tensor of float32 or float64.
    """

    # name -> (lowest, below): the range of a setting; the elements of a tuple are checked one by one
    ranges: ClassVar[dict[str, tuple[float, float]]] = {"lr": (0, math.inf), "weight_decay": (0, math.inf)}
    slots: ClassVar[tuple[str, ...]] = ()
    # for states to load: the keys that every parameter needs, and the slots that hold means of squares
    required: ClassVar[tuple[str, ...]] = ()
    squares: ClassVar[tuple[str, ...]] = ()

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        name = type(self).__name__
        if isinstance(params, (Tensor, np.ndarray)) or not isinstance(params, Iterable):
            raise messages.not_parameters(name, type(params).__name__)
        groups = list(params)
        if not groups:
            raise messages.no_parameters(name)
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self._slots: list[Slots] = []
        self._loads = 0  # how often a state was loaded, for schedulers, whose rates are part of it
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    @boundary
    def add_param_group(self, group: dict[str, Any]) -> None:
        """Add a group of parameters. Settings in `group` override the defaults."""
        name = type(self).__name__
        if not isinstance(group, dict) or "params" not in group:
            raise messages.not_parameters(name, type(group).__name__)
        params = group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        unknown = [key for key in group if key not in self.defaults and key not in ("params", "initial_lr", "name")]
        if unknown:
            raise messages.unknown_setting(name, unknown[0], self.defaults)
        if not params:
            raise messages.no_parameters(name)
        taken = {id(p) for other in self.param_groups for p in other["params"]}
        for k, p in enumerate(params):
            if not isinstance(p, Tensor):
                raise messages.not_parameters(name, f"{type(p).__name__} as number {k}")
            if not p.is_leaf:
                raise messages.optimized_result(name, k, p.op)
            if p.dtype.kind != "f":
                raise messages.optimized_dtype(name, k, p.dtype)
            if id(p) in taken:
                raise messages.optimized_twice(name, k)
            taken.add(id(p))
        made = {"params": params, **self.defaults, **{key: value for key, value in group.items() if key != "params"}}
        self.check(made)
        self.param_groups.append(made)
        self._slots.append(Slots(self.slots, len(params)))

    def check(self, group: dict[str, Any]) -> None:
        """Raise if a setting is out of its range or NaN."""
        for key, (low, below) in self.ranges.items():
            values = group[key] if isinstance(group[key], (tuple, list)) else (group[key],)
            for value in values:
                try:
                    fits = bool(low <= value < below)
                except (TypeError, ValueError):  # not a number, or an array
                    fits = False
                if not fits:
                    raise messages.out_of_range(type(self).__name__, key, group[key], low, below)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set each `.grad` to None, or to zero if `set_to_none` is False."""
        for group in self.param_groups:
            clear_gradients(group["params"], set_to_none)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.

        Parameters
        ----------
        closure : function, optional
            Recomputes the loss and its gradients. It is called first.

        Returns
        -------
        The result of `closure`, or None.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        host_step("optimizer step", self._step)
        return loss

    def _step(self) -> None:
        for group, slots in zip(self.param_groups, self._slots):
            if not 0 <= group["lr"] < math.inf:  # may have been set by a scheduler or by the user
                raise messages.out_of_range(type(self).__name__, "lr", group["lr"], 0, math.inf)
            if len(group["params"]) != len(slots.counts):
                raise messages.group_changed(type(self).__name__)
            left = self.update(group, slots)
            if left is not None:
                with no_grad():
                    for k in left:
                        self.update_one(group, slots, k, group["params"][k])

    def update(self, group: dict[str, Any], slots: Slots) -> Iterable[int] | None:
        """Run the compiled step of one group. Returns the numbers of the parameters that `update_one` must update."""
        return with_gradient(group)

    def update_one(self, group: dict[str, Any], slots: Slots, k: int, p: Tensor) -> None:
        """Update parameter number `k` of the group by the formula."""
        raise NotImplementedError

    # --- state

    def state_dict(self) -> dict[str, Any]:
        """Return the state in PyTorch's format: "state" by parameter number, and "param_groups" with these numbers.

        The Tensors share memory with the optimizer: copy those that must not change at the next step.
        """
        state: dict[int, dict[str, Any]] = {}
        groups = []
        number = 0
        for group, slots in zip(self.param_groups, self._slots):
            n = len(group["params"])
            for k in range(n):
                kept: dict[str, Any] = {"step": int(slots.counts[k])} if slots.counts[k] else {}
                kept |= {name: v.detach() for name, many in slots.kept.items() if (v := many[k]) is not None}
                if kept:
                    state[number + k] = kept
            rest = {key: value for key, value in group.items() if key != "params"}
            groups.append({**rest, "params": list(range(number, number + n))})
            number += n
        return {"state": state, "param_groups": groups}

    @boundary
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load the state and settings of `state_dict()`, or of PyTorch's with its tensors converted to arrays.

        Parameter numbers may be strings, as JSON makes them. Settings that this optimizer does not have are ignored. On
        an error nothing is loaded.

        Raises
        ------
        StateError
            If the groups have other sizes, if names, shapes, dtypes or values do not fit the parameters, or if PyTorch
            would compute something else with the settings, as with `maximize=True`.
        """
        groups, entries = states.read_groups(self, state_dict)
        settings = states.read_settings(self, groups)
        made = self._read(entries)
        for group, before in zip(settings, self.param_groups):
            before.update(group)
        self._set_state(made)
        self._loads += 1

    def _read(self, entries: list[Mapping[str, Any]]) -> Any:
        """Return the state read from the entries of all parameters, for `_set_state`; raise if it does not fit."""
        made, wrong, number = [], [], 0
        for group in self.param_groups:
            params = group["params"]
            slots = Slots(self.slots, len(params))
            wrong += states.read_slots(self, slots, number, params, entries[number : number + len(params)])
            number += len(params)
            made.append(slots)
        if wrong:
            raise messages.state_mismatch(type(self).__name__, wrong)
        return made

    def _set_state(self, made: Any) -> None:
        self._slots = made

    def __repr__(self) -> str:
        """The settings of every group, in PyTorch's format."""
        lines = []
        for number, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {number}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return f"{type(self).__name__} (\n" + "\n".join(lines) + "\n)"


def with_gradient(group: dict[str, Any]) -> list[int]:
    """Return the numbers of the parameters that have a gradient."""
    return [k for k, p in enumerate(group["params"]) if p.grad is not None]


def gradient_of(group: dict[str, Any], p: Tensor) -> Tensor:
    """Return the gradient of a parameter, with opposite sign if the group is maximized."""
    assert p.grad is not None
    return -p.grad if group["maximize"] else p.grad
