"""Data sets, samplers and DataLoader under PyTorch's names."""

import collections
import itertools

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.errors import BadSetting, DTypeError, FastgradError, ShapeError
from fastgrad.utils import data

X, Y = np.arange(20.0).reshape(10, 2), np.arange(10)
ROWS = data.TensorDataset(fg.asarray(X), fg.asarray(Y))


class Squares(data.Dataset):
    """Example `i` is `(i**2, {"name": text, "pair": (i, array)})`."""

    def __len__(self):
        return 7

    def __getitem__(self, index):
        if not 0 <= index < 7:
            raise IndexError
        return index**2, {"name": str(index), "pair": (float(index), np.full(2, index, np.float32))}


class Stream(data.IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(self.n))


class SizedStream(Stream):
    def __len__(self):
        return self.n


def joined(lists):
    return list(itertools.chain.from_iterable(lists))


def numbers(loader):
    return [batch.tolist() for batch in loader]


def test_a_tensor_dataset_is_rows_of_tensors():
    x, y = ROWS[3]
    assert (x.tolist(), y.item(), len(ROWS)) == ([6.0, 7.0], 3, 10)
    assert [len(part) for part in ROWS[2:5]] == [3, 3]
    assert len(list(ROWS)) == 10
    with pytest.raises(ShapeError, match=r"must have the same number of rows, got \[10, 9\]"):
        data.TensorDataset(X, Y[1:])
    with pytest.raises(ShapeError, match=r"the same number of rows, got \[None\]"):
        data.TensorDataset(np.float64(1.0))
    with pytest.raises(ShapeError, match="got no tensors"):
        data.TensorDataset()


def test_batches_of_rows_are_tensors_in_the_order_of_the_sampler():
    loader = data.DataLoader(ROWS, batch_size=4)
    batches = list(loader)
    assert [len(y) for _, y in batches] == [4, 4, 2] and len(loader) == 3
    assert all(type(batch) is list and isinstance(batch[0], fg.Tensor) for batch in batches)
    np.testing.assert_array_equal(np.concatenate([x.numpy() for x, _ in batches]), X)
    assert [len(y) for _, y in data.DataLoader(ROWS, 4, drop_last=True)] == [4, 4]
    assert len(data.DataLoader(ROWS, 4, drop_last=True)) == 2


def test_shuffled_batches_contain_each_row_once_in_a_new_order_each_time():
    fg.nn.seed(0)
    loader = data.DataLoader(ROWS, batch_size=3, shuffle=True)
    first, second = ([y.tolist() for _, y in loader] for _ in range(2))
    assert first != second and sorted(joined(first)) == sorted(joined(second)) == list(range(10))
    fg.nn.seed(0)
    assert [y.tolist() for _, y in data.DataLoader(ROWS, batch_size=3, shuffle=True)] == first
    for x, y in loader:
        np.testing.assert_array_equal(x.numpy()[:, 0], 2 * y.numpy())
    seeded = lambda: [y.tolist() for _, y in data.DataLoader(ROWS, 3, True, generator=np.random.default_rng(5))]
    assert seeded() == seeded()


def test_rows_are_taken_as_by_batches():
    """One order for the same generator, in `fastgrad.data.batches` and in a DataLoader."""
    short = [y.tolist() for _, y in fg.data.batches(X, Y, size=4, seed=3)]
    assert [y.tolist() for _, y in data.DataLoader(ROWS, 4, shuffle=True, generator=3)] == short


def test_gradients_flow_through_the_rows_of_a_batch():
    x = fg.tensor(X, requires_grad=True)
    for (rows,) in data.DataLoader(data.TensorDataset(x), batch_size=4):
        (rows * rows).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * X)


def test_examples_of_any_structure_are_joined():
    squares, rest = next(iter(data.DataLoader(Squares(), batch_size=3)))
    assert squares.tolist() == [0, 1, 4] and squares.dtype == np.int64
    assert rest["name"] == ["0", "1", "2"]
    number, array = rest["pair"]
    assert number.dtype == np.float64 and array.dtype == np.float32 and array.shape == (3, 2)
    Point = collections.namedtuple("Point", "x y")
    joined = data.default_collate([Point(1, True), Point(2, False)])
    assert isinstance(joined, Point) and joined.x.tolist() == [1, 2] and joined.y.dtype == bool


def test_a_collate_fn_gets_the_list_of_examples():
    assert list(data.DataLoader(Squares(), 4, collate_fn=len)) == [4, 3]
    assert list(data.DataLoader(ROWS, 4, collate_fn=len)) == [4, 4, 2]
    assert len(list(data.DataLoader(Squares(), None))) == 7
    assert list(data.DataLoader([1, 2, 3], None, collate_fn=str)) == ["1", "2", "3"]


