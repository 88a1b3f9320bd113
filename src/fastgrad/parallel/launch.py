"""How this process was started: alone, or by an MPI launcher as one of several ranks."""

import os
import sys

from fastgrad.parallel import messages

# Number of ranks, as set by: Hydra (MPICH, Intel MPI), Open MPI, MVAPICH, Slurm's srun.
_SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")


def launched():
    """Return the number of ranks that a launcher has started, or None without one."""
    for name in _SIZES:
        if os.environ.get(name, "").isdigit():
            return int(os.environ[name])
    return None


def world():
    """Return the communicator of all ranks, or None for a process that is alone."""
    n = launched()
    if n is None and "mpi4py.MPI" not in sys.modules:
        return None  # without a launcher, importing MPI would take 50 ms and fail on some login nodes
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # RuntimeError: no MPI library is found
        if n is None or n == 1:
            return None
        raise messages.no_mpi4py(n, error) from error
    if n is not None and n > 1 and MPI.COMM_WORLD.Get_size() == 1:
        raise messages.other_mpi(n, MPI.Get_library_version().strip().splitlines()[0])
    return MPI.COMM_WORLD
