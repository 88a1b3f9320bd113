"""Fails the k-th allocation of a piece of work, for every k. A script: `nomemory.py WORK one|all`.

Each k runs in a forked child, so that the pools are as cold as on the first call and a crash is reported with its k.
`one` fails a single allocation, `all` every one from the k-th on. The work must raise MemoryError or return the
right result, with every `.grad` written or none, and the same work must succeed immediately afterwards; no block of
memory may outlive it, nor a tensor in a debug build. Works that run Python code may also raise SystemError, because
NumPy's reductions and indexing, and CPython's tracebacks, turn a failed allocation into one.
"""

import gc
import json
import os
import sys
import traceback
import types

from works import BY_KERNELS, ENOUGH, IN_PYTHON, WORKS

from fastgrad._engine import _chosen as core

RIGHT, REFUSED = 0, 10
SPARE = []  # references


def in_a_child(function, *arguments):
    """Call `function` in a forked child and return its exit code, which is negative for a signal."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(function(*arguments))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def inner_code(code):
    """Yield the code objects of all functions, lambdas and generators nested in `code`."""
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from inner_code(constant)


def give_code_references_to_lose():
    """CPython from 3.12 on releases a code object twice if the allocation of its function fails (MAKE_FUNCTION, for a
    lambda or a generator expression), and crashes when the next such function is called. Spare references prevent
    that crash, and hide no other one."""
    functions = [f for f in gc.get_objects() if isinstance(f, types.FunctionType)]
    SPARE.extend([code] * 1000 for code in {code for f in functions for code in inner_code(f.__code__)})


def alive():
    """Return the number of blocks of memory in use and, in a debug build, of live tensors, else 0."""
    gc.collect()
    core.clear_cache()
    return core.cache_info()["blocks"], core.debug_counts()["tensors"] or 0


def attempt(work, expected, k, how):
    """Run `work` with allocation `k` failing, and once more without; return RIGHT or REFUSED."""
    import _testcapi  # not in every Python; the names above are wanted there too

    outcome = RIGHT
    refusals = (MemoryError, SystemError) if work in IN_PYTHON else MemoryError
    before = alive()
    _testcapi.set_nomemory(k, k + 1 if how == "one" else 0)
    try:
        result = work()
    except refusals:
        result, outcome = expected, REFUSED
    finally:
        _testcapi.remove_mem_hooks()
    if result != expected:
        raise AssertionError(f"allocation {k} failed and the result was {result}")
    again = work()
    if again != expected:
        raise AssertionError(f"after allocation {k} had failed the next result was {again}")
    if work in BY_KERNELS and alive() != before:  # CPython loses references when the memory for a frame is missing
        raise AssertionError(f"after allocation {k} had failed, {alive()} blocks and tensors were alive, not {before}")
    return outcome


def expect(work):
    """Return the right result, computed in a child so that the pools of this process stay cold."""
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
    if work in IN_PYTHON:
        work()  # NumPy and the import system do lazily what they cannot do when memory fails
        core.clear_cache()
    give_code_references_to_lose()
    expected = expect(work)
    # A collection in a child then visits what the child made, and does not copy the pages of everything imported:
    # 585 failures of third_order, 22.4 s before, 6.7 s since, with the same outcomes.
    gc.collect()
    gc.freeze()
    refused, unharmed, k = 0, 0, 0  # a cache may shrug off a failure: the end is when many in a row did no harm
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
