"""The generator that initialisers and dropout draw from where they are given none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from fastgrad.nn import messages
from fastgrad.nn.module import Module
from fastgrad.nn.structure import generator_of, plain_state

_default: np.random.Generator | None = None


def seed(seed: int | None = None) -> None:
    """Start the default generator anew: the same seed gives the same initial weights and the same dropout.

    Parameters
    ----------
    seed : int, optional
        None takes fresh entropy from the system.
    """
    global _default
    _default = np.random.default_rng(seed)


def generator(rng: np.random.Generator | int | None = None) -> np.random.Generator:
    """`rng` if it is a Generator, a new one if it is a seed, and the default one if it is None."""
    if isinstance(rng, np.random.Generator):
        return rng
    if rng is not None:
        return np.random.default_rng(rng)
    if _default is None:
        seed()
    assert _default is not None
    return _default


def _generators(module: Module | None) -> Iterator[tuple[str, np.random.Generator]]:
    """The default generator as "", and those that are attributes of modules, by name."""
    yield "", generator()
    for path, inner in module.named_modules() if module is not None else ():
        for name, value in vars(inner).items():
            if isinstance(value, np.random.Generator):
                yield f"{path}.{name}" if path else name, value


def get_rng_state(module: Module | None = None) -> dict[str, dict[str, Any]]:
    """What the next random numbers depend on: the state of the default generator, and of those that a module has.

    Parameters
    ----------
    module : Module, optional
        One with generators of its own in it, as `Dropout(rng=3)`.

    Returns
    -------
    dict
        For `set_rng_state`; `save` takes it as a part of a nested state.
    """
    return {name: rng.bit_generator.state for name, rng in _generators(module)}


def set_rng_state(state: Mapping[str, Any], module: Module | None = None) -> None:
    """Go on with the random numbers where `get_rng_state` was called. All generators are set or, on error, none.

    Raises
    ------
    StateError
        For a state of other generators.
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
        except Exception as error:  # whatever was given
            wrong.append(f"{name!r}: {error or type(error).__name__}")
    if wrong:
        raise messages.rng_state(wrong)
    for name, rng in own.items():
        rng.bit_generator.state = plain_state(state[name])
