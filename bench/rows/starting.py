"""Time of `import fastgrad`, which includes `import numpy`, in alternating new processes, with cached bytecode."""

import os
import subprocess
import sys
import tempfile

from bench.machine import ROOT, environment
from bench.results import Result, row
from fastgrad.benchmark.race import CLOCK, Timing

CODE = "from time import {} as clock; start = clock(); import {}; print(clock() - start)"


def _import_seconds(module, env):
    """Measure one import in a new interpreter, without its start-up."""
    command = [sys.executable, "-c", CODE.format(CLOCK.__name__, module)]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"import {module}: {done.stderr.strip().splitlines()[-1]}")
    return float(done.stdout)


@row("import", target=1.15, note="import fastgrad against import numpy, each in a fresh process")
def import_row(settings):
    """Both imports use bytecode from one cache folder, which is filled before the first measurement."""
    with tempfile.TemporaryDirectory() as cache:
        env = environment(PYTHONPYCACHEPREFIX=cache)
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        modules = ("fastgrad", "numpy")
        for module in modules * 2:
            _import_seconds(module, env)
        if not any(name.startswith("rule.") for _, _, files in os.walk(cache) for name in files):
            raise RuntimeError("no bytecode was written: the row would include compilation")
        samples = {module: [] for module in modules}
        for _ in range(3 if settings.quick else 60):
            for module in modules:
                samples[module].append(_import_seconds(module, env))
    timings = {module: Timing.of(s) for module, s in samples.items()}
    mine, theirs = (t.median for t in timings.values())
    return [
        Result(
            "import",
            mine,
            theirs,
            "import numpy",
            ratio=mine / theirs,
            target=1.15,
            timings=timings,
            note="fresh processes",
        )
    ]
