"""`python -m bench [ops]`: the command line. Sets the environment up before anything loads NumPy, then runs rows."""

import argparse
import sys
from fnmatch import fnmatchcase

from bench import machine


def parser():
    """The options, in one place for `--help` and for the tests."""
    p = argparse.ArgumentParser(
        prog="python -m bench", description="fastgrad against its rivals, in turns, checked before timed."
    )
    p.add_argument(
        "what", nargs="?", choices=("rows", "ops"), default="rows", help="the table of rows, or one row per op"
    )
    p.add_argument("--row", action="append", metavar="GLOB", help="only rows whose name matches; may be repeated")
    p.add_argument(
        "--json", metavar="PATH", help="where the JSON file goes (default: bench/results.json, or bench/ops.json)"
    )
    p.add_argument(
        "--quick", action="store_true", help="seconds instead of minutes, small sizes: the ratios then mean nothing"
    )
    p.add_argument("--list", action="store_true", help="name the rows and end")
    p.add_argument(
        "--peers", metavar="NAMES", help="comma-separated libraries to measure besides, of those installed; '' for none"
    )
    return p


def main(arguments=None):
    """Run the wanted rows. Returns the exit status: 1 if answers differed or a row broke, 2 if no row has that name."""
    options = parser().parse_args(arguments)
    core = machine.pin()
    from bench import harness, peers, run

    if options.peers is not None:
        peers.choose(options.peers.split(","))
    if options.what == "ops":
        from bench import ops

        rows = ops.ROWS
    else:
        from bench import rows as _registers  # noqa: F401

        rows = harness.ROWS
    wanted = [r for r in rows.values() if not options.row or any(fnmatchcase(r.name, glob) for glob in options.row)]
    if options.list:
        for entry in wanted:
            print(f"{entry.name:<24} {entry.note}")
        return 0
    if not wanted:
        print(f"no row matches {options.row}; `python -m bench --list` names them", file=sys.stderr)
        return 2
    path = options.json or machine.ROOT / "bench" / ("ops.json" if options.what == "ops" else "results.json")
    try:
        with open(path, "a", encoding="utf-8"):
            pass  # minutes of measuring should not end in a file that cannot be written
    except OSError as error:
        print(f"cannot write {path}: {error.strerror}", file=sys.stderr)
        return 2
    settings = harness.Settings(quick=options.quick, seconds=0.25 if options.what == "ops" else 1.5)
    return run.run(wanted, settings, path, machine.facts(core), isolate=not options.quick and options.what == "rows")


if __name__ == "__main__":
    machine.enter()
    try:
        status = main()
    except KeyboardInterrupt:
        status = "interrupted"
    raise SystemExit(status)
