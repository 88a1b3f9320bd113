"""`python -m bench [ops]`: the command line. Sets up the environment before anything loads NumPy, then runs rows."""

import argparse
import sys
from fnmatch import fnmatchcase

from bench import machine


def parser():
    """The options, in one place for `--help` and for the tests."""
    p = argparse.ArgumentParser(
        prog="python -m bench",
        description="Time fastgrad against its rivals, in turns, after checking that their values and gradients agree.",
    )
    p.add_argument(
        "what",
        nargs="?",
        choices=("rows", "ops", "readme"),
        default="rows",
        help="rows: the table of comparisons (the default); ops: one row per op; readme: write the tables of README.md "
        "from a JSON file of `rows`",
    )
    p.add_argument("result", nargs="?", metavar="RESULT.json", help="for readme (default: bench/results.json)")
    p.add_argument("--row", action="append", metavar="GLOB", help="run only rows whose name matches; may be repeated")
    p.add_argument(
        "--json", metavar="PATH", help="JSON file to write (default: bench/results.json, or bench/ops.json for ops)"
    )
    p.add_argument(
        "--quick",
        action="store_true",
        help="run for seconds instead of minutes, on small sizes; the ratios mean nothing",
    )
    p.add_argument("--list", action="store_true", help="list the rows and exit")
    p.add_argument(
        "--peers",
        metavar="NAMES",
        help="comma-separated libraries to include, of those installed (default: all); '' for none",
    )
    return p


def main(arguments=None):
    """Run the wanted rows. Returns the exit status: 1 if answers differed or a row broke, 2 for a wrong argument."""
    options = parser().parse_args(arguments)
    if options.what == "readme":
        from bench import readme

        return readme.write(options.result or machine.ROOT / "bench" / "results.json")
    if options.result is not None:
        print(f"{options.what} takes no file: {options.result}; --json names the file to write", file=sys.stderr)
        return 2
    core = machine.pin()
    from bench import run
    from fastgrad.benchmark import peers
    from fastgrad.benchmark.race import Settings

    if options.peers is not None:
        peers.choose(options.peers.split(","))
    if options.what == "ops":
        from bench.ops import ROWS
    else:
        from bench.rows import ROWS
    wanted = [r for r in ROWS.values() if not options.row or any(fnmatchcase(r.name, glob) for glob in options.row)]
    if options.list:
        for entry in wanted:
            print(f"{entry.name:<24} {entry.note}")
        return 0
    if not wanted:
        print(f"no row matches {options.row}; `python -m bench --list` lists them", file=sys.stderr)
        return 2
    path = options.json or machine.ROOT / "bench" / ("ops.json" if options.what == "ops" else "results.json")
    try:
        with open(path, "a", encoding="utf-8"):
            pass  # minutes of measuring should not end in a file that cannot be written
    except OSError as error:
        print(f"cannot write {path}: {error.strerror}", file=sys.stderr)
        return 2
    settings = Settings(quick=options.quick, seconds=0.25 if options.what == "ops" else 1.5)
    return run.run(wanted, settings, path, machine.facts(core), isolate=not options.quick and options.what == "rows")


if __name__ == "__main__":
    machine.enter()
    try:
        status = main()
    except KeyboardInterrupt:
        status = "interrupted"
    raise SystemExit(status)
