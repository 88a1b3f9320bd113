"""NumPy's error state without warnings, for forwards: infinities and NaN are values, and `detect_anomaly` finds them.

`np.errstate` makes its setting anew at each call, which costs as much as a small op, and crashes where the memory for
it is missing (NumPy 2.4). So the setting is made once, and its context variable is set.
"""

import numpy as np


def _state_without_warnings():
    """The variable of `errstate` and its value for all="ignore"; None where this NumPy keeps them elsewhere."""
    try:
        from numpy._core.umath import _extobj_contextvar as variable
    except ImportError:
        return None, None
    with np.errstate(all="ignore"):
        return variable, variable.get()


variable, quiet = _state_without_warnings()
