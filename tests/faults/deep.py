"""Builds a graph of a given kind and depth, sweeps it or not, and drops it.

A script: `deep.py KIND N sweep|drop STACK`, STACK in bytes or 0.
"""

import sys
import threading

import numpy as np

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
    """Both operands of every op are the previous result."""
    y = x
    for _ in range(n // 2):
        y = (y + y) * 0.5
    return y, 1.0


def ladder(x, n):
    """Two chains with references between them at every step."""
    a, b = x, x * 0.5
    for _ in range(n // 2):
        a, b = (a + b) * 0.5, a
    return a, None


def comb(x, n):
    """A chain in which every op has a second operand, a new op on the leaf."""
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
    """Ops without a kernel, whose operands Python objects hold. A tenth of the depth, as they are slower."""
    y = fg.broadcast_to(x, (2,))
    for _ in range(n // 10):
        y = fg.flip(y)
    return y.sum(), 2.0


def joined(x, n):
    """Ops that keep their operands in tuples."""
    y = fg.broadcast_to(x, (2,))
    for _ in range(n // 10):
        y = fg.concat([y, y])[1:3]
    return y.sum(), 2.0


def chosen(x, n):
    y = x
    for _ in range(n // 10):
        y = fg.where(True, y, 0.0)
    return y, 1.0


def ruled(x, n):
    """An op without a kernel."""
    y = x
    for _ in range(n // 10):
        y = fg.hypot(y, y * 0.0)
    return y, 1.0


def written(x, n):
    """One tensor written in place repeatedly."""
    y = x * 1.0
    for _ in range(min(n // 10, 60_000)):
        y += x * 0.0
    return y, 1.0


def written_at(x, n):
    y = fg.broadcast_to(x, (3,)).copy()
    for k in range(min(n // 10, 60_000)):
        y[k % 2] = y[2] + 0.0
    return y[2], 1.0


def written_and_read(x, n):
    """The same, with a consumer of every version."""
    y, total = x * 1.0, x * 0.0
    for _ in range(min(n // 10, 60_000)):
        total = total + (y + 0.0) * 0.0
        y += 0.0
    return y + total, 1.0


def through_numpy(x, n):
    """No graph, but arrays and tensors that hold each other's memory alternately."""
    y = fg.asarray(np.ones(3))
    for _ in range(n):
        y = fg.asarray(y.numpy())
    return (x * y).sum(), 3.0


def hooked(x, n):
    """Hooks that hold the previous result, outside the graph."""
    y = x * 1.0
    for _ in range(n // 10):
        y, before = x * 1.0, y
        y.register_hook(lambda g, held=before: None)
    return y, 1.0


KINDS = {
    f.__name__: f
    for f in (
        chain, product, two_parents, ladder, comb, fan, small_arrays, views, joined, chosen, ruled, written, written_at,
        written_and_read, by_rules, through_numpy, hooked,
    )
}  # fmt: skip


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
