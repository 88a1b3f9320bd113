"""Batches of arrays: every row exactly once, the same order for the same seed, no empty batch; and progress."""

import io
import sys

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.data import batches, progress
from fastgrad.errors import BadSetting, DTypeError, ShapeError

X, Y = np.arange(20).reshape(10, 2), np.arange(10)


def test_every_row_comes_once_and_stays_with_its_label():
    seen = []
    for x, y in batches(X, Y, size=4, seed=1):
        np.testing.assert_array_equal(x[:, 0], 2 * y)
        seen.append(y)
    assert [len(y) for y in seen] == [4, 4, 2]
    assert sorted(np.concatenate(seen)) == list(range(10)) != list(np.concatenate(seen))


def test_a_seed_gives_the_same_orders_and_every_walk_another():
    walks = lambda seed: [[y.tolist() for y in made] for made in [batches(Y, size=3, seed=seed)] for _ in range(2)]
    assert walks(5) == walks(5) != walks(6)
    first, second = walks(5)
    assert first != second
    assert walks(np.random.default_rng(5)) == walks(5)


def test_in_order_they_are_views():
    made = batches(X, size=4, shuffle=False)
    assert [len(x) for x in made] == [4, 4, 2] and len(made) == 3
    assert np.shares_memory(next(iter(made)), X)
    assert [len(x) for x in batches(X, size=4, shuffle=False, drop_last=True)] == [4, 4]
    assert len(batches(X, size=4, drop_last=True)) == 2
    assert len(batches(X, size=100)) == 1


def test_tensors_and_lists_come_in_batches_too():
    x, y = next(iter(batches(fg.asarray(X * 1.0), [1] * 10, size=3, seed=0)))
    assert isinstance(x, fg.Tensor) and x.shape == (3, 2) and y.tolist() == [1, 1, 1]


class Labelled:
    """As in pandas and xarray, an index that differs from the number of the row."""

    def __init__(self, values):
        self.values, self.shape = np.asarray(values), np.shape(values)

    def __len__(self):
        return len(self.values)

    def __getitem__(self, key):
        raise AssertionError("rows by label")

    def to_numpy(self):
        return self.values


def paired(x, y, **settings):
    """Each row of X once, beside its number."""
    seen = []
    for a, b in batches(x, y, size=3, seed=1, **settings):
        assert type(a) is type(b) is np.ndarray
        np.testing.assert_array_equal(a, X[b])
        seen += b.tolist()
    assert sorted(seen) == list(range(10))


@pytest.mark.parametrize("shuffle", [False, True])
def test_rows_are_taken_by_position_whatever_they_are_given_as(shuffle):
    ways = {
        "list": (X.tolist(), Y.tolist()), "tuple": (tuple(map(tuple, X)), tuple(Y)),
        "labelled": (Labelled(X), Labelled(Y)), "range": (X, range(10)),
        "columns": (np.asfortranarray(X), Y[::-1][::-1]), "memoryview": (memoryview(X), memoryview(Y)),
    }  # fmt: skip
    for x, y in ways.values():
        paired(x, y, shuffle=shuffle)


@pytest.mark.parametrize("shuffle", [False, True])
def test_pandas(shuffle):
    pd = pytest.importorskip("pandas")
    for index in (None, list(range(10))[::-1], list("abcdefghij"), [0] * 10, pd.date_range("2020", periods=10)):
        frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": Y}, index=index)
        paired(frame[["a", "b"]], frame["y"], shuffle=shuffle)
        paired(frame[["a", "b"]], frame["y"].astype("Int64").astype(int), shuffle=shuffle)
        paired(X, pd.Index(Y), shuffle=shuffle)
        for sub in (frame.sample(frac=1, random_state=0), frame.iloc[::-1]):
            order = sub["y"].to_numpy()
            got = {int(y): a.tolist() for x, ys in batches(sub[["a", "b"]], sub["y"], size=4) for a, y in zip(x, ys)}
            assert got == {int(k): X[k].tolist() for k in order}
    mixed = pd.DataFrame({"a": X[:, 0], "name": list("abcdefghij")})
    with pytest.raises(DTypeError, match="array 0, of type DataFrame, converts to an array of Python"):
        batches(mixed, size=3)
    with pytest.raises(DTypeError, match="array 1, of type Series"):
        batches(X, pd.Series([1, None] * 5, dtype=object), size=3)