def test_any_sequence_is_a_dataset():
    assert numbers(data.DataLoader([3, 4, 5], batch_size=2)) == [[3, 4], [5]]
    assert numbers(data.DataLoader(X[:3], batch_size=2)) == [X[:2].tolist(), X[2:3].tolist()]


def test_subsets_and_their_subsets_are_taken_by_row():
    subset = data.Subset(data.Subset(ROWS, [9, 7, 5, 3]), [3, 0])
    assert [y.item() for _, y in (subset[0], subset[1])] == [3, 9]
    assert [y.tolist() for _, y in data.DataLoader(subset, 5)] == [[3, 9]]
    assert len(subset) == 2 and subset[[0, 1]][1].tolist() == [3, 9]


def test_random_split_is_a_partition():
    for lengths in ([7, 3], [0.7, 0.3], [1.0], [0.25, 0.25, 0.5], [10, 0]):
        parts = data.random_split(ROWS, lengths, generator=1)
        assert sorted(joined(part.indices for part in parts)) == list(range(10))
    assert [len(part) for part in data.random_split(range(10), [0.33, 0.33, 0.34])] == [4, 3, 3]
    first, again = (data.random_split(ROWS, [7, 3], generator=1)[0].indices for _ in range(2))
    assert first == again != list(range(7))
    for lengths in ([7, 2], [7.5, 2.5], [-1, 11], [0.5, 0.6], []):
        with pytest.raises(BadSetting, match="lengths must be ints with the sum 10, or fractions with the sum 1"):
            data.random_split(ROWS, lengths)


def test_datasets_are_concatenated():
    joined = ROWS + data.TensorDataset(X + 100, Y + 100)
    assert len(joined) == 20
    assert [joined[k][1].item() for k in (0, 9, 10, 19, -1)] == [0, 9, 100, 109, 109]
    assert [len(y) for _, y in data.DataLoader(joined, 8)] == [8, 8, 4]
    with pytest.raises(IndexError, match="ConcatDataset: index 20 is out of range for 20 examples") as caught:
        joined[20]
    assert isinstance(caught.value, FastgradError)
    with pytest.raises(ShapeError, match="ConcatDataset: got no data sets"):
        data.ConcatDataset([])
    with pytest.raises(DTypeError, match="ConcatDataset takes a data set with __getitem__"):
        data.ConcatDataset([Stream(3)])


def test_streams_are_batched_and_chained():
    assert numbers(data.DataLoader(Stream(5), batch_size=2)) == [[0, 1], [2, 3], [4]]
    assert numbers(data.DataLoader(Stream(5), batch_size=2, drop_last=True)) == [[0, 1], [2, 3]]
    assert list(data.DataLoader(Stream(2), batch_size=None)) == [0, 1]
    assert list(data.DataLoader(Stream(2), batch_size=None, collate_fn=str)) == ["0", "1"]
    assert list(Stream(2) + Stream(1)) == [0, 1, 0]
    assert len(data.DataLoader(SizedStream(5), 2)) == 3 and len(SizedStream(5) + SizedStream(1)) == 6
    with pytest.raises(TypeError, match="its IterableDataset has no length: define __len__"):
        len(data.DataLoader(Stream(5), 2))


def test_samplers():
    assert list(data.SequentialSampler(Y)) == list(range(10)) and len(data.SequentialSampler(Y)) == 10
    assert sorted(data.RandomSampler(Y, generator=1)) == list(range(10))
    once = data.RandomSampler(Y, num_samples=25, generator=1)
    counts = collections.Counter(once)
    assert len(once) == 25 and set(counts.values()) == {2, 3} and len(counts) == 10
    drawn = list(data.RandomSampler(Y, replacement=True, num_samples=1000, generator=1))
    assert set(drawn) == set(range(10)) and len(drawn) == 1000
    assert sorted(data.SubsetRandomSampler([5, 8, 2], generator=1)) == [2, 5, 8]
    assert len(data.SubsetRandomSampler([5, 8, 2])) == 3
    assert list(data.BatchSampler(range(5), 2, False)) == [[0, 1], [2, 3], [4]]
    assert list(data.BatchSampler(range(5), 2, True)) == [[0, 1], [2, 3]]
    assert [len(data.BatchSampler(range(5), 2, last)) for last in (False, True)] == [3, 2]


