"""What `numpy.r_` and `numpy.c_` join between their brackets, with Tensors among it. Imported at first use."""

import numpy as np

from fastgrad.errors import ShapeError
from fastgrad.functions.arrays import array, holds_tensor
from fastgrad.functions.joining import concat
from fastgrad.functions.shapes import permute_dims, reshape

_NUMBERS = (bool, int, float, complex)


class Concatenator:
    """`numpy.r_` or `numpy.c_`: joins what is between the brackets. A Tensor among it is recorded."""

    def __init__(self, theirs):
        self._theirs = theirs
        self.__doc__ = theirs.__doc__

    def __reduce__(self):
        return "c_" if self._theirs is np.c_ else "r_"

    def __getattr__(self, name):
        return getattr(self._theirs, name)

    def __len__(self):
        return 0

    def __getitem__(self, key):
        parts = key if isinstance(key, tuple) else (key,)
        if not any(map(holds_tensor, parts)):
            return self._theirs[key]
        axis, ndmin, place = self._theirs.axis, self._theirs.ndmin, self._theirs.trans1d
        if isinstance(parts[0], str):
            axis, ndmin, place = _directive(parts[0], axis, ndmin, place)
            parts = parts[1:]
        parts = [_as_array(part) for part in parts]
        dtype = np.result_type(*(getattr(part, "dtype", part) for part in parts))
        parts = [np.asarray(part, dtype) if type(part) in _NUMBERS else part for part in parts]
        return concat([_placed(part, ndmin, place) for part in parts], axis)


def _directive(text, axis, ndmin, place):
    """Return the numbers in a string such as "0,2": the axis to join along, the fewest axes, the place of vectors."""
    if text in ("r", "c"):
        raise ShapeError(f"r_[{text!r}, ...] makes a matrix, which a Tensor cannot be: use np.r_ or np.c_ without it")
    numbers = [int(word) for word in text.split(",")]
    return tuple(numbers + [axis, ndmin, place][len(numbers) :])


def _as_array(part):
    """Return what is between two commas as a Tensor, an array, or a number whose dtype depends on the others."""
    if isinstance(part, slice):
        return np.r_[part]
    if holds_tensor(part):
        return array(part, copy=False)
    return part if type(part) in _NUMBERS else np.asarray(part)


def _placed(part, ndmin, place):
    """Return an array with at least `ndmin` axes, those it has at `place` of the new ones."""
    ndim, part = part.ndim, part if part.ndim >= ndmin else reshape(part, (1,) * (ndmin - part.ndim) + part.shape)
    if place == -1 or ndim >= ndmin:
        return part
    new = ndmin - ndim
    place = place + new + 1 if place < 0 else place
    order = list(range(ndmin))
    return permute_dims(part, (*order[:place], *order[new:], *order[place:new]))
