"""Hooks and rules that change the graph during its sweep: an error, and never an incomplete gradient."""

import numpy as np
import pytest

import fastgrad as fg

compiled = pytest.mark.skipif(fg.engine != "cython", reason="the readable engine keeps its notes outside the graph")


def leaf(*values):
    return fg.tensor(np.array(values), requires_grad=True)


@compiled
def test_a_hook_that_writes_to_a_tensor_still_to_be_swept():
    x = leaf(1.0, 2.0)
    y = x * 3.0
    z = y + 1.0

    def hook(g):
        nonlocal y
        with fg.enable_grad():
            y += 1.0

    z.register_hook(hook)
    with pytest.raises(fg.BackwardError, match="changed while it was being swept"):
        z.sum().backward()
    assert x.grad is None
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


@compiled
def test_a_hook_that_writes_to_its_own_tensor():
    x = leaf(1.0, 2.0)
    y = x * 3.0

    @fg.enable_grad()
    def hook(g):
        nonlocal y
        y += 1.0

    y.register_hook(hook)
    with pytest.raises(fg.BackwardError, match="changed while it was being swept"):
        (y + 1.0).sum().backward()
    assert x.grad is None


def test_a_hook_that_makes_a_leaf_of_a_constant_does_not_harm_later_sweeps():
    x, c = leaf(1.0, 2.0), fg.tensor([5.0, 7.0])
    y = x * c
    z = y * 1.0

    def hook(g):
        c.requires_grad_()

    z.register_hook(hook)
    try:
        z.sum().backward()
    except fg.BackwardError as error:
        assert "changed while it was being swept" in str(error)
    c.grad = None
    (c * 2.0).sum().backward()
    assert c.grad.tolist() == [2.0, 2.0]


def test_a_rule_that_sweeps_the_graph_it_stands_in():
    within = []

    def rule(g):
        if not within:
            within.append(True)
            other.backward()
        return g * 2.0

    double = fg.primitive(lambda x, /: x * 2.0, vjp=rule, name="double")
    x = leaf(1.0, 2.0)
    y = double(x * 3.0)
    other, total = y.sum(), (y * 1.0).sum()
    with pytest.raises(fg.GraphFreedError):
        total.backward()
    assert x.grad.tolist() == [6.0, 6.0]  # of the sweep within, which was complete


def test_an_index_that_answers_differently_when_asked_again():
    class Fickle:
        answers = 0

        def __index__(self):
            self.answers += 1
            return 0 if self.answers < 3 else 10**6

    x = leaf(1.0, 2.0, 3.0)
    try:
        y = x[Fickle()] * 5.0 + x[slice(Fickle(), 2)].sum()
    except IndexError:
        return
    y.backward()
    assert x.grad.sum().item() in (5.0 + 2.0, 5.0 + 1.0, 5.0)


def test_every_gradient_is_written_or_none():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    x.grad, y.grad = fg.tensor([1.0, 1.0]), fg.tensor([1.0, 1.0])
    z = x * y
    z.retain_grad()
    total = (z + z).sum()
    x.register_hook(lambda g: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        total.backward()
    assert x.grad.tolist() == y.grad.tolist() == [1.0, 1.0]
    assert z.grad is None
