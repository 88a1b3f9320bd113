"""Small heat maps of arrays: colour shows the sign, opacity the magnitude. Large arrays are averaged by blocks."""

import numpy as np

ROWS, COLUMNS = 8, 12  # maximum number of cells
WIDTH, HEIGHT = 48.0, 34.0  # maximum size in pixels
_LEVELS = 6


def cells(array):
    """Reduce an array to a small real matrix."""
    values = np.abs(array) if array.dtype.kind == "c" else array
    values = values.astype(np.float64)
    values = values.reshape(1, -1) if values.ndim < 2 else values.reshape(-1, values.shape[-1])
    for axis, most in ((0, ROWS), (1, COLUMNS)):
        length = values.shape[axis]
        if length > most:
            starts = np.arange(most) * length // most
            sizes = np.diff(np.append(starts, length))
            with np.errstate(all="ignore"):
                values = np.add.reduceat(values, starts, axis=axis) / (sizes[:, None] if axis == 0 else sizes)
    return values


def size(array):
    """Return `(width, height)` of the heat map in pixels."""
    rows = 1 if array.ndim < 2 else min(ROWS, array.size // array.shape[-1])
    columns = min(COLUMNS, array.shape[-1] if array.ndim else 1)
    cell = min(9.0, WIDTH / columns, HEIGHT / rows)
    return columns * cell, rows * cell


def heat(array, x, y, tag):
    """Return SVG elements with the upper left corner at (x, y): a background, and one path per level of magnitude.

    `tag` creates an element. The classes are `p1` to `p6` for positive cells, `m1` to `m6` for negative ones, and `nan`
    for cells that are not finite.
    """
    values = cells(array)
    width, height = size(array)
    cell = width / values.shape[1]
    finite = np.isfinite(values)
    peak = np.max(np.abs(values), where=finite, initial=0.0) or 1.0
    with np.errstate(all="ignore"):
        level = np.where(finite, np.ceil(np.abs(values) / peak * _LEVELS - 1e-9), 0).astype(int)
    paths = {}
    for i, j in np.argwhere((level > 0) | ~finite).tolist():
        name = f"{'p' if values[i, j] > 0 else 'm'}{level[i, j]}" if finite[i, j] else "nan"
        paths.setdefault(name, []).append(
            f"M{_format(x + j * cell)} {_format(y + i * cell)}h{_format(cell)}v{_format(cell)}h{_format(-cell)}z"
        )
    return [
        tag("rect", class_="paper", x=x, y=y, width=width, height=height),
        *(tag("path", class_=name, d="".join(parts)) for name, parts in sorted(paths.items())),
    ]


def _format(value):
    return f"{value:.2f}".rstrip("0").rstrip(".")
