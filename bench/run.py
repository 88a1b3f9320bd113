"""Runs rows one after another, prints each as it comes, keeps going past a broken one, and writes the JSON file."""

import traceback

from bench import harness, peers, report
from bench.workers import ask, start, stop


def attempt(entry, settings):
    """One row here and now: `(results, failure)`, where the failure is None or says its kind and text."""
    try:
        return harness.run_row(entry, settings), None
    except harness.Skipped as reason:
        return [], {"kind": "skipped", "text": str(reason)}
    except harness.Unequal as reason:
        return [], {"kind": "UNEQUAL", "text": str(reason)}
    except Exception as error:
        # One op that an engine lacks must not cost the other rows their numbers.
        text = f"{type(error).__name__}: {error}"
        return [], {"kind": "BROKEN", "text": text, "trace": traceback.format_exc()}


def attempt_isolated(entry):
    """One row in a process of its own.

    The C library's allocator learns: once a large array has been freed it keeps more memory, and later rows no longer
    meet the page faults of a fresh process. In one process the order of the rows would decide their figures.
    """
    worker = start("row", entry.name, ",".join(peers.chosen()))
    try:
        answer = ask(worker)
    except RuntimeError as error:
        return [], {"kind": "BROKEN", "text": f"the row's process died: {error}"}
    finally:
        stop(worker)
    return [harness.Result.from_dict(found) for found in answer["results"]], answer["failure"]


def run(wanted, settings, path, facts, *, isolate=False):
    """Measure, print and write. Returns the exit status: 1 if answers differed or a row broke."""
    blas = facts["blas"]
    print(
        f"fastgrad {facts['fastgrad']}, {facts['engine']} engine, Python {facts['python']}, "
        f"NumPy {facts['numpy']} ({blas['name']} {blas['kernel'] or ''}), {facts['cpu']}"
    )
    if facts["engine"] != "cython":
        print("the targets are the compiled engine's, which is not running here")
    if settings.quick:
        print("quick: small sizes and few rounds; the ratios mean nothing")
    table = report.Table(peers.chosen(), max(24, 6 + max(len(entry.name) for entry in wanted)))
    table.head()
    results, failures = [], {}
    # A second control at the end: the first tells how the machine was, this one whether it stayed so.
    again = [entry for entry in wanted[:1] if entry.name == "control"]
    for entry in wanted + again:
        made, failure = attempt_isolated(entry) if isolate else attempt(entry, settings)
        for result in made:
            table.add(result)
        results += made
        if failure is not None:
            failures[entry.name] = failure
            table.fail(entry.name, failure["kind"], failure["text"])
    report.write_json(path, facts, results, failures)
    targets = [r.met for r in results if r.sense != "~" and r.met is not None]
    met = f"{sum(targets)} of {len(targets)} targets met; " if targets else ""
    print(f"\n{met}quartiles and machine facts in {path}")
    return 1 if any(f["kind"] != "skipped" for f in failures.values()) else 0
