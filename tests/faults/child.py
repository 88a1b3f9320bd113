"""Runs a script of this folder in a separate process, so that a crash fails one test and not the suite."""

import os
import subprocess
import sys
from pathlib import Path


def run(script, *arguments, timeout=300, **environment):
    """Run `script` and return what it printed. Fails with its standard error, or with the name of its signal."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", str(Path(__file__).parent / script), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        # output is buffered, as it is for users, whatever the shell of the tests asks for: forks copy the buffer
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "", **environment},
    )
    assert done.returncode == 0, f"{script} {arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
