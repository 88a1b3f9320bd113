"""Nested states of dicts, lists, numbers, text, arrays and generators, converted to named arrays and a JSON text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fastgrad._engine import Tensor, asarray
from fastgrad._state import plain_state
from fastgrad.nn import messages
from fastgrad.nn.formats import invalid_name, unsupported_dtype

_LEAVES = (Tensor, np.ndarray, np.generic)


def is_nested(state: Mapping[Any, Any]) -> bool:
    """Return whether a state contains anything but arrays by name."""
    return any(_has_parts(value) for value in state.values())


def _has_parts(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_has_parts, value))
    return isinstance(value, (Mapping, np.random.Generator)) or _has_state(value)


def _has_state(value: Any) -> bool:
    return callable(getattr(value, "state_dict", None)) and not isinstance(value, type)


def storable_array(name: Any, value: Any, format: str) -> np.ndarray:
    """Return a contiguous array in native byte order; raise unless its dtype can be stored."""
    if isinstance(value, np.ma.MaskedArray):
        raise messages.not_saved_entry(name, "masked array")
    try:
        array = value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value)
    except Exception as error:
        raise messages.not_saved_entry(name, type(value).__name__) from error
    if array.dtype.kind not in "biufc":
        raise messages.not_saved_entry(name, type(value).__name__)
    if unsupported_dtype(array.dtype, format):
        raise messages.not_saved_dtype(name, array.dtype, format)
    return array.astype(array.dtype.newbyteorder("="), order="C", copy=False)


def flat(state: Mapping[Any, Any], format: str) -> dict[str, np.ndarray]:
    """Return a mapping of names to arrays, checked and converted for writing."""
    made: dict[str, np.ndarray] = {}
    for name, value in state.items():
        if not isinstance(name, str):
            raise messages.not_saved_entry(name, type(value).__name__)
        wrong = "it occurs twice" if name in made else invalid_name(name, format)
        if wrong:
            raise messages.not_saved_name(name, wrong)
        made[name] = storable_array(name, value, format)
    return made


def to_arrays(state: Any, format: str) -> tuple[dict[str, np.ndarray], str]:
    """Return the arrays of a nested state, and a JSON text that describes its structure."""
    arrays: dict[str, np.ndarray] = {}

    def put(array: np.ndarray, path: str) -> dict[str, Any]:
        name = path if path not in arrays and not invalid_name(path, format) else f"array {len(arrays)}"
        while name in arrays:
            name += "'"
        arrays[name] = array
        return {"array": name}

    def describe(value: Any, path: str, above: tuple[int, ...]) -> Any:
        if value is None or type(value) in (bool, int, float, str):
            return value
        if isinstance(value, np.generic) and value.dtype.kind in "biuf" and value.dtype.itemsize <= 8:
            return value.item()
        if isinstance(value, np.random.Generator):
            return {"generator": describe(value.bit_generator.state, path, above)}
        if isinstance(value, _LEAVES):
            return put(storable_array(path, value, format), path)
        if id(value) in above:
            raise messages.not_saved_entry(path, "a part of itself")
        above = (*above, id(value))
        if _has_state(value) and not isinstance(value, Mapping):
            return describe(value.state_dict(), path, above)
        child_path = lambda key: f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping):
            keys = list(value)
            for key in keys:
                if type(key) not in (str, int):
                    raise messages.not_saved_entry(child_path(key), f"{type(key).__name__} as a key")
            return {"dict": [[key, describe(one, child_path(key), above)] for key, one in value.items()]}
        if type(value) in (list, tuple):
            return {type(value).__name__: [describe(one, child_path(k), above) for k, one in enumerate(value)]}
        raise messages.not_saved_entry(path, type(value).__name__)

    text = json.dumps(describe(state, "", ()))
    return arrays, text


def from_arrays(text: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the nested state that `to_arrays` has converted. Each array must occur once."""
    left = dict(arrays)

    def dictionary(pairs: Any) -> dict[Any, Any]:
        made = {}
        for key, value in pairs:
            if type(key) not in (str, int) or key in made:
                raise ValueError(f"the key {key!r} is invalid or occurs twice")
            made[key] = restore(value)
        return made

    def array(name: str) -> Tensor:
        if name not in left:
            raise ValueError(f"the array {name!r} is missing")
        return asarray(left.pop(name))

    kinds: dict[str, Callable[[Any], Any]] = {
        "dict": dictionary,
        "list": lambda values: [restore(v) for v in values],
        "tuple": lambda values: tuple(restore(v) for v in values),
        "array": array,
        "generator": lambda state: generator_of(restore(state)),
    }

    def restore(value: Any) -> Any:
        if not isinstance(value, dict):
            if isinstance(value, list):
                raise ValueError("a list without its type")
            return value
        ((kind, content),) = value.items()
        return kinds[kind](content)

    made = restore(json.loads(text))
    if not isinstance(made, dict):
        raise ValueError("it is not a dict")
    if left:
        raise ValueError(f"the array {next(iter(left))!r} is not used")
    return made


_BIT_GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")


def generator_of(state: Any) -> np.random.Generator:
    """Return a generator with the given state of its bit generator."""
    name = state["bit_generator"]
    if name not in _BIT_GENERATORS:
        raise ValueError(f"{name!r} is not a bit generator of NumPy")
    made = np.random.Generator(getattr(np.random, name)(0))
    made.bit_generator.state = plain_state(state)
    return made
