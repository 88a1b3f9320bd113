"""NumPy's error state without warnings, for forwards: infinities and NaN are valid, and `detect_anomaly` reports them.

`np.errstate` creates its setting at each call, which takes as long as a small op, and crashes if there is no memory for
it (NumPy 2.4). The setting is therefore created once, and its context variable is set.
"""

import numpy as np


def _state_without_warnings():
    """Return the variable of `errstate` and its value for all="ignore", or None where NumPy stores them elsewhere."""
    try:
        from numpy._core.umath import _extobj_contextvar as variable
    except ImportError:
        return None, None
    with np.errstate(all="ignore"):
        return variable, variable.get()


variable, quiet = _state_without_warnings()
