"""NumPy's objects that make arrays and are no functions, for Tensors: `r_`, `c_` and `vectorize`."""

import numpy as np

from fastgrad._engine import Tensor
from fastgrad.errors import ShapeError
from fastgrad.functions.arrays import array, holds_tensor
from fastgrad.functions.shapes import broadcast_arrays, concat, permute_dims, ravel, reshape, stack

_NUMBERS = (bool, int, float, complex)


class Concatenator:
    """`numpy.r_` or `numpy.c_`: joins what is between the brackets. A Tensor among it is recorded."""

    def __init__(self, theirs):
        self._theirs = theirs
        self.__doc__ = theirs.__doc__

    def __repr__(self):
        return f"<fastgrad.numpy.{'c_' if self._theirs is np.c_ else 'r_'}>"

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


class vectorize(np.vectorize):
    """`numpy.vectorize`: a function of numbers is called for each element. Elements of Tensors are recorded."""

    def __call__(self, *args, **kwargs):
        if not any(map(holds_tensor, (*args, *kwargs.values()))) or self.signature is not None or kwargs:
            return super().__call__(*args, **kwargs)
        fixed = {k: x for k, x in enumerate(args) if k in self.excluded}
        given = broadcast_arrays(*(array(x) for k, x in enumerate(args) if k not in self.excluded))
        shape, rows = given[0].shape, zip(*(ravel(x) for x in given), strict=True)
        results = [self.pyfunc(*_merged(fixed, row)) for row in rows]
        if results and isinstance(results[0], tuple):
            return tuple(reshape(stack(part), shape) for part in zip(*results, strict=True))
        return reshape(stack(results), shape) if results else Tensor(np.empty(shape))


def _merged(fixed, row):
    row = iter(row)
    n = len(fixed)
    return [fixed[k] if k in fixed else next(row) for k in range(n)] + list(row) if n else list(row)


r_, c_ = Concatenator(np.r_), Concatenator(np.c_)
