"""Nested states, of dicts, lists, numbers, text, arrays and generators, as arrays by name and one text in JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fastgrad._engine import Tensor, asarray
from fastgrad.nn import messages
from fastgrad.nn.formats import unfit_dtype, unfit_name

_LEAVES = (Tensor, np.ndarray, np.generic)


def is_nested(state: Mapping[Any, Any]) -> bool:
    """Whether there is more in it than arrays by name."""
    return any(_has_parts(value) for value in state.values())


def _has_parts(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_has_parts, value))
    return isinstance(value, (Mapping, np.random.Generator)) or _has_state(value)


def _has_state(value: Any) -> bool:
    return callable(getattr(value, "state_dict", None)) and not isinstance(value, type)


def checked_array(name: Any, value: Any, format: str) -> np.ndarray:
    """A contiguous array of native byte order, of a dtype that a Tensor holds."""
    if isinstance(value, np.ma.MaskedArray):
        raise messages.not_saved_entry(name, "masked array")
    try:
        array = value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value)
    except Exception as error:
        raise messages.not_saved_entry(name, type(value).__name__) from error
    if array.dtype.kind not in "biufc":
        raise messages.not_saved_entry(name, type(value).__name__)
    if unfit_dtype(array.dtype, format):
        raise messages.not_saved_dtype(name, array.dtype, format)
    return array.astype(array.dtype.newbyteorder("="), order="C", copy=False)


def flat(state: Mapping[Any, Any], format: str) -> dict[str, np.ndarray]:
    """A mapping of names to arrays, as it is written."""
    made: dict[str, np.ndarray] = {}
    for name, value in state.items():
        if not isinstance(name, str):
            raise messages.not_saved_entry(name, type(value).__name__)
        wrong = "it is there twice" if name in made else unfit_name(name, format)
        if wrong:
            raise messages.not_saved_name(name, wrong)
        made[name] = checked_array(name, value, format)
    return made


def taken_apart(state: Any, format: str) -> tuple[dict[str, np.ndarray], str]:
    """The arrays of a nested state, and the text that says what stood where."""
    arrays: dict[str, np.ndarray] = {}

    def put(array: np.ndarray, path: str) -> dict[str, Any]:
        name = path if path not in arrays and not unfit_name(path, format) else f"array {len(arrays)}"
        while name in arrays:
            name += "'"
        arrays[name] = array
        return {"array": name}

    def apart(value: Any, path: str, above: tuple[int, ...]) -> Any:
        if value is None or type(value) in (bool, int, float, str):
            return value
        if isinstance(value, np.generic) and value.dtype.kind in "biuf" and value.dtype.itemsize <= 8:
            return value.item()
        if isinstance(value, np.random.Generator):
            return {"generator": apart(value.bit_generator.state, path, above)}
        if isinstance(value, _LEAVES):
            return put(checked_array(path, value, format), path)
        if id(value) in above:
            raise messages.not_saved_entry(path, "a part of itself")
        above = (*above, id(value))
        if _has_state(value) and not isinstance(value, Mapping):
            return apart(value.state_dict(), path, above)
        inner = lambda key: f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping):
            keys = list(value)
            for key in keys:
                if type(key) not in (str, int):
                    raise messages.not_saved_entry(inner(key), f"{type(key).__name__} as a key")
            return {"dict": [[key, apart(one, inner(key), above)] for key, one in value.items()]}
        if type(value) in (list, tuple):
            return {type(value).__name__: [apart(one, inner(k), above) for k, one in enumerate(value)]}
        raise messages.not_saved_entry(path, type(value).__name__)

    text = json.dumps(apart(state, "", ()))
    return arrays, text


def put_together(text: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """The nested state that was taken apart; every array is there once."""
    left = dict(arrays)

    def dictionary(pairs: Any) -> dict[Any, Any]:
        made = {}
        for key, value in pairs:
            if type(key) not in (str, int) or key in made:
                raise ValueError(f"the key {key!r}")
            made[key] = together(value)
        return made

    def array(name: str) -> Tensor:
        if name not in left:
            raise ValueError(f"the array {name!r} is missing")
        return asarray(left.pop(name))

    kinds: dict[str, Callable[[Any], Any]] = {
        "dict": dictionary,
        "list": lambda values: [together(v) for v in values],
        "tuple": lambda values: tuple(together(v) for v in values),
        "array": array,
        "generator": lambda state: generator_of(together(state)),
    }

    def together(value: Any) -> Any:
        if not isinstance(value, dict):
            if isinstance(value, list):
                raise ValueError("a list without its kind")
            return value
        ((kind, inner),) = value.items()
        return kinds[kind](inner)

    made = together(json.loads(text))
    if not isinstance(made, dict):
        raise ValueError("it is no dict")
    if left:
        raise ValueError(f"nothing belongs to the array {next(iter(left))!r}")
    return made


_BIT_GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")


def generator_of(state: Any) -> np.random.Generator:
    """A generator in the state that its bit generator had."""
    name = state["bit_generator"]
    if name not in _BIT_GENERATORS:
        raise ValueError(f"{name!r} is no bit generator of NumPy")
    made = np.random.Generator(getattr(np.random, name)(0))
    made.bit_generator.state = plain_state(state)
    return made


def plain_state(state: Any) -> Any:
    """With arrays, as NumPy's bit generators want them, for Tensors."""
    if isinstance(state, Mapping):
        return {key: plain_state(value) for key, value in state.items()}
    return state.numpy().copy() if isinstance(state, Tensor) else state
