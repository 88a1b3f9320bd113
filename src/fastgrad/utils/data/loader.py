"""DataLoader: batches of a data set, in the order of a sampler."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from fastgrad.data import agreed, own_part
from fastgrad.nn.random import generator as default_generator
from fastgrad.utils.data import messages
from fastgrad.utils.data.collate import default_collate
from fastgrad.utils.data.datasets import IterableDataset, Subset, TensorDataset
from fastgrad.utils.data.samplers import BatchSampler, RandomSampler, SequentialSampler, is_count

# options of PyTorch that need workers, and the values that need none
_OF_WORKERS = {"num_workers": 0, "timeout": 0, "worker_init_fn": None, "multiprocessing_context": None,
               "prefetch_factor": None, "persistent_workers": False}  # fmt: skip


class DataLoader:
    """An iterable of batches of a data set. With `shuffle`, each iteration has a new order.

        loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
        for inputs, targets in loader:
            ...

    Parameters
    ----------
    dataset : data set
        An object with `__getitem__` and `__len__`, or an IterableDataset.
    batch_size : int, optional
        None yields single examples.
    shuffle : bool, optional
    sampler : iterable of int, optional
        The order of the examples. Excludes `shuffle`.
    batch_sampler : iterable of list of int, optional
        The indices of each batch. Excludes `batch_size`, `shuffle`, `sampler` and `drop_last`.
    num_workers : int
        Accepted for PyTorch's signature: batches are always made in the process itself, in the same order.
    collate_fn : function of a list of examples, optional
        Joins the examples of a batch; by default `default_collate`.
    pin_memory : bool
        Accepted for PyTorch's signature; without effect.
    drop_last : bool
        Omit the last batch if it has fewer than `batch_size` examples.
    timeout, worker_init_fn, multiprocessing_context, prefetch_factor, persistent_workers
        Options of worker processes, accepted for PyTorch's signature.
    generator : numpy.random.Generator or int, optional
        Source of the order; by default the generator of the package, see `fg.nn.seed`.
    pin_memory_device, in_order
        Accepted for PyTorch's signature; without effect.
    ranks : Ranks, optional
        What `fg.parallel.ranks()` returns: each process gets its part of every batch, as from `fg.data.batches`, and
        `batch_size` is that of the batch of all processes. The order of rank 0 holds for all, whatever the sampler;
        it is sent at the beginning of an iteration, which all ranks begin together, so that the sampler must end.
        `ranks.share` is set for each batch. No example is repeated to fill the last batch: ranks that would get none
        have a share of 0 and get the first one.

    Raises
    ------
    ValueError
        If `batch_size` is not a positive int, `num_workers` is not a count, options exclude each other, or a batch of
        several ranks is empty.
    DTypeError
        If `dataset` is not a data set, or `ranks` is not what `fg.parallel.ranks()` returns.
    ShapeError
        If the data sets of the ranks have different lengths, when an iteration begins.

    Warns
    -----
    UserWarning
        If an option needs worker processes.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[list[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        ranks: Any = None,
    ) -> None:
        given = locals()
        if num_workers != 0 and not is_count(num_workers):
            raise messages.bad_workers(num_workers)
        ignored = [f"{name}={given[name]!r}" for name, usual in _OF_WORKERS.items() if given[name] != usual]
        if ignored:
            warnings.warn(messages.without_workers(ignored), stacklevel=2)
        iterable = isinstance(dataset, IterableDataset)
        if not iterable and not (hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")):
            raise messages.not_a_dataset("DataLoader", type(dataset).__name__)
        if batch_size is not None and not is_count(batch_size):
            raise messages.not_a_count("DataLoader", "batch_size", batch_size)
        if sampler is not None and shuffle:
            raise messages.exclusive("sampler", "shuffle")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
            raise messages.exclusive("batch_sampler", "batch_size, shuffle, sampler and drop_last")
        if batch_size is None and (drop_last or batch_sampler is not None):
            raise messages.exclusive("batch_size=None", "drop_last and batch_sampler")
        if iterable and (shuffle or sampler is not None or batch_sampler is not None):
            raise messages.exclusive("an IterableDataset, which has its own order,", "shuffle, sampler, batch_sampler")
        if ranks is not None and not hasattr(ranks, "share"):
            raise messages.not_ranks(type(ranks).__name__)
        if ranks is not None and (iterable or batch_size is None):
            raise messages.exclusive(
                "ranks", "an IterableDataset and batch_size=None, which have no batches of indices"
            )
        self.ranks = ranks
        self.dataset, self.drop_last, self.num_workers, self.pin_memory = dataset, drop_last, num_workers, pin_memory
        self.generator = generator if generator is None else default_generator(generator)
        self.collate_fn = collate_fn
        self.batch_size = None if batch_sampler is not None else batch_size
        if sampler is None and not iterable:
            sampler = RandomSampler(dataset, generator=self.generator) if shuffle else SequentialSampler(dataset)
        self.sampler = sampler
        if batch_sampler is None and batch_size is not None and sampler is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_sampler = batch_sampler

    def __class_getitem__(cls, item: Any) -> Any:
        """Return the class: `DataLoader[...]` is a type annotation."""
        return cls

    def _joined(self, examples: list[Any]) -> Any:
        return (self.collate_fn or default_collate)(examples)

    def __iter__(self) -> Iterator[Any]:
        if self.sampler is None and self.batch_sampler is None:
            yield from self._stream()
        elif self.batch_sampler is None:
            for index in self.sampler:  # type: ignore[union-attr]
                example = self.dataset[index]
                yield example if self.collate_fn is None else self.collate_fn(example)
        else:
            rows = _rows_of(self.dataset) if self.collate_fn is None else None
            for indices in self._indices():
                if rows is not None:
                    dataset, numbers = rows
                    yield dataset.take(indices if numbers is None else numbers[np.asarray(indices, np.intp)])
                else:
                    yield self._joined([self.dataset[index] for index in indices])

    def _indices(self) -> Iterator[Any]:
        """Yield the indices of each batch, or those of this rank."""
        ranks = self.ranks
        if ranks is None or ranks.size == 1:
            yield from self.batch_sampler  # type: ignore[misc]
            return
        order = [list(indices) for indices in self.batch_sampler]  # type: ignore[union-attr]
        order = agreed(ranks, len(self.dataset), order, "DataLoader: all ranks must have the same data set")
        if not all(order):
            raise messages.empty_batch()
        try:
            for indices in order:
                first, end = own_part(ranks, 0, len(indices))
                yield indices[first:end]
        finally:
            ranks.share = 1 / ranks.size

    def _stream(self) -> Iterator[Any]:
        """Yield batches of an IterableDataset, or its examples."""
        stream = iter(self.dataset)
        if self.batch_size is None:
            for example in stream:
                yield example if self.collate_fn is None else self.collate_fn(example)
            return
        while examples := list(islice(stream, self.batch_size)):
            if len(examples) == self.batch_size or not self.drop_last:
                yield self._joined(examples)

    def __len__(self) -> int:
        if self.batch_sampler is not None:
            return len(self.batch_sampler)  # type: ignore[arg-type]
        if self.sampler is not None:
            return len(self.sampler)  # type: ignore[arg-type]
        if not hasattr(self.dataset, "__len__"):
            raise messages.no_length()
        n, size = len(self.dataset), self.batch_size or 1
        return n // size if self.drop_last else -(-n // size)


def _rows_of(dataset: Any) -> tuple[TensorDataset, np.ndarray | None] | None:
    """Return the TensorDataset whose rows make up a data set, and their numbers, or None for other data sets."""
    numbers: np.ndarray | None = None
    while type(dataset) is Subset:
        own = np.asarray(dataset.indices, np.intp)
        numbers = own if numbers is None else own[numbers]
        dataset = dataset.dataset
    return (dataset, numbers) if type(dataset) is TensorDataset else None
