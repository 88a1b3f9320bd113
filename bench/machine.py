"""Restricts the process to one core and one BLAS thread, and describes the machine.

Does not import NumPy at the top, because the environment has to be set up before.
"""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MARK = "FASTGRAD_BENCH_CHILD"
ONE_THREAD = (
    "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip
# Both select a different BLAS kernel.
REMOVED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def environment(**more):
    """Return the environment of a timed process: one BLAS thread, no BLAS overrides, fastgrad importable."""
    env = {k: v for k, v in os.environ.items() if k not in REMOVED}
    env.update(dict.fromkeys(ONE_THREAD, "1"))
    env.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")  # for JAX, if it is a peer
    env.update(more)
    if not _installed():
        env["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT / "src"), env.get("PYTHONPATH"))))
    return env


def worker(module, *arguments, **env):
    """Start a worker process in the environment above."""
    from fastgrad.benchmark.worker import Worker

    return Worker(module, *arguments, env=environment(**env), cwd=ROOT)


def _installed():
    from importlib.util import find_spec

    return find_spec("fastgrad") is not None


def enter():
    """Restart this process with the environment above, because BLAS reads it when NumPy is loaded."""
    if os.environ.get(MARK) == "1":
        return
    env = environment(**{MARK: "1"})
    command = [sys.executable, *sys.orig_argv[1:]]
    if os.name == "posix":
        os.execve(sys.executable, command, env)
    raise SystemExit(subprocess.run(command, env=env).returncode)  # on Windows, exec detaches from the console


def pin():
    """Restrict this process and its children to one core. Returns the core, or None if that is not supported."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    core = max(os.sched_getaffinity(0))  # interrupts tend to be handled by the first core
    os.sched_setaffinity(0, {core})
    return core


def facts(core=None):
    """Describe the machine, the versions and the settings."""
    import numpy as np

    import fastgrad as fg
    from fastgrad.benchmark import peers
    from fastgrad.cli.info import processor

    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": processor(),
        "cores": os.cpu_count(),
        "pinned_to": core,
        "load_at_start": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "python": platform.python_version(),
        "build": " ".join(platform.python_build()),
        "compiler": platform.python_compiler(),
        "numpy": np.__version__,
        "blas": _blas(np),
        "fastgrad": fg.__version__,
        "engine": fg.engine,
        "peers": {name: version(name) for name in peers.chosen()},
        "threads": {k: os.environ.get(k) for k in ONE_THREAD},
    }


def _blas(np):
    """Return name and version of NumPy's BLAS, and its kernel if the library reports it."""
    built = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    found = {"name": built.get("name"), "version": built.get("version"), "kernel": None}
    folders = (Path(np.__file__).parent / ".libs", Path(np.__file__).parent.parent / "numpy.libs")
    for library in (f for folder in folders if folder.is_dir() for f in sorted(folder.glob("*openblas*"))):
        import ctypes

        handle = ctypes.CDLL(str(library))
        for name in ("scipy_openblas_get_corename64_", "openblas_get_corename64_", "openblas_get_corename"):
            if hasattr(handle, name):
                ask = getattr(handle, name)
                ask.restype = ctypes.c_char_p
                found["kernel"] = ask().decode()
                return found
    return found
