"""The state dict of an optimiser, read as a whole before anything of it is taken over."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad._engine import Tensor, tensor
from fastgrad._state import fitted, whole_number
from fastgrad.optim import messages

if TYPE_CHECKING:
    from fastgrad.optim.optimizer import Optimizer, Slots

# what PyTorch's groups may hold beside the settings, and what makes no difference to the values
_ALWAYS = ("initial_lr", "name")
_REVERSING = ("maximize", "amsgrad")


def read_groups(optimizer: Optimizer, state_dict: Any) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The groups of a state dict, and what it keeps of each parameter, in the order of the parameters."""
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
            wrong.append(f"{number} is there twice")
        elif not isinstance(entry, Mapping):
            wrong.append(f"{number}: {type(entry).__name__}, not a dict")
        else:
            entries[number] = entry
    numbers = [_number(key) for group in given for key in group["params"]]
    if None in numbers or len(set(numbers)) != len(numbers):
        wrong.append("the params of the groups are not one number for each parameter")
    wrong += [f"{number} is no parameter of a group" for number in entries if number not in numbers]
    if wrong:
        raise messages.optimizer_state(name, wrong)
    return list(given), [entries.get(number, {}) for number in numbers]  # type: ignore[arg-type]


def _number(key: Any) -> int | None:
    """The number of a parameter, which JSON makes a str of."""
    if isinstance(key, str) and key.isascii() and key.isdigit():
        return int(key)
    return int(key) if hasattr(key, "__index__") and not isinstance(key, bool) else None


def read_settings(optimizer: Optimizer, groups: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The settings that this optimiser has, checked."""
    name = type(optimizer).__name__
    made, wrong = [], []
    for k, (group, before) in enumerate(zip(groups, optimizer.param_groups)):
        settings = {key: _plain(v) for key, v in group.items() if key in optimizer.defaults or key in _ALWAYS}
        for key, value in settings.items():
            if isinstance(optimizer.defaults.get(key), bool) and value not in (True, False):
                wrong.append(f"group {k}: {key}={value!r} is neither True nor False")
        rate = settings.get("initial_lr", 0.0)
        if not isinstance(rate, (int, float)) or not 0 <= rate < math.inf:
            wrong.append(f"group {k}: initial_lr={rate!r} is not a rate")
        wrong += [f"group {k}: {key}=True, which {name} does not have" for key in _REVERSING if group.get(key)]
        decoupled = group.get("decoupled_weight_decay")
        if (
            decoupled is not None
            and group.get("weight_decay")
            and bool(decoupled) != getattr(optimizer, "decoupled", bool(decoupled))
        ):
            wrong.append(f"group {k}: decoupled_weight_decay={decoupled}, which {name} does otherwise")
        optimizer.check({**before, **settings})
        made.append(settings)
    if wrong:
        raise messages.optimizer_state(name, wrong)
    return made


def _plain(value: Any) -> Any:
    """A setting as it is kept: a tuple for JSON's list, a number for an array of one."""
    if isinstance(value, (list, tuple)):
        return tuple(map(_plain, value))
    return value.item() if getattr(value, "shape", None) == () else value


def read_slots(optimizer: Optimizer, slots: Slots, first: int, params: list[Tensor], entries: list[Any]) -> list[str]:
    """Fill the slots of one group with copies of what its entries hold; returns what is wrong with them."""
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
                moment = fitted(value, p.shape, p.dtype)
                if isinstance(moment, str):
                    wrong.append(f"{where}{key}: {moment}")
                elif key in optimizer.squares and np.any(moment < 0):
                    wrong.append(f"{where}{key}: a mean of squares is negative")
                else:
                    slots.kept[key][k] = tensor(moment)
        wrong += [f"{where}{key}: missing" for key in optimizer.required if entry and entry.get(key) is None]
    return wrong
