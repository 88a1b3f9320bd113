"""Repeated work leaks neither memory blocks nor tensors nor Python objects."""

import gc
import sys

import numpy as np
import pytest

import fastgrad as fg
import fastgrad.numpy as fnp
from fastgrad.rules import FUNCTIONS, RULES
from tests.support.rule_samples import asked, leaves, like, samples

compiled = pytest.mark.skipif(fg.engine != "cython", reason="the readable engine has no memory of its own")


def alive():
    """Return counts of the engine's blocks, of tensors (in debug builds) and, roughly, of Python objects."""
    from fastgrad import core

    gc.collect()
    core.clear_cache()
    return core.cache_info()["blocks"], core.debug_counts()["tensors"] or 0, sys.getallocatedblocks()


def settle(work, times=12):
    """Run until caches are warm, then assert that many more runs leave nothing behind."""
    for _ in range(60):  # CPython and the engine keep dead objects for the next ones, some hundreds of a kind
        work()
    growth = []
    for _ in range(12):
        blocks, tensors, objects = alive()
        for _ in range(times):
            work()
        after = alive()
        assert after[0] == blocks, "blocks of memory"
        assert after[1] == tensors, "tensors"
        growth.append(after[2] - objects)
        if growth[-1] < times:
            break
    assert min(growth) < times, "objects of Python's"  # a leak is one each time; caches of CPython's grow by jumps


@compiled
@pytest.mark.parametrize("name", sorted(RULES))
def test_no_rule_leaks(name):
    if RULES[name].forward.__module__.startswith("fastgrad.rules.special"):
        pytest.importorskip("scipy")
    rng = np.random.default_rng(5)

    def work():
        for operands, params in samples(name)[:3]:
            xs = leaves(operands)
            y = FUNCTIONS[name](*xs, **params)
            chosen = asked(RULES[name], xs)
            if not chosen or y.dtype.kind not in "fc":
                continue
            v = like(y, rng)
            fg.gradients(y, [xs[k] for k in chosen], v, retain_graph=True)
            first = fg.gradients(y, [xs[k] for k in chosen], v, create_graph=True)
            y.backward(v)
            del first

    settle(work)


def fails(function, kind):
    with pytest.raises(kind):
        function()


def errors():
    x, w = (fg.tensor(np.ones((3, 40)), requires_grad=True) for _ in range(2))
    fails(lambda: x @ w, ValueError)
    fails(lambda: x + np.ones(7), ValueError)
    fails(lambda: x[100], IndexError)
    fails(lambda: x.sum(axis=5), ValueError)
    fails(lambda: x.backward(), RuntimeError)
    fails(lambda: x.reshape(7, 7), ValueError)
    fails(lambda: fg.gradients(x.sum(), [w]), RuntimeError)


def broken_sweeps():
    x = fg.tensor(np.ones((3, 40)), requires_grad=True)
    y = x * 2.0
    z = y.exp()
    z.register_hook(lambda g: 1 // 0)
    fails((z + y).sum().backward, ZeroDivisionError)
    fails((z * x).sum().backward, ZeroDivisionError)


def broken_sweeps_that_record():
    x = fg.tensor(np.ones((3, 40)), requires_grad=True)
    y = (x * 2.0).tanh()
    y.register_hook(lambda g: 1 // 0)
    z = y.exp()
    w = z * x + z.T.reshape(3, 40)
    fails(lambda: fg.gradients([w.sum(), (w * z).sum()], [x], create_graph=True), ZeroDivisionError)
    fails(lambda: (z * fg.stack([x, y])).sum().backward(create_graph=True), ZeroDivisionError)
    assert x.grad is None


def writes():
    x = fg.tensor(np.ones((3, 40)), requires_grad=True)
    y = x * 2.0
    for _ in range(5):
        y += x
        y[1:] = y[:2] + 0.5
        y *= 0.5
    y.sum().backward()
    with fg.no_grad():
        x -= 0.1
        x[0] = 0.0
    fails(lambda: y.__setitem__((0, 0, 0), 1.0), IndexError)
    fails(lambda: y.__iadd__(np.ones((5, 3, 40))), ValueError)


def hooks():
    x = fg.tensor(np.ones((3, 40)), requires_grad=True)
    y = x * 2.0
    kept = y.register_hook(lambda g: g * 2.0)
    with y.register_hook(lambda g: None):
        pass
    y.retain_grad()
    y.sum().backward()
    kept.remove()


def arrays():
    a = np.ones((30, 40))
    x = fg.asarray(a)
    np.asarray(x * 2.0)
    memoryview(x.T).release()
    np.from_dlpack(x.detach()).sum()
    fg.value_and_grad(lambda v: (v * v).sum())(a)
    x.numpy().sum()


def sparse_matrices():
    x = np.linspace(0.1, 0.9, 12)
    hessian = fg.hessian(lambda x: (x[1:] * x[:-1] ** 2).sum(), sparse="triplets")
    jacobian = fg.jacobian(lambda x, key: np.diag(x[:3]) @ x[key], sparse="triplets")
    for n in (12, 11, 12):
        hessian(x[:n])
        jacobian(x[:n], np.array([n - 1, 0, 0]))
    fails(lambda: jacobian(x, np.array([20, 0, 0])), IndexError)


def dropped_without_a_sweep():
    x = fg.tensor(np.ones((3, 40)), requires_grad=True)
    y = fg.concat([x, x, fg.where(x > 0, x, 0.0)])
    for _ in range(10):
        y = (y @ x.T @ x).tanh()


@compiled
@pytest.mark.parametrize(
    "work",
    [errors, broken_sweeps, broken_sweeps_that_record, writes, hooks, arrays, sparse_matrices, dropped_without_a_sweep],
)
def test_no_way_of_use_leaks(work):
    settle(work)


@compiled
def test_layouts_of_shapes_long_gone_are_dropped():
    from fastgrad import core

    x = fg.tensor(np.ones(100_000))
    for n in range(1, 100_000):
        x[:n]
    # The table may keep as many as it has room for, which depends on what was alive at once before this test.
    assert core.debug_counts()["layouts"] < 50_000


def test_no_call_of_a_numpy_function_leaks():
    x = fg.tensor(np.ones((2, 3)), requires_grad=True)
    part, a = x[0, 0], np.ones((2, 3))
    calls = [
        lambda: fnp.sum(x, axis=0), lambda: np.sum(x, 0, None, None, True), lambda: fnp.reshape(x, (3, 2)),
        lambda: fnp.array([part, [2.0, part][1], 1]), lambda: np.add.reduce(x, axis=1), lambda: fnp.add.reduce(x, 1),
        lambda: fnp.argmax(x, axis=1), lambda: np.pad(x, 1, constant_values=2.0), lambda: fnp.tanh(a),
        lambda: fnp.concatenate([a, x], axis=1), lambda: fnp.sum(x, axs=0), lambda: np.sum(x, axis=7),
        lambda: fnp.add(x, object()), lambda: fnp.exp(x, out=a),
    ]  # fmt: skip

    def work():
        failed = 0
        for call in calls:
            try:
                call()
            except (TypeError, ValueError):
                failed += 1
        assert failed == 4

    work()
    gc.collect()
    before = [sys.getrefcount(o) for o in (x, part, a, fnp.sum, fnp.tanh)]
    if fg.engine == "cython":
        settle(work)
    else:
        for _ in range(20):
            work()
    gc.collect()
    assert [sys.getrefcount(o) for o in (x, part, a, fnp.sum, fnp.tanh)] == before
