"""Several threads at once: each has its own mode, graphs stay separate, and a shared leaf accumulates all gradients."""

import threading

import numpy as np
import pytest

import fastgrad as fg

from ..support.threads import in_threads

pytestmark = pytest.mark.usefixtures("switch_often")


def loss(x, w):
    return ((x @ w).tanh() * x.sum() + (x * x).mean()).sum()


def test_graphs_of_several_threads_do_not_mix():
    def work(k):
        found = set()
        for _ in range(50):
            x = fg.tensor(np.full((4, 4), 0.1 * (k + 1)), requires_grad=True)
            w = fg.tensor(np.eye(4), requires_grad=True)
            loss(x, w).backward()
            found.add((x.grad.numpy().tobytes(), w.grad.numpy().tobytes()))
        return found

    together = in_threads(6, work)
    assert together == [in_threads(1, lambda _, k=k: work(k))[0] for k in range(6)]
    assert all(len(found) == 1 for found in together)


def test_no_grad_is_for_its_own_thread_only():
    inside, checked = threading.Event(), threading.Event()

    def work(k):
        if k == 0:
            with fg.no_grad():
                inside.set()
                assert checked.wait(30)
                return fg.is_grad_enabled()
        assert inside.wait(30)
        try:
            return fg.is_grad_enabled() and (fg.tensor(1.0, requires_grad=True) * 2.0).requires_grad
        finally:
            checked.set()

    assert in_threads(2, work) == [False, True]


def test_a_new_thread_records_although_its_starter_does_not():
    with fg.no_grad():
        assert in_threads(1, lambda k: fg.is_grad_enabled()) == [True]


def test_a_graph_made_here_may_be_swept_and_dropped_there():
    made = []
    x = fg.tensor(np.ones(8), requires_grad=True)
    for _ in range(20):
        y = x
        for _ in range(500):
            y = y * 1.0
        made.append(y.sum())

    def work(k):
        for z in made[k::4]:
            fg.gradients(z, [x])
        made[k::4] = [None] * len(made[k::4])

    in_threads(4, work)
    assert x.grad is None
    (x * 2.0).sum().backward()
    assert x.grad.tolist() == [2.0] * 8


def test_a_leaf_shared_by_threads_gets_the_sum_of_their_gradients():
    x = fg.tensor(np.zeros(64), requires_grad=True)
    rounds, n = 100, 4

    def work(k):
        for _ in range(rounds):
            (x * float(k + 1)).sum().backward()

    in_threads(n, work)
    assert x.grad.tolist() == [rounds * (1.0 + 2.0 + 3.0 + 4.0)] * 64


def test_one_graph_swept_by_several_threads_gives_each_the_whole_gradient():
    x = fg.tensor(np.linspace(0.0, 1.0, 16), requires_grad=True)
    y = x
    for _ in range(50):
        y = y.sin() + x
    z = y.sum()
    (expected,) = fg.gradients(z, [x], retain_graph=True)

    def work(k):
        return [fg.gradients(z, [x], retain_graph=True)[0].tolist() for _ in range(20)]

    for found in in_threads(4, work):
        assert found == [expected.tolist()] * 20


def test_threads_that_end_in_the_middle_of_no_grad_do_no_harm():
    def work(k):
        fg.no_grad().__enter__()
        return (fg.tensor(1.0, requires_grad=True) * 2.0).requires_grad

    assert in_threads(8, work) == [False] * 8
    assert fg.is_grad_enabled()


def test_a_leaf_travels_to_another_process():
    multiprocessing = pytest.importorskip("multiprocessing")
    if "spawn" not in multiprocessing.get_all_start_methods():
        pytest.skip("no processes here")
    x = fg.tensor(3.0, requires_grad=True)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(gradient_of_a_square, (x,)) == 6.0
    assert x.grad is None


def gradient_of_a_square(x):
    (x * x).backward()
    return x.grad.item()


def test_threads_share_weights_though_their_sweeps_run_python_code():
    """A rule or a hook lets another thread run in the middle of a sweep of the same leaves."""
    w = fg.tensor(np.eye(3), requires_grad=True)

    def work(k):
        x = fg.tensor(np.full((2, 3), float(k + 1)))
        for _ in range(40):
            y = fg.hypot(x @ w, 1.0)
            y.register_hook(lambda g: g)
            y.sum().backward()

    in_threads(4, work)
    together, w.grad = w.grad.numpy().copy(), None
    for k in range(4):
        work(k)
    np.testing.assert_allclose(together, w.grad.numpy(), rtol=1e-13)


