"""Greenlets that switch in the middle of sweeps: several sweeps of one thread overlap and end in any order."""

import contextlib
import random

import numpy as np
import pytest

import fastgrad as fg

greenlet = pytest.importorskip("greenlet")


def interleave(workers, seed):
    """Run workers, functions of `switch`, with switches in a random order; return their results."""
    main, results, chooser = greenlet.getcurrent(), {}, random.Random(seed)

    def body(k, work):
        results[k] = work(lambda: main.switch())

    live = [greenlet.greenlet(lambda k=k, work=work: body(k, work)) for k, work in enumerate(workers)]
    while live:
        chosen = chooser.choice(live)
        chosen.switch()
        live = [g for g in live if not g.dead]
    return [results[k] for k in range(len(workers))]


def switching(t, switch):
    def hook(g):
        switch()

    t.register_hook(hook)
    return t


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("size", [1, 64, 20_000])
def test_graphs_of_their_own_do_not_disturb_each_other(size, seed):
    def worker(k):
        def work(switch):
            for _ in range(8):
                x = fg.tensor(np.full(size, 0.1 * (k + 1)), requires_grad=True)
                y = switching(x * 2.0, switch)
                z = switching(y * y, switch).exp() if k % 2 else switching(y + y, switch)
                z.sum().backward(create_graph=k == 3)
                a = 0.1 * (k + 1)
                np.testing.assert_allclose(x.grad.detach().numpy(), 8 * a * np.exp(4 * a * a) if k % 2 else 4.0)

        return work

    interleave([worker(k) for k in range(4)], seed)


@pytest.mark.parametrize("mode", ["backward", "gradients", "create_graph", "retain_graph"])
@pytest.mark.parametrize("seed", range(12))
def test_shared_tensors_give_the_right_gradient_or_an_error(seed, mode):
    rng = np.random.default_rng(3)
    w, s = (fg.tensor(rng.uniform(0.5, 1.0, shape), requires_grad=True) for shape in ((20_000,), ()))
    trunk = (w * 1.5).tanh()
    refused = []

    def result(switch):
        y = switching(switching(trunk * s, switch) * w, switch).sum()
        return y * switching(s * s, switch) + w.sum()

    want = [g.numpy().copy() for g in fg.gradients(result(lambda: None), [w, s], retain_graph=True)]
    added = []

    def worker(k):
        def work(switch):
            for _ in range(6):
                y = result(switch)
                try:
                    if mode == "gradients" or k == 0:
                        found = fg.gradients(y, [w, s], retain_graph=True)
                        for g, expected in zip(found, want, strict=True):
                            np.testing.assert_allclose(g.numpy(), expected, rtol=1e-12)
                        continue
                    y.backward(retain_graph=True, create_graph=mode == "create_graph")
                    added.append(k)
                except fg.BackwardError as error:
                    refused.append(str(error))

        return work

    interleave([worker(k) for k in range(4)], seed)
    assert all("while it was being swept" in text for text in refused)
    if fg.engine == "python":
        assert not refused
    for t, expected in zip((w, s), want, strict=True):
        total = 0.0 if t.grad is None else t.grad.detach().numpy()
        np.testing.assert_allclose(total, len(added) * expected, rtol=1e-11)
    for g, expected in zip(fg.gradients(result(lambda: None), [w, s], retain_graph=True), want, strict=True):
        np.testing.assert_allclose(g.numpy(), expected, rtol=1e-12)  # nothing is left behind


@pytest.mark.parametrize("seed", range(8))
def test_a_sweep_given_up_in_the_middle_leaves_its_tensors_to_others(seed):
    """Its greenlet is dropped while it waits in a hook, and the sweep ends with GreenletExit."""
    w = fg.tensor(np.full(20_000, 2.0), requires_grad=True)
    main = greenlet.getcurrent()

    def abandoned():
        switching(w * 2.0, main.switch).exp().sum().backward()

    hanging = [greenlet.greenlet(abandoned) for _ in range(5)]
    for g in hanging:
        with contextlib.suppress(fg.BackwardError):
            g.switch()
    random.Random(seed).shuffle(hanging)
    while hanging:
        hanging.pop()
    assert w.grad is None
    (w * w).sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), 4.0)
