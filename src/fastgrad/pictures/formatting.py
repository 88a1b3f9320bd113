"""Formats numbers and arrays for wires, tooltips and tables. Independent of graphs."""

import numpy as np

from fastgrad.pictures.symbols import format_scalar

_MAX_LISTED = 3  # longer vectors are not written out on a wire


def format_shape(shape):
    """Format a shape, such as "4×8"; "" for 0-d."""
    return "×".join(map(str, shape))


def format_size(shape):
    """Format a shape as the caption of a heat map: "4×8" or "length 12"."""
    return f"length {shape[0]}" if len(shape) == 1 else format_shape(shape)


def format_empty(shape):
    """Format an array without elements."""
    return "empty" if len(shape) == 1 else f"empty {format_shape(shape)}"


def item(array):
    """Return the element of an array of one element as a Python object."""
    return array.item() if array.dtype.kind != "O" else array.reshape(-1)[0]


def format_number(array, digits=4):
    """Format the element of an array of one element."""
    return format_scalar(item(array), digits)


def format_vector(array, digits=3):
    """Format a short vector, such as "[1, 2]"; None for other arrays."""
    if array.ndim != 1 or not 0 < array.size <= _MAX_LISTED or array.dtype.kind == "O":
        return None
    return f"[{', '.join(format_scalar(v, digits) for v in array.tolist())}]"


def norm(array):
    """Return the Euclidean norm: NaN if an element is NaN, 0 for an empty array."""
    wide = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
    peak = float(np.max(np.abs(wide), initial=0.0))
    if not np.isfinite(peak) or peak == 0:
        return peak
    return peak * float(np.linalg.norm((wide / peak).ravel()))


def summary(array, digits=4):
    """Format an array in one line: a number, a short vector, or shape and norm."""
    if array is None:
        return ""
    if isinstance(array, str):
        return array
    if array.size == 1:
        return format_number(array, digits)
    if not array.size:
        return format_empty(array.shape)
    return format_vector(array, digits) or f"{format_size(array.shape)}, norm {format_scalar(norm(array), digits)}"


def details(array):
    """Format an array for a tooltip: a number in full precision, or shape, dtype, range and norm."""
    if array is None or isinstance(array, str):
        return array or "none"
    if array.size == 1:
        # NumPy writes the shortest text that identifies the number.
        text = str(_unsigned_zero(array).reshape(-1)[0]).replace("-", "−")
        return text + (f" (shape {format_shape(array.shape)})" if array.ndim else "")
    head = f"{format_shape(array.shape)} {array.dtype.name}"
    if not array.size:
        return head + ", empty"
    if array.size <= 8:
        elements = np.array2string(_unsigned_zero(array), precision=6, separator=", ", max_line_width=10**6)
        return f"{head} {elements}".replace("\n", "")
    if array.dtype.kind == "c":
        return f"{head}, norm {format_scalar(norm(array), 6)}"
    low, high = item(array.min()), item(array.max())
    return f"{head}, from {format_scalar(low, 6)} to {format_scalar(high, 6)}, norm {format_scalar(norm(array), 6)}"


def _unsigned_zero(array):
    """Return the array with 0 in place of -0."""
    return array + 0.0 if array.dtype.kind in "fc" else array
