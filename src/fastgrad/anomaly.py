"""Finding the operation that first produced a NaN or an infinity. Checks values and raises; changes nothing."""

import numpy as np

from fastgrad import modes
from fastgrad.errors import AnomalyError

looking = modes.Switch("anomalies", False)  # a `detect_anomaly` block is open
inside = modes.Switch("in_a_rule", False)  # a rule is running: the sweep checks its results, not its ops


class detect_anomaly:
    """Context manager that checks every result and every gradient for NaN and infinity.

    The first operation that produces one from finite values raises `AnomalyError` with its name and the line that
    called it. Checking is slow: use it for debugging, not for training.
    """

    def __init__(self):
        self._mode = modes.Mode(looking, True)

    def __enter__(self):
        self._mode.__enter__()

    def __exit__(self, *exc):
        self._mode.__exit__(*exc)

    def __reduce__(self):
        return type(self), ()


def noting():
    """Return whether nodes store the line that recorded them, and sweeps check cotangents."""
    return bool(looking)


def watching():
    """Return whether results are checked."""
    return bool(looking) and not inside


def check(op, backward, value, sources, where):
    """Raise if `value` has a NaN or infinity and none of `sources` does. `where` returns the line, if needed."""
    if not _finite(value) and all(map(_finite, sources)):
        raise anomaly_in_op(op, backward, _what(value), where())


def check_hook(op, result, g, where):
    """Raise if the result of a hook has a NaN or infinity and the gradient passed to it has none."""
    if not _finite(result) and _finite(g):
        raise anomaly_in_hook(op, _what(result), where())


def check_sum(op, total, parts, where):
    """Raise if a sum of gradients overflowed. `op` is the operation that made their tensor, None for a leaf."""
    if not _finite(total) and all(map(_finite, parts)):
        raise anomaly_in_sum(op, _what(total), where())


def _what(x):
    return "NaN" if np.isnan(x.detach().numpy()).any() else "infinity"


def _finite(x):
    return x is None or bool(np.isfinite(x.detach().numpy() if hasattr(x, "detach") else x).all())


# --- messages ---


def anomaly_in_op(op, backward, what, where):
    """`what` ("NaN" or "infinity") first appeared in `op`; `where` from `user_line()`, or None."""
    direction = f"the backward pass of {op!r}" if backward else repr(op)
    source = "a finite upstream gradient" if backward else "finite operands"
    line = _recorded_at(where)
    return AnomalyError(f"{direction} made {what} from {source}; {line}. Look at the operands of that line")


def _recorded_at(where):
    return f"recorded at {where}" if where else "recorded outside detect_anomaly(), so its line is unknown"


def _tensor(op, where, leaf="a leaf"):
    return f"the result of {op!r}, {_recorded_at(where)}" if op else leaf


def anomaly_in_hook(op, what, where):
    """A hook on the result of `op`, or on a leaf (None), made `what`; `where` as in `anomaly_in_op`."""
    return AnomalyError(f"a hook made {what} from a finite gradient: it is registered on {_tensor(op, where)}")


def anomaly_in_sum(op, what, where):
    """Finite gradients of the result of `op`, or of a leaf (None), add up to `what`; `where` as in `anomaly_in_op`."""
    value = _tensor(op, where, "a leaf, or with the .grad that it had")
    return AnomalyError(f"finite gradients added up to {what}: those of {value}. Scale the loss down")
