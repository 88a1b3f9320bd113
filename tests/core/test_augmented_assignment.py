"""`y[a:b] += 1` and `v = y[a:b]; v += 1` of a recorded result: writes to the result, with the gradients of a copy."""

import operator

import numpy as np
import pytest

import fastgrad as fg

KEYS = [np.s_[:2], np.s_[1:], np.s_[::2], np.s_[::-1], np.s_[:], np.s_[1:1], np.s_[...], np.s_[0:1], np.s_[None, :2]]
OPS = {"+": (operator.iadd, operator.add), "-": (operator.isub, operator.sub), "*": (operator.imul, operator.mul),
       "/": (operator.itruediv, operator.truediv), "**": (operator.ipow, operator.pow)}  # fmt: skip


def assigned(y, key, op, other):
    y[key] = op(y[key], other)
    y[key] = op(y[key], other)
    return y, y


def through_a_slice(y, key, op, other):
    v = y[key]
    v = op(v, other)
    same = op(v, other)
    assert same is v
    return y, v


def out_of_place(y, key, op, other):
    for _ in range(2):
        y = fg.rules.FUNCTIONS["setitem"](y, op(y[key], other), key=key)
    return y, y


def run(way, shape, dtype, key, op, other, create_graph):
    a = (np.arange(1.0, 1 + np.prod(shape)).reshape(shape) / 3).astype(dtype)
    x, s = fg.tensor(a, requires_grad=True), fg.tensor(1.7, dtype=dtype, requires_grad=True)
    y = fg.exp(x) * 1.0
    before = y.sum()
    y, v = way(y, key, op, s if other == "s" else other)
    v = y[key] if v is y else v
    weights = np.arange(1, 1 + y.size).reshape(shape)
    loss = (y * y * weights.astype(dtype)).sum() + before + (v * v).sum()
    found = fg.gradients([loss], [x, s], allow_unused=True, create_graph=create_graph)
    if create_graph:
        squares = sum((g * g).sum() for g in found if g is not None)
        found += fg.gradients([squares], [x, s], allow_unused=True)
    return [loss.detach().numpy()] + [None if g is None else g.detach().numpy() for g in found]


@pytest.mark.parametrize("symbol", OPS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(4,), (3, 2)])
def test_a_write_to_a_slice_is_a_write_to_what_it_is_of(symbol, shape, dtype):
    inplace, pure = OPS[symbol]
    for key in KEYS:
        for other in (2.0, "s"):
            for create_graph in (False, True):
                wanted = run(out_of_place, shape, dtype, key, pure, other, create_graph)
                for way in (assigned, through_a_slice):
                    got = run(way, shape, dtype, key, inplace, other, create_graph)
                    for a, b in zip(got, wanted, strict=True):
                        assert (a is None) == (b is None)
                        if a is not None:
                            np.testing.assert_allclose(a, b, rtol=1e-9 if dtype is np.float64 else 1e-4)


def result():
    return fg.exp(fg.tensor([1.0, 2.0, 3.0], requires_grad=True))


def test_views_follow_what_they_are_views_of():
    y = result()
    other = y[1:]
    y[:2] += 1
    other += 1
    assert other.tolist() == y[1:].tolist() == (np.exp([2.0, 3.0]) + [2, 1]).tolist()


def test_a_value_that_was_read_before_part_of_it_was_written_is_gone():
    y = result() + 1
    squares = y * y
    y[:2] += 1
    with pytest.raises(fg.MutationError, match="overwritten in place after it was recorded"):
        squares.sum().backward()


def test_a_view_of_a_leaf_is_not_written():
    leaf = fg.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(fg.MutationError, match="in-place write to a leaf"):
        leaf[:1] += 1
    assert leaf.tolist() == [1, 2]


def test_a_write_that_fails_leaves_both_as_they_were():
    x = fg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1.0
    v = y[:2]
    with pytest.raises(fg.ShapeError, match=r"in-place 'add' gives shape \(2, 2\)"):
        v += np.ones((2, 2))
    with pytest.raises(fg.DTypeError, match="in-place 'multiply' gives complex128"):
        v *= 1j
    v += 1
    (y.sum() + v.sum()).backward()
    assert y.tolist() == [2, 3, 3] and v.tolist() == [2, 3]
    assert x.grad.tolist() == [2, 2, 1]


def test_gradients_kept_for_a_slice_are_those_of_its_new_value():
    y = fg.tensor([1.0, 2.0, 3.0], requires_grad=True) * 2.0
    v = y[:2]
    v.retain_grad()
    v *= 3.0
    (v * v).sum().backward()
    np.testing.assert_allclose(v.grad.numpy(), 2 * v.detach().numpy())
