"""Threads of tests: several at once, how often they take turns, and whether one runs while another computes."""

import contextlib
import sys
import threading
import time

import fastgrad as fg


@contextlib.contextmanager
def switching_every(seconds):
    """Set the interval after which a thread that computes gives up the GIL for one that waits for it."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def in_threads(n, work):
    """Run `work(k)` in `n` threads that start together, and raise the first exception of any of them."""
    start, failures, results = threading.Barrier(n), [], [None] * n

    def guarded(k):
        try:
            start.wait()
            results[k] = work(k)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(k,)) for k in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return results


class Disturbed:
    """Another thread calls `act`, again and again, while the `with` block runs."""

    def __init__(self, act):
        self.act, self.stop, self.errors = act, threading.Event(), []

    def __enter__(self):
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            while not self.stop.is_set():
                self.act()
                time.sleep(1e-4)  # otherwise those who wait for a write hardly ever find a moment without one
        except Exception as error:
            self.errors.append(error)

    def __exit__(self, *exc):
        self.stop.set()
        self.thread.join()
        assert not self.errors


def attempts(n, work):
    """Results of `work`, without those calls that were refused."""
    found = []
    for _ in range(n):
        try:
            found.append(work())
        except (fg.MutationError, fg.BackwardError):
            continue
    return found


def assert_leaves_gil(kernel, attempts=50):
    """Assert that another thread runs before `kernel()` returns, in one of several attempts."""
    ran = []

    def other(go):
        go.acquire()
        ran.append(True)

    with switching_every(1000.0):  # a thread keeps the GIL until it waits, or a kernel gives it up
        for _ in range(attempts):
            go = threading.Lock()
            go.acquire()
            thread = threading.Thread(target=other, args=(go,))
            thread.start()
            go.release()
            kernel()
            seen = bool(ran)
            thread.join()
            if seen:
                return
            ran.clear()
    raise AssertionError("the kernel kept the GIL")
