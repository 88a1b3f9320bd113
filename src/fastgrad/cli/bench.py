"""`python -m fastgrad bench`: the overhead table. Checks that all contestants of a row agree, then times them in turns.

Reports medians. The control row does the same work everywhere: it tells a slow machine from slow code.
"""

import sys
from statistics import median
from timeit import Timer

TURN = 2e-3  # seconds that one turn of one contestant should last
AGREE = 1e-9  # all contestants compute in float64


def bench(rounds, out):
    """Measure and print the table; returns 1 if any contestant gave other numbers than the code by hand, else 0."""
    from fastgrad.cli.contestants import ROWS
    from fastgrad.cli.info import lines
    from fastgrad.cli.peers import PEERS, load_peers

    for line in lines()[:6]:
        print(line, file=out)
    peers, missing = load_peers()
    print(f"peers:         {', '.join(peers) or 'none'} (not here: {', '.join(missing) or 'none'})\n", file=out)
    names = ["by hand", "fastgrad", *peers]
    print(f"{'median of ' + str(rounds) + ' rounds':<36}" + "".join(f"{name:>18}" for name in names), file=out)
    wrong = []
    for row in ROWS:
        contestants = row.contestants() | {
            name: PEERS[name, row.key](*module) for name, module in peers.items() if (name, row.key) in PEERS
        }
        for name in disagreeing(contestants):
            wrong.append(f"{row.title}: {name}")
            del contestants[name]
        print(table_line(row.title, names, measure(contestants, rounds)), file=out, flush=True)
    for line in wrong:
        print(f"fastgrad: values differ from those by hand in {line}", file=sys.stderr)
    return 1 if wrong else 0


def disagreeing(contestants):
    """Names of the contestants whose numbers are not those of the first one."""
    import numpy as np

    values = {name: np.concatenate([np.ravel(part) for part in c.values()]) for name, c in contestants.items()}
    reference = next(iter(values.values()))
    scale = max(1.0, float(np.abs(reference).max()))
    return [
        name for name, value in values.items()
        if value.shape != reference.shape or not np.abs(value - reference).max() <= AGREE * scale
    ]  # fmt: skip


def measure(contestants, rounds):
    """Seconds per run of each contestant: the median over rounds in which each has its turn."""
    timers, counts = {}, {}
    for name, c in contestants.items():
        # Collections are part of what a library costs; timeit would switch them off.
        timers[name] = timer = Timer("; ".join([c.code] * c.unroll), "import gc; gc.enable()", globals=c.names)
        timer.timeit(3)
        counts[name] = max(1, int(TURN / max(timer.timeit(3) / 3, 1e-9)))
    seconds = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, timer in timers.items():
            seconds[name].append(timer.timeit(counts[name]) / counts[name] / contestants[name].unroll)
    return {name: median(turns) for name, turns in seconds.items()}


def table_line(title, names, seconds):
    """One line: times, and how many times that of the code by hand."""
    from fastgrad.demo.timing import duration

    hand = seconds["by hand"]
    cells = []
    for name in names:
        if name not in seconds:
            cells.append("")
        elif name == "by hand":
            cells.append(duration(seconds[name]))
        else:
            cells.append(f"{duration(seconds[name])} ({times(seconds[name] / hand)})")
    return f"{title:<36}" + "".join(f"{cell:>18}" for cell in cells)


def times(ratio):
    """A ratio in three digits, as 0.56x, 12.3x or 1,210x."""
    return f"{ratio:.3g}x" if ratio < 999.5 else f"{ratio:,.0f}x"
