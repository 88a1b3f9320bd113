"""The default generator of initializers and dropout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from fastgrad._generator import generator, seed  # noqa: F401  `seed` for nn
from fastgrad._state import plain_state
from fastgrad.nn import messages
from fastgrad.nn.module import Module
from fastgrad.nn.structure import generator_of


def _generators(module: Module | None) -> Iterator[tuple[str, np.random.Generator]]:
    """Yield the default generator as "", and those that are attributes of modules, by name."""
    yield "", generator()
    for path, inner in module.named_modules() if module is not None else ():
        for name, value in vars(inner).items():
            if isinstance(value, np.random.Generator):
                yield f"{path}.{name}" if path else name, value


def get_rng_state(module: Module | None = None) -> dict[str, dict[str, Any]]:
    """Return the state of the default generator, and of the generators of a module.

    Parameters
    ----------
    module : Module, optional
        A module that contains generators, such as `Dropout(rng=3)`.

    Returns
    -------
    dict
        For `set_rng_state`. It can be part of a nested state for `save`.
    """
    return {name: rng.bit_generator.state for name, rng in _generators(module)}


def set_rng_state(state: Mapping[str, Any], module: Module | None = None) -> None:
    """Restore the state returned by `get_rng_state`. On an error no generator is changed.

    Raises
    ------
    StateError
        If the state does not fit the generators.
    """
    if not isinstance(state, Mapping):
        raise messages.rng_state([f"{type(state).__name__}, not a dict"])
    own = dict(_generators(module))
    wrong = [f"{name!r}: missing" for name in own if name not in state]
    wrong += [f"{name!r}: unexpected" for name in state if name not in own]
    for name, rng in own.items():
        if name not in state:
            continue
        try:
            made = generator_of(state[name])
            if type(made.bit_generator) is not type(rng.bit_generator):
                wrong.append(f"{name!r}: of a {type(made.bit_generator).__name__}")
        except Exception as error:  # the state may be any object
            wrong.append(f"{name!r}: {error or type(error).__name__}")
    if wrong:
        raise messages.rng_state(wrong)
    for name, rng in own.items():
        rng.bit_generator.state = plain_state(state[name])
