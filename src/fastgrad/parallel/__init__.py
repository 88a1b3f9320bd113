"""Data-parallel training: the same script on any number of processes, which average their gradients over MPI.

    ranks = fg.parallel.ranks()
    optimizer = fg.parallel.distributed(fg.optim.Adam(model.parameters()), model=model)

Under `mpiexec -n 4 python train.py` each of four processes trains on its part of every batch; under `python train.py`
the same lines do nothing, and MPI is not needed.
"""

from fastgrad.parallel.checkpoint import Checkpoint
from fastgrad.parallel.normalization import synchronize_batch_norm
from fastgrad.parallel.optimizer import Distributed, distributed
from fastgrad.parallel.ranks import Ranks, ranks

__all__ = ["Checkpoint", "Distributed", "Ranks", "distributed", "ranks", "synchronize_batch_norm"]
