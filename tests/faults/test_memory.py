"""Memory that runs out at any allocation: MemoryError, no crash, no wrong result, and a usable engine afterwards."""

import importlib.util
import os
import re
from pathlib import Path

import numpy as np
import pytest

import fastgrad as fg
from tests.faults.child import run
from tests.faults.works import BY_KERNELS, ENOUGH, IN_CONTEXTS, WORKS

compiled = pytest.mark.skipif(
    fg.engine != "cython" or not hasattr(os, "fork") or importlib.util.find_spec("_testcapi") is None,
    reason="needs the compiled engine, fork and _testcapi",
)


@compiled
@pytest.mark.slow
@pytest.mark.parametrize("how", ["one", "all"])
@pytest.mark.parametrize("work", WORKS)
def test_any_allocation_may_fail(work, how):
    if how == "all" and (WORKS[work] not in BY_KERNELS or WORKS[work] in IN_CONTEXTS):
        pytest.skip("CPython (3.11 to 3.13 at least) crashes in ContextVar.set() when all memory is gone")
    refused, tried = map(int, run("nomemory.py", work, how).split())
    assert refused > 10, "no allocation of the engine's was seen"
    assert tried < ENOUGH, "the work never came through"


def test_the_core_has_no_list_comprehensions():
    """Cython 3.3 releases the item twice if the list cannot grow, which crashes later. Loops with `append` are safe."""
    core = Path(fg.__file__).parent / "core"
    if not (core / "tensor.pyx").exists():
        pytest.skip("the sources are not part of an installed package")
    for path in [*sorted(core.rglob("*.px[id]")), core / "tensor.pyx"]:
        code = re.sub(r"#.*|\"\"\"[\s\S]*?\"\"\"", "", path.read_text())
        assert not re.search(r"\[.* for \w+(?:, \w+)* in .*\]", code), path.name


def test_handlers_of_the_core_do_not_call_something_and_return():
    """Cython releases the traceback of the error without a check on that way, and ours (core/tracebacks.pxd) has none
    if the error came from C. A handler without a call, or one that is left at its end, is safe."""
    core = Path(fg.__file__).parent / "core"
    if not (core / "tensor.pyx").exists():
        pytest.skip("the sources are not part of an installed package")
    handler = re.compile(r"^( *)except\b[^\n]*:\n((?:\1 +[^\n]*\n|\n)+)", re.MULTILINE)
    found = 0
    for path in [*sorted(core.rglob("*.px[id]")), core / "tensor.pyx"]:
        for match in handler.finditer(path.read_text()):
            found += 1
            assert "(" not in match[2] or not re.search(r"\breturn\b", match[2]), f"{path.name}: {match[0]}"
    assert found > 5


@pytest.mark.parametrize("shape", [(2**40, 2**40), (2**62, 4), (2**31, 2**31, 2**31), (2**63 - 1,)])
def test_a_result_too_large_to_address_is_refused(shape):
    x = fg.tensor(1.0, requires_grad=True)
    with pytest.raises((ValueError, MemoryError, OverflowError)):
        (fg.broadcast_to(x, shape) * 2.0).sum()
    assert (x * 2.0).item() == 2.0


def test_a_result_too_large_for_the_machine_is_a_memory_error():
    column, row = fg.tensor(np.ones((2**24, 1)), requires_grad=True), fg.tensor(np.ones((1, 2**24)))
    with pytest.raises(MemoryError):
        column + row
    assert column.grad is None
    (column.sum()).backward()
    assert column.grad.shape == column.shape


def test_graphs_that_come_and_go_leave_no_memory_behind():
    resource = pytest.importorskip("resource")
    x, w = fg.tensor(np.ones((16, 16)), requires_grad=True), fg.tensor(np.ones((16, 16)), requires_grad=True)

    def rounds(n):
        for _ in range(n):
            y = ((x @ w).tanh() * x).sum()
            y.backward()
            x.grad = w.grad = None
            (x * w).sum()

    rounds(200)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rounds(2000)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1 if os.uname().sysname == "Darwin" else 1024
    assert (after - before) * unit < 4_000_000  # 2000 leaked rounds would hold 20 MB
