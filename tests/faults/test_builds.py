"""Build options: builds without pools for sanitizers, and targets that are rejected."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.micrograd import Value

if fg.engine != "cython":
    pytest.skip("the pure-Python engine is not built", allow_module_level=True)

from fastgrad import core
from fastgrad.core import value

SWITCHES = core.build_switches()
KEPT = SWITCHES["pools"]


def blocks():
    for n in (2, 100, 100_000):
        x = fg.tensor(np.ones(n), requires_grad=True)
        (x * x).sum().backward()


def tensors():
    x = fg.tensor(1.0, requires_grad=True)
    (x * 2.0 + x).backward()


def views_of_foreign_memory():
    fg.asarray(np.ones(5))[1:].numpy()


def values():
    x = Value(2.0)
    (x * x + x**3).backward()


# How each thing that is kept for reuse is made and dropped, and how its bytes are given back.
POOLS = [
    (blocks, core._clear_blocks), (tensors, core.clear_pool), (views_of_foreign_memory, core._clear_blocks),
    (values, value.clear_pool), (values, fg.clear_cache),
]  # fmt: skip


@pytest.mark.parametrize(("work", "give_back"), POOLS, ids=lambda f: f.__name__)
def test_dropped_memory_is_kept_only_where_the_build_has_pools(work, give_back):
    fg.clear_cache()
    work()
    assert (give_back() > 0) == KEPT
    assert give_back() == 0
    work()


def test_a_bound_for_a_cache_that_the_build_does_not_have_changes_nothing():
    before = fg.set_cache_limit(1 << 20)
    try:
        blocks()
        assert fg.cache_info()["limit"] == (1 << 20 if KEPT else 0)
        assert (fg.cache_info()["bytes"] > 0) == KEPT
    finally:
        fg.set_cache_limit(before)


def test_a_sanitizer_has_no_pools_before_it():
    assert not (SWITCHES["address_sanitizer"] and KEPT), "build with FASTGRAD_NO_POOLS=1"


@pytest.mark.skipif(not SWITCHES["address_sanitizer"], reason="needs a build with FASTGRAD_SANITIZE=address")
@pytest.mark.parametrize("fault", ["none", "dropped", "behind", "far behind"])
def test_the_sanitizer_sees_faults_in_blocks(fault):
    """A pool, or the slack of a size class, would hide them."""
    done = subprocess.run([sys.executable, Path(__file__).parent / "overrun.py", fault], capture_output=True, text=True)
    assert (done.returncode == 0) == (fault == "none"), done.stderr
    assert ("AddressSanitizer" in done.stderr) == (fault != "none"), done.stderr


# Targets

SWITCHES_SOURCE = Path(fg.__file__).parent / "core" / "build.pxd"
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def preprocessed(source, *flags):
    """Preprocess `source`; return the compiler's return code and its messages."""
    command = [COMPILER, "-E", "-ffreestanding", "-xc", *flags, "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True)
    return done.returncode, done.stderr


@pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")
@pytest.mark.skipif(not SWITCHES_SOURCE.exists(), reason="the sources are not part of an installed package")
def test_a_target_with_32_bit_pointers_is_refused_by_name():
    (guard,) = re.findall(r'"""(.*?)"""', SWITCHES_SOURCE.read_text(), re.DOTALL)
    source = "#include <stdint.h>\n" + guard
    for narrow in ("-m32", "-mx32"):
        if preprocessed("#include <stdint.h>\n", narrow)[0] == 0:
            code, complaints = preprocessed(source, narrow)
            assert code != 0
            assert "64-bit" in complaints and "FASTGRAD_PURE=1" in complaints
    code, complaints = preprocessed(source)
    assert code == 0, complaints


@pytest.mark.skipif(not SWITCHES_SOURCE.exists(), reason="the sources are not part of an installed package")
@pytest.mark.parametrize("module", ["layout", "storage", "tensor", "value"])
def test_every_module_with_pointers_in_its_slots_is_guarded(module):
    assert "from fastgrad.core.build cimport" in (SWITCHES_SOURCE.parent / f"{module}.pyx").read_text()
