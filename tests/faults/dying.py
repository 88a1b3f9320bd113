"""Python code that runs inside deallocations: in several threads, across a fork, for a long time.

A script: `dying.py STORY KIND`, KIND "tensor" or "value". Prints "ok". The test kills a script that hangs.
"""

import itertools
import os
import sys
import threading
import weakref

import numpy as np

import fastgrad as fg
from fastgrad import core
from fastgrad.micrograd.engine import Value


class Canary:
    """An object whose deallocation can be observed."""


class AtEnd:
    def __init__(self, run):
        self.run = run

    def __del__(self):
        self.run()


def tensor_holding(thing):
    """Return the root of a graph with an interior node that holds `thing`."""
    y = fg.tensor(np.ones(50), requires_grad=True) * 2.0
    y.register_hook(lambda g, held=thing: None)
    return (y * 3.0).exp()


def value_holding(thing):
    y = Value(1.0) * 2.0
    y.held = thing
    return (y * 3.0).exp()


def with_canary(holding):
    canary = Canary()
    return holding(canary), weakref.ref(canary)


def comes_and_goes(holding):
    """Return whether an object that is dropped now is released at once."""
    root, seen = with_canary(holding)
    assert seen() is not None
    del root
    return seen() is None


def blocks():
    core.clear_cache()
    return core.cache_info()["blocks"], core.debug_counts()["tensors"]


def waits_and_drops(holding, entered, go, log):
    entered.set()
    log.append(comes_and_goes(holding))
    assert go.wait(60)
    log.append(comes_and_goes(holding))


def in_every_order(holding):
    """Three threads are inside a `__del__` at once and leave in every order; whatever dies meanwhile is released."""
    before = blocks()
    for order in itertools.permutations(range(3)):
        in_this_order(holding, order)
    assert blocks() == before


def in_this_order(holding, order):
    entered, go = [threading.Event() for _ in order], [threading.Event() for _ in order]
    log, roots, canaries = [], [], []
    for k in range(3):
        wait = AtEnd(lambda k=k: waits_and_drops(holding, entered[k], go[k], log))
        root, canary = with_canary(lambda c, wait=wait: holding((c, wait)))
        roots.append([root])
        canaries.append(canary)
        del root, wait
    threads = [threading.Thread(target=held.clear) for held in roots]
    for thread in threads:
        thread.start()
    for event in entered:
        assert event.wait(60)
    for k in order:
        assert comes_and_goes(holding)
        bystander = threading.Thread(target=lambda: log.append(comes_and_goes(holding)))
        bystander.start()
        bystander.join()
        go[k].set()
        threads[k].join()
        assert canaries[k]() is None
        assert comes_and_goes(holding)
    assert log == [True] * 9, log


def thread_ends_meanwhile(holding):
    """A thread drops objects and ends while another one is inside a `__del__`: all of them are released."""
    entered, go = threading.Event(), threading.Event()
    held = [holding(AtEnd(lambda: (entered.set(), go.wait(60))))]
    slow = threading.Thread(target=held.clear)
    slow.start()
    assert entered.wait(60)
    for _ in range(20):
        root, canary = with_canary(holding)
        thread = threading.Thread(target=[root].clear)
        del root
        thread.start()
        thread.join()
        del thread
        assert canary() is None
    go.set()
    slow.join()


def long_program(holding):
    """A whole program runs inside a `__del__` and releases its memory."""
    found = []

    def program():
        first = None
        for _ in range(30):
            x = fg.tensor(np.ones(3000), requires_grad=True)
            ((x * 2.0).exp() * 3.0).sum().backward()
            a = Value(2.0)
            (a * a + a).tanh().backward()
            found.append(comes_and_goes(tensor_holding) and comes_and_goes(value_holding))
            del x, a
            first = first or blocks()
        found.append(blocks() == first)

    root = holding(AtEnd(program))
    del root
    assert found == [True] * 31, found


def fork_inside(holding):
    """A child forked inside a `__del__` frees memory there and afterwards."""
    children = []

    def fork():
        pid = os.fork()
        if pid:
            children.append(pid)
            return
        status = 1
        try:
            for _ in range(3):
                assert comes_and_goes(holding)
            long_program(holding)
            in_every_order(holding)
            status = 0
        finally:
            os._exit(status)

    root = holding(AtEnd(fork))
    del root
    assert os.waitpid(children[0], 0)[1] == 0


def fork_beside(holding):
    """A child forked by a thread other than the one inside a `__del__`."""
    entered, go = threading.Event(), threading.Event()
    held = [holding(AtEnd(lambda: (entered.set(), go.wait(60))))]
    slow = threading.Thread(target=held.clear)
    slow.start()
    assert entered.wait(60)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            assert comes_and_goes(holding)
            long_program(holding)
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    go.set()
    slow.join()


def one_below_the_other(holding):
    """Nested `__del__` methods, each dropping an object with another one, on a small stack."""
    ended = []

    def build(n):
        root = holding(None)
        for _ in range(n):
            root = holding(AtEnd(lambda held=[root]: (held.clear(), ended.append(1))))
        return root

    depth = 30_000
    held = [build(depth)]
    threading.stack_size(2**18)
    thread = threading.Thread(target=held.clear)
    thread.start()
    thread.join()
    assert len(ended) == depth
    assert comes_and_goes(holding)


def greenlets(holding):
    """Greenlets of one thread leave their deallocations in a different order from that in which they entered."""
    import greenlet

    main = greenlet.getcurrent()
    for order in itertools.permutations(range(3)):
        log = []

        def work(k, log=log):
            root, canary = with_canary(lambda c: holding((c, AtEnd(lambda: (main.switch(), log.append(k))))))
            del root
            assert canary() is None
            assert comes_and_goes(holding)

        running = [greenlet.greenlet(work) for _ in order]
        for k, g in enumerate(running):
            g.switch(k)
            assert comes_and_goes(holding)
        for k in order:
            running[k].switch()
            assert comes_and_goes(holding)
        assert log == list(order) and all(g.dead for g in running)


if __name__ == "__main__":
    story, kind = sys.argv[1:]
    globals()[story](tensor_holding if kind == "tensor" else value_holding)
    print("ok")
