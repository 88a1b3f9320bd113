"""Data for training: seeded batches of arrays. Knows no gradients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from fastgrad._engine import Tensor
from fastgrad._progress import progress
from fastgrad.errors import BadSetting, DTypeError, ShapeError, StateError


class Batches:
    """What `batches` returns: an iterable of batches, in a new order every time it is walked; `len()` counts them."""

    def __init__(self, arrays: tuple[Any, ...], size: int, rng: np.random.Generator, shuffle: bool, drop_last: bool):
        self.arrays, self.size, self.shuffle, self.drop_last = arrays, size, shuffle, drop_last
        self.rng = rng

    def state_dict(self) -> dict[str, Any]:
        """What the next order depends on: the state of the generator."""
        return {"rng": self.rng.bit_generator.state}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on with the orders where `state_dict()` was taken.

        Raises
        ------
        StateError
            For the state of another kind of generator.
        """
        try:
            trial = type(self.rng.bit_generator)()
            trial.state = _plain(state_dict["rng"])
        except Exception as error:  # whatever was given
            raise StateError(f"the state does not fit these batches, nothing was loaded: {error!r}") from error
        self.rng.bit_generator.state = trial.state

    def __len__(self) -> int:
        n = len(self.arrays[0])
        return n // self.size if self.drop_last else -(-n // self.size)

    def __iter__(self) -> Iterator[Any]:
        n = len(self.arrays[0])
        order = self.rng.permutation(n) if self.shuffle else None
        for start in range(0, len(self) * self.size, self.size):
            at = slice(start, start + self.size) if order is None else order[start : start + self.size]
            batch = tuple(a[at] for a in self.arrays)
            yield batch if len(batch) > 1 else batch[0]


def _plain(state: Any) -> Any:
    """With arrays, as NumPy's bit generators want them, for Tensors."""
    if isinstance(state, Mapping):
        return {key: _plain(value) for key, value in state.items()}
    return state.numpy().copy() if isinstance(state, Tensor) else state


def _rows(k: int, given: Any) -> Any:
    """Array number `k` as an ndarray or Tensor, whose index is a number of a row and nothing else.

    Neither a memory map nor any other ndarray is copied.
    """
    if isinstance(given, Tensor):
        return given
    came = type(given).__name__
    if isinstance(given, np.ma.MaskedArray):
        raise DTypeError(f"batches: array {k} is a masked array, whose mask would be lost: pass a.filled(value)")
    if isinstance(given, (str, bytes, Mapping)):
        raise DTypeError(f"batches: array {k} is of type {came}: pass arrays, each as an argument of its own")
    try:
        # of pandas and xarray, this is what their rows are, whatever their labels
        array = np.asarray(given.to_numpy() if callable(getattr(given, "to_numpy", None)) else given)
    except Exception as error:
        raise DTypeError(f"batches: array {k}, of type {came}, does not make an array: {error}") from error
    if array.dtype == object and not isinstance(given, np.ndarray):
        raise DTypeError(
            f"batches: array {k}, of type {came}, makes an array of Python objects: convert it to numbers, for example "
            "with .astype(float)"
        )
    return array


def batches(
    *arrays: Any,
    size: int,
    seed: int | np.random.Generator | None = None,
    shuffle: bool = True,
    drop_last: bool = False,
) -> Batches:
    """Arrays of one length in batches of rows.

        for epoch in range(10):
            for x, y in fg.data.batches(images, labels, size=32, seed=epoch):
                ...

    Made once and walked several times, it gives a new order each time; the same seed gives the same orders.

    Parameters
    ----------
    *arrays : arrays, Tensors, lists, DataFrames, Series or DataArrays, of the same length along their first axis
        Made arrays once, here; rows are taken by position. Memory maps are read batch by batch.
    size : int
        Rows per batch.
    seed : int or numpy.random.Generator, optional
    shuffle : bool
        False keeps the order, and then batches are views.
    drop_last : bool
        Leave out a last batch of less than `size` rows.

    Returns
    -------
    Batches
        Tuples of arrays, or arrays where one was given.

    Raises
    ------
    ShapeError
        For no rows, arrays of different lengths or without a first axis, or `drop_last` with less than `size` rows.
    DTypeError
        For what makes no array of numbers, text or dates: mappings, tables with columns of objects, masked arrays.
    ValueError
        For a size that is not positive.
    """
    if not arrays:
        raise ShapeError("batches: no arrays; pass at least one")
    if isinstance(size, bool) or not hasattr(size, "__index__"):
        raise DTypeError(f"batches: size is a number of rows, got {type(size).__name__}")
    if size < 1:
        raise BadSetting(f"batches: size={size} is refused: it must be at least 1")
    rows = tuple(_rows(k, a) for k, a in enumerate(arrays))
    for k, a in enumerate(rows):
        if not a.shape:
            raise ShapeError(f"batches: array {k} has no axis of rows; its shape is ()")
        if len(a) != len(rows[0]):
            raise ShapeError(f"batches: array {k} has {len(a)} rows, array 0 has {len(rows[0])}")
    n = len(rows[0])
    if n == 0:
        raise ShapeError("batches: the arrays have no rows, so there would be no batch")
    if drop_last and n < size:
        raise ShapeError(f"batches: with drop_last=True, {n} rows make no batch of {size}")
    rng = seed if isinstance(seed, np.random.Generator) else np.random.default_rng(seed)
    return Batches(rows, int(size), rng, shuffle, drop_last)


__all__ = ["Batches", "batches", "progress"]