def test_weights_of_a_sampler_are_probabilities():
    drawn = list(data.WeightedRandomSampler([0.0, 3.0, 1.0], 4000, generator=2))
    assert len(drawn) == 4000 and 0 not in drawn
    assert drawn.count(1) / 4000 == pytest.approx(0.75, abs=0.03)
    assert sorted(data.WeightedRandomSampler(fg.ones(4), 4, replacement=False)) == [0, 1, 2, 3]
    assert len(data.WeightedRandomSampler([1.0], 3)) == 3


def test_a_loader_takes_samplers():
    loader = data.DataLoader(ROWS, batch_size=2, sampler=data.SubsetRandomSampler([1, 3, 5], generator=0))
    assert sorted(joined(y.tolist() for _, y in loader)) == [1, 3, 5] and len(loader) == 2
    loader = data.DataLoader(ROWS, batch_sampler=[[0, 2], [4]])
    assert [y.tolist() for _, y in loader] == [[0, 2], [4]] and len(loader) == 2


def test_classes_are_subscripted_in_annotations():
    assert data.Dataset[int] is data.Dataset and data.DataLoader[int] is data.DataLoader
    assert data.Sampler[int] is data.Sampler


@pytest.mark.parametrize(("options", "text"), [
    ({"num_workers": -2}, "num_workers must be an int of at least 0, got -2"),
    ({"batch_size": 0}, "batch_size must be an int of at least 1, got 0"),
    ({"batch_size": True}, "batch_size must be an int of at least 1, got True"),
    ({"batch_size": 2.0}, "batch_size must be an int of at least 1, got 2.0"),
    ({"sampler": [1], "shuffle": True}, "sampler excludes shuffle"),
    ({"batch_sampler": [[1]], "batch_size": 2}, "batch_sampler excludes batch_size, shuffle, sampler and drop_last"),
    ({"batch_size": None, "drop_last": True}, "batch_size=None excludes drop_last and batch_sampler"),
    ({"batch_size": None, "ranks": fg.parallel.ranks()}, "ranks excludes an IterableDataset and batch_size=None"),
    ({"drop_last": 1}, "BatchSampler: drop_last must be True or False, got 1"),
])  # fmt: skip
def test_options_that_do_not_fit_are_refused(options, text):
    with pytest.raises(BadSetting, match=text):
        data.DataLoader(ROWS, **options)


@pytest.mark.parametrize(("make", "error", "text"), [
    (lambda: data.DataLoader(iter([1])), DTypeError, "DataLoader takes a data set with __getitem__ and __len__"),
    (lambda: data.DataLoader(Stream(3), shuffle=True), BadSetting, "an IterableDataset, which has its own order, excl"),
    (lambda: data.DataLoader(Stream(3), ranks=fg.parallel.ranks()), BadSetting, "ranks excludes an IterableDataset"),
    (lambda: data.DataLoader(ROWS, ranks=2), DTypeError, r"ranks must be what fg.parallel.ranks\(\) returns, got int"),
    (lambda: data.RandomSampler(Y, num_samples=0), BadSetting, "num_samples must be an int of at least 1, got 0"),
    (lambda: data.RandomSampler(Y, replacement=1), BadSetting, "replacement must be True or False, got 1"),
    (lambda: data.WeightedRandomSampler([-1.0, 2.0], 2), BadSetting, "weights must be numbers of at least 0"),
    (lambda: data.WeightedRandomSampler([1.0], 0), BadSetting, "WeightedRandomSampler: num_samples must be an int"),
    (lambda: data.WeightedRandomSampler([1.0], 1, 1), BadSetting, "WeightedRandomSampler: replacement must be True"),
    (lambda: data.WeightedRandomSampler([1.0, 0.0], 2, False), BadSetting, "2 samples without replacement need as"),
    (lambda: data.BatchSampler(Y, 0, False), BadSetting, "BatchSampler: batch_size must be an int of at least 1"),
    (lambda: data.default_collate([object()]), DTypeError, "default_collate joins Tensors.*got object: pass a colla"),
    (lambda: data.default_collate([np.array("a")]), DTypeError, "got an array of <U1"),
    (lambda: data.default_collate([(1, 2), (1,)]), ShapeError, r"different lengths, \[1, 2\]: pass a collate_fn"),
    (lambda: data.Dataset()[0], NotImplementedError, "Dataset has no __getitem__"),
    (lambda: iter(data.IterableDataset()), NotImplementedError, "IterableDataset has no __iter__"),
    (lambda: iter(data.Sampler()), NotImplementedError, "Sampler has no __iter__"),
])  # fmt: skip
def test_errors_say_what_is_wanted(make, error, text):
    with pytest.raises(error, match=text):
        make()
