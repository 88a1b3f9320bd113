"""Numbers and arrays in words, short enough for a wire, a tooltip or a table. Knows no graph."""

import numpy as np

from fastgrad.pictures.signs import short

_LISTED = 3  # elements of a vector that are told one by one on a wire


def times(shape):
    """A shape as "4×8"; "" of a scalar."""
    return "×".join(map(str, shape))


def extent(shape):
    """A shape as it stands at a heat map: "4×8", "12 long"."""
    return f"{shape[0]} long" if len(shape) == 1 else times(shape)


def plain(array):
    """The one number of an array of one element, as Python's."""
    return array.item() if array.dtype.kind != "O" else array.reshape(-1)[0]


def number(array, digits=4):
    """The one number of an array, in few digits."""
    return short(plain(array), digits)


def listed(array, digits=3):
    """A few numbers as "[1, 2]"; None where they are too many or not in a row."""
    if array.ndim != 1 or not 0 < array.size <= _LISTED or array.dtype.kind == "O":
        return None
    return f"[{', '.join(short(v, digits) for v in array.tolist())}]"


def norm(array):
    """The Euclidean norm, nan where something is not a number; 0 of nothing."""
    wide = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
    peak = float(np.max(np.abs(wide), initial=0.0))
    if not np.isfinite(peak) or peak == 0:
        return peak
    return peak * float(np.linalg.norm((wide / peak).ravel()))


def brief(array, digits=4):
    """One line: the number, a short vector, or shape and norm."""
    if array is None:
        return ""
    if isinstance(array, str):
        return array
    if array.size == 1:
        return number(array, digits)
    return listed(array, digits) or f"{extent(array.shape)}, norm {short(norm(array), digits)}"


def full(array):
    """For a tooltip: the number in all its digits, or shape, dtype, range and norm."""
    if array is None or isinstance(array, str):
        return array or "none"
    if array.size == 1:
        told = str(array.reshape(-1)[0]).replace("-", "−")  # NumPy's: as few digits as tell it from its neighbours
        return told + (f" (shape {times(array.shape)})" if array.ndim else "")
    head = f"{times(array.shape)} {array.dtype.name}"
    if not array.size:
        return head + ", empty"
    if array.size <= 8:
        return f"{head} {np.array2string(array, precision=6, separator=', ', max_line_width=10**6)}".replace("\n", "")
    if array.dtype.kind == "c":
        return f"{head}, norm {short(norm(array), 6)}"
    low, high = plain(array.min()), plain(array.max())
    return f"{head}, from {short(low, 6)} to {short(high, 6)}, norm {short(norm(array), 6)}"
