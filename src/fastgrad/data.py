"""Training data: seeded batches of arrays. Knows no gradients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from fastgrad._engine import Tensor
from fastgrad._progress import progress
from fastgrad._state import plain_state
from fastgrad.errors import BadSetting, DTypeError, ShapeError, StateError


class Batches:
    """An iterable of batches, made by `batches`. Each iteration has a new order; `len()` is the number of batches."""

    def __init__(
        self,
        arrays: tuple[Any, ...],
        size: int,
        rng: np.random.Generator,
        shuffle: bool,
        drop_last: bool,
        ranks: Any = None,
    ):
        self.arrays, self.size, self.shuffle, self.drop_last = arrays, size, shuffle, drop_last
        self.rng, self.ranks = rng, ranks
        self._running: tuple[Any, int] | None = None  # state before the running order was drawn, and batches so far
        self._skipped = 0  # batches at the beginning of the next iteration

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the random generator, which determines the next order.

        During an iteration, the state and the number of batches from which this iteration goes on.
        """
        if self._running is None:
            return {"rng": self.rng.bit_generator.state}
        state, batch = self._running
        return {"rng": state, "batch": batch}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue with the batch that was next when `state_dict()` was called: the next iteration begins with it.

        Raises
        ------
        StateError
            If the state is of another kind of generator.
        """
        try:
            trial = type(self.rng.bit_generator)()
            trial.state = plain_state(state_dict["rng"])
            skipped = int(state_dict.get("batch", 0))
        except Exception as error:  # the state may be any object
            raise StateError(f"the state does not fit these batches, nothing was loaded: {error!r}") from error
        self.rng.bit_generator.state = trial.state
        self._running, self._skipped = None, skipped

    def __len__(self) -> int:
        n = len(self.arrays[0])
        return n // self.size if self.drop_last else -(-n // self.size)

    def __iter__(self) -> Iterator[Any]:
        n = len(self.arrays[0])
        state = self.rng.bit_generator.state
        order = self.rng.permutation(n) if self.shuffle else None
        skipped, self._skipped = self._skipped, 0
        try:
            for k in range(skipped, len(self)):
                first, end = own_part(self.ranks, k * self.size, min((k + 1) * self.size, n))
                at = slice(first, end) if order is None else order[first:end]
                batch = tuple(a[at] for a in self.arrays)
                self._running = state, k + 1
                yield batch if len(batch) > 1 else batch[0]
        finally:
            self._running = None
            if self.ranks is not None:
                self.ranks.share = 1 / self.ranks.size


def own_part(ranks: Any, start: int, end: int) -> tuple[int, int]:
    """Return where the rows of this process begin and end, of a batch from `start` to `end`, and set `ranks.share`."""
    if ranks is None or ranks.size == 1:
        return start, end
    n = end - start
    first, last = (start + n * r // ranks.size for r in (ranks.rank, ranks.rank + 1))
    ranks.share = (last - first) / n
    return (first, last) if first < last else (start, start + 1)


def _rows(k: int, given: Any) -> Any:
    """Return array number `k` as an ndarray or Tensor, whose rows are indexed by position.

    ndarrays, including memory maps, are not copied.
    """
    if isinstance(given, Tensor):
        return given
    came = type(given).__name__
    if isinstance(given, np.ma.MaskedArray):
        raise DTypeError(f"batches: array {k} is a masked array, whose mask would be lost: pass a.filled(value)")
    if isinstance(given, (str, bytes, Mapping)):
        raise DTypeError(f"batches: array {k} is of type {came}: pass each array as an argument of its own")
    try:
        # of pandas and xarray objects this is the values, without labels
        array = np.asarray(given.to_numpy() if callable(getattr(given, "to_numpy", None)) else given)
    except Exception as error:
        raise DTypeError(f"batches: array {k}, of type {came}, cannot be converted to an array: {error}") from error
    if array.dtype == object and not isinstance(given, np.ndarray):
        raise DTypeError(
            f"batches: array {k}, of type {came}, converts to an array of Python objects: convert it to numbers first, "
            "for example with .astype(float)"
        )
    return array


def batches(
    *arrays: Any,
    size: int,
    seed: int | np.random.Generator | None = None,
    shuffle: bool = True,
    drop_last: bool = False,
    ranks: Any = None,
) -> Batches:
    """Split arrays of equal length into batches of rows.

        for epoch in range(10):
            for x, y in fg.data.batches(images, labels, size=32, seed=epoch):
                ...

    Each iteration over the result has a new order. The same seed gives the same orders.

    Parameters
    ----------
    *arrays : arrays, Tensors, lists, DataFrames, Series or DataArrays of equal length along their first axis
        Converted to arrays once; rows are taken by position. Memory maps are read batch by batch.
    size : int
        Rows per batch.
    seed : int or numpy.random.Generator, optional
    shuffle : bool
        If False, the order is kept and the batches are views.
    drop_last : bool
        Omit the last batch if it has fewer than `size` rows.
    ranks : Ranks, optional
        What `fg.parallel.ranks()` returns: each process gets its part of every batch, and `size` is that of the batch
        of all processes. The batches, and their order, are those of one process with the same seed. Parts differ by at
        most one row, and `ranks.share` is set to the part of the batch that this process has. Of a last batch with
        fewer rows than processes, those that would get none have a share of 0 and get the first row, so that the model
        runs; averages do not count it.

    Returns
    -------
    Batches
        Iterates over tuples of arrays, or over arrays if one array was passed.

    Raises
    ------
    ShapeError
        If there are no rows, the arrays have different lengths or no first axis, `drop_last` is set and there are fewer
        than `size` rows, or the ranks have different numbers of rows.
    DTypeError
        If an argument does not convert to an array of numbers, text or dates: a mapping, a table with columns of
        objects, or a masked array.
    ValueError
        If `size` is not positive.
    """
    if not arrays:
        raise ShapeError("batches: got no arrays: pass at least one")
    if isinstance(size, bool) or not hasattr(size, "__index__"):
        raise DTypeError(f"batches: size must be an int, the number of rows, got {type(size).__name__}")
    if size < 1:
        raise BadSetting(f"batches: size must be at least 1, got {size}")
    rows = tuple(_rows(k, a) for k, a in enumerate(arrays))
    for k, a in enumerate(rows):
        if not a.shape:
            raise ShapeError(f"batches: array {k} has shape (), but rows need at least one axis")
        if len(a) != len(rows[0]):
            raise ShapeError(f"batches: array {k} has {len(a)} rows, array 0 has {len(rows[0])}")
    n = len(rows[0])
    if n == 0:
        raise ShapeError("batches: the arrays have no rows, so there are no batches")
    if drop_last and n < size:
        raise ShapeError(f"batches: with drop_last=True, {n} rows are too few for a batch of {size}")
    rng = seed if isinstance(seed, np.random.Generator) else np.random.default_rng(seed)
    if ranks is not None and ranks.size > 1:
        rng.bit_generator.state = agreed(
            ranks, n, rng.bit_generator.state, "batches: all ranks must have the same arrays"
        )
    return Batches(rows, int(size), rng, shuffle, drop_last, ranks)


def agreed(ranks: Any, n: int, order: Any, wanted: str) -> Any:
    """Return the `order` of rank 0, which is that of all ranks; raise if a rank has another number of rows."""
    first, order = ranks.broadcast((n, order))
    if ranks.sum(float(n != first)):
        here = f"{n} rows on rank {ranks.rank}, {first} on rank 0"
        raise ShapeError(f"{wanted}, but some have more rows than others: {here}")
    return order


__all__ = ["Batches", "batches", "progress"]
