"""Exceptions in an op or a sweep leave no half-recorded node, no half-written `.grad`, and a usable engine."""

import gc
import signal
import weakref

import numpy as np
import pytest

import fastgrad as fg


class Broken(Exception):
    pass


def leaf(*shape):
    return fg.tensor(np.ones(shape), requires_grad=True)


def assert_alive(x):
    """The leaf `x` still records and sweeps."""
    before = x.grad
    x.grad = None
    (x * 3.0).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.full(x.shape, 3.0))
    x.grad = before


def failing_op(where):
    """A user-defined op that raises in its forward or backward pass, as `where` says."""

    def rule(g):
        if where["fails"] == "backward":
            raise Broken("in a rule")
        return g * 2.0

    def twice(x, /):
        if where["fails"] == "forward":
            raise Broken("in a forward")
        return x * 2.0

    return fg.primitive(twice, vjp=rule)


def test_a_forward_that_breaks_records_nothing():
    where = {"fails": "forward"}
    twice = failing_op(where)
    x, y = leaf(2, 3), leaf(2, 3)
    z = x * y
    with pytest.raises(Broken, match="in a forward"):
        twice(z)
    where["fails"] = ""
    twice(z).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.full((2, 3), 2.0))


def test_a_failed_op_keeps_none_of_its_operands():
    x, w = leaf(2, 3), leaf(2, 3)
    y = x * 2.0
    watch = weakref.ref(y.numpy() if not hasattr(type(y), "__weakref__") else y)
    with pytest.raises(ValueError):
        y @ w
    with pytest.raises(ValueError):
        y + np.ones(7)
    del y
    gc.collect()
    assert watch() is None


def test_a_rule_that_breaks_leaves_every_grad_as_it_was():
    where = {"fails": "backward"}
    twice = failing_op(where)
    x, y = leaf(2, 3), leaf(2, 3)
    x.grad = fg.tensor(np.full((2, 3), 5.0))
    z = (twice(x * y) + y).sum()
    with pytest.raises(Broken, match="in a rule"):
        z.backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.full((2, 3), 5.0))
    assert y.grad is None
    where["fails"] = ""
    assert_alive(x)
    assert_alive(y)
    assert_sweeps_or_says_freed(z, {x: 5.0 + 2.0, y: 2.0 + 1.0})


def assert_sweeps_or_says_freed(z, expected):
    """After a failed sweep the graph is whole, or a second sweep raises GraphFreedError; never a wrong gradient."""
    before = {x: x.grad for x in expected}
    try:
        z.backward()
    except fg.GraphFreedError:
        assert all(x.grad is before[x] for x in expected)
        return
    for x, value in expected.items():
        np.testing.assert_array_equal(x.grad.numpy(), np.full(x.shape, value))


@pytest.mark.parametrize("on", ["leaf", "interior", "result"])
def test_a_hook_that_breaks_leaves_every_grad_as_it_was(on):
    fails = [True]

    def hook(g):
        if fails[0]:
            raise Broken("in a hook")

    x, y = leaf(2, 3), leaf(2, 3)
    product = x * y
    z = (product + y).sum()
    {"leaf": x, "interior": product, "result": z}[on].register_hook(hook)
    with pytest.raises(Broken, match="in a hook"):
        z.backward()
    assert x.grad is None
    assert y.grad is None
    fails[0] = False
    assert_alive(x)
    assert_alive(y)
    assert_sweeps_or_says_freed(z, {x: 1.0, y: 2.0})


@pytest.mark.parametrize("wrong", [np.ones((3, 2)), "nonsense", object(), fg.tensor([1.0])])
def test_a_hook_that_returns_nonsense_is_told_so(wrong):
    x, y = leaf(2, 3), leaf(2, 3)
    x.register_hook(lambda g: wrong)
    with pytest.raises((TypeError, ValueError)):
        (x * y).sum().backward()
    assert x.grad is None
    assert y.grad is None


