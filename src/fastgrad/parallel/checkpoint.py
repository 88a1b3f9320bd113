"""Checkpoints of a run: written by rank 0, replaced as a whole or not at all, read by rank 0 for all."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import TracebackType
from typing import Any

from fastgrad._engine import Tensor
from fastgrad._tree import map_leaves
from fastgrad.data import Batches
from fastgrad.nn.files import load, save
from fastgrad.parallel import messages
from fastgrad.parallel.ranks import Ranks, ranks
from fastgrad.tracebacks import boundary


class Checkpoint:
    """The state of a run in a file, from which the run goes on after it has ended for whatever reason.

        checkpoint = fg.parallel.Checkpoint("run.npz", model=model, optimizer=optimizer, batches=batches)
        checkpoint.load()
        with checkpoint:
            while checkpoint.steps < 10_000:
                for x, y in batches:
                    ...
                    optimizer.step()
                    checkpoint.step()

    Rank 0 writes the file every so many steps and, at the end of the `with` block, also if it ends with an exception:
    of this rank, of another one, Ctrl-C, or SIGTERM, which cluster managers send before they kill a job. After a kill
    without warning, the last one that was written stays.

    Parameters
    ----------
    path : str or path
        A file as for `fg.save`.
    every : int
        Steps between two checkpoints.
    comm : communicator of mpi4py, or Ranks, optional
    **objects : objects with `state_dict()` and `load_state_dict()`
        Such as `model`, `optimizer`, `schedule` and `batches`, by the names that they have in the file.

    Attributes
    ----------
    steps : int
        The number of steps of all runs that the file was written by, and of this one.
    """

    @boundary
    def __init__(self, path: str | os.PathLike[str], *, every: int = 1000, comm: Any = None, **objects: Any) -> None:
        if isinstance(every, bool) or not hasattr(every, "__index__") or every < 1:
            raise messages.bad_checkpoint(every)
        for name, o in objects.items():
            if not callable(getattr(o, "state_dict", None)) or not callable(getattr(o, "load_state_dict", None)):
                raise messages.no_state(name, type(o).__name__)
        self.path, self.every, self.objects = os.fspath(path), every, objects
        self.ranks: Ranks = ranks(comm)
        self.steps = 0
        self._places: dict[str, Any] = {}  # states of Batches after the last step: later batches were not used yet
        self._before: Any = None

    @boundary
    def load(self) -> bool:
        """Load the file into the objects of all ranks. Returns False, and does nothing, if there is none yet."""
        state = None
        if self.ranks.is_first and os.path.exists(self.path):
            state = map_leaves(lambda v: v.detach().numpy() if isinstance(v, Tensor) else v, load(self.path))
        state = self.ranks.broadcast(state)
        if state is None:
            return False
        missing = [name for name in self.objects if name not in state]
        if missing:
            raise messages.not_in_checkpoint(self.path, missing[0], [name for name in state if name != "steps"])
        for name, o in self.objects.items():
            o.load_state_dict(state[name])
        self.steps = int(state["steps"])
        self._note_places()
        return True

    def step(self) -> None:
        """Count a step, after that of the optimizer; write the file if it is time to."""
        self.steps += 1
        self._note_places()
        if self.steps % self.every == 0:
            self.save()

    def _note_places(self) -> None:
        self._places = {name: o.state_dict() for name, o in self.objects.items() if isinstance(o, Batches)}

    def save(self) -> None:
        """Write the file, on rank 0."""
        if self.ranks.is_first:
            states = {name: self._places.get(name) or o.state_dict() for name, o in self.objects.items()}
            save({**states, "steps": self.steps}, self.path)

    def __enter__(self) -> Checkpoint:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, _terminate)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)
            self._before = None
        if not any(getattr(o, "updating", False) for o in self.objects.values()):
            self.save()
        elif self.ranks.is_first:
            print(f"fastgrad: interrupted in an update, {self.path} stays as it was", file=sys.stderr)


def _terminate(number: int, frame: Any) -> None:
    sys.exit(128 + number)
