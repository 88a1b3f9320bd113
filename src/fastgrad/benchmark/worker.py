"""Worker processes, for another engine or for measurements that need a new process.

Requests and answers are lines of JSON.
"""

import json
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any


class WorkerError(Exception):
    """A worker process ended before it answered."""


class Worker:
    """A process that runs `python -m module arguments`. The module must call `serve`."""

    def __init__(self, module, *arguments, env=None, cwd=None):
        self.errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        # In a separate session, the worker does not receive Ctrl-C; the parent process closes it.
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)], env=env, cwd=cwd, start_new_session=True, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
        )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ask(self, task, *arguments):
        """Run one task in the worker and return its result.

        Raises
        ------
        WorkerError
            If the process has ended.
        """
        answer = ""
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps([task, *arguments]) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        if not answer:
            code = self.process.wait()
            self.errors.seek(0)
            last = (self.errors.read().strip().splitlines() or [""])[-1]
            raise WorkerError(f"its worker process ended with exit code {code}" + (f": {last}" if last else ""))
        return json.loads(answer)

    def close(self):
        """Close the input of the worker, which ends it. Terminate it if it is still busy after a second."""
        with suppress(BrokenPipeError):  # a request that the worker has not read before it ended
            self.process.stdin.close()
        try:
            self.process.wait(1.0)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()


def serve(tasks, lines=None, out=None):
    """Answer requests until the input ends.

    Parameters
    ----------
    tasks : dict of str to callable
        A request contains the name of a task and its arguments. The answer is the return value, as JSON.
    lines, out : text streams, optional
        Standard input and output by default. In that case, `print` in a task writes to standard error.
    """
    if out is None:
        lines, out, sys.stdout = sys.stdin, sys.stdout, sys.stderr
    for line in lines:
        task, *arguments = json.loads(line)
        print(json.dumps(tasks[task](*arguments)), file=out, flush=True)


@dataclass
class Remote:
    """A contender that runs in a worker, with the interface of `Contender`."""

    name: str
    worker: Worker
    key: str = ""

    def answer(self) -> dict[str, Any]:
        return self.worker.ask(f"{self.key} answer")

    def timer(self, unroll=1):
        return partial(self.worker.ask, f"{self.key} time", unroll)


def served(contender, key=""):
    """Return the tasks that make `contender` available to the `Remote` with the same key."""
    timers = {}

    def answer():
        return {name: getattr(value, "tolist", lambda v=value: v)() for name, value in contender.answer().items()}

    def time(unroll, n):
        if unroll not in timers:
            timers[unroll] = contender.timer(unroll)
        return timers[unroll](n)

    return {f"{key} answer": answer, f"{key} time": time}