def test_a_hook_may_use_the_engine_and_even_sweep():
    x = leaf(3)
    inner = []

    def hook(g):
        with fg.enable_grad():
            w = leaf(3)
            (w * w).sum().backward()
        inner.append(w.grad.tolist())
        return g * 2.0

    x.register_hook(hook)
    (x * 5.0).sum().backward()
    assert inner == [[2.0] * 3]
    assert x.grad.tolist() == [10.0] * 3


def test_a_hook_that_sweeps_its_own_graph_is_refused_or_harmless():
    x = leaf(3)
    y = x * 2.0
    z = (y * y).sum()
    y.register_hook(lambda g: z.backward())
    with pytest.raises((fg.BackwardError, RecursionError)):
        z.backward()
    assert_alive(x)


def test_a_hook_that_drops_the_graph_it_runs_in():
    x = leaf(3)
    kept = {"y": x * 2.0}
    kept["z"] = (kept["y"] * kept["y"]).sum()

    def hook(g):
        kept.clear()
        gc.collect()

    kept["y"].register_hook(hook)
    kept["z"].backward()
    assert x.grad.tolist() == [8.0] * 3


@pytest.mark.parametrize("returned", [None, "nonsense", np.ones((3, 2)), np.ones((2, 3), np.int64)])
def test_a_rule_that_returns_nonsense_is_told_so(returned):
    gate = fg.primitive(lambda x, /: x * 2.0, vjp=lambda g: returned, name="gate")
    x = leaf(2, 3)
    with pytest.raises((TypeError, ValueError), match=r"gate|cannot hold"):
        gate(x).sum().backward()
    assert x.grad is None
    assert_alive(x)


@pytest.mark.parametrize("returned", [None, "nonsense", (1.0, 2.0)])
def test_a_forward_that_returns_nonsense_is_told_so(returned):
    gate = fg.primitive(lambda x, /: returned, vjp=lambda g: g, name="gate")
    with pytest.raises(TypeError, match="gate"):
        gate(leaf(2, 3))


def test_the_mode_is_restored_when_the_body_breaks():
    with pytest.raises(Broken), fg.no_grad():
        raise Broken
    assert fg.is_grad_enabled()
    with pytest.raises(Broken), fg.no_grad(), fg.enable_grad():
        raise Broken
    assert fg.is_grad_enabled()

    @fg.no_grad()
    def breaks():
        raise Broken

    with pytest.raises(Broken):
        breaks()
    assert fg.is_grad_enabled()


def test_the_mode_is_restored_when_a_rule_or_hook_breaks():
    where = {"fails": "backward"}
    x = leaf(2)
    z = failing_op(where)(x).sum()
    with pytest.raises(Broken):
        z.backward()
    assert fg.is_grad_enabled()
    where["fails"] = "forward"
    with fg.no_grad(), pytest.raises(Broken):
        failing_op(where)(x)
    assert fg.is_grad_enabled()


def test_numpys_error_state_is_left_alone():
    with np.errstate(all="raise"):
        before = np.geterr()
        fg.tensor([0.0, 1.0, -1.0], requires_grad=True).log().sum().backward()
        assert np.geterr() == before
        with pytest.raises(FloatingPointError):
            np.float64(1.0) / np.float64(0.0)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
def test_an_interrupt_in_the_middle_leaves_an_engine_that_works():
    x, w = leaf(8, 8), leaf(8, 8)

    def interrupt(*_):
        raise Broken

    errors = np.geterr()
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for k in range(40):
            x.grad = w.grad = None
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0005 + 0.0001 * k)  # on a busy machine it may strike right here
                while True:
                    y = x
                    for _ in range(20):
                        y = (y @ w).tanh() + x
                    y.sum().backward()
            except Broken:
                pass
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            assert fg.is_grad_enabled()
            assert np.geterr() == errors
            assert_alive(x)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
