"""Deep graphs of Values, cycles and memory."""

import gc
import subprocess
import sys
import threading
import weakref

import pytest

import fastgrad as fg
from fastgrad import micrograd
from fastgrad.micrograd import value_python


def test_a_graph_of_any_depth(Value):
    def work():
        x = Value(0.5)
        y = x
        for _ in range(100_000):
            y = y + x
        y.backward()
        found.append((y.data, x.grad))
        z = x
        for _ in range(20_000):
            z = z * x
            z._prev  # noqa: B018
        del y, z
        found.append("gone")

    found = []
    # CPython 3.13 nests deallocations of its own objects 10,000 deep, whatever the stack of the thread.
    deep = Value is value_python.Value and sys.version_info[:2] == (3, 13)
    before = threading.stack_size(2**22 if deep else 2**18)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert found == [(50000.5, 100_001), "gone"]


@pytest.mark.heavy
def test_a_million_values():
    x = micrograd.Value(1.0)
    y = x
    for _ in range(1_000_000):
        y = y + x
    y.backward()
    assert (y.data, x.grad) == (1_000_001.0, 1_000_001)


def test_a_cycle_through_a_closure_is_collected(Value):
    class Mark:
        pass

    def leak():
        a = Value(1.0)
        out = Value(2.0, (a,), "x2")

        def _backward():
            a.grad += 2 * out.grad

        out._backward = _backward
        out.mark = Mark()
        (out * out + a).backward()
        again = out * 3
        again.me = again
        again.mark = Mark()
        return weakref.ref(out.mark), weakref.ref(again.mark)

    marks = leak()
    gc.collect()
    assert [mark() for mark in marks] == [None, None]


def test_a_cycle_through_a_dict_that_was_empty_is_collected(Value):
    v = Value(1.0)
    v.notes = {}
    v.notes["me"] = v
    gone = weakref.ref(v)
    del v
    gc.collect()
    assert gone() is None


def test_values_give_their_memory_back():
    if fg.engine != "cython":
        pytest.skip("counts the compiled Value's blocks")
    code = (
        "import gc, sys\n"
        "from fastgrad.micrograd import MLP, Value, replay\n"
        "def work():\n"
        "    model = MLP(2, [4, 1])\n"
        "    y = model([Value(1.0), 2.0]) ** 2 + Value(2) ** 70 * 1.5\n"
        "    y._prev, y.label\n"
        "    y.backward()\n"
        "    y.mine = [y]\n"
        "    x = Value(0.5)\n"
        "    z = x**1.5 + x * x\n"
        "    x.program = replay(z)\n"
        "    x.program(), replay(z, [z])()\n"
        "for _ in range(50): work(), gc.collect()\n"
        "before = sys.getallocatedblocks()\n"
        "for _ in range(200): work(), gc.collect()\n"
        "print(sys.getallocatedblocks() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert abs(int(done.stdout)) < 50, done.stdout
