"""Which instruction set the kernels use: FASTGRAD_SIMD = base, avx2 or avx512, or unset for the widest this CPU has.

Each variant of `kernels` but the baseline's lies in a folder of its own beside it. Only the chosen one is ever loaded, since
loading another could already be an illegal instruction. All give the same results, bit for bit.
"""

import os

from fastgrad.core.loops import instruction_sets

NAMES = ("base", "avx2", "avx512")
wanted = os.environ.get("FASTGRAD_SIMD", "")


def folder(core):
    """Where to look for `kernels` first."""
    if wanted and wanted not in NAMES:
        raise ImportError(f"FASTGRAD_SIMD={wanted!r} is no instruction set: use {', '.join(NAMES)}, or leave it unset")
    usable = instruction_sets()
    if wanted and wanted not in usable:
        raise ImportError(f"FASTGRAD_SIMD={wanted}: this CPU, or this build of fastgrad, has only {', '.join(usable)}")
    chosen = wanted or usable[0]
    return core if chosen == "base" else os.path.join(core, chosen)


def confirm(found):
    """Compare with what was found there: a build may lack what its CPU could run."""
    if wanted and found != wanted:
        raise ImportError(f"FASTGRAD_SIMD={wanted}: this build of fastgrad has no such kernels; it found {found}")
