"""Runs rows one after another, prints their results and writes the JSON file. Continues if a row fails.

`python -m bench.run` is the worker that measures one row in a separate process.
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
    """Measure a row in this process. Returns `(results, failure)`; `failure` is None or a dict with kind and text."""
    try:
        return run_row(entry, settings), None
    except Skipped as reason:
        return [], {"kind": "skipped", "text": str(reason)}
    except Unequal as reason:
        return [], {"kind": "UNEQUAL", "text": str(reason)}
    except Exception as error:
        # An error in one row must not prevent the measurement of the others.
        text = f"{type(error).__name__}: {error}"
        return [], {"kind": "BROKEN", "text": text, "trace": traceback.format_exc()}


def attempt_isolated(entry):
    """Measure a row in a separate process.

    Once a large array has been freed, the allocator of the C library keeps more memory, which saves page faults in
    later rows. In a single process, the order of the rows would affect their times.
    """
    with worker("bench.run") as process:
        try:
            answer = process.ask("row", entry.name, peers.chosen())
        except WorkerError as error:
            return [], {"kind": "BROKEN", "text": f"the row was not measured: {error}"}
    return [Result.from_dict(found) for found in answer["results"]], answer["failure"]


def measured_row(name, libraries):
    """Return the result of `attempt` in a form that JSON can represent."""
    peers.choose(libraries)
    results, failure = attempt(rows.ROWS[name], Settings())
    return {"results": [asdict(r) for r in results], "failure": failure}


def run(wanted, settings, path, facts, *, isolate=False):
    """Measure rows, print the table and write the JSON file. Returns the exit status: 1 if a row fails."""
    blas = facts["blas"]
    print(
        f"fastgrad {facts['fastgrad']}, {facts['engine']} engine, Python {facts['python']}, "
        f"NumPy {facts['numpy']} ({blas['name']} {blas['kernel'] or ''}), {facts['cpu']}"
    )
    if facts["engine"] != "cython":
        print("the targets are for the compiled engine, which is not in use")
    if settings.quick:
        print("quick: small sizes and few rounds; the ratios are meaningless")
    table = report.Table(peers.chosen(), max(24, 6 + max(len(entry.name) for entry in wanted)))
    table.head()
    results, failures = [], {}
    # Run the control again at the end, to see whether the load of the machine has changed.
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
    print(f"\n{met}details are in {path}")
    return 1 if any(f["kind"] != "skipped" for f in failures.values()) else 0


if __name__ == "__main__":
    serve({"row": measured_row})
