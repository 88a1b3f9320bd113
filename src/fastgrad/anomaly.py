"""Naming the op that first made a NaN or an infinity. Looks, and raises; changes nothing."""

import numpy as np

from fastgrad import errors, modes

looking = modes.Switch("anomalies", False)  # a `detect_anomaly` block is open
inside = modes.Switch("in_a_rule", False)  # a rule runs: its ops are not the user's, the sweep checks what comes out


class detect_anomaly:
    """Check every result and every gradient in a `with` block, and note the lines that record.

    The first op that makes a NaN or an infinity from finite values raises `AnomalyError`, with its name and its line.
    Slow: for finding a fault, not for training.
    """

    def __init__(self):
        self._mode = modes.Mode(looking, True)

    def __enter__(self):
        self._mode.enter()

    def __exit__(self, *exc):
        self._mode.__exit__(*exc)


def noting():
    """Whether nodes note the line that recorded them, and sweeps check cotangents."""
    return bool(looking)


def watching():
    """Whether results are checked."""
    return bool(looking) and not inside


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
