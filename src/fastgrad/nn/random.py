"""The generator that initialisers and dropout draw from where they are given none."""

from __future__ import annotations

import numpy as np

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
