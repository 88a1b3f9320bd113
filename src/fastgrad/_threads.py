"""How many native threads kernels use: checks of the number. Depends on no engine."""

import operator
import os

MOST = 256


def checked(n):
    """Return the number of threads as an int."""
    try:
        count = operator.index(n)
    except TypeError:
        count = 0
    if isinstance(n, bool) or not 1 <= count <= MOST:
        raise ValueError(f"the number of threads must be an integer from 1 to {MOST}, got {n!r}")
    return count


def from_environment():
    """Return the number in FASTGRAD_NUM_THREADS, or 1."""
    given = os.environ.get("FASTGRAD_NUM_THREADS", "")
    if not given:
        return 1
    if not (given.isdecimal() and 1 <= int(given) <= MOST):
        raise ImportError(f"FASTGRAD_NUM_THREADS={given!r} is not an integer from 1 to {MOST}")
    return int(given)
