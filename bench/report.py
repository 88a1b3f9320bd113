"""Output: the table in the terminal and the JSON file."""

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path

from fastgrad.benchmark.race import duration


def quantity(value, unit):
    """Format a figure with three digits and its unit."""
    if value is None:
        return ""
    return duration(value) if unit == "s" else f"{value:.0f} {unit}"


def ratio_text(result):
    if result.ratio is None:
        return ""
    if result.rival is None or result.ratio >= 100:
        return f"{result.ratio:.0f}"
    return f"{result.ratio:.2f}{result.ratio_unit}"


def target_text(result):
    if result.target is None:
        return ""
    number = f"{result.target:g}" if result.rival is None else f"{result.target:.2f}{result.ratio_unit}"
    return f"{result.sense} {number}"


def met_text(result):
    return {True: "met", False: "NOT MET", None: ""}[result.met]


class Table:
    """Prints each result as soon as it is measured, in columns of fixed width."""

    def __init__(self, peers=(), width=24, out=None):
        self.peers, self.width = tuple(peers), width
        self.out = out or partial(print, flush=True)  # also if the output is a pipe

    def head(self):
        titles = self._line("row", "fastgrad", "rival", "", "ratio", "target", "", *self.peers)
        self.out(titles)
        self.out("-" * len(titles))

    def add(self, result):
        theirs = (quantity(result.peers.get(name), result.unit) for name in self.peers)
        self.out(self._line(
            result.row, quantity(result.fastgrad, result.unit), result.rival_name, quantity(result.rival, result.unit),
            ratio_text(result), target_text(result), met_text(result), *theirs,
        ))  # fmt: skip

    def fail(self, name, kind, text):
        self.out(f"{name:<{self.width}} {kind}: {text}")

    def _line(self, row, mine, name, theirs, ratio, target, met, *peers):
        fixed = f"{row:<{self.width}} {mine:>9}  {name:<19} {theirs:>9}  {ratio:>7}  {target:<9} {met:<8}"
        return (fixed + "".join(f" {p:>10}" for p in peers)).rstrip()


def write_json(path, machine, results, failures):
    """Write all results, with quartiles, to a JSON file."""
    rows = [{**asdict(r), "met": r.met} for r in results]
    text = json.dumps({"machine": machine, "rows": rows, "not_measured": failures}, indent=1)
    Path(path).write_text(text + "\n", encoding="utf-8")
