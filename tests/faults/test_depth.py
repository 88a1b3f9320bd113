"""Graphs of a million ops: built, swept, dropped without a sweep, in a thread with a small stack."""

import sys

import pytest

import fastgrad as fg
from tests.faults.child import run
from tests.faults.deep import KINDS

# A node of the pure-Python engine is a dozen Python objects, so its million takes minutes and gigabytes.
DEPTH = 1_000_000 if fg.engine == "cython" else 30_000
# CPython 3.13 nests deallocations of its own objects 10,000 deep, whatever the stack of the thread: a plain linked list
# of that length crashes there in less than 1 MiB.
SMALL_STACK = 2**20 if fg.engine == "python" and sys.version_info[:2] == (3, 13) else 2**18


@pytest.mark.parametrize("what", ["sweep", "drop"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_deep_graph_comes_and_goes_on_a_small_stack(kind, what):
    assert run("deep.py", kind, DEPTH, what, SMALL_STACK) == "ok\n"


@pytest.mark.heavy
@pytest.mark.skipif(fg.engine == "cython", reason="not heavy there")
@pytest.mark.parametrize("what", ["sweep", "drop"])
@pytest.mark.parametrize("kind", ["chain", "two_parents", "comb"])
def test_a_million_ops_on_the_readable_engine(kind, what):
    assert run("deep.py", kind, 1_000_000, what, SMALL_STACK, timeout=1200) == "ok\n"


def test_a_deep_graph_survives_a_recursion_limit():
    before = sys.getrecursionlimit()
    x = fg.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(5000):
        y = y * 1.0
    try:
        sys.setrecursionlimit(200)
        y.backward()
    finally:
        sys.setrecursionlimit(before)
    assert x.grad.item() == 1.0


def test_the_second_order_of_a_deep_graph_is_swept_too():
    x = fg.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(2000):
        y = y * x
    (first,) = fg.gradients(y, [x], create_graph=True)
    (second,) = fg.gradients(first, [x])
    assert first.item() == 2001.0
    assert second.item() == 2001.0 * 2000.0
