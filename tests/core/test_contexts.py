"""The engine enters contexts of its own around built-in rules: nobody sees them, whatever happens inside."""

import contextvars
import gc
import signal
import threading
import warnings

import numpy as np
import pytest

import fastgrad as fg

mark = contextvars.ContextVar("mark", default="unset")


def test_variables_of_the_user_are_theirs_afterwards():
    mark.set("mine")
    x = fg.tensor([0.5, 1.5], requires_grad=True)
    fg.std(fg.floor(x) + x).backward()
    assert mark.get() == "mine"


def test_a_rule_of_the_user_runs_in_the_context_of_the_caller():
    def vjp(g):
        seen.append(mark.get())
        return g * 2

    @fg.primitive(vjp=vjp)
    def twice(x):
        seen.append(mark.get())
        mark.set("from forward")
        return x * 2

    seen = []

    def program():
        mark.set("caller")
        x = fg.tensor([1.0], requires_grad=True)
        y = twice(x)
        after = mark.get()
        y.sum().backward()
        return after, x.grad

    after, grad = contextvars.copy_context().run(program)
    assert seen == ["caller", "from forward"] and after == "from forward"
    assert grad == 2


def test_no_warning_and_the_error_state_as_before():
    x = fg.tensor([0.0, -1.0], requires_grad=True)
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        y = fg.remainder(x, 0.0)
        assert np.isnan(y.detach().numpy()).all()
        assert np.geterr()["divide"] == "raise"
        with pytest.raises(FloatingPointError):
            np.array([1.0]) / 0


def test_an_error_in_a_forward_leaves_the_context():
    x = fg.tensor([[1.0, 2.0]], requires_grad=True)
    for _ in range(3):
        with pytest.raises(ValueError):
            fg.repeat(x, (1, 2, 3, 4), axis=1)
        assert fg.is_grad_enabled()
        assert fg.repeat(x, 2, axis=1).requires_grad


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers")
def test_an_interrupt_leaves_the_context():
    def interrupt(number, frame):
        raise InterruptedError

    x = fg.tensor(np.ones((20, 20)), requires_grad=True)
    before = signal.signal(signal.SIGALRM, interrupt)
    interrupted = 0
    try:
        for k in range(60):
            signal.setitimer(signal.ITIMER_REAL, 1e-5 * (k + 1))
            try:
                for _ in range(40):
                    fg.std(fg.roll(x, 1, axis=0)).backward()
            except InterruptedError:
                interrupted += 1
            signal.setitimer(signal.ITIMER_REAL, 0)
            assert fg.is_grad_enabled()
    except InterruptedError:  # as late as the assertion
        interrupted += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert interrupted
    x.grad = None
    fg.floor(x).sum().backward()
    assert not x.grad.detach().numpy().any()


def test_threads_that_meet_in_a_rule():
    start = threading.Barrier(4)
    grads = [None] * 4

    def work(n):
        x = fg.tensor(np.linspace(1, 2, 40).reshape(5, 8), requires_grad=True)
        start.wait()
        for _ in range(200):
            x.grad = None
            (fg.std(fg.pad(fg.roll(x, n, axis=0), 1, mode="edge")) * n).backward()
            assert fg.is_grad_enabled()
        grads[n] = x.grad.detach().numpy()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in range(4):
        x = fg.tensor(np.linspace(1, 2, 40).reshape(5, 8), requires_grad=True)
        (fg.std(fg.pad(fg.roll(x, n, axis=0), 1, mode="edge")) * n).backward()
        assert np.array_equal(grads[n], x.grad.detach().numpy())


def test_a_finaliser_in_a_rule_may_use_every_op():
    class Cycle:
        def __init__(self):
            self.me = self

        def __del__(self):
            with fg.enable_grad():
                x = fg.tensor([1.0, 2.0], requires_grad=True)
                fg.std(fg.floor(x) + x).backward()
                found.append(x.grad.detach().numpy())

    found = []
    x = fg.tensor(np.ones((3, 4)) * np.arange(4), requires_grad=True)
    expected = None
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for _ in range(30):
            Cycle()
            x.grad = None
            fg.std(fg.roll(x, 1, axis=1)).backward()
            expected = x.grad.detach().numpy() if expected is None else expected
            assert np.array_equal(x.grad.detach().numpy(), expected)
    finally:
        gc.set_threshold(*threshold)
    assert found and all(np.allclose(g, [-0.5, 0.5]) for g in found)


def test_nothing_is_recorded_by_the_vjp_of_a_built_in_rule():
    x = fg.tensor([[1.0, 2.0], [3.0, 5.0]], requires_grad=True)
    fg.std(x, axis=0).sum().backward()
    assert not x.grad.requires_grad
    (g,) = fg.gradients(fg.std(x, axis=0).sum(), [x], create_graph=True)
    assert g.requires_grad
