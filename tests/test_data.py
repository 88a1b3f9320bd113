"""Batches of arrays: every row once, the same order for the same seed, no empty batch; and the line of progress."""

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


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: batches(size=3), ShapeError, "no arrays"),
        (lambda: batches(X[:0], size=3), ShapeError, "the arrays have no rows, so there would be no batch"),
        (lambda: batches(X, Y[:9], size=3), ShapeError, "array 1 has 9 rows, array 0 has 10"),
        (lambda: batches(X, np.float64(1), size=3), ShapeError, "array 1 has no axis of rows"),
        (lambda: batches(X, size=0), BadSetting, "size=0 is refused"),
        (lambda: batches(X, size=2.0), DTypeError, "size is a number of rows, got float"),
        (lambda: batches(X, size=11, drop_last=True), ShapeError, "10 rows make no batch of 11"),
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
