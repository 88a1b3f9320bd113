"""`python -m fastgrad bench`: a short table of overheads, measured by `fastgrad.benchmark`.

The control row compares a NumPy call with itself. If its ratio differs from 1, the machine was busy.
"""

import sys

from fastgrad.benchmark import peers
from fastgrad.benchmark.elementwise import mixed_race
from fastgrad.benchmark.networks import small_network
from fastgrad.benchmark.race import Settings, disagreements, duration, time_race
from fastgrad.benchmark.scalars import add_4x4, add_scalar, control, neuron, staged_written
from fastgrad.cli.info import lines

ROWS = {
    "control: one NumPy call against itself": control,
    "recorded 0-d a + b": lambda: add_scalar(unroll=50),
    "recorded 4x4 a + b": lambda: add_4x4(unroll=50),
    "staged expression, forward, backward": staged_written,
    "scalar neuron, forward, backward": neuron,
    "1,000 elements, value and gradient": lambda: mixed_race(1000),
    "64-64-10 network, batch 32, SGD step": small_network,
}


def bench(rounds, out):
    """Measure and print the table. Returns 1 if the results of a contender differ from fastgrad's, else 0."""
    for line in lines():
        print(line, file=out)
    missing = ", ".join(peers.missing()) or "none"
    names = ["by hand", "fastgrad", *peers.chosen()]
    print(f"peers:        {', '.join(names[2:]) or 'none'} (not installed: {missing})\n", file=out)
    print(f"{f'median of {rounds} rounds':<36}" + "".join(f"{name:>18}" for name in names), file=out)
    wrong = []
    for title, make in ROWS.items():
        race = make()
        by_hand = race.rivals[0].name
        race.collect, race.per = True, 1.0  # include garbage collection; time a whole step
        for rival, _ in list(disagreements(title, race)):
            wrong.append(f"{title}: {rival.name}")
            race.rivals.remove(rival)
        timings = time_race(race, Settings(rounds=(rounds, rounds)))
        seconds = {name: timing.median for name, timing in timings.items()}
        seconds["fastgrad"], seconds["by hand"] = seconds.pop(race.fastgrad.name), seconds.pop(by_hand, None)
        print(table_line(title, names, seconds), file=out, flush=True)
    for line in wrong:
        print(f"fastgrad: results differ from fastgrad's in {line}", file=sys.stderr)
    return 1 if wrong else 0


def table_line(title, names, seconds):
    """Format a row: the times, and their ratios to the hand-written code."""
    hand = seconds["by hand"]
    cells = []
    for name in names:
        if seconds.get(name) is None:
            cells.append("")
        elif name == "by hand" or hand is None:
            cells.append(duration(seconds[name]))
        else:
            cells.append(f"{duration(seconds[name])} ({times(seconds[name] / hand)})")
    return f"{title:<36}" + "".join(f"{cell:>18}" for cell in cells)


def times(ratio):
    """Format a ratio with three digits, such as 0.56x, 12.3x or 1,210x."""
    return f"{ratio:.3g}x" if ratio < 999.5 else f"{ratio:,.0f}x"
