"""Data for training: seeded batches of arrays, and a line of progress. Knows no Tensors, no gradients."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

import numpy as np

from fastgrad.errors import BadSetting, DTypeError, ShapeError


class Batches:
    """What `batches` returns: an iterable of batches, in a new order every time it is walked; `len()` counts them."""

    def __init__(self, arrays: tuple[Any, ...], size: int, rng: np.random.Generator, shuffle: bool, drop_last: bool):
        self.arrays, self.size, self.shuffle, self.drop_last = arrays, size, shuffle, drop_last
        self.rng = rng

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
    *arrays : arrays or Tensors of the same length along their first axis
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
    ValueError
        For a size that is not positive.
    """
    if not arrays:
        raise ShapeError("batches: no arrays; pass at least one")
    if isinstance(size, bool) or not hasattr(size, "__index__"):
        raise DTypeError(f"batches: size is a number of rows, got {type(size).__name__}")
    if size < 1:
        raise BadSetting(f"batches: size={size} is refused: it must be at least 1")
    rows = tuple(a if hasattr(a, "shape") else np.asarray(a) for a in arrays)
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


class _Plain:
    """One line, written again at most ten times a second."""

    def __init__(self, iterable: Iterable[Any], total: int | None, text: str, file: TextIO):
        self.iterable, self.total, self.text, self.file = iterable, total, text, file
        self.done, self.said, self.note = 0, 0, ""

    def set_postfix(self, **values: Any) -> None:
        """Show `name=value` behind the count."""
        self.note = ", ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in values.items())

    def __len__(self) -> int:
        if self.total is None:
            raise TypeError("how many there are is not known")
        return self.total

    def __iter__(self) -> Iterator[Any]:
        start = last = time.perf_counter()
        for one in self.iterable:
            yield one
            self.done += 1
            now = time.perf_counter()
            if now - last > 0.1:
                self._say(now - start)
                last = now
        self._say(time.perf_counter() - start)
        self.file.write("\n")

    def _say(self, seconds: float) -> None:
        count = f"{self.done}/{self.total}" if self.total else str(self.done)
        line = f"{self.text}{': ' * bool(self.text)}{count} in {seconds:.1f} s {self.note}".rstrip()
        self.file.write("\r" + line.ljust(self.said))
        self.file.flush()
        self.said = len(line)


def progress(iterable: Iterable[Any], *, total: int | None = None, text: str = "", file: TextIO | None = None) -> Any:
    """`iterable`, and its progress on the standard error: tqdm's bar where that is installed, else a plain line.

    Parameters
    ----------
    iterable : iterable
    total : int, optional
        How many there are; `len(iterable)` where it has one.
    text : str
        What stands before the count.
    file : text file, optional

    Returns
    -------
    iterable
        With a method `set_postfix(**values)`, which shows values behind the count.
    """
    if total is None and hasattr(iterable, "__len__"):
        total = len(iterable)
    file = sys.stderr if file is None else file
    try:
        from tqdm import tqdm
    except ImportError:
        return _Plain(iterable, total, text, file)
    return tqdm(iterable, total=total, desc=text or None, file=file)


__all__ = ["Batches", "batches", "progress"]
