"""The processes of a run: their number, this one's share of a batch, and waiting for one another without hanging."""

from __future__ import annotations

import os
import pickle
import time
from typing import Any

import numpy as np

from fastgrad import _tree
from fastgrad._engine import Tensor
from fastgrad.parallel import failures, launch, messages

LOOK_AFTER, LOOK_EVERY = 0.02, 0.01  # seconds of waiting before, and between, looking for failures of other ranks
SLEEP_AFTER = 1.0  # seconds of waiting after which the CPU is left to others
GRACE = 2.0  # seconds that a rank may still wait after another one has ended

_yield_core = getattr(os, "sched_yield", lambda: time.sleep(0))  # not on Windows


class Ranks:
    """The processes of a run, made by `ranks`.

    Attributes
    ----------
    rank : int
        The number of this process, from 0.
    size : int
        How many there are.
    share : float
        The part of the present batch that this rank has, the weight of its gradients in their average. It is `1 / size`
        unless batches of `fg.data.batches(..., ranks=ranks)` set it.
    timeout : float
        Seconds after which a rank that waits for the others raises.
    """

    def __init__(self, comm: Any) -> None:
        self.comm = comm
        self.rank: int = 0 if comm is None else comm.Get_rank()
        self.size: int = 1 if comm is None else comm.Get_size()
        self.share = 1 / self.size
        self.timeout = 600.0
        self._ended: dict[int, float] = {}  # ranks that have reached their end, and when they said so
        if self.size > 1:
            # A communicator each: all ranks use one in the same order, which holds for each of these but not across.
            self._gradients, self._values, self._signals = comm.Dup(), comm.Dup(), comm.Dup()
            failures.install(self)

    @property
    def is_first(self) -> bool:
        """Whether this is rank 0, which prints and writes files."""
        return self.rank == 0

    def mean(self, values: Any) -> Any:
        """Return the average over all ranks, weighted by their shares, on every rank.

        Parameters
        ----------
        values : number, array, Tensor, or nested tuple, list or dict of them
            Of the same structure on every rank, such as the loss of each rank's part of the batch.

        Returns
        -------
        Floats in place of numbers, and arrays in place of arrays and Tensors.
        """
        return self._reduced(values, self.share)

    def sum(self, values: Any) -> Any:
        """Return the sum over all ranks, as `mean` does the average."""
        return self._reduced(values, 1.0)

    def _reduced(self, values: Any, weight: float) -> Any:
        given = _tree.leaves(values)
        arrays = [np.asarray(v.detach().numpy() if isinstance(v, Tensor) else v, dtype=float) for v in given]
        flat = np.concatenate([a.ravel() for a in arrays] or [np.empty(0)])
        flat = np.zeros_like(flat) if weight == 0 else flat * weight  # a rank without rows may have NaN
        self.add_up(flat, "a mean or sum")
        ends = np.cumsum([a.size for a in arrays])
        parts = [flat[end - a.size : end].reshape(a.shape) for a, end in zip(arrays, ends)]
        numbers = [not isinstance(v, (Tensor, np.ndarray)) for v in given]
        return _tree.fill(values, [part.item() if number else part for part, number in zip(parts, numbers)])

    def broadcast(self, value: Any, root: int = 0) -> Any:
        """Return the `value` of rank `root`, any object that can be pickled, on every rank."""
        if self.size == 1:
            return value
        sender = self.rank == root
        data = np.frombuffer(bytearray(pickle.dumps(value)) if sender else b"", np.uint8)
        length = np.array([data.size])
        self.copy_from(root, length)
        if not sender:
            data = np.empty(length[0], np.uint8)
        self.copy_from(root, data)
        return value if sender else pickle.loads(data.tobytes())

    def barrier(self) -> None:
        """Wait until all ranks have come here."""
        if self.size > 1:
            self.wait([self._values.Ibarrier()], "a barrier")

    # --- communication that notices failures

    def start(self, array: np.ndarray) -> Any:
        """Begin to add up a contiguous array over all ranks, in place; `wait` for what this returns."""
        return self._gradients.Iallreduce(failures.mpi().IN_PLACE, array)

    def add_up(self, array: np.ndarray, what: str) -> None:
        """Add up a contiguous array over all ranks, in place."""
        if self.size > 1:
            self.wait([self._values.Iallreduce(failures.mpi().IN_PLACE, array)], what)

    def minimum(self, array: np.ndarray, what: str) -> None:
        """Replace each element of a contiguous array by the smallest one of all ranks."""
        mpi = failures.mpi()
        self.wait([self._values.Iallreduce(mpi.IN_PLACE, array, op=mpi.MIN)], what)

    def copy_from(self, root: int, array: np.ndarray) -> None:
        """Replace a contiguous array by that of rank `root`."""
        self.wait([self._values.Ibcast(array, root=root)], f"a value of rank {root}")

    def poll(self, requests: list[Any]) -> bool:
        """Let the communication of the requests go on. Returns whether it is complete."""
        return failures.completed(requests)

    def wait(self, requests: list[Any], what: str) -> None:
        """Wait for the requests. Raises if another rank has failed or ended, or does not come in time.

        A loop of ours, because MPI's own wait spins: ranks that outnumber the cores would take them from the one that
        they wait for, and would never see that it has failed.
        """
        completed = failures.mpi().Request.Testall
        for _ in range(20):
            if completed(requests):
                return
        began = time.monotonic()
        look = began + LOOK_AFTER
        while not completed(requests):
            _yield_core()
            now = time.monotonic()
            if now < look:
                continue
            look = now + LOOK_EVERY
            self.look(what)
            if now - began > self.timeout:
                raise messages.timed_out(self.timeout, what)
            if now - began > SLEEP_AFTER:
                time.sleep(0.001)

    def look(self, what: str) -> None:
        """Raise if another rank has told this one that it has failed, or has ended a while ago."""
        for kind, rank, text in failures.received(self._signals):
            if kind == "failed":
                raise messages.rank_failed(rank, self.size, text)
            self._ended[rank] = time.monotonic()
        for rank, since in self._ended.items():
            if time.monotonic() - since > GRACE:
                raise messages.rank_ended(rank, what)

    def __deepcopy__(self, memo: Any) -> Ranks:
        return self

    def __reduce__(self) -> Any:
        return ranks, ()

    def __repr__(self) -> str:
        return f"<rank {self.rank} of {self.size}>"


_made: dict[Any, Ranks] = {}


def ranks(comm: Any = None) -> Ranks:
    """Return the processes of this run, the same object at every call.

    Parameters
    ----------
    comm : communicator of mpi4py, optional
        By default all processes that `mpiexec` has started; without `mpiexec`, this process alone, which needs no MPI.

    Returns
    -------
    Ranks

    Raises
    ------
    ImportError
        If `mpiexec` has started several processes and mpi4py is not installed.
    ParallelError
        If mpi4py uses another MPI library than `mpiexec`.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.parallel.ranks()
    <rank 0 of 1>
    """
    if isinstance(comm, Ranks):
        return comm
    if comm is None:
        comm = launch.world()
    elif not all(callable(getattr(comm, name, None)) for name in ("Get_rank", "Get_size", "Iallreduce", "Dup")):
        raise messages.no_communicator(type(comm).__name__)
    key = None if comm is None else id(comm)
    if key not in _made:
        _made[key] = Ranks(comm)
    return _made[key]
