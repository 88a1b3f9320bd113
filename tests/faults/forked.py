"""Forks while another thread is in the middle of a sweep; prints the child's result."""

import os
import sys
import threading
import time

import numpy as np

import fastgrad as fg


def fork_while(busy, inside, child):
    """Run `child` in a fork made while another thread waits for `go` inside `busy`."""
    thread = threading.Thread(target=busy)
    thread.start()
    assert inside.wait(60)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            child()
            code = 0
        finally:
            sys.stdout.flush()
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    go.set()
    thread.join()
    print("status", status)


inside, go = threading.Event(), threading.Event()


def waits(g):
    inside.set()
    assert go.wait(60)


def sweep(kind):
    """Another thread's sweep waits in a hook; the child sweeps tensors of the same graph."""
    dtype = complex if kind == "complex" else float
    shared = fg.tensor(np.ones(20_000), dtype=dtype, requires_grad=True)
    middle = shared * 2.0
    hooked = middle * 1.0
    hooked.register_hook(waits)

    def busy():
        ((hooked * 3.0 + shared) * 1.0).real.sum().backward(create_graph=kind == "create_graph")

    def child():
        start = time.monotonic()
        if kind == "gradients":
            (g,) = fg.gradients((middle * 5.0).sum(), [shared])
        else:
            (middle * 5.0).real.sum().backward(create_graph=kind == "create_graph")
            g = shared.grad
        print("child", g.detach().numpy().real[:2].tolist(), time.monotonic() - start < 5)

    fork_while(busy, inside, child)
    print("parent", shared.grad.detach().numpy().real[:2].tolist())


def own(kind):
    """The thread forks inside a hook of its own sweep, and both processes finish that sweep."""
    shared = fg.tensor(np.ones(20_000), requires_grad=True)
    hooked = shared * 2.0
    pids = []
    hooked.register_hook(lambda g: pids.append(os.fork()))
    (hooked * 3.0 + shared).sum().backward()
    if pids == [0]:
        os._exit(int(shared.grad.numpy()[19_999]))
    print("parent", shared.grad.numpy()[:2].tolist())
    print("child", os.waitstatus_to_exitcode(os.waitpid(pids[0], 0)[1]))


{"own": own}.get(sys.argv[1], sweep)(sys.argv[1])
