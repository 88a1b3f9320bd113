"""The layout: operands left of results, no overlaps, few crossings, deterministic."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.pictures import svg
from fastgrad.pictures.layout import Box, place
from fastgrad.pictures.layout.crossings import count, order
from fastgrad.pictures.layout.ranks import ranks
from fastgrad.pictures.layout.rows import wrap
from fastgrad.pictures.style import width

SVG = "{http://www.w3.org/2000/svg}"


def random_sources(rng, n):
    """Draw for each node its earlier operands, some of them repeated, some far away."""
    sources = [[] for _ in range(max(2, n // 5))]
    while len(sources) < n - 1:
        near = max(0, len(sources) - int(rng.integers(2, 30)))
        sources.append(rng.integers(near, len(sources), rng.integers(1, 4)).tolist())
    used = {u for from_ in sources for u in from_}
    return [*sources, [v for v in range(n - 1) if v not in used]]


def boxes(rng, n):
    made = []
    for from_ in random_sources(rng, n):
        ports = [18.0 * k - 9.0 * (len(from_) - 1) for k in range(len(from_))]
        tall = max(20.0, 9.0 * len(from_))
        made.append(Box(float(rng.uniform(5, 40)), float(rng.uniform(0, 50)), float(rng.uniform(10, 60)),
                        tall + float(rng.uniform(0, 30)), tall, ports, from_, bool(rng.integers(2))))  # fmt: skip
    return made


@pytest.mark.parametrize("n", [1, 2, 3, 8, 30, 120])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_nothing_overlaps_and_all_goes_from_left_to_right(seed, n):
    made = boxes(np.random.default_rng(seed), n) if n > 2 else [Box(5, 0, 10, 5, 5, [], [])] * n
    placed = place(made)
    taken = {}  # by column: (top, bottom) of all that is in it
    for v, box in enumerate(made):
        taken.setdefault(placed.column[v], []).append((placed.y[v] - box.top, placed.y[v] + box.bottom))
        left, right = placed.columns[placed.column[v]]
        assert left - 1e-6 <= placed.x[v] - box.half - box.inlet
        assert placed.x[v] + box.half + box.stub <= right + 1e-6
        for u in box.sources:
            assert placed.column[u] < placed.column[v] and placed.x[u] < placed.x[v]
        for k, (_, _, y) in enumerate(placed.trunks[v][1:], 1):
            taken.setdefault(placed.column[v] + k, []).append((y, y))
        for u in box.sources:
            assert len(placed.trunks[u]) >= placed.column[v] - placed.column[u]
        assert sorted(placed.ports[v]) == list(range(len(box.sources)))
        if not box.swaps:
            assert placed.ports[v] == list(range(len(box.sources)))
    for spans in taken.values():
        spans.sort()
        assert all(above[1] < below[0] for above, below in zip(spans, spans[1:]))
        assert spans[0][0] >= -1e-6 and spans[-1][1] <= placed.height + 1e-6
    for (_, right), (left, _) in zip(placed.columns, placed.columns[1:]):
        assert right < left


def test_the_layout_is_the_same_every_time():
    first, second = (place(boxes(np.random.default_rng(5), 60)) for _ in range(2))
    assert first == second


def test_a_chain_is_straight_and_a_tree_has_no_crossing():
    line = [Box(20, 10, 30, 20, 20, [0.0] if k else [], [k - 1] if k else []) for k in range(30)]
    assert np.ptp(place(line).y) < 1e-9
    tree = [Box(5, 0, 20, 15, 15, [], []) for _ in range(16)]
    level = list(range(16))
    while len(level) > 1:
        pairs = list(zip(level[::2], level[1::2], strict=True))
        level = list(range(len(tree), len(tree) + len(pairs)))
        tree += [Box(20, 10, 20, 20, 20, [-9.0, 9.0], list(pair)) for pair in pairs]
    placed = place(tree)
    for box, y in zip(tree, placed.y, strict=True):
        if box.sources:
            above, below = (placed.y[u] for u in box.sources)
            assert above < y < below


def test_leaves_stand_on_the_left_of_a_small_graph_and_near_their_gate_in_a_long_one():
    assert ranks([[], [], [0, 1], [], [2, 3]]) == [0, 0, 1, 0, 2]
    chain = [[]]
    for k in range(60):
        chain += [[], [len(chain) - 1 if k else 0, len(chain)]]
    columns = ranks(chain)
    assert all(columns[v] - columns[u] == 1 for v, from_ in enumerate(chain) for u in from_)


def test_crossings_are_counted_and_removed():
    edges = [("a", "y", 0.0), ("b", "x", 0.0)]
    after = {"a": [("y", 0.0)], "b": [("x", 0.0)]}
    assert count([["a", "b"], ["x", "y"]], after) == 1
    assert count(order([["a", "b"], ["x", "y"]], edges), after) == 0


def staged():
    x, y = fg.tensor(3.0, requires_grad=True), fg.tensor(-4.0, requires_grad=True)
    return (x + y.sigmoid()) / (x.sigmoid() + (x + y) ** 2)


def network():
    rng = np.random.default_rng(0)
    x, labels = fg.tensor(rng.normal(size=(6, 4))), np.arange(6) % 3
    first, second = (fg.tensor(rng.normal(size=s), requires_grad=True) for s in ((4, 8), (8, 3)))
    bias = fg.tensor(np.zeros(8), requires_grad=True)
    return fg.nn.functional.cross_entropy((x @ first + bias).tanh() @ second, labels)


@pytest.mark.parametrize("make", [staged, network, lambda: chain(25)])
def test_no_words_lie_over_others_or_beyond_the_page(make):
    root = ET.fromstring(fg.draw(make(), names={}, title="a title").svg)
    [group] = [g for g in root if g.tag == f"{SVG}g"]
    dx, dy = map(float, re.findall(r"[\d.]+", group.get("transform")))
    inside = {id(t) for t in group.iter(f"{SVG}text")}
    wide, tall = float(root.get("width")), float(root.get("height"))
    spans = []
    for t in root.iter(f"{SVG}text"):
        classes = t.get("class").split()
        size = {"h": 15, "name": 13, "s": 14, "c": 10}.get(
            next((c for c in classes if c in ("h", "name", "s", "c")), ""), 12
        )
        w, x, y = width(t.text, size), float(t.get("x")), float(t.get("y"))
        x -= w if "end" in classes else 0 if {"h", "k"} & set(classes) else w / 2
        x, y = (x + dx, y + dy) if id(t) in inside else (x, y)
        assert min(x, y - size) >= 0 and x + w * 0.97 <= wide and y <= tall, t.text
        spans.append((x, y - 0.75 * size, x + w * 0.95, y, t.text))
    for k, a in enumerate(spans):
        for b in spans[:k]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a, b)


def test_a_name_wider_than_its_gate_has_room():
    x = fg.tensor(1.0, requires_grad=True)
    graph = fg.draw(x.exp() * 2, names={"x": x}).graph
    graph.nodes[1].name = "a rather long name indeed"
    view = svg.node_views(graph)[1]
    assert view.half + view.stub >= width(view.name, 13.0) / 2 <= view.half + view.inlet


def chain(n=60):
    y = fg.tensor(0.5, requires_grad=True)
    for k in range(n):
        y = y.sin() if k % 2 else y * 1.5
    return y


@pytest.mark.parametrize("width", [400, 700, 1100])
def test_a_long_graph_is_wrapped_into_rows_of_the_width_of_the_page(width):
    root = ET.fromstring(fg.draw(chain(), names={}, width=width).svg)
    assert 0.6 * width <= float(root.get("width")) <= width
    assert "max-width:none" in root.get("style")
    one = ET.fromstring(fg.draw(chain(), names={}, width=None).svg)
    assert float(one.get("width")) > 8000 and float(one.get("height")) < 200


@pytest.mark.parametrize("seed", range(4))
def test_rows_do_not_overlap_and_every_wire_that_is_cut_continues(seed):
    made = boxes(np.random.default_rng(seed), 60)
    for box in made:
        box.label = 20.0
    placed = place(made, 700)
    rows = max(placed.row) + 1
    assert rows > 1 and placed.row == sorted(placed.row)
    spans = [[] for _ in range(rows)]
    for v, box in enumerate(made):
        spans[placed.row[placed.column[v]]] += [placed.y[v] - box.top, placed.y[v] + box.bottom]
        for k, (_, _, height) in enumerate(placed.trunks[v]):
            spans[placed.row[placed.column[v] + k]].append(height)
    for above, below in zip(spans, spans[1:]):
        assert max(above) < min(below)
    shifts = [shift for _, _, shift in placed.rows]
    straight = place(made, None)
    assert max(straight.row) == 0 and straight.width > 700
    for v, points in enumerate(placed.trunks):
        heights = {round(y - shifts[placed.row[placed.column[v] + k]], 6) for k, (_, _, y) in enumerate(points)}
        assert len(heights) <= len(points)
    for k, (left, right) in enumerate(placed.columns):
        start, end, _ = placed.rows[placed.row[k]]
        assert start - 1e-6 <= left and right <= end + 1e-6 and right <= placed.width + 1e-6


def test_rows_are_filled_evenly_and_cut_few_wires():
    columns = [(100.0 * k, 100.0 * k + 90.0) for k in range(10)]
    assert wrap(columns, [1] * 10, None, 10.0) == [0] * 10
    assert wrap(columns, [1] * 10, 1000.0, 10.0) == [0] * 10
    assert wrap(columns, [1] * 10, 530.0, 10.0) == [0] * 5 + [1] * 5
    assert wrap(columns, [1, 1, 1, 1, 9, 1, 9, 9, 9, 9], 640.0, 10.0)[4:6] != [0, 1]
    assert wrap([(0.0, 5000.0), (5010.0, 5020.0)], [1, 1], 500.0, 10.0) == [0, 1]
