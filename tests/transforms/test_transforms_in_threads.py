"""Threads inside a transform: transforms there follow the values they close over, and unrelated ones are unaffected."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastgrad as fg

G = fg.grad
A = np.array([0.25, -1.25, 2.0])


def in_thread(function):
    """Return `function()`, computed by another thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result(timeout=60)


def in_two_threads(function):
    return in_thread(lambda: in_thread(function))


def by_map(function):
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda _: function(), range(3)))[2]


# Functions of x that take a derivative of what closes over x, of an argument that does not depend on it.
INNER = {
    "grad of a number": lambda x: G(lambda y: y * y * x)(2.0),
    "grad of an array": lambda x: G(lambda y: (y * y * x).sum())(A).sum(),
    "grad of a Tensor": lambda x: G(lambda y: (y * y * x).sum())(fg.tensor(A)).sum(),
    "grad of a nest": lambda x: G(lambda p: (p["a"] * p["b"] * x).sum())({"a": A, "b": A})["a"].sum(),
    "value_and_grad, value": lambda x: fg.value_and_grad(lambda y: (y * y * x).sum())(A)[0],
    "value_and_grad, gradient": lambda x: fg.value_and_grad(lambda y: (y * y * x).sum())(A)[1].sum(),
    "value_and_grad of a number": lambda x: fg.value_and_grad(lambda y: y * y * x)(2.0)[0],
    "aux": lambda x: fg.value_and_grad(lambda y: (y * y, y * x), has_aux=True)(2.0)[0][1],
    "vjp, value": lambda x: fg.vjp(lambda y: y * y * x, A)[0].sum(),
    "vjp, pullback": lambda x: fg.vjp(lambda y: y * y * x, A)[1](A)[0].sum(),
    "jvp": lambda x: fg.jvp(lambda y: y * y * x, (A,), (A,))[1].sum(),
    "jvp, value": lambda x: fg.jvp(lambda y: y * y * x, (A,), (A,))[0].sum(),
    "hvp": lambda x: fg.hvp(lambda y: (y * y * y * x).sum(), (A,), (A,)).sum(),
    "jacobian": lambda x: fg.jacobian(lambda y: y * y * x)(A).sum(),
    "hessian": lambda x: fg.hessian(lambda y: (y * y * y * x).sum())(A).sum(),
    "elementwise_grad": lambda x: fg.elementwise_grad(lambda y: y * y * x)(A).sum(),
    "nested": lambda x: G(lambda y: G(lambda z: z * z * y * x)(3.0) * y)(2.0),
    "by way of a result": lambda x: (lambda h: G(lambda y: y * y * h)(2.0))(np.sin(x)),
    "checkpoint": lambda x: G(fg.checkpoint(lambda y: y * y * x))(2.0),
    "inside a checkpoint": lambda x: fg.checkpoint(lambda y: G(lambda z: z * z * y)(2.0))(x),
}


@pytest.mark.parametrize("run", [in_thread, in_two_threads, by_map], ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", INNER)
def test_what_is_differentiated_around_is_followed_into_other_threads(name, run):
    inner = INNER[name]

    def outer(run):
        return lambda x: run(lambda: inner(x)) * x

    for order in 1, 2:
        here, there = outer(lambda f: f()), outer(run)
        for _ in range(order):
            here, there = G(here), G(there)
        assert there(3.0) == pytest.approx(here(3.0), rel=1e-14)
    assert fg.jvp(outer(run), (3.0,), (1.0,))[1] == pytest.approx(G(outer(lambda f: f()))(3.0), rel=1e-14)


@pytest.mark.parametrize("name", INNER)
def test_a_transform_in_a_thread_may_itself_be_in_a_checkpoint(name):
    inner = INNER[name]

    def outer(run, wrap):
        return lambda x: wrap(lambda x: run(lambda: inner(x)) * x)(x)

    here, there = G(outer(lambda f: f(), lambda f: f)), G(outer(in_thread, fg.checkpoint))
    assert there(3.0) == pytest.approx(here(3.0), rel=1e-14)


def test_a_transform_beside_another_thread_returns_arrays():
    w = fg.tensor(A, requires_grad=True)
    inside, done = threading.Event(), threading.Event()

    def waits(x):
        inside.set()
        assert done.wait(60)
        return (x * x * w).sum()

    def beside():
        assert inside.wait(60)
        try:
            return [fg.value_and_grad(lambda x: (x * x * w).sum())(A), fg.value_and_grad(lambda x: x * w.sum())(2.0)]
        finally:
            done.set()

    with ThreadPoolExecutor(2) as pool:
        long, short = pool.submit(G(waits), A), pool.submit(beside)
        assert type(long.result(60)) is np.ndarray
        for value, g in short.result(60):
            assert isinstance(value, np.float64) and type(g) in (np.ndarray, np.float64)


def test_threads_beside_each_other_compute_the_same():
    def f(x):
        return (np.tanh(x) * x).sum()

    want = fg.value_and_grad(f)(A)
    with ThreadPoolExecutor(4) as pool:
        for value, g in pool.map(lambda _: fg.value_and_grad(f)(A), range(200)):
            assert value == want[0]
            np.testing.assert_array_equal(g, want[1])
