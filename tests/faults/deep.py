"""Builds a graph of a given kind and depth, sweeps it or not, and lets it go.

A script: `deep.py KIND N sweep|drop STACK`, STACK in bytes or 0.
"""

import sys
import threading

import fastgrad as fg


def chain(x, n):
    y = x
    for _ in range(n):
        y = y + 1.0
    return y, 1.0


def product(x, n):
    y = x
    for _ in range(n):
        y = y * 1.0
    return y, 1.0


def two_parents(x, n):
    """Both operands of every op are the op before."""
    y = x
    for _ in range(n // 2):
        y = (y + y) * 0.5
    return y, 1.0


def ladder(x, n):
    """Two chains that hold each other at every rung."""
    a, b = x, x * 0.5
    for _ in range(n // 2):
        a, b = (a + b) * 0.5, a
    return a, None


def comb(x, n):
    """A chain whose every link also holds a fresh op on the leaf."""
    y = x
    for _ in range(n // 2):
        y = y + x * 0.0
    return y, 1.0


def fan(x, n):
    """Many ops on one leaf, held together by one tree of sums."""
    row = [x * 1.0 for _ in range(n // 2)]
    while len(row) > 1:
        row = [a + b for a, b in zip(row[::2], row[1::2])] + row[len(row) & ~1 :]
    return row[0], float(n // 2)


def small_arrays(x, n):
    """The same chain with values that do not fit into the tensor itself."""
    y = fg.broadcast_to(x, (40,))
    for _ in range(n):
        y = y + 1.0
    return y.sum(), 40.0


def views(x, n):
    """Views of views: each holds the one before it, in memory and in the graph."""
    y = fg.broadcast_to(x, (2, 3))
    for _ in range(n):
        y = y.T
    return y.sum(), 6.0


def by_rules(x, n):
    """Ops without a kernel: what they came from hangs on Python objects. A tenth of the depth, they are slower."""
    y = fg.broadcast_to(x, (2,))
    for _ in range(n // 10):
        y = fg.flip(y)
    return y.sum(), 2.0


KINDS = {f.__name__: f for f in (chain, product, two_parents, ladder, comb, fan, small_arrays, views, by_rules)}


def work(kind, n, sweep):
    x = fg.tensor(1.0, requires_grad=True)
    y, expected = KINDS[kind](x, n)
    if sweep:
        y.backward()
        if expected is not None:
            assert x.grad.item() == expected, x.grad.item()
    del y
    z = x * 3.0
    x.grad = None
    z.backward()
    assert x.grad.item() == 3.0


def main(kind, n, what, stack):
    failures = []

    def guarded():
        try:
            work(kind, int(n), what == "sweep")
        except BaseException as error:
            failures.append(error)

    if int(stack):
        threading.stack_size(int(stack))
    thread = threading.Thread(target=guarded)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    print("ok")


if __name__ == "__main__":
    main(*sys.argv[1:])
