"""Errors of data sets and loaders, and their messages: what was passed, what was expected, what to do."""

from fastgrad.errors import BadSetting, DTypeError, IndexingError, ShapeError


def no_tensors():
    """A TensorDataset without tensors."""
    return ShapeError("TensorDataset: got no tensors: pass at least one")


def lengths_differ(lengths):
    """The tensors of a TensorDataset have different lengths, or no first axis."""
    return ShapeError(f"TensorDataset: the tensors must have the same number of rows, got {lengths}")


def out_of_range(what, index, n):
    """An index of a data set is out of range."""
    return IndexingError(f"{what}: index {index} is out of range for {n} examples")


def bad_lengths(lengths, n):
    """The lengths of `random_split` are not those of a partition."""
    return BadSetting(
        f"random_split: lengths must be ints with the sum {n}, or fractions with the sum 1, got {list(lengths)}"
    )


def no_datasets(what):
    """A concatenation of no data sets."""
    return ShapeError(f"{what}: got no data sets: pass at least one")


def not_a_dataset(what, got):
    """A loader or sampler was given something without `__getitem__` and `__len__`, or `__iter__`."""
    return DTypeError(f"{what} takes a data set with __getitem__ and __len__, or an IterableDataset, got {got}")


def not_a_count(what, name, value):
    """A size is not a positive int."""
    return BadSetting(f"{what}: {name} must be an int of at least 1, got {value!r}")


def not_a_flag(what, name, value):
    """A flag is not a bool."""
    return BadSetting(f"{what}: {name} must be True or False, got {value!r}")


def bad_workers(value):
    """`num_workers` of a loader is not a count."""
    return BadSetting(f"DataLoader: num_workers must be an int of at least 0, got {value!r}")


def without_workers(options):
    """The text of a warning: options of PyTorch's loader that need worker processes."""
    return (
        f"DataLoader: {' and '.join(options)} {'has' if len(options) == 1 else 'have'} no effect: batches are made in "
        "the process itself, in the same order"
    )


def exclusive(one, others):
    """Options of a loader that exclude each other."""
    return BadSetting(f"DataLoader: {one} excludes {others}: omit one of them")


def not_ranks(got):
    """`ranks` of a loader are something else."""
    return DTypeError(f"DataLoader: ranks must be what fg.parallel.ranks() returns, got {got}")


def empty_batch():
    """A batch sampler gave several ranks a batch without indices."""
    return BadSetting("DataLoader: batch_sampler yields a batch without indices, of which no rank can have a part")


def no_length():
    """The length of a loader of an IterableDataset that has none."""
    return TypeError("DataLoader: its IterableDataset has no length: define __len__, or count the batches")


def weights(value):
    """Weights of a sampler are not numbers of at least 0 with a positive sum."""
    return BadSetting(f"WeightedRandomSampler: weights must be numbers of at least 0, not all 0, got {value}")


def too_many(what, wanted, n):
    """More samples without replacement than there are."""
    return BadSetting(f"{what}: {wanted} samples without replacement need as many examples, there are {n}")


def not_collated(got):
    """Examples of a type that the default `collate_fn` does not join."""
    return DTypeError(
        f"default_collate joins Tensors, arrays, numbers, text, and tuples, lists and dicts of them, got {got}: "
        "pass a collate_fn"
    )


def ragged(lengths):
    """Examples of different lengths."""
    return ShapeError(f"default_collate: the examples of a batch have different lengths, {lengths}: pass a collate_fn")
