"""The control: one NumPy call against itself. A ratio far from 1.00 says: noisy machine, not slow code."""

import numpy as np

from bench.harness import Contender, Race, row


def _add(name):
    a, b = np.arange(256.0), np.ones(256)
    return Contender(name, None, lambda: {"sum": a + b}, "np.add(a, b)", {"np": np, "a": a, "b": b})


@row("control", target=1.0, sense="~", note="one NumPy call at two places; met within 5 %")
def control(settings):
    """The same 256-element sum as its own rival."""
    return Race(_add("here"), [_add("there")])
