"""Fails the k-th allocation of a piece of work, for every k. A script: `nomemory.py WORK one|all`.

Each k runs in a forked child, so that the pools are as cold as on the first call and a crash is told with its k.
`one` fails a single allocation, `all` every one from the k-th on. The work must end in MemoryError or in the
right result, and right after it the same work must succeed. The works are of ops that have kernels: NumPy's own
reductions and its indexing with arrays turn a failed allocation into a SystemError.
"""

import json
import os
import sys
import traceback

import numpy as np

import fastgrad as fg

A = np.linspace(0.1, 0.9, 12).reshape(3, 4)
W = np.linspace(-1.0, 1.0, 20).reshape(4, 5)
ONE_HOT = np.eye(5)[[0, 3, 1]]


def leaves(*arrays):
    return [fg.tensor(a, requires_grad=True) for a in arrays]


def swept(y, *xs):
    y.backward()
    return [y.item(), *(x.grad.tolist() for x in xs)]


def scalars():
    x, y = leaves(3.0, -4.0)
    return swept((x + y.sigmoid()) / (x.sigmoid() + (x + y) ** 2), x, y)


def elementwise():
    (x,) = leaves(A)
    return swept((x.tanh() * x.sigmoid() + (-x * x).exp() + x.log().abs().sqrt()).sum(), x)


def broadcasting():
    x, y = leaves(A, A[0])
    return swept((x * y - x / (y + 2.0)).sum(), x, y)


def reductions():
    (x,) = leaves(A)
    return swept((x.mean(axis=0) * x.max(axis=0) + x.sum(axis=0) - x.min()).sum(), x)


def network():
    x, w = leaves(A, W)
    return swept((((x @ w).relu() - ONE_HOT) ** 2).mean(), x, w)


def views():
    (x,) = leaves(A)
    return swept((x.reshape((4, 3)).T[1:] * x[:2, :1] + x[0, 1]).sum(), x)


def second_order():
    (x,) = leaves(A)
    (first,) = fg.gradients((x.tanh() * x).sum(), [x], create_graph=True)
    (second,) = fg.gradients((first * first).sum(), [x])
    return [first.tolist(), second.tolist()]


def large():
    (x,) = leaves(np.linspace(0.0, 1.0, 5000))
    y = ((x - x.mean()) ** 2 / (1.0 + x.abs())).mean()
    y.backward()
    return [y.item(), x.grad[::1000].tolist()]


def no_graph():
    (x,) = leaves(A)
    with fg.no_grad():
        return (x * 2.0 + x.exp()).tolist()


WORKS = {
    f.__name__: f
    for f in (scalars, elementwise, broadcasting, reductions, network, views, second_order, large, no_graph)
}
RIGHT, REFUSED = 0, 10
ENOUGH = 20_000


def in_a_child(function, *arguments):
    """Call in a fork. Returns its exit code: negative for a signal."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(function(*arguments))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def attempt(work, expected, k, how):
    """What becomes of `work` when allocation `k` fails."""
    import _testcapi  # not in every Python; the names above are wanted there too

    outcome = RIGHT
    _testcapi.set_nomemory(k, k + 1 if how == "one" else 0)
    try:
        result = work()
    except MemoryError:
        result, outcome = expected, REFUSED
    finally:
        _testcapi.remove_mem_hooks()
    if result != expected:
        raise AssertionError(f"allocation {k} failed and the result was {result}")
    again = work()
    if again != expected:
        raise AssertionError(f"after allocation {k} had failed the next result was {again}")
    return outcome


def expect(work):
    """The right result, found in a child, so that this process never runs the work and its pools stay cold."""
    read, write = os.pipe()

    def tell():
        os.write(write, json.dumps(work()).encode())
        return RIGHT

    assert in_a_child(tell) == RIGHT
    os.close(write)
    with os.fdopen(read) as stream:
        return json.loads(stream.read())


def main(name, how):
    work = WORKS[name]
    expected = expect(work)
    refused, unharmed, k = 0, 0, 0
    # A cache may shrug off a failure, so the end is reached only when many in a row did no harm.
    while unharmed < 40 and k < ENOUGH:
        code = in_a_child(attempt, work, expected, k, how)
        if code not in (RIGHT, REFUSED):
            raise SystemExit(f"{name}: failing allocation {k} ({how}) ended with {code}")
        refused += code == REFUSED
        unharmed = 0 if code == REFUSED else unharmed + 1
        k += 1
    print(refused, k)


if __name__ == "__main__":
    main(*sys.argv[1:])
