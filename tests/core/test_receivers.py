"""Leaves whose gradients go to a receiver: it gets them weighted, and what it leaves is added to `.grad`."""

import weakref

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import errors
from fastgrad._engine import set_receiver


class Receiver:
    """Adds 1 to every gradient that it receives, as another process might."""

    def __init__(self, params, weight=0.25, local=False, parts=True):
        self.weight, self.local, self.calls = weight, local, []
        self.arrays = {}
        self.parts = [np.full(p.shape, 7, p.dtype) if parts else None for p in params]
        self.found = weakref.ref(self)
        for k, p in enumerate(params):
            set_receiver(p, self.found, k, self.parts[k])

    def begin(self):
        self.calls.append("begin")
        return self.weight, self.local

    def receive(self, k, array):
        self.calls.append(k)
        self.arrays[k] = self.parts[k] if array is None else array

    def finish(self):
        self.calls.append("finish")
        self.given = {k: array.copy() for k, array in self.arrays.items()}
        for array in self.arrays.values():
            array += 1


def leaf(*shape, dtype=float, seed=0):
    return fg.tensor(np.random.default_rng(seed).normal(size=shape).astype(dtype), requires_grad=True)


def gradients(make, params):
    """Return the gradients of `make()` without receivers."""
    return [g.numpy().copy() for g in fg.gradients(make(), params)]


@pytest.mark.parametrize("parts", [True, False])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(), (1,), (3,), (4, 5), (200, 300)])
def test_receiver_gets_weighted_gradients(shape, dtype, parts):
    a, b = leaf(*shape, dtype=dtype), leaf(*shape, dtype=dtype, seed=1)
    make = lambda: (a * b).sum() + fg.tanh(a).sum() + b.sum()
    expected = gradients(make, [a, b])
    receiver = Receiver([a, b], parts=parts)
    make().backward()
    assert receiver.calls[0] == "begin" and receiver.calls[-1] == "finish" and sorted(receiver.calls[1:-1]) == [0, 1]
    for k, p in enumerate([a, b]):
        np.testing.assert_array_equal(receiver.given[k], expected[k] / 4)
        np.testing.assert_array_equal(p.grad.numpy(), expected[k] / 4 + 1)
        assert p.grad.dtype == dtype
    make().backward()
    np.testing.assert_allclose(a.grad.numpy(), 2 * (expected[0] / 4 + 1), rtol=1e-6)


def test_complex_leaf():
    a = leaf(3, 2, dtype=complex)
    make = lambda: (a * a).sum().real
    (expected,) = gradients(make, [a])
    for parts in True, False:
        a.grad = None
        receiver = Receiver([a], parts=parts)
        make().backward()
        np.testing.assert_array_equal(a.grad.numpy(), expected / 4 + 1)
        assert receiver.calls == ["begin", 0, "finish"]


def test_gradient_that_shares_memory():
    a, b = leaf(50), leaf(50, seed=1)
    receiver = Receiver([a])
    ((a + b) * 2).sum().backward()
    np.testing.assert_array_equal(a.grad.numpy(), 0.5 + 1)
    np.testing.assert_array_equal(b.grad.numpy(), 2.0)
    assert receiver.calls == ["begin", 0, "finish"]


def test_given_cotangent_and_several_roots():
    a = leaf(2, 3)
    seed = np.arange(6.0).reshape(2, 3)
    receiver = Receiver([a])
    (a * 3).backward(seed)
    np.testing.assert_array_equal(receiver.given[0], seed * 3 / 4)
    a.backward(seed)  # the leaf itself
    np.testing.assert_array_equal(receiver.given[0], seed / 4)
    np.testing.assert_array_equal(seed, np.arange(6.0).reshape(2, 3))


def test_leaf_of_nobody_is_not_weighted():
    a, b, c = leaf(3), leaf(3, seed=1), leaf(3, seed=2)
    first, second = Receiver([a]), Receiver([b], weight=0.5)
    (a * b * c).sum().backward()
    np.testing.assert_array_equal(c.grad.numpy(), a.numpy() * b.numpy())
    np.testing.assert_array_equal(first.given[0], b.numpy() * c.numpy() / 4)
    np.testing.assert_array_equal(second.given[0], a.numpy() * c.numpy() / 2)


