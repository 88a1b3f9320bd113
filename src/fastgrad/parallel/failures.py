"""Ends all ranks when one of them fails, and lets rank 0 report it.

A rank that ends with an exception sends its traceback to rank 0. Rank 0 finds it while it waits for gradients, raises,
and so runs the user's `finally` and `with` blocks (which write a checkpoint); its own end then aborts all ranks. If
rank 0 does not answer in time, the failing rank reports and aborts by itself. At its normal end, every rank tells rank
0, and rank 0 every rank, so that nobody waits for a rank that is gone.
"""

import atexit
import sys
import time
import traceback

ANSWER = 3.0  # seconds that rank 0 has to take the message, as long as a step may be
ABORT = 10.0  # and then to write a checkpoint and to abort
FORWARD = 1.0  # that the launcher has to forward what was printed, which an abort may cut off

_ranks = []  # those that were installed, the world first
_mpi = None


def mpi():
    """The module `mpi4py.MPI`, of a run with more than one rank."""
    return _mpi


def completed(requests):
    return _mpi.Request.Testall(requests)


def install(ranks):
    """Watch over the ends of this process."""
    global _mpi
    if _mpi is None:
        from mpi4py import MPI

        _mpi = MPI
        sys.excepthook = _on_exception(sys.excepthook)
        atexit.register(_at_exit)
    _ranks.append(ranks)


def received(signals):
    """Return the messages that other ranks have sent: (kind, rank, text)."""
    found = []
    while signals.iprobe():
        found.append(signals.recv())
    return found


def _on_exception(hook):
    def report(kind, value, trace):
        ranks = _ranks[0]
        try:
            text = "".join(traceback.format_exception(kind, value, trace))
            if ranks.rank == 0 or not _told(ranks, text):
                hook(kind, value, trace)
                print(f"fastgrad: rank {ranks.rank} of {ranks.size} has failed, all ranks end", file=sys.stderr)
            sys.stdout.flush()
            sys.stderr.flush()
            time.sleep(FORWARD)
        finally:
            ranks.comm.Abort(130 if issubclass(kind, KeyboardInterrupt) else 1)

    return report


def _told(ranks, text):
    """Return whether rank 0 has taken the message; wait until it aborts this process."""
    request = ranks._signals.issend(("failed", ranks.rank, text), dest=0)
    end = time.monotonic() + ANSWER
    while not request.Test():
        if time.monotonic() > end:
            return False
        time.sleep(0.001)
    end = time.monotonic() + ABORT
    while time.monotonic() < end:
        ranks._signals.iprobe()  # MPI makes progress in its calls only
        time.sleep(0.01)
    return True


def _at_exit():
    """Tell the others that this rank has ended, and wait until they have."""
    for ranks in _ranks:
        others = range(1, ranks.size) if ranks.rank == 0 else (0,)
        requests = [ranks._signals.isend(("ended", ranks.rank, ""), dest=other) for other in others]
        missing = len(requests) - len(ranks._ended)
        pause = 0.0001
        while missing > 0 or not completed(requests):
            for kind, rank, text in received(ranks._signals):
                if kind == "failed":
                    print(f"{text}fastgrad: rank {rank} of {ranks.size} has failed, all ranks end", file=sys.stderr)
                    sys.stderr.flush()
                    time.sleep(FORWARD)
                    ranks.comm.Abort(1)
                missing -= 1
            time.sleep(pause)
            pause = min(2 * pause, 0.01)
