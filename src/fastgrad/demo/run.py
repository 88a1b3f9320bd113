"""Runs the demo: checks gradients, trains two models, times their steps and writes a report."""

import contextlib
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import fastgrad as fg
from fastgrad.benchmark.race import duration
from fastgrad.demo import DemoError, timing
from fastgrad.demo.check import check_model, check_second_order
from fastgrad.demo.digits import load_digits, split_digits
from fastgrad.demo.models import NETWORK, SVM
from fastgrad.demo.predictions import classify, input_gradient
from fastgrad.demo.report import page
from fastgrad.demo.train import train
from fastgrad.testing import GradientCheckError

REPORT_NAME = "fastgrad-report.html"


class Results(NamedTuple):
    """Everything that the report shows."""

    split: Any
    steps: int
    seed: int
    checks: list
    histories: dict
    svm_weights: np.ndarray
    predictions: Any
    gradient: Any
    timings: list
    seconds: float


def report_path(out):
    """Return the path of the report: `out`, or a file in it if it is a folder. Checks that it can be written.

    Raises
    ------
    DemoError
    """
    path = Path(out)
    try:
        if path.is_dir():
            path = path / REPORT_NAME
        if path.exists():
            with path.open("r+b"):
                pass
        else:
            with tempfile.TemporaryFile(dir=path.parent):
                pass
    except OSError as error:
        raise DemoError(
            f"cannot write the report to {path}: {_reason(error)}; choose another path with --out"
        ) from error
    return path


def _reason(error):
    return (error.strerror or str(error)).lower()


def run(steps, seed, out, console):
    """Run the demo and return the path of the report.

    Parameters
    ----------
    steps : int
        Training steps of each model.
    seed : int
        Seed of the split, the initial weights and the order of the digits.
    out : path
        File or folder for the report.
    console : object with `line(text)` and `progress(text, done, total)`
        Receives messages for the user.

    Raises
    ------
    DemoError
    """
    started = perf_counter()
    path = report_path(out)
    worker, reason = timing.start_worker(seed)
    with contextlib.closing(worker) if worker else contextlib.nullcontext():
        results = _run(steps, seed, console, worker, reason, started)
    try:
        path.write_text(page(results), encoding="utf-8")
    except OSError as error:
        raise DemoError(f"cannot write the report to {path}: {_reason(error)}") from error
    console.line(f"done in {perf_counter() - started:.1f} s")
    return path


def _run(steps, seed, console, worker, reason, started):
    split = split_digits(load_digits(), seed)
    console.line(f"fastgrad {fg.__version__}, {timing.ENGINES[fg.engine]}, NumPy {np.__version__}")
    learn, held = len(split.x), len(split.held_x)
    console.line(f"{learn + held:,} digits: {learn:,} for training, {held} held out, seed {seed}")

    checks = [check for kind in (SVM, NETWORK) for check in check_model(kind, split.x[:32], split.labels[:32], seed)]
    try:
        check_second_order(split.x[:8], split.labels[:8], seed)
    except GradientCheckError as error:
        raise DemoError(f"the second derivatives are wrong: {error}") from error
    compared = sum(check.compared for check in checks)
    worst = max(check.difference for check in checks)
    console.line(f"gradient check: {compared} entries compared, largest relative difference {worst:.1e}")
    if not worst < 1e-4:
        raise DemoError(f"the gradients are wrong by {worst:.1e}: this is a bug, please report it")

    models, histories = {}, {}
    for kind in (SVM, NETWORK):
        models[kind.key] = model = kind.by_fastgrad(kind.initial(seed))

        def watch(done, total, loss, accuracy, title=kind.title):
            console.progress(f"{title:<17}  loss {loss:7.4f}  held-out accuracy {accuracy:6.1%}", done, total)

        histories[kind.key] = train(kind, model, split, steps, seed, watch)

    timings = []
    for kind in (SVM, NETWORK):
        timings += timing.measure(kind, seed, worker, reason)
    _print_timings(console, timings)

    network = models["network"]
    predictions = classify(network, split)
    return Results(
        split, steps, seed, checks, histories, models["svm"].arrays()["W"], predictions,
        input_gradient(network, split, predictions), timings, perf_counter() - started,
    )  # fmt: skip


def _print_timings(console, timings):
    console.line(f"time per training step (median of {timing.ROUNDS} rounds, after checking that all results agree)")
    console.line(f"{'':<32}" + "".join(f"{kind.title:>20}" for kind in (SVM, NETWORK)))
    for name in timing.NAMES.values():
        row = [t for t in timings if t.name == name]
        cells = "".join(f"{duration(t.seconds) if t.seconds else 'none':>20}" for t in row)
        console.line(f"  {name:<30}{cells}" + (f"  ({row[0].reason})" if row[0].reason else ""))