def test_cotangents_on_the_way_are_not_weighted():
    a = leaf(3)
    receiver = Receiver([a])
    y = a * 2
    z = y * 3
    seen = []
    z.register_hook(lambda g: seen.append(g.numpy().copy()))
    y.retain_grad()
    z.sum().backward()
    np.testing.assert_array_equal(seen[0], 1.0)
    np.testing.assert_array_equal(y.grad.numpy(), 3.0)
    np.testing.assert_array_equal(receiver.given[0], 6.0 / 4)


def test_hook_of_a_leaf_sees_its_gradient_before_the_receiver():
    a = leaf(3)
    receiver = Receiver([a])
    a.register_hook(lambda g: g.clip(-1, 1))
    (a * 8).sum().backward()
    np.testing.assert_array_equal(receiver.given[0], 0.25)


def test_rule_that_is_not_linear_in_the_cotangent():
    clipped = fg.primitive(lambda x: np.array(x), vjp=lambda g, x: g.clip(-1, 1), name="clipped")
    a = leaf(3)
    receiver = Receiver([a])
    (clipped(a * 1.0) * 8).sum().backward()
    np.testing.assert_array_equal(receiver.given[0], 0.25)


@pytest.mark.parametrize("parts", [True, False])
def test_weight_of_zero_ignores_what_is_not_a_number(parts):
    a = leaf(40)
    receiver = Receiver([a], weight=0.0, parts=parts)
    (a * np.nan).sum().backward()
    np.testing.assert_array_equal(receiver.given[0], 0.0)
    np.testing.assert_array_equal(a.grad.numpy(), 1.0)


@pytest.mark.parametrize("parts", [True, False])
def test_local_passes_only_weight(parts):
    a = leaf(40)
    receiver = Receiver([a], local=True, parts=parts)
    (a * 3).sum().backward()
    (a * 5).sum().backward()
    assert receiver.calls == ["begin", "finish"] * 2
    np.testing.assert_array_equal(a.grad.numpy(), 2.0)


def test_anomalies_are_looked_for_before_the_receiver():
    a = leaf(3)
    receiver = Receiver([a])
    with fg.detect_anomaly(), pytest.raises(errors.AnomalyError):
        (a * np.inf * 0.0).sum().backward()
    assert "finish" not in receiver.calls
    with fg.detect_anomaly():
        (a * 2).sum().backward()
    np.testing.assert_array_equal(receiver.given[0], 0.5)


def test_other_derivatives_are_not_received():
    a = leaf(3)
    receiver = Receiver([a])
    np.testing.assert_array_equal(fg.gradients((a * 2).sum(), [a])[0].numpy(), 2.0)
    assert receiver.calls == []
    with pytest.raises(errors.BackwardError, match="create_graph"):
        (a * a).sum().backward(create_graph=True)
    assert a.grad is None


def test_receiver_that_raises_leaves_gradients_alone():
    a, b = leaf(3), leaf(3, seed=1)
    receiver = Receiver([a, b])
    receiver.finish = lambda: 1 / 0
    loss = (a * b).sum()
    with pytest.raises(ZeroDivisionError):
        loss.backward()
    assert a.grad is None and b.grad is None


def test_receiver_that_has_died_or_was_removed():
    a = leaf(3)
    receiver = Receiver([a])
    del receiver
    (a * 2).sum().backward()
    np.testing.assert_array_equal(a.grad.numpy(), 2.0)
    receiver = Receiver([a])
    set_receiver(a, None, 0)
    (a * 2).sum().backward()
    np.testing.assert_array_equal(a.grad.numpy(), 4.0)
    assert receiver.calls == []


@pytest.mark.skipif(fg.engine != "cython", reason="NumPy checks the copies of the pure-Python engine")
@pytest.mark.parametrize("part", [np.zeros(4), np.zeros(3, np.float32), np.zeros(6)[::2], np.zeros(())])
def test_part_that_does_not_fit(part):
    a = leaf(3)
    with pytest.raises(ValueError, match="shape and dtype"):
        set_receiver(a, weakref.ref(part), 0, part)
