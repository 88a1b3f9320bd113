"""The whole layout: columns, dummies for long wires, order, heights, and from those every place and every path.

A wire that forks is one trunk through the columns; its branches leave it where they are needed. Inside a column every
wire is level, at a height that is its own; it bends only in the gaps between columns. So no wire runs through a node or
its words.
"""

from dataclasses import dataclass

from fastgrad.pictures.layout.coordinates import heights
from fastgrad.pictures.layout.crossings import order
from fastgrad.pictures.layout.ranks import ranks
from fastgrad.pictures.layout.straight import straighten

_DUMMY = 4.0  # half the height that a passing wire takes
_GAP = 12.0  # between nodes of a column
_NARROW_GAP = 4.0  # beside a passing wire: past a gate of radius 20 it is as far off as two ports are apart


@dataclass(slots=True)
class Box:
    """The size of a node, around the point where its wire starts.

    Attributes
    ----------
    half : float
        Half the width of the gate or leaf.
    inlet, stub : float
        What is written along the wires before it and behind it.
    top, bottom : float
        How far it reaches above and below its wire.
    ports : list of float
        The heights of its incoming wires, from its own; from the top.
    sources : list of int
        The nodes that they come from.
    swaps : bool
        Whether the wires may change places.
    """

    half: float
    inlet: float
    stub: float
    top: float
    bottom: float
    ports: list
    sources: list
    swaps: bool = False


@dataclass(slots=True)
class Placed:
    """The layout.

    Attributes
    ----------
    x, y : list of float
        Of each node, the middle of its gate.
    columns : list of (float, float)
        The left and right edge of each column.
    column : list of int
        Of each node.
    ports : list of lists of int
        For each node and wire the place from above at which it enters.
    trunks : list of lists of points
        For each node the points its wire goes through: from its own column to the last that needs it.
    width, height : float
    """

    x: list
    y: list
    columns: list
    column: list
    ports: list
    trunks: list
    width: float = 0.0
    height: float = 0.0


def place(boxes):
    """The layout of `boxes`, operands before results."""
    sources = [box.sources for box in boxes]
    column = ranks(sources)
    items, edges, chains = _with_dummies(sources, column)
    ordered = order(_start(boxes, items, chains), [(u, v, _port(boxes, v, k)) for u, v, k in edges])
    ports = _settle_ports(boxes, ordered, chains, column)
    tops = {item: boxes[item].top if isinstance(item, int) else _DUMMY for level in ordered for item in level}
    bottoms = {item: boxes[item].bottom if isinstance(item, int) else _DUMMY for level in ordered for item in level}
    weighted = [(u, v, boxes[v].ports[ports[v][k]] if k is not None else 0.0, _weight(u, v)) for u, v, k in edges]
    y = heights(ordered, weighted, tops, bottoms, _gap)
    leaving, entering = {}, {}
    for u, v, offset, _ in weighted:
        entering.setdefault(v, []).append((u, offset))
        leaving.setdefault(u, []).append((v, offset))
    straighten(y, ordered, chains, leaving, entering, tops, bottoms, _gap)
    least = min((y[item] - tops[item] for item in y), default=0.0)
    y = {item: height - least for item, height in y.items()}
    return _finish(boxes, ordered, column, chains, ports, edges, y)


def _weight(u, v):
    """How much a wire wants to be level: the more the longer it is."""
    return (1.0, 2.0, 8.0)[(not isinstance(u, int)) + (not isinstance(v, int))]


def _gap(upper, lower):
    return _GAP if isinstance(upper, int) and isinstance(lower, int) else _NARROW_GAP


def _with_dummies(sources, column):
    """Items by column, edges (u, v, port) between neighbouring columns, and each node's own chain of items.

    A dummy is the pair (node, column) of the wire that passes. All branches of a wire share its dummies.
    """
    width = max(column, default=0) + 1
    items = [[] for _ in range(width)]
    last = list(column)
    for v, from_ in enumerate(sources):
        for u in from_:
            last[u] = max(last[u], column[v] - 1)
    chains = []
    edges = []
    for u in range(len(sources)):
        chain = [u] + [(u, c) for c in range(column[u] + 1, last[u] + 1)]
        chains.append(chain)
        for k, item in enumerate(chain):
            items[column[u] + k].append(item)
            if k:
                edges.append((chain[k - 1], item, None))
    for v, from_ in enumerate(sources):
        for k, u in enumerate(from_):
            edges.append((chains[u][column[v] - 1 - column[u]], v, k))
    return items, edges, chains


def _port(boxes, v, k):
    return 0.0 if k is None or boxes[v].swaps or len(boxes[v].ports) < 2 else k / (len(boxes[v].ports) - 1)


def _start(boxes, items, chains):
    """Each column in the order in which a walk from the results through the operands, first to last, meets its items.

    A trunk is put where its node was met: a tree comes out without a crossing.
    """
    met, stack = {}, [v for v in range(len(boxes))]
    while stack:
        v = stack.pop()
        if v not in met:
            met[v] = len(met)
            stack.extend(reversed(boxes[v].sources))
    return [sorted(level, key=lambda item: met[item if isinstance(item, int) else item[0]]) for level in items]


def _settle_ports(boxes, ordered, chains, column):
    """For each node the place from above of each wire: as given, or where they may change places as they come."""
    row = {item: k for level in ordered for k, item in enumerate(level)}
    settled = []
    for v, box in enumerate(boxes):
        coming = list(range(len(box.sources)))
        if box.swaps:
            coming.sort(key=lambda k: row[chains[box.sources[k]][column[v] - 1 - column[box.sources[k]]]])
        at = [0] * len(coming)
        for where, k in enumerate(coming):
            at[k] = where
        settled.append(at)
    return settled


def _finish(boxes, ordered, column, chains, ports, edges, y):
    """Columns side by side, gaps as wide as the wires in them are steep."""
    steep = [0.0] * len(ordered)
    for u, v, k in edges:
        end = y[v] + (boxes[v].ports[ports[v][k]] if k is not None else 0.0)
        at = column[u] if isinstance(u, int) else u[1]
        steep[at] = max(steep[at], abs(end - y[u]))
    edges_of, at, x_of = [], 0.0, []
    gaps = [min(110.0, max(26.0, 12.0 + 0.3 * s)) for s in steep]
    for k, level in enumerate(ordered):
        real = [boxes[item] for item in level if isinstance(item, int)]
        inlet = max((b.inlet for b in real), default=0.0)
        half = max((b.half for b in real), default=4.0)
        stub = max((b.stub for b in real), default=0.0)
        x_of.append(at + inlet + half)
        edges_of.append((at, at + inlet + 2 * half + stub))
        at = edges_of[-1][1] + gaps[k]
    trunks = []
    for chain in chains:
        first = column[chain[0]]
        trunks.append([(*edges_of[first + k], y[item]) for k, item in enumerate(chain)])
    bottom = max(
        (y[item] + (boxes[item].bottom if isinstance(item, int) else _DUMMY) for level in ordered for item in level),
        default=0.0,
    )
    xs = [x_of[column[v]] for v in range(len(boxes))]
    ys = [y[v] for v in range(len(boxes))]
    return Placed(xs, ys, edges_of, column, ports, trunks, edges_of[-1][1] if edges_of else 0.0, bottom)
