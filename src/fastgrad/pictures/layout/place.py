"""The complete layout: columns, dummies for long wires, order, heights, and the resulting positions and paths.

A wire that forks is one trunk through the columns, from which branches lead to its consumers. Within a column, every
wire is horizontal and has its own height. It bends only in the gaps between columns, so that no wire crosses a node or
its text.
"""

from dataclasses import dataclass, field

from fastgrad.pictures.layout.coordinates import heights
from fastgrad.pictures.layout.crossings import order
from fastgrad.pictures.layout.ranks import ranks
from fastgrad.pictures.layout.rows import room_to_bend, wrap
from fastgrad.pictures.layout.straight import straighten

_DUMMY = 4.0  # half the height of a dummy, that is, of a wire that passes through a column
_GAP = 12.0  # between two nodes in a column
_LEAST_GAP = 26.0  # between two columns
_BETWEEN_ROWS = 34.0
_CUT = 12.0  # length of a wire beyond the end of its row, before its label
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
    label : float
        Width of the text that names its wire where a row ends.
    """

    half: float
    inlet: float
    stub: float
    top: float
    bottom: float
    ports: list
    sources: list
    swaps: bool = False
    label: float = 0.0


@dataclass(slots=True)
class Placed:
    """The layout.

    Attributes
    ----------
    x, y : list of float
        Centre of the gate of each node.
    columns : list of (float, float)
        Left and right edge of each column.
    row : list of int
        Row of each column.
    rows : list of (float, float, float)
        For each row the left and right end of the wires that are cut, and its vertical shift: a wire that is at height
        y at the end of row r is at y - shift[r] + shift[r + 1] at the start of the next one.
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
    row: list = field(default_factory=list)
    rows: list = field(default_factory=list)


def place(boxes, width=None):
    """Return the layout of `boxes`, which are in topological order, operands first, in rows of at most `width`."""
    sources = [box.sources for box in boxes]
    column = ranks(sources)
    if width is not None and _least_width(boxes, column) > width:
        column = ranks(sources, compact=True)  # leaves whose wires would run through several rows
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
    placed = _positions(boxes, ordered, column, chains, ports, edges, y)
    return _in_rows(placed, boxes, ordered, edges, y, width)


def _least_width(boxes, column):
    """Return the width of the columns without the gaps between them."""
    widest = {}
    for box, k in zip(boxes, column, strict=True):
        widest[k] = max(widest.get(k, 0.0), box.inlet + 2 * box.half + box.stub)
    return sum(widest.values()) + _LEAST_GAP * (len(widest) - 1)


def _in_rows(placed, boxes, ordered, edges, y, width):
    """Divide the columns into rows, one below the other, and move everything there."""
    cut = [set() for _ in ordered]  # for each column, the items with wires to the next one
    for u, _, _ in edges:
        cut[placed.column[u] if isinstance(u, int) else u[1]].add(u)
    longest = max((boxes[u if isinstance(u, int) else u[0]].label for items in cut for u in items), default=0.0)
    inset = longest + _CUT + 6.0
    placed.row = row = wrap(placed.columns, [len(items) for items in cut], width, inset)
    count = row[-1] + 1 if row else 1
    if count == 1:
        placed.rows = [(0.0, placed.width, 0.0)]
        return placed
    moves, at = [], 0.0
    for r in range(count):
        columns = [k for k, of in enumerate(row) if of == r]
        spans = [(y[item] - (boxes[item].top if isinstance(item, int) else _DUMMY),
                  y[item] + (boxes[item].bottom if isinstance(item, int) else _DUMMY))
                 for k in columns for item in ordered[k]]  # fmt: skip
        ends = [columns[0] - 1] * (r > 0) + [columns[-1]]
        spans += [(y[item] - _DUMMY - 2.0, y[item] + _DUMMY) for k in ends for item in cut[k]]
        top = min(span[0] for span in spans)
        left, right = placed.columns[columns[0]][0], placed.columns[columns[-1]][1]
        dx = (inset + room_to_bend(placed.columns, columns[0]) if r else 0.0) - left
        moves.append((dx, at - top))
        placed.rows.append((inset - _CUT if r else 0.0, right + dx + _CUT, at - top))
        at += max(span[1] for span in spans) - top + _BETWEEN_ROWS
    for v, of in enumerate(placed.column):
        dx, dy = moves[row[of]]
        placed.x[v] += dx
        placed.y[v] += dy
        first = placed.column[v]
        placed.trunks[v] = [
            (a + moves[row[first + k]][0], b + moves[row[first + k]][0], height + moves[row[first + k]][1])
            for k, (a, b, height) in enumerate(placed.trunks[v])
        ]
    placed.columns = [(a + moves[row[k]][0], b + moves[row[k]][0]) for k, (a, b) in enumerate(placed.columns)]
    placed.width = max(right for _, right, _ in placed.rows[:-1]) + longest + 6.0
    placed.width = max(placed.width, placed.columns[-1][1])
    placed.height = at - _BETWEEN_ROWS
    return placed


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
    gaps = [min(110.0, max(_LEAST_GAP, 12.0 + 0.3 * s)) for s in steep]
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
