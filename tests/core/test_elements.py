"""An index that selects one element returns a copy, as NumPy's scalars are; a slice or an Ellipsis returns a view."""

import random

import numpy as np
import pytest

import fastgrad as fg

DTYPES = "?", "b", "H", "i", "l", "f", "d", "F", "D"
KEYS = [
    ((3,), 1), ((3,), -1), ((3,), np.int64(2)), ((3,), (1,)), ((3,), (0, ...)), ((3,), (..., 0)), ((3,), slice(1, 2)),
    ((3,), None), ((3,), ...), ((3,), (1, None)), ((2, 3), 1), ((2, 3), (1, 2)), ((2, 3), (-1, -1)),
    ((2, 3), (1, ..., 2)), ((2, 3), (1, slice(0, 1))), ((2, 3), (..., 0)), ((), ()), ((), ...),
    ((2, 2, 2), (0, 1, 1)), ((2, 2, 2), (0, 1)),
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape, key", KEYS, ids=str)
def test_copy_or_view_as_numpy(shape, key, dtype):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    t = fg.tensor(array)
    part, theirs = t[key], array[key]
    assert part.shape == np.shape(theirs) and part.dtype == theirs.dtype and np.array_equal(part.numpy(), theirs)
    copied = not isinstance(theirs, np.ndarray)
    assert np.may_share_memory(part.numpy(), t.numpy()) is not copied
    t[...] = 7
    assert np.array_equal(part.numpy(), theirs if copied else array[key] * 0 + np.array(7, dtype))


@pytest.mark.parametrize("dtype", ["f", "d", "F", "D"])
@pytest.mark.parametrize("shape, key", KEYS, ids=str)
def test_the_gradient_flows_through_either(shape, key, dtype):
    x = fg.tensor(np.ones(shape, dtype), requires_grad=True)
    part = x[key]
    assert part.op == "getitem" and part.operands[0] is x
    (g,) = fg.gradients(part * 3, x, fg.ones(part.shape, dtype=dtype))
    expected = np.zeros(shape, dtype)
    expected[key] = 3
    assert g.tolist() == expected.tolist()


@pytest.mark.parametrize(
    "key", [True, np.True_, np.False_, (np.True_, 0), (slice(1), np.False_), (np.True_, ...)], ids=str
)
def test_a_bool_is_a_mask_and_no_number(key):
    array = np.array([[1.0, 2.0], [3.0, 4.0]])
    x = fg.tensor(array, requires_grad=True)
    part = x[key]
    assert part.shape == array[key].shape and np.array_equal(part.detach().numpy(), array[key])
    (g,) = fg.gradients(part.sum(), x)
    expected = np.zeros((2, 2))
    expected[key] = 1
    assert np.array_equal(g.numpy(), expected)


def test_elements_change_places():
    t = fg.tensor([1.0, 2.0, 3.0])
    t[0], t[1] = t[1], t[0]
    assert t.tolist() == [2.0, 1.0, 3.0]
    m = fg.tensor([[1.0, 2.0], [3.0, 4.0]])
    m[0, 0], m[1, 1] = m[1, 1], m[0, 0]
    assert m.tolist() == [[4.0, 2.0], [3.0, 1.0]]
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    y[0], y[1] = y[1], y[0]
    (y * fg.tensor([10.0, 1.0])).sum().backward()
    assert x.grad.tolist() == [1.0, 10.0]


def test_shuffled_vectors_are_permutations():
    for shuffle in random.Random(0).shuffle, np.random.default_rng(0).shuffle, np.random.RandomState(0).shuffle:
        t = fg.tensor(np.arange(20.0))
        with pytest.warns(UserWarning) if shuffle.__self__.__class__ is not random.Random else _nothing():
            shuffle(t)
        assert sorted(t.tolist()) == list(range(20)) != t.tolist()


class _nothing:
    def __enter__(self):
        pass

    def __exit__(self, *exc):
        pass


def test_kept_elements_stay_as_they_were():
    p = fg.tensor([1.0], requires_grad=True)
    history = []
    for _ in range(3):
        history.append(p[0])
        history.extend(iter(p))
        with fg.no_grad():
            p -= 0.5
    assert [v.item() for v in history] == [1.0, 1.0, 0.5, 0.5, 0.0, 0.0]
    sum(history).backward()
    assert p.grad.tolist() == [6.0]


def test_an_element_written_in_place_leaves_its_vector_alone():
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    v = y[0]
    v *= 3
    v += y[0]
    assert y.tolist() == [1.0, 2.0] and v.item() == 4.0
    v.backward()
    assert x.grad.tolist() == [4.0, 0.0]