def test_threads_ask_for_gradients_of_one_graph_that_runs_python_code():
    x = fg.tensor(np.linspace(0.1, 1.0, 8), requires_grad=True)
    y = fg.hypot(x, 2.0)
    y.register_hook(lambda g: g * 1.0)
    z = (y * x).sum()
    expected = [g.tolist() for g in fg.gradients(z, [x, y], retain_graph=True)]

    def work(k):
        wanted = [x, y] if k % 2 else [x]
        return [[g.tolist() for g in fg.gradients(z, wanted, retain_graph=True)] for _ in range(30)]

    for k, found in enumerate(in_threads(4, work)):
        assert found == [expected if k % 2 else expected[:1]] * 30
    assert x.grad is None


def test_one_graph_swept_once_by_many_threads():
    """Without retain_graph one sweep frees the graph; later ones raise. Each that succeeds adds the whole gradient."""
    for _ in range(30):
        x = fg.tensor(np.ones(4), requires_grad=True)
        z = fg.hypot(x * 3.0, 0.0).sum()

        def work(k, z=z):
            try:
                z.backward()
            except fg.BackwardError:
                return 0
            return 1

        succeeded = sum(in_threads(3, work))
        assert succeeded >= 1
        assert x.grad.tolist() == [3.0 * succeeded] * 4


@pytest.mark.slow
def test_a_hook_that_waits_for_a_thread_that_wants_its_leaf_does_not_hang():
    x = fg.tensor(np.ones(4), requires_grad=True)
    y = x * 2.0
    told = []

    def other():
        try:
            (x * 5.0).sum().backward()
        except fg.BackwardError as error:
            told.append(str(error))

    def hook(g):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(60)
        assert not thread.is_alive()

    y.register_hook(hook)
    (y + x).sum().backward()
    if told:
        assert "another thread is sweeping" in told[0]
    assert x.grad.tolist() == [3.0 + 5.0 * (not told)] * 4


@pytest.mark.parametrize("kind", ["complex", "create_graph", "retained", "transposed"])
def test_sums_of_gradients_that_are_made_by_ops_lose_nothing(kind):
    """A thread reads such a `.grad`, runs Python code to add, and writes; another thread may write in between."""
    rounds, n = 60, 4
    options = {"create_graph": kind == "create_graph"}
    w = fg.tensor(np.zeros((3, 2)), dtype=complex if kind == "complex" else float, requires_grad=True)
    if kind == "transposed":
        w.grad = fg.asarray(np.zeros((2, 3)).T)  # of another layout than what is added

    def work(k):
        for _ in range(rounds):
            y = w * float(k + 1) + w
            if kind == "retained":
                fg.hypot(y, 0.5).sum().backward(retain_graph=True)  # pauses within the sweep
            (y * 1.0).real.sum().backward(**options)

    before = w.grad
    in_threads(n, work)
    together, w.grad = w.grad.detach().numpy().copy(), before
    if kind == "transposed":
        w.grad = fg.asarray(np.zeros((2, 3)).T)
    for k in range(n):
        work(k)
    np.testing.assert_allclose(together, w.grad.detach().numpy(), rtol=1e-12)


def test_the_gradient_that_an_interior_result_retains_is_the_sum_of_all_threads():
    x = fg.tensor(np.ones(4), requires_grad=True)
    y = x * 2.0
    y.retain_grad()

    def work(k):
        for _ in range(40):
            (fg.hypot(y, 0.0) * 3.0).sum().backward(retain_graph=True)

    in_threads(4, work)
    assert y.grad.tolist() == [3.0 * 160] * 4
    assert x.grad.tolist() == [6.0 * 160] * 4


def test_gradients_that_are_zeroed_meanwhile_are_whole_multiples():
    x = fg.tensor(np.zeros(3), dtype=complex, requires_grad=True)
    seen = set()

    def work(k):
        for _ in range(100):
            if k:
                (x * 1.0).real.sum().backward()
            else:
                g, x.grad = x.grad, None
                seen.add(0.0 if g is None else g.numpy()[0].real)

    in_threads(3, work)
    assert all(float(value).is_integer() for value in seen)


@pytest.mark.slow
def test_a_mask_that_another_thread_writes_while_it_is_read():
    from tests.faults.child import run

    assert run("masks.py").strip() == "survived"
