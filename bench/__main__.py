"""`python -m bench`: sets up the environment, before NumPy is loaded, and runs the benchmarks."""

import argparse
import sys
from fnmatch import fnmatchcase

from bench import machine


def parser():
    """Return the argument parser."""
    p = argparse.ArgumentParser(
        prog="python -m bench",
        description="Time fastgrad and its rivals, after checking that their values and gradients agree.",
    )
    p.add_argument(
        "what",
        nargs="?",
        choices=("rows", "ops", "cost", "readme"),
        default="rows",
        help="rows: the table of comparisons (default); ops: one row per op; cost: what recording an op "
        "and its backward add to NumPy's functions; readme: update the tables of README.md "
        "from the JSON file of `rows`",
    )
    p.add_argument("result", nargs="?", metavar="RESULT.json", help="input of `readme` (default: bench/results.json)")
    p.add_argument(
        "--row", action="append", metavar="GLOB", help="run only the rows whose names match; can be repeated"
    )
    p.add_argument(
        "--json", metavar="PATH", help="output file (default: bench/results.json, bench/ops.json or bench/cost.json)"
    )
    p.add_argument(
        "--quick",
        action="store_true",
        help="run only a few seconds, with small sizes, to test that everything works; the ratios are meaningless",
    )
    p.add_argument("--list", action="store_true", help="list the rows and exit")
    p.add_argument(
        "--peers",
        metavar="NAMES",
        help="comma-separated list of the libraries to include (default: all that are installed); '' for none",
    )
    return p


def main(arguments=None):
    """Run the selected rows. Returns the exit status: 1 if results differ or a row fails, 2 for an invalid argument."""
    options = parser().parse_args(arguments)
    if options.what == "readme":
        from bench import readme

        return readme.write(options.result or machine.ROOT / "bench" / "results.json")
    if options.result is not None:
        print(
            f"{options.what} takes no input file, got {options.result}: use --json to select the output file",
            file=sys.stderr,
        )
        return 2
    core = machine.pin()
    from bench import run
    from fastgrad.benchmark import peers
    from fastgrad.benchmark.race import Settings

    if options.peers is not None:
        peers.choose(options.peers.split(","))
    if options.what == "ops":
        from bench.ops import ROWS
    elif options.what == "cost":
        from bench.cost import ROWS
    else:
        from bench.rows import ROWS
    selected = [r for r in ROWS.values() if not options.row or any(fnmatchcase(r.name, glob) for glob in options.row)]
    if options.list:
        for entry in selected:
            print(f"{entry.name:<24} {entry.note}")
        return 0
    if not selected:
        print(f"no row matches {options.row}; `python -m bench --list` lists them", file=sys.stderr)
        return 2
    file = "results.json" if options.what == "rows" else f"{options.what}.json"
    path = options.json or machine.ROOT / "bench" / file
    try:
        with open(path, "a", encoding="utf-8"):
            pass  # check now, not after minutes of measuring
    except OSError as error:
        print(f"cannot write {path}: {error.strerror}", file=sys.stderr)
        return 2
    settings = Settings(quick=options.quick, seconds=0.25 if options.what == "ops" else 1.5)
    return run.run(selected, settings, path, machine.facts(core), isolate=not options.quick and options.what == "rows")


if __name__ == "__main__":
    machine.enter()
    try:
        status = main()
    except KeyboardInterrupt:
        status = "interrupted"
    raise SystemExit(status)
