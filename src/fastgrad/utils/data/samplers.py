"""Samplers: iterables of indices, or of lists of indices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any

import numpy as np

from fastgrad._engine import Tensor
from fastgrad.nn.random import generator as default_generator
from fastgrad.utils.data import messages


def is_count(value: Any) -> bool:
    """Return whether `value` is an int of at least 1."""
    return not isinstance(value, bool) and hasattr(value, "__index__") and value >= 1


class Sampler:
    """Base class of samplers, which define `__iter__()`, and `__len__()` if the number of indices is known."""

    def __init__(self, data_source: Any = None) -> None:
        pass

    def __class_getitem__(cls, item: Any) -> Any:
        """Return the class: `Sampler[int]` is a type annotation."""
        return cls

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__: define `def __iter__(self)`")


class SequentialSampler(Sampler):
    """The indices of a data set in order."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """The indices of a data set in random order, a new one at each iteration.

    Parameters
    ----------
    data_source : sized object
    replacement : bool
        Whether indices are drawn independently, so that they may occur several times.
    num_samples : int, optional
        The number of indices, by default the length of the data set. Without replacement, indices occur again only
        after all have occurred.
    generator : numpy.random.Generator or int, optional
        Source of random numbers; by default the generator of the package, see `fg.nn.seed`.

    Raises
    ------
    ValueError
        If `num_samples` is not a positive int, or `replacement` is not a bool.
    """

    def __init__(
        self, data_source: Sized, replacement: bool = False, num_samples: int | None = None, generator: Any = None
    ) -> None:
        if not isinstance(replacement, bool):
            raise messages.not_a_flag("RandomSampler", "replacement", replacement)
        if num_samples is not None and not is_count(num_samples):
            raise messages.not_a_count("RandomSampler", "num_samples", num_samples)
        self.data_source, self.replacement, self._num_samples = data_source, replacement, num_samples
        self.generator = generator if generator is None else default_generator(generator)

    @property
    def num_samples(self) -> int:
        """The number of indices."""
        return len(self.data_source) if self._num_samples is None else int(self._num_samples)

    def __iter__(self) -> Iterator[int]:
        rng, n, left = default_generator(self.generator), len(self.data_source), self.num_samples
        if self.replacement:
            yield from rng.integers(n, size=left).tolist()
            return
        while left > 0 and n:
            part = rng.permutation(n)[:left].tolist()
            yield from part
            left -= len(part)

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """The given indices in random order, a new one at each iteration.

    Parameters
    ----------
    indices : sequence of int
    generator : numpy.random.Generator or int, optional
        Source of random numbers; by default the generator of the package, see `fg.nn.seed`.
    """

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        self.indices = indices
        self.generator = generator if generator is None else default_generator(generator)

    def __iter__(self) -> Iterator[int]:
        for k in default_generator(self.generator).permutation(len(self.indices)).tolist():
            yield int(self.indices[k])

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Indices drawn with probabilities proportional to `weights`.

    Parameters
    ----------
    weights : sequence of float
        One per example, at least 0.
    num_samples : int
    replacement : bool
        Whether an index may occur several times.
    generator : numpy.random.Generator or int, optional
        Source of random numbers; by default the generator of the package, see `fg.nn.seed`.

    Raises
    ------
    ValueError
        If a weight is negative, all are 0, `num_samples` is not a positive int, or there are too few examples.
    """

    def __init__(self, weights: Any, num_samples: int, replacement: bool = True, generator: Any = None) -> None:
        if not is_count(num_samples):
            raise messages.not_a_count("WeightedRandomSampler", "num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise messages.not_a_flag("WeightedRandomSampler", "replacement", replacement)
        values = np.asarray(weights.detach().numpy() if isinstance(weights, Tensor) else weights, float)
        if values.ndim != 1 or not np.all(values >= 0) or not 0 < values.sum() < np.inf:
            raise messages.weights(weights)
        if not replacement and num_samples > np.count_nonzero(values):
            raise messages.too_many("WeightedRandomSampler", num_samples, int(np.count_nonzero(values)))
        self.weights, self.num_samples, self.replacement = values, int(num_samples), replacement
        self.generator = generator if generator is None else default_generator(generator)

    def __iter__(self) -> Iterator[int]:
        rng, p = default_generator(self.generator), self.weights / self.weights.sum()
        return iter(rng.choice(len(p), self.num_samples, self.replacement, p).tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of `batch_size` indices of a sampler.

    Parameters
    ----------
    sampler : iterable of int
    batch_size : int
    drop_last : bool
        Omit the last list if it has fewer than `batch_size` indices.

    Raises
    ------
    ValueError
        If `batch_size` is not a positive int, or `drop_last` is not a bool.
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        if not is_count(batch_size):
            raise messages.not_a_count("BatchSampler", "batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise messages.not_a_flag("BatchSampler", "drop_last", drop_last)
        self.sampler, self.batch_size, self.drop_last = sampler, int(batch_size), drop_last

    def __iter__(self) -> Iterator[list[int]]:
        batch: list[int] = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        n = len(self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
