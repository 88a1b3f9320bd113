"""Runs rows one after another, prints each as it comes, continues past a broken one, and writes the JSON file.

`python -m bench.run` is the worker that measures a row in a process of its own.
"""

import traceback
from dataclasses import asdict

from bench import report, rows
from bench.machine import worker
from bench.results import Result, Skipped, run_row
from fastgrad.benchmark import peers
from fastgrad.benchmark.race import Settings, Unequal
from fastgrad.benchmark.worker import WorkerError, serve


def attempt(entry, settings):
    """One row here and now: `(results, failure)`, where the failure is None or gives its kind and text."""
    try:
        return run_row(entry, settings), None
    except Skipped as reason:
        return [], {"kind": "skipped", "text": str(reason)}
    except Unequal as reason:
        return [], {"kind": "UNEQUAL", "text": str(reason)}
    except Exception as error:
        # One op that an engine lacks must not cost the other rows their figures.
        text = f"{type(error).__name__}: {error}"
        return [], {"kind": "BROKEN", "text": text, "trace": traceback.format_exc()}


def attempt_isolated(entry):
    """One row in a process of its own.

    The C library's allocator adapts: once a large array has been freed it keeps more memory, and later rows no longer
    meet the page faults of a fresh process. In one process the order of the rows would affect their figures.
    """
    with worker("bench.run") as process:
        try:
            answer = process.ask("row", entry.name, peers.chosen())
        except WorkerError as error:
            return [], {"kind": "BROKEN", "text": f"the row was not measured: {error}"}
    return [Result.from_dict(found) for found in answer["results"]], answer["failure"]


def measured_row(name, libraries):
    """What `attempt` gives for a row of the table, as JSON."""
    peers.choose(libraries)
    results, failure = attempt(rows.ROWS[name], Settings())
    return {"results": [asdict(r) for r in results], "failure": failure}


def run(wanted, settings, path, facts, *, isolate=False):
    """Measure, print and write. Returns the exit status: 1 if answers differed or a row broke."""
    blas = facts["blas"]
    print(
        f"fastgrad {facts['fastgrad']}, {facts['engine']} engine, Python {facts['python']}, "
        f"NumPy {facts['numpy']} ({blas['name']} {blas['kernel'] or ''}), {facts['cpu']}"
    )
    if facts["engine"] != "cython":
        print("the targets are for the compiled engine, which is not running here")
    if settings.quick:
        print("quick: small sizes and few rounds; the ratios mean nothing")
    table = report.Table(peers.chosen(), max(24, 6 + max(len(entry.name) for entry in wanted)))
    table.head()
    results, failures = [], {}
    # A second control at the end: the first shows how the machine was, the second whether it stayed so.
    again = [entry for entry in wanted[:1] if entry.name == "control"]
    for entry in wanted + again:
        made, failure = attempt_isolated(entry) if isolate else attempt(entry, settings)
        for result in made:
            table.add(result)
        results += made
        if failure is not None:
            failures[entry.name] = failure
            table.fail(entry.name, failure["kind"], failure["text"])
    report.write_json(path, facts | {"quick": settings.quick}, results, failures)
    targets = [r.met for r in results if r.sense != "~" and r.met is not None]
    met = f"{sum(targets)} of {len(targets)} targets met; " if targets else ""
    print(f"\n{met}quartiles and machine facts in {path}")
    return 1 if any(f["kind"] != "skipped" for f in failures.values()) else 0


if __name__ == "__main__":
    serve({"row": measured_row})
