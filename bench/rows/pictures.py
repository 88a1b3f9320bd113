"""Pictures: drawing a graph, including gradients, layout and SVG text."""

from functools import partial

import numpy as np

import fastgrad as fg
from bench.results import Result, row
from fastgrad.benchmark.race import Contender, compare, time_in_turns

NODES, ALLOWED = 200, 0.3  # seconds


def tangle(nodes, seed=30):
    """Return a graph of `nodes` nodes whose wires fork and cross, which dominates the time."""
    rng = np.random.default_rng(seed)
    made = [fg.tensor(float(value), requires_grad=True) for value in rng.normal(size=20)]
    loose = list(made)  # tensors without consumers
    while len(made) + len(loose) - 1 < nodes:
        a = loose.pop(0)
        b = made[rng.integers(max(0, len(made) - 40), len(made))]
        y = a + b if rng.random() < 0.5 else fg.arctan2(a, b)
        loose = [t for t in loose if t is not b] + [y]
        made.append(y)
    y = loose.pop()
    while loose:
        y = y + loose.pop()
    return y


def check(y):
    """Compare the gradients of the picture with those of a sweep."""
    picture = fg.draw(y, names={}, limit=10**6)
    leaves, stack, seen = [], [y], set()
    while stack:
        t = stack.pop()
        if id(t) not in seen:
            seen.add(id(t))
            stack.extend(t.operands)
            if t.is_leaf:
                leaves.append(t)
    swept = {t.item(): g.item() for t, g in zip(leaves, fg.gradients(y, leaves, retain_graph=True))}
    drawn = {node.value.item(): node.gradient.item() for node in picture.graph.nodes if not node.wires}
    for value, gradient in swept.items():
        compare("draw: gradient of a leaf", np.array(drawn[value]), gradient, 1e-9)
    return len(picture.graph.nodes)


@row("draw-200", target=1.0, note="fg.draw(y).svg of a graph of 200 nodes that fork and cross, against 0.3 s")
def draw_row(settings):
    """Draw an existing graph."""
    y = tangle(NODES)
    nodes = check(y)
    contenders = [Contender("draw", partial(_draw, y), dict)]
    [timing] = time_in_turns(contenders, settings, collect=True)
    return [
        Result("draw-200", timing.median, ALLOWED, "limit", ratio=timing.median / ALLOWED, target=1.0,
               timings={"fastgrad": timing}, note=f"{nodes} nodes, gradients and layout included")
    ]  # fmt: skip


def _draw(y):
    return fg.draw(y, names={}, limit=10**6).svg
