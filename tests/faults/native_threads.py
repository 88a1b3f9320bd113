"""Native threads of kernels, and what happens to their process: prints what a test expects."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np

import fastgrad as fg

X = np.random.default_rng(0).normal(size=300_000)


def work(x=X):
    return fg.value_and_grad(lambda x: (fg.tanh(x) * fg.sigmoid(x) + fg.exp(-x * x)).sum())(x)


def same(found, expected):
    return bool(found[0] == expected[0] and np.array_equal(found[1], expected[1]))


def child_of_fork(expected):
    """The child has no workers; it starts its own, and so does its child."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            before = fg._engine.started_threads()
            ok = same(work(), expected)
            print("child", before, ok, fg._engine.started_threads(), flush=True)
            grandchild = os.fork()
            if grandchild == 0:
                os._exit(0 if same(work(), expected) else 1)
            code = os.waitpid(grandchild, 0)[1]
        finally:
            os._exit(code)
    print("status", os.waitpid(pid, 0)[1], flush=True)  # the next child would print what is still in the buffer
    print("parent", same(work(), expected), flush=True)


def fork(expected):
    child_of_fork(expected)


def fork_beside_threads(expected):
    """Forks while other Python threads run kernels."""
    end = threading.Event()

    def busy():
        while not end.is_set():
            work()

    threads = [threading.Thread(target=busy) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        child_of_fork(expected)
    end.set()
    for thread in threads:
        thread.join()


def interrupt(expected):
    """SIGINT during kernels goes to Python, and the pool works afterwards."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell ignores it
    kill = f"import os, time; time.sleep(0.5); os.kill({os.getpid()}, {int(signal.SIGINT)})"
    sender = subprocess.Popen([sys.executable, "-c", kill])
    large = np.tile(X, 10)
    try:
        while True:
            fg.exp(large)
    except KeyboardInterrupt:
        print("interrupted", same(work(), expected))
    sender.wait()


def python_threads(expected):
    results = []
    threads = [threading.Thread(target=lambda: results.append(same(work(), expected))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(results.count(True))


def inside_a_rule(expected):
    """A user's rule runs kernels in the middle of a sweep."""

    @fg.primitive(vjp=lambda g, x: g * fg.exp(x))
    def grow(x):
        return np.exp(x)

    gradient = fg.grad(lambda x: (fg.tanh(grow(x)) * x).sum())
    found = gradient(X)
    fg.set_num_threads(1)
    print(np.array_equal(found, gradient(X)))


def exit_with_daemon(expected):
    """The interpreter ends while a daemon thread runs kernels."""

    def busy():
        while True:
            work()

    threading.Thread(target=busy, daemon=True).start()
    time.sleep(0.2)
    print("end", flush=True)


def numbers(expected):
    """The number of threads changes between calls, and a pool of many is left idle."""
    found = []
    for n in (1, 7, 2, 16, 3):
        fg.set_num_threads(n)
        found.append(same(work(), expected))
    print(found.count(True), fg._engine.started_threads())


fg.set_num_threads(1)
expected = work()
fg.set_num_threads(3)
assert same(work(), expected)
globals()[sys.argv[1]](expected)
