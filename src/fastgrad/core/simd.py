"""Which instruction set the kernels use: FASTGRAD_SIMD = base, avx2 or avx512, or unset for the widest this CPU has.

Each variant of `kernels` but the baseline is in a folder of its own. Only the chosen one is loaded, since loading
another might execute an illegal instruction. All give the same results, bit for bit, except of matrix products.
"""

import os

from fastgrad import core
from fastgrad._lazy import lazy_module
from fastgrad.core.loops import instruction_sets
from fastgrad.core.workers import note_blas

kernels = lazy_module("fastgrad.core.kernels")  # once its folder is on the path

NAMES = ("base", "avx2", "avx512")


def chosen(wanted, usable):
    """Return the instruction set to look for; `usable` are those of this CPU and this build, the widest first."""
    if wanted and wanted not in NAMES:
        raise ImportError(f"FASTGRAD_SIMD={wanted!r} is no instruction set: use {', '.join(NAMES)}, or leave it unset")
    if wanted and wanted not in usable:
        raise ImportError(f"FASTGRAD_SIMD={wanted}: this CPU, or this build of fastgrad, has only {', '.join(usable)}")
    return wanted or usable[0]


def load(wanted):
    """Put the chosen folder first on the package's path; return the instruction set of the `kernels` found."""
    name = chosen(wanted, instruction_sets())
    if name != "base":
        core.__path__.insert(0, os.path.join(core.__path__[0], name))
    found = kernels.instruction_set
    if wanted and found != wanted:
        raise ImportError(f"FASTGRAD_SIMD={wanted}: this build of fastgrad has no such kernels, only {found}")
    return found


def blas_has_one_thread():
    """Whether NumPy's BLAS was started with one thread, or has one CPU only."""
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        if os.environ.get(name):
            return os.environ[name] == "1"
    return len(os.sched_getaffinity(0)) == 1 if hasattr(os, "sched_getaffinity") else os.cpu_count() == 1


instruction_set = load(os.environ.get("FASTGRAD_SIMD", ""))
note_blas(blas_has_one_thread())
