"""Which instruction set the kernels use: FASTGRAD_SIMD = base, avx2 or avx512, or unset for the widest this CPU has.

Each variant of `kernels` but the baseline's lies in a folder of its own. Only the chosen one is ever loaded, since
loading another could already be an illegal instruction. All give the same results, bit for bit.
"""

import os

from fastgrad import core
from fastgrad.core.loops import instruction_sets

NAMES = ("base", "avx2", "avx512")


def chosen(wanted, usable):
    """The instruction set to look for, of those that this CPU and this build have, the widest first."""
    if wanted and wanted not in NAMES:
        raise ImportError(f"FASTGRAD_SIMD={wanted!r} is no instruction set: use {', '.join(NAMES)}, or leave it unset")
    if wanted and wanted not in usable:
        raise ImportError(f"FASTGRAD_SIMD={wanted}: this CPU, or this build of fastgrad, has only {', '.join(usable)}")
    return wanted or usable[0]


def blas_has_one_thread():
    """Whether NumPy's BLAS was told at its start to use one thread, or sees one CPU only."""
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        if os.environ.get(name):
            return os.environ[name] == "1"
    return len(os.sched_getaffinity(0)) == 1 if hasattr(os, "sched_getaffinity") else os.cpu_count() == 1


_wanted = os.environ.get("FASTGRAD_SIMD", "")
_name = chosen(_wanted, instruction_sets())
if _name != "base":
    core.__path__.insert(0, os.path.join(core.__path__[0], _name))  # so that `kernels` is found there first

from fastgrad.core.kernels import instruction_set  # noqa: E402

if _wanted and instruction_set != _wanted:
    raise ImportError(f"FASTGRAD_SIMD={_wanted}: this build of fastgrad has no such kernels, only {instruction_set}")
