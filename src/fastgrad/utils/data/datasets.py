"""Data sets: objects with `__getitem__` and `__len__`, or with `__iter__`. Each can be divided and concatenated."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from fastgrad._engine import Tensor
from fastgrad.nn.random import generator as default_generator
from fastgrad.nn.reductions import as_tensor
from fastgrad.utils.data import messages


class Dataset:
    """Base class of data sets, which define `__getitem__(index)` and `__len__()`. Indices count from 0.

    Subclassing is optional for DataLoader: any object with both methods is a data set.
    """

    def __class_getitem__(cls, item: Any) -> Any:
        """Return the class: `Dataset[...]` is a type annotation."""
        return cls

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__: define `def __getitem__(self, index)`")

    def __add__(self, other: Any) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """Base class of data sets that define `__iter__()` only, such as streams."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__: define `def __iter__(self)`")

    def __add__(self, other: Any) -> Any:
        return ChainDataset([self, other])


class TensorDataset(Dataset):
    """Rows of tensors: example `i` is `(tensors[0][i], tensors[1][i], ...)`.

    A DataLoader takes the rows of a batch at once, as `fastgrad.data.batches` does.

    Parameters
    ----------
    *tensors : Tensors or arrays of equal length along their first axis

    Raises
    ------
    ShapeError
        If there are no tensors, or their lengths differ.
    """

    def __init__(self, *tensors: Any) -> None:
        if not tensors:
            raise messages.no_tensors()
        self.tensors = tuple(map(as_tensor, tensors))
        lengths = [t.shape[0] if t.ndim else None for t in self.tensors]
        if None in lengths or len(set(lengths)) > 1:
            raise messages.lengths_differ(lengths)

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])

    def take(self, indices: Sequence[int]) -> list[Tensor]:
        """Return the rows at `indices`, one Tensor per tensor."""
        at = np.asarray(indices, np.intp)
        return [t[at] for t in self.tensors]


class Subset(Dataset):
    """The examples of a data set at some indices.

    Parameters
    ----------
    dataset : data set
    indices : sequence of int
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, (list, np.ndarray)):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset):
    """Data sets one after another.

    Parameters
    ----------
    datasets : iterable of data sets

    Raises
    ------
    ShapeError
        If there are none.
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise messages.no_datasets("ConcatDataset")
        for dataset in self.datasets:
            if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__len__"):
                raise messages.not_a_dataset("ConcatDataset", type(dataset).__name__)
        self.cumulative_sizes = list(accumulate(map(len, self.datasets)))

    def __getitem__(self, index: int) -> Any:
        n = len(self)
        if not -n <= index < n:
            raise messages.out_of_range("ConcatDataset", index, n)
        index = index % n
        k = bisect_right(self.cumulative_sizes, index)
        return self.datasets[k][index - (self.cumulative_sizes[k - 1] if k else 0)]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


class ChainDataset(IterableDataset):
    """Iterable data sets one after another.

    Parameters
    ----------
    datasets : iterable of IterableDataset
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)

    def __iter__(self) -> Iterator[Any]:
        for dataset in self.datasets:
            yield from dataset

    def __len__(self) -> int:
        return sum(map(len, self.datasets))


def random_split(dataset: Any, lengths: Sequence[float], generator: Any = None) -> list[Subset]:
    """Divide a data set into disjoint random subsets.

    Parameters
    ----------
    dataset : data set
    lengths : sequence of int or of float
        The numbers of examples, or fractions with the sum 1. Examples that remain after rounding down go to the first
        subsets, one each.
    generator : numpy.random.Generator or int, optional
        Source of random numbers; by default the generator of the package, see `fg.nn.seed`.

    Returns
    -------
    list of Subset

    Raises
    ------
    ValueError
        If the lengths are negative, or do not sum to the number of examples.
    """
    n, given = len(dataset), list(lengths)
    if given and math.isclose(math.fsum(given), 1) and math.fsum(given) <= n and all(0 <= part <= 1 for part in given):
        counts = [math.floor(n * part) for part in given]
        for k in range(n - sum(counts)):
            counts[k % len(counts)] += 1
    else:
        counts = [int(part) for part in given]
        if counts != given or min(counts, default=-1) < 0 or sum(counts) != n:
            raise messages.bad_lengths(given, n)
    order = default_generator(generator).permutation(n).tolist()
    return [Subset(dataset, order[end - count : end]) for count, end in zip(counts, accumulate(counts))]
