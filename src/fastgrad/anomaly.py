"""Naming the op that first made a NaN or an infinity. Looks, and raises; changes nothing."""

from _thread import _local as local  # `threading.local`, without importing the rest of threading

import numpy as np

from fastgrad import errors


class _State(local):
    on = False  # a `detect_anomaly` block is open
    inside = False  # a rule runs: its ops are not the user's, the sweep checks what comes out


state = _State()


class detect_anomaly:
    """Check every result and every gradient in a `with` block, and note the lines that record.

    The first op that makes a NaN or an infinity from finite values raises `AnomalyError`, with its name and its line.
    Slow: for finding a fault, not for training.
    """

    def __init__(self):
        self._outer = []

    def __enter__(self):
        self._outer.append(noting())
        state.on = True

    def __exit__(self, *exc):
        state.on = self._outer.pop()


def noting():
    """Whether nodes note the line that recorded them, and sweeps check cotangents."""
    return state.on


def watching():
    """Whether results are checked."""
    return state.on and not state.inside


def check(op, backward, value, sources, where):
    """Raise if `value` has a NaN or infinity and none of `sources` has. `where` is called for the line only then."""
    if not _finite(value) and all(map(_finite, sources)):
        raise errors.anomaly(op, backward, _what(value), where())


def check_hook(op, result, g, where):
    """Raise if what a hook returned, or wrote, has a NaN or infinity, and the gradient it was given has none."""
    if not _finite(result) and _finite(g):
        raise errors.anomaly_in_hook(op, _what(result), where())


def check_sum(op, total, parts, where):
    """Raise if the sum of gradients overflowed: `op` made the value they belong to, None of a leaf."""
    if not _finite(total) and all(map(_finite, parts)):
        raise errors.anomaly_in_sum(op, _what(total), where())


def _what(x):
    return "NaN" if np.isnan(x.detach().numpy()).any() else "infinity"


def _finite(x):
    return x is None or bool(np.isfinite(x.detach().numpy() if hasattr(x, "detach") else x).all())
