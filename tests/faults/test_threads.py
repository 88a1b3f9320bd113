"""Several threads at once: each has its own mode, graphs do not mix, and a leaf they share adds up."""

import sys
import threading

import numpy as np
import pytest

import fastgrad as fg


def in_threads(n, work):
    """Run `work(k)` in `n` threads that start together; raise what any of them raised."""
    start, failures, results = threading.Barrier(n), [], [None] * n

    def guarded(k):
        try:
            start.wait()
            results[k] = work(k)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(k,)) for k in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return results


@pytest.fixture(autouse=True)
def switch_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


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
