"""Kernels that run without the GIL: results of thread pools, and what other threads may do meanwhile."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastgrad as fg

from ..support.threads import Disturbed, assert_leaves_gil, attempts

pytestmark = pytest.mark.usefixtures("switch_often")

N = 200  # a product of two such matrices is large enough


def weights(seed=0):
    rng = np.random.default_rng(seed)
    return [fg.tensor(rng.normal(size=(N, N)) / N**0.5, requires_grad=True) for _ in range(3)]


def batch(k):
    return np.random.default_rng(100 + k).normal(size=(N, N))


def network(ws, x):
    for w in ws:
        x = fg.tanh(x @ w)
    return (x * x).mean()


def step(ws, x):
    """Return the gradients of a network as bytes."""
    gradients = fg.gradients(network(ws, x), ws)
    return [g.numpy().tobytes() for g in gradients]


def mixed(x):
    return fg.sum(fg.tanh(x) * fg.sigmoid(x) + fg.exp(-x * x) / 3.0)


def own_graph(k):
    return step(weights(k), batch(k))


def long_vectors(k):
    x = np.random.default_rng(k).normal(size=200_000)
    value, gradient = fg.value_and_grad(mixed)(x)
    return value, gradient.tobytes()


def pieces(k):
    """Return derivatives of second order."""
    x = np.random.default_rng(k).normal(size=(N, N)) / N**0.5
    _, product = fg.jvp(fg.grad(lambda x: fg.tanh(x @ x).sum()), (x,), (batch(k),))
    return product.tobytes()


@pytest.mark.parametrize("work", [own_graph, long_vectors, pieces])
def test_a_pool_of_threads_computes_what_a_loop_does(work):
    wanted = [work(k) for k in range(6)]
    with ThreadPoolExecutor(3) as pool:
        for _ in range(3):
            assert list(pool.map(work, range(6))) == wanted


@pytest.mark.parametrize("light", [False, True], ids=["plain", "checkpoint"])
def test_threads_that_share_the_parameters(light):
    ws = weights()

    def work(k):
        layers = fg.checkpoint(lambda x: network(ws[:2], x) + x) if light else lambda x: network(ws[:2], x) + x
        gradients = fg.gradients(network(ws[2:], layers(fg.asarray(batch(k)))), ws)
        return [g.numpy().tobytes() for g in gradients]

    wanted = [work(k) for k in range(6)]
    with ThreadPoolExecutor(3) as pool:
        for _ in range(3):
            assert list(pool.map(work, range(6))) == wanted


def test_threads_that_add_to_the_gradients_of_one_model():
    ws = [fg.tensor(np.round(w.detach().numpy() * 64), requires_grad=True) for w in weights()]

    def work(k):  # integers, whose sums do not depend on the order
        (fg.asarray(np.round(batch(k))) @ ws[0] @ ws[1]).sum().backward()

    for k in range(6):
        work(k)
    wanted = [w.grad.numpy().tobytes() for w in ws[:2]]
    for w in ws:
        w.grad = None
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(6)))
    assert [w.grad.numpy().tobytes() for w in ws[:2]] == wanted


def in_place(ws):
    with fg.no_grad():
        for w in ws:
            w *= 1.0  # the same values, in another block
            w += 0.0


def by_numpy(ws):
    with fg.no_grad():
        for w in ws:
            w[...] = w.detach().numpy()


def fresh_blocks(ws):
    for w in ws:
        w.detach() * 2.0  # takes the block that was freed last


@pytest.mark.parametrize("writes", [in_place, by_numpy, fresh_blocks])
def test_writes_of_other_threads_are_an_error_or_have_no_effect(writes):
    ws = weights()
    wanted = step(ws, batch(0))
    with Disturbed(lambda: writes(ws)):
        assert all(found == wanted for found in attempts(20, lambda: step(ws, batch(0))))
    assert step(ws, batch(0)) == wanted


def test_operands_that_other_threads_drop():
    held = [None]
    wanted = np.asarray(fg.asarray(batch(0)) @ fg.asarray(batch(1))).tobytes()

    def writes():
        held[0] = fg.tensor(batch(2))

    def work():
        held[0] = fg.tensor(batch(1))
        x = fg.tensor(batch(0))
        y = x @ (held[0] if held[0].shape == (N, N) else None)
        return y.numpy().tobytes()

    others = {wanted, np.asarray(fg.asarray(batch(0)) @ fg.asarray(batch(2))).tobytes()}
    with Disturbed(writes):
        assert {work() for _ in range(30)} <= others


@pytest.mark.parametrize("kind", ["product", "backward of a product"])
def test_other_threads_run_meanwhile(kind):
    a = fg.tensor(np.ones((700, 700)), requires_grad=True)
    b = fg.tensor(np.ones((700, 700)))
    root = (a @ b).sum()
    kernels = {"product": lambda: a @ b, "backward of a product": lambda: root.backward(retain_graph=True)}
    assert_leaves_gil(kernels[kind])


def test_native_threads_keep_the_gil_and_captures_too():
    before = fg.set_num_threads(2)
    try:
        assert own_graph(0) == own_graph(0)
    finally:
        fg.set_num_threads(before)
    program = fg.compile(lambda x: fg.gradients(network(ws, x), ws))
    ws = weights()
    wanted = step(ws, batch(0))
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(own_graph, k) for k in range(4)]
        for _ in range(3):
            assert [g.tobytes() for g in map(np.asarray, program(batch(0)))] == wanted
        assert [job.result() for job in jobs] == [own_graph(k) for k in range(4)]
