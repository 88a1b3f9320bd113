"""`python -m bench [ops]`: the command line. Sets the environment up before anything loads NumPy, then runs rows."""

import argparse
import sys
import traceback
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
    from bench import harness, peers

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
    return run(wanted, harness.Settings(quick=options.quick), path, core)


def run(wanted, settings, path, core=None):
    """Measure, print and write. Rows after a broken one still run."""
    from bench import harness, peers, report

    machine_facts = machine.facts(core)
    blas = machine_facts["blas"]
    print(
        f"fastgrad {machine_facts['fastgrad']}, {machine_facts['engine']} engine, Python {machine_facts['python']}, "
        f"NumPy {machine_facts['numpy']} ({blas['name']} {blas['kernel'] or ''}), {machine_facts['cpu']}"
    )
    if machine_facts["engine"] != "cython":
        print("the targets are the compiled engine's, which is not running here")
    if settings.quick:
        print("quick: small sizes and few rounds; the ratios mean nothing")
    table = report.Table(
        [p for p in peers.LIBRARIES if peers.installed(p)], max(24, 6 + max(len(entry.name) for entry in wanted))
    )
    table.head()
    results, failures = [], {}
    # A second control at the end: the first tells how the machine was, this one whether it stayed so.
    again = [entry for entry in wanted[:1] if entry.name == "control"]
    for entry in wanted + again:
        try:
            made = harness.run_row(entry, settings)
        except harness.Skipped as reason:
            failures[entry.name] = {"kind": "skipped", "text": str(reason)}
        except harness.Unequal as reason:
            failures[entry.name] = {"kind": "UNEQUAL", "text": str(reason)}
        except Exception as error:
            # One op that an engine lacks must not cost the other rows their numbers.
            failures[entry.name] = {
                "kind": "BROKEN",
                "text": f"{type(error).__name__}: {error}",
                "trace": traceback.format_exc(),
            }
        else:
            for result in made:
                table.add(result)
            results += made
            continue
        table.fail(entry.name, failures[entry.name]["kind"], failures[entry.name]["text"])
    report.write_json(path, machine_facts, results, failures)
    targets = [r.met for r in results if r.sense != "~" and r.met is not None]
    met = f"{sum(targets)} of {len(targets)} targets met; " if targets else ""
    print(f"\n{met}quartiles and machine facts in {path}")
    return 1 if any(f["kind"] != "skipped" for f in failures.values()) else 0


if __name__ == "__main__":
    machine.enter()
    try:
        status = main()
    except KeyboardInterrupt:
        status = "interrupted"
    raise SystemExit(status)