@pytest.mark.parametrize("shuffle", [False, True])
def test_xarray(shuffle):
    xr = pytest.importorskip("xarray")
    x = xr.DataArray(X, dims=("row", "column"), coords={"row": list(range(10))[::-1]})
    y = xr.DataArray(Y, dims="row", coords={"row": list("abcdefghij")})
    paired(x, y, shuffle=shuffle)
    with pytest.raises(DTypeError, match="array 0 is of type Dataset: pass arrays"):
        batches(xr.Dataset({"x": x}), size=3)


def test_memory_maps_are_read_batch_by_batch(tmp_path):
    """A sparse file of 64 GiB, which is too large to be copied into memory."""
    rows, path = 1 << 23, tmp_path / "large.bin"
    try:
        with open(path, "wb") as file:
            file.truncate(rows * 1024 * 8)
        large = np.memmap(path, np.float64, "r+", shape=(rows, 1024))
    except OSError as error:
        pytest.skip(f"no sparse files here, or no addresses for this one: {error}")
    large[[0, 5, rows - 1], 0] = [1.0, 2.0, 3.0]
    made = batches(large, np.arange(rows, dtype=np.int32), size=4, shuffle=False)
    x, y = next(iter(made))
    assert type(x) is np.ndarray and np.shares_memory(x, large) and x[0, 0] == 1
    made = batches(large[:, :2], size=4, seed=0)
    assert next(iter(made)).shape == (4, 2)
    small = np.memmap(path, np.float64, "r", shape=(10, 2))
    for x, y in batches(small, np.asarray(small), size=3, seed=0):
        np.testing.assert_array_equal(x, y)


def test_arrays_are_converted_once():
    class Counting(Labelled):
        count = 0

        def to_numpy(self):
            Counting.count += 1
            return self.values

    made = batches(Counting(X), size=2)
    for _ in range(3):
        list(made)
    assert Counting.count == 1


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: batches(size=3), ShapeError, "no arrays"),
        (lambda: batches(X[:0], size=3), ShapeError, "the arrays have no rows, so there are no batches"),
        (lambda: batches(X, Y[:9], size=3), ShapeError, "array 1 has 9 rows, array 0 has 10"),
        (lambda: batches(X, np.float64(1), size=3), ShapeError, "array 1 has shape \\(\\), but rows need"),
        (lambda: batches(X, size=0), BadSetting, "size must be at least 1, got 0"),
        (lambda: batches(X, size=2.0), DTypeError, "size must be an int, the number of rows, got float"),
        (lambda: batches({"x": X}, size=3), DTypeError, "array 0 is of type dict: pass each array as an argument"),
        (lambda: batches(X, "ten labels", size=3), DTypeError, "array 1 is of type str"),
        (lambda: batches(X, {1, 2}, size=3), DTypeError, "array 1, of type set, converts to an array of Python"),
        (
            lambda: batches(iter([1, 2]), size=3),
            DTypeError,
            "array 0, of type .*iterator, converts to an array of Python",
        ),
        (lambda: batches([[1], [1, 2]], size=3), DTypeError, "array 0, of type list, cannot be converted to an array"),
        (lambda: batches([1, None], size=3), DTypeError, "array 0, of type list, converts to an array of Python"),
        (lambda: batches(np.ma.array([1, 2], mask=[1, 0]), size=3), DTypeError, r"masked array.*a\.filled\(value\)"),
        (lambda: batches(X, size=11, drop_last=True), ShapeError, "10 rows are too few for a batch of 11"),
    ],
)
def test_what_makes_no_batches(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_progress_without_tqdm_is_a_plain_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    out = io.StringIO()
    bar = progress(batches(Y, size=3), text="epoch 1", file=out)
    for _ in bar:
        bar.set_postfix(loss=0.123456, step=2)
    assert out.getvalue().startswith("\repoch 1: 4/4 in 0.0 s loss=0.1235, step=2") and out.getvalue().endswith("\n")
    out = io.StringIO()
    assert list(progress(iter("ab"), file=out)) == ["a", "b"]
    assert "2 in 0.0 s" in out.getvalue()


def test_progress_with_tqdm_is_its_bar():
    pytest.importorskip("tqdm")
    out = io.StringIO()
    assert list(progress([1, 2], text="steps", file=out)) == [1, 2]
    assert "steps" in out.getvalue() and "2/2" in out.getvalue()
