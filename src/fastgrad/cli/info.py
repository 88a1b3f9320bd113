"""`python -m fastgrad info`: the installation, for bug reports and benchmarks."""

import os
import platform
import sys
import textwrap

LONG = ("loops in use", "CPU features")  # facts that are only printed by `info --all`


def lines(every=False, width=None):
    """Return the report, one `name: value` line per fact. With `every`, long facts are included.

    Lines longer than `width` are wrapped.
    """
    import numpy as np

    import fastgrad
    from fastgrad import _engine

    facts = [
        ("fastgrad", fastgrad.__version__),
        ("engine", f"{fastgrad.engine}{_engine_setting()}"),
        ("kernels", _kernels(_engine.instruction_set)),
        ("threads", _threads(fastgrad.get_num_threads(), _engine.started_threads)),
        ("build", _build(_engine.build_switches)),
        ("loops in use", _loops(fastgrad.engine, _engine.loops_in_use)),
        ("Python", f"{platform.python_implementation()} {platform.python_version()}, {_gil()}"),
        ("NumPy", np.__version__),
        *_numpy_build(np, every),
        ("CPU", f"{processor()}, {os.cpu_count()} logical"),
        ("system", platform.platform()),
    ]
    facts = [(name, value) for name, value in facts if every or name not in LONG]
    column = max(len(name) for name, _ in facts) + 2
    report = [f"{name + ':':<{column}}{value}" for name, value in facts]
    if width is None:
        return report
    return [
        part for line in report for part in textwrap.wrap(line, max(width, 2 * column), subsequent_indent=" " * column)
    ]


def _engine_setting():
    setting = os.environ.get("FASTGRAD_ENGINE", "")
    return f" (FASTGRAD_ENGINE={setting})" if setting else ""


def _kernels(instruction_set):
    setting = os.environ.get("FASTGRAD_SIMD", "")
    return f"{instruction_set or 'none'}{f' (FASTGRAD_SIMD={setting})' if setting else ''}"


def _threads(wanted, started_threads):
    setting = os.environ.get("FASTGRAD_NUM_THREADS", "")
    started = f", {started_threads()} started" if started_threads else ", not used by this engine"
    return f"{wanted}{started if wanted > 1 else ''}{f' (FASTGRAD_NUM_THREADS={setting})' if setting else ''}"


def _build(build_switches):
    """Return the type of the build and its special options."""
    if build_switches is None:
        return "not compiled"
    switches = build_switches()
    parts = ["debug" if switches["debug"] else "release", "" if switches["pools"] else "no memory pools"]
    return ", ".join(filter(None, [*parts, "address sanitizer" if switches["address_sanitizer"] else ""]))


def _gil():
    enabled = getattr(sys, "_is_gil_enabled", lambda: True)()
    return "with the GIL" if enabled else "free-threaded"


def _loops(engine, loops_in_use):
    """Format the inner loops of the engine: a string, a sequence, or a dict from source to op names."""
    if loops_in_use is None:
        return "NumPy's functions, called from Python" if engine == "python" else "not reported by this engine"
    loops = loops_in_use()
    if isinstance(loops, dict):
        return "; ".join(f"{key}: {_joined(value)}" for key, value in loops.items())
    return _joined(loops)


def _joined(value):
    return " ".join(map(str, value)) if isinstance(value, (list, tuple, set, frozenset)) else str(value)


def _numpy_build(np, every):
    """Yield BLAS and SIMD features as NumPy reports them; with `every`, also how its BLAS was configured."""
    config = np.show_config(mode="dicts") or {}
    blas = config.get("Build Dependencies", {}).get("blas", {})
    details = blas.get("openblas configuration", "")
    yield (
        "BLAS",
        f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()
        + (f" ({' '.join(details.split())})" if details and every else ""),
    )
    simd = config.get("SIMD Extensions", {})
    yield "CPU features", " ".join([*simd.get("baseline", ()), *simd.get("found", ())]) or "not reported by this NumPy"


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as about:
            for line in about:
                name, _, value = line.partition(":")
                if name.strip() == "model name":
                    return value.strip()
    except OSError:
        return platform.processor() or platform.machine()
    return platform.processor() or platform.machine()
