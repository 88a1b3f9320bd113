"""Comparison of Tensors and arrays."""

import numpy as np

import fastgrad as fg
from fastgrad import _engine

OWN_LOOPS = [name for name in (_engine.loops_in_use or list)() if name.endswith("(own)")]


def same(got, wanted):
    got = got.detach().numpy() if isinstance(got, fg.Tensor) else got
    np.testing.assert_array_equal(got, wanted, strict=True)


def has_own_loop(name, dtype=np.float64):
    """Whether the engine computes `name` by a loop of its own here, whose last bit may differ from NumPy's."""
    letter = np.dtype(dtype).char
    return any(f"{name}:{letter * count}->{letter} (own)" in OWN_LOOPS for count in (1, 2))
