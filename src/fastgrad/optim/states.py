"""Reads the state dict of an optimizer. All of it is checked before any of it is used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad._engine import Tensor, tensor
from fastgrad._state import converted, whole_number
from fastgrad.optim import messages

if TYPE_CHECKING:
    from fastgrad.optim.optimizer import Optimizer, Slots

# keys of PyTorch's groups that are accepted besides the settings, and flags that would change the result
_ALWAYS = ("initial_lr", "name")
_REVERSING = ("maximize", "amsgrad")


def read_groups(optimizer: Optimizer, state_dict: Any) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Return the groups of a state dict, and the entries of all parameters in order."""
    name = type(optimizer).__name__
    if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= state_dict.keys():
        raise messages.no_optimizer_state(name)
    given, state = state_dict["param_groups"], state_dict["state"]
    if not isinstance(state, Mapping) or not isinstance(given, (list, tuple)):
        raise messages.no_optimizer_state(name)
    if not all(isinstance(group, Mapping) and isinstance(group.get("params"), (list, tuple)) for group in given):
        raise messages.no_optimizer_state(name)
    mine, theirs = ([len(group["params"]) for group in groups] for groups in (optimizer.param_groups, given))
    if mine != theirs:
        raise messages.optimizer_groups(name, theirs, mine)
    wrong: list[str] = []
    entries: dict[int, Mapping[str, Any]] = {}
    for key, entry in state.items():
        number = _number(key)
        if number is None:
            wrong.append(f"{key!r} is not the number of a parameter")
        elif number in entries:
            wrong.append(f"{number} occurs twice")
        elif not isinstance(entry, Mapping):
            wrong.append(f"{number}: {type(entry).__name__}, not a dict")
        else:
            entries[number] = entry
    numbers = [_number(key) for group in given for key in group["params"]]
    if None in numbers or len(set(numbers)) != len(numbers):
        wrong.append("the params of the groups are not distinct parameter numbers")
    wrong += [f"{number} is not a parameter of any group" for number in entries if number not in numbers]
    if wrong:
        raise messages.state_mismatch(name, wrong)
    return list(given), [entries.get(number, {}) for number in numbers]  # type: ignore[arg-type]


def _number(key: Any) -> int | None:
    """Return the number of a parameter, which may be a str after JSON, or None."""
    if isinstance(key, str) and key.isascii() and key.isdigit():
        return int(key)
    return int(key) if hasattr(key, "__index__") and not isinstance(key, bool) else None


def read_settings(optimizer: Optimizer, groups: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the settings of the groups that this optimizer supports; raise if one is invalid."""
    name = type(optimizer).__name__
    made, wrong = [], []
    for k, (group, before) in enumerate(zip(groups, optimizer.param_groups)):
        settings = {key: _plain(v) for key, v in group.items() if key in optimizer.defaults or key in _ALWAYS}
        for key, value in settings.items():
            if isinstance(optimizer.defaults.get(key), bool) and value not in (True, False):
                wrong.append(f"group {k}: {key}={value!r} is neither True nor False")
        rate = settings.get("initial_lr", 0.0)
        if not isinstance(rate, (int, float)) or not 0 <= rate < math.inf:
            wrong.append(f"group {k}: initial_lr={rate!r} is not a learning rate")
        wrong += [
            f"group {k}: {key}=True, which {name} does not support"
            for key in _REVERSING
            if group.get(key) and key not in optimizer.defaults
        ]
        decoupled = group.get("decoupled_weight_decay")
        if (
            decoupled is not None
            and group.get("weight_decay")
            and "decoupled_weight_decay" not in optimizer.defaults
            and bool(decoupled) != getattr(optimizer, "decoupled", bool(decoupled))
        ):
            wrong.append(f"group {k}: decoupled_weight_decay={decoupled}, which {name} does not support")
        optimizer.check({**before, **settings})
        made.append(settings)
    if wrong:
        raise messages.state_mismatch(name, wrong)
    return made


def _plain(value: Any) -> Any:
    """Convert lists (from JSON) to tuples, and 0-d arrays to numbers."""
    if isinstance(value, (list, tuple)):
        return tuple(map(_plain, value))
    return value.item() if getattr(value, "shape", None) == () else value


def read_slots(optimizer: Optimizer, slots: Slots, first: int, params: list[Tensor], entries: list[Any]) -> list[str]:
    """Fill the slots of one group with copies of the values in `entries`. Returns the errors found."""
    wrong = []
    for k, (p, entry) in enumerate(zip(params, entries)):
        where = f"{first + k}."
        for key, value in entry.items():
            if key == "step":
                count = whole_number(value)
                if count is None:
                    wrong.append(f"{where}step: {value!r} is not a number of steps")
                else:
                    slots.counts[k] = count
            elif key not in slots.kept:
                wrong.append(f"{where}{key}: unexpected")
            elif value is not None:
                moment = converted(value, p.shape, p.dtype)
                if isinstance(moment, str):
                    wrong.append(f"{where}{key}: {moment}")
                elif key in optimizer.squares and np.any(moment < 0):
                    wrong.append(f"{where}{key}: a mean of squares is negative")
                else:
                    slots.kept[key][k] = tensor(moment)
        wrong += [f"{where}{key}: missing" for key in optimizer.required if entry and entry.get(key) is None]
    return wrong
