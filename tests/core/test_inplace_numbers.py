"""In-place ops with a number or a constant as the other operand, which need no temporary if nothing records them."""

import operator

import numpy as np
import pytest

import fastgrad as fg


def leaf(*values):
    return fg.tensor(list(values), requires_grad=True)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(), (5,), (3, 4), (300, 7)])
def test_a_number_in_place_gives_what_the_op_gives(rng, dtype, shape):
    a = rng.normal(size=shape).astype(dtype)
    for op in (operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow):
        x = fg.tensor(a)
        before = x
        x = op(x, 1.7) if op is not operator.ipow else op(x, 2.0)
        assert x is before and x.dtype == dtype
        wanted = op(a.copy(), 1.7) if op is not operator.ipow else (fg.tensor(a) ** 2.0).numpy()
        np.testing.assert_array_equal(x.numpy(), wanted)


def test_a_number_in_place_is_seen_by_views_and_by_the_graph():
    x = fg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = fg.exp(x)
    with fg.no_grad():
        v = y.detach()
        v *= 0.5
    with pytest.raises(fg.MutationError):
        y.sum().backward()
    with pytest.raises(fg.MutationError):
        x *= 2.0
    with fg.no_grad():
        x *= 2.0
    np.testing.assert_array_equal(x.numpy(), [2.0, 4.0, 6.0])
    frozen = np.ones(3)
    frozen.setflags(write=False)
    z = fg.asarray(frozen)
    with pytest.raises(fg.MutationError):
        z *= 2.0
    np.testing.assert_array_equal(frozen, 1.0)


def test_a_recorded_product_with_a_number_in_place_is_differentiated():
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3.0
    y *= 2.0
    (y * y).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [72.0, 144.0])


# With a constant operand only the other one's vjp matters: what that does not read may be overwritten before the sweep.
FREE = {
    "x * c": (lambda x: x * 3.0, "xy"), "c * x": (lambda x: 3.0 * x, "xy"), "x / c": (lambda x: x / 4.0, "xy"),
    "x + c": (lambda x: x + 1.0, "xy"), "c - x": (lambda x: 1.0 - x, "xy"), "c / x": (lambda x: 2.0 / x, ""),
    "x ** c": (lambda x: x**3.0, "y"), "c ** x": (lambda x: 2.0**x, "x"), "max": (lambda x: fg.maximum(x, 0.7), "y"),
    "hypot": (lambda x: fg.hypot(x, 1.5), "y"),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
@pytest.mark.parametrize("which", "xy")
@pytest.mark.parametrize("name", FREE)
def test_beside_a_constant_only_what_is_read_is_guarded(name, which, shape, dtype):
    f, free = FREE[name]
    if dtype == "complex128" and name in ("max", "hypot"):
        pytest.skip("not of complex numbers")
    start = np.full(shape, 0.8, dtype)
    leaf = fg.tensor(start, requires_grad=True)
    f(leaf).backward(np.ones(shape, dtype))
    wanted, leaf.grad = leaf.grad.numpy().copy(), None
    x = leaf * np.ones((), dtype)
    y = f(x)
    kept = y + 0.0
    with fg.no_grad():
        written = x if which == "x" else y
        written += 1.0
    if which in free:
        kept.backward(np.ones(shape, dtype))
        np.testing.assert_array_equal(leaf.grad.numpy(), wanted)
    else:
        with pytest.raises(fg.MutationError):
            kept.backward(np.ones(shape, dtype))


def test_what_micrograd_users_write():
    a = fg.tensor(-4.0, requires_grad=True)
    f = a * a + 2.0
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    assert a.grad.item() == pytest.approx(-4.0 - 10.0 * 2 * -4.0 / 18.0**2)
