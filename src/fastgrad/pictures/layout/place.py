"""The complete layout: columns, dummies for long wires, order, heights, and the resulting positions and paths.

A wire that forks is one trunk through the columns, from which branches lead to its consumers. Within a column, every
wire is horizontal and has its own height. It bends only in the gaps between columns, so that no wire crosses a node or
its text.
"""

from dataclasses import dataclass

from fastgrad.pictures.layout.coordinates import heights
from fastgrad.pictures.layout.crossings import order
from fastgrad.pictures.layout.ranks import ranks
from fastgrad.pictures.layout.straight import straighten

_DUMMY = 4.0  # half the height of a dummy, that is, of a wire that passes through a column
_GAP = 12.0  # between two nodes in a column
_NARROW_GAP = 4.0  # next to a dummy: its distance from a gate is then that of two ports


@dataclass(slots=True)
class Box:
    """The size of a node, relative to the point where its wire starts.

    Attributes
    ----------
    half : float
        Half of the width of the gate or leaf.
    inlet, stub : float
        Widths of the labels at the incoming wires and at the outgoing wire.
    top, bottom : float
        Extents above and below its wire.
    ports : list of float
        Heights of its incoming wires relative to its own, from top to bottom.
    sources : list of int
        Indices of the operands.
    swaps : bool
        Whether the wires may enter in any order.
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
        Centre of the gate of each node.
    columns : list of (float, float)
        Left and right edge of each column.
    column : list of int
        Column of each node.
    ports : list of lists of int
        Index of the port at which each wire of each node enters.
    trunks : list of lists of points
        For each node, the points (left, right, height) of its wire in each column, from its own to the last one needed.
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
    """Return the layout of `boxes`, which are in topological order, operands first."""
    sources = [box.sources for box in boxes]
    column = ranks(sources)
    items, edges, chains = _with_dummies(sources, column)
    ordered = order(_initial_order(boxes, items), [(u, v, _port(boxes, v, k)) for u, v, k in edges])
    ports = _assign_ports(boxes, ordered, chains, column)
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
    return _positions(boxes, ordered, column, chains, ports, edges, y)


def _weight(u, v):
    """Return the weight of a straight edge: larger within long wires."""
    return (1.0, 2.0, 8.0)[(not isinstance(u, int)) + (not isinstance(v, int))]


def _gap(upper, lower):
    return _GAP if isinstance(upper, int) and isinstance(lower, int) else _NARROW_GAP


def _with_dummies(sources, column):
    """Return the items of each column, the edges (u, v, port) between neighbouring columns, and the chain of each node.

    A dummy is a pair (node, column): the wire of the node in that column. All branches of a wire share its dummies. A
    chain is a node and its dummies.
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


def _initial_order(boxes, items):
    """Sort each column in the order in which a depth-first search from the results visits its items.

    A dummy has the position of its node, so that trees have no crossings.
    """
    position, stack = {}, [v for v in range(len(boxes))]
    while stack:
        v = stack.pop()
        if v not in position:
            position[v] = len(position)
            stack.extend(reversed(boxes[v].sources))
    return [sorted(level, key=lambda item: position[item if isinstance(item, int) else item[0]]) for level in items]


def _assign_ports(boxes, ordered, chains, column):
    """Return for each node the port of each wire: in the order of the operands, or by height if any order will do."""
    row = {item: k for level in ordered for k, item in enumerate(level)}
    assigned = []
    for v, box in enumerate(boxes):
        wires = list(range(len(box.sources)))
        if box.swaps:
            wires.sort(key=lambda k: row[chains[box.sources[k]][column[v] - 1 - column[box.sources[k]]]])
        ports = [0] * len(wires)
        for port, k in enumerate(wires):
            ports[k] = port
        assigned.append(ports)
    return assigned


def _positions(boxes, ordered, column, chains, ports, edges, y):
    """Compute all positions. Gaps between columns are wider if their wires are steeper."""
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
