"""Writes a Graph as SVG text. Escapes all text. The output does not depend on the machine or the run.

Gates are drawn over wires. Tooltips are `<title>` elements, so that they need no script.
"""

import math
import re
from html import escape

from fastgrad.pictures import heat
from fastgrad.pictures.formatting import details, format_number, format_shape, format_size, format_vector, norm
from fastgrad.pictures.graph import BLOCK, CONSTANT, GATE, LEAF
from fastgrad.pictures.layout import Box, place
from fastgrad.pictures.style import CLASS, CSS, width
from fastgrad.pictures.symbols import format_scalar, truncate

_FORBIDDEN = re.compile("[^\\t\\n\\r -\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")  # characters that XML forbids
_RADIUS = 20.0  # of a gate
_MARGIN = 22.0
_LINE = 20.0
_MAX_NAME = 24


def tag(name, *children, **attributes):
    """Return an element. Attribute names such as `class_` and `text_anchor` mean class and text-anchor."""
    pairs = "".join(f' {k.rstrip("_").replace("_", "-")}="{escape(_format(v))}"' for k, v in attributes.items())
    return f"<{name}{pairs}>{''.join(children)}</{name}>" if children else f"<{name}{pairs}/>"


def _format(value):
    """Format an attribute or text. Floats have at most two decimals; '?' replaces characters that XML forbids."""
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"
    return _FORBIDDEN.sub("?", str(value))


def text(content, x, y, class_):
    return tag("text", escape(_format(content)), class_=class_, x=x, y=y)


def title(*lines):
    return tag("title", escape(_format("\n".join(lines))))


class _NodeView:
    """The appearance of one node, and the space that it needs."""

    def __init__(self, node, forks, branch_labels):
        self.node = node
        self.name = truncate(node.name, _MAX_NAME)
        self.forks = forks
        self.branch_labels = branch_labels  # for each incoming wire its gradient, or "" if it is the only branch
        self.value = _ArrayLabel(node.shown_value, lambda a: format_size(a.shape))
        self.gradient = _ArrayLabel(node.gradient, lambda a: f"norm {format_scalar(norm(a), 3)}")
        self.stub = max(self.value.width, self.gradient.width, 8.0) + 14.0
        self._shape()

    def _shape(self):
        node, count = self.node, len(self.node.wires)
        if node.kind in (GATE, BLOCK):
            step = 28.0 if any(self.branch_labels) else 18.0 if count < 3 else 15.0
            self.half = max(_RADIUS, width(node.sign, 14.0) / 2 + 9.0)
        else:
            step = 0.0
            self.half = max(_RADIUS, width(self.name, 13.0) / 2 + 10.0) if self.name else 5.0
        span = step * (count - 1) / 2
        self.ports = [k * step - span for k in range(count)]
        self.tall = max(_RADIUS, span + 6.0) if self.name or node.kind in (GATE, BLOCK) else 5.0
        if node.kind not in (GATE, BLOCK) and self.name:
            self.tall = 14.0
        above = self.tall + (17.0 if self.name and node.kind == GATE else 0.0)
        self.top = max(above, self.value.height + 6.0)
        self.bottom = max(self.tall, self.gradient.height + 7.0, span + 17.0 if any(self.branch_labels) else 0.0)
        self.inlet = max((width(label) + 16.0 for label in self.branch_labels if label), default=14.0 if count else 0.0)
        beside = width(self.name, 13.0) / 2 - self.half + 4.0 if node.kind == GATE else 0.0  # the name above the gate
        self.inlet, self.stub = max(self.inlet, beside), max(self.stub, beside)

    def box(self):
        return Box(self.half, self.inlet, self.stub, self.top, self.bottom, self.ports,
                   [w.source for w in self.node.wires], self.node.swaps)  # fmt: skip


class _ArrayLabel:
    """A value or gradient at a wire: a number, a short vector, or a heat map with a caption."""

    def __init__(self, array, caption):
        self.array, self.text, self.caption, self.map = array, "", "", False
        self.width = self.height = 0.0
        if array is None:
            return
        if isinstance(array, str):
            self.text = array
        elif array.size == 1:
            self.text = format_number(array)
        elif not array.size:
            self.text = f"empty {format_shape(array.shape)}"
        else:
            self.text = format_vector(array) or ("objects" if array.dtype.kind == "O" else "")
        self.map = not self.text
        self.width, self.height = width(self.text), 12.0
        if self.map:
            self.caption = caption(array)
            across, self.height = heat.size(array)
            self.width = max(across, width(self.caption, 10.0))
            self.height += 13.0

    def draw(self, x, y, above, class_):
        """Draw it above or below the wire at height `y`, centred at `x`."""
        if self.array is None:
            return []
        if not self.map:
            return [text(self.text, x, y - 5.0 if above else y + 14.0, class_)]
        w, h = heat.size(self.array)
        top = y - 5.0 - h if above else y + 5.0
        cells = heat.heat(self.array, x - w / 2, top, tag)
        return [*cells, text(self.caption, x, top - 3.5 if above else top + h + 10.5, class_ + " c")]


def node_views(graph):
    """Return the view of each node."""
    consumers = graph.consumers()
    views = []
    for index, node in enumerate(graph.nodes):
        labels = ["" if w.product is None or len(consumers[w.source]) < 2 else _label(w.product) for w in node.wires]
        views.append(_NodeView(node, len(consumers[index]) > 1, labels))
    return views


def _label(product):
    if product.size == 1:
        return format_number(product)
    return format_vector(product) or f"norm {format_scalar(norm(product), 3)}"


def render(graph, caption=""):
    """Return the picture as SVG text.

    Parameters
    ----------
    graph : Graph
    caption : str
        Text above the picture.
    """
    views = node_views(graph)
    placed = place([view.box() for view in views])
    up = _MARGIN + (30.0 if caption else 0.0)
    legend = _legend(graph, views, max(placed.width, 300.0) + 14.0)
    wide = max(placed.width + 2 * _MARGIN, *(sum(w for _, _, w in line) + 2 * _MARGIN for line in legend))
    if caption:
        wide = max(wide, width(caption, 15.0) * 1.04 + 2 * _MARGIN)
    tall = up + placed.height + 26.0 + _LINE * len(legend) + 6.0
    left = _MARGIN + max(0.0, (wide - 2 * _MARGIN - placed.width) / 2)
    parts = [
        tag("rect", class_="page", x=0.5, y=0.5, width=math.ceil(wide) - 1.0, height=math.ceil(tall) - 1.0, rx=12.0)
    ]
    if caption:
        parts.append(text(caption, _MARGIN, _MARGIN + 13.0, "h"))
    wires, gates, consumers = [], [], graph.consumers()
    for v in range(len(views)):
        wires += _trunk(graph, views, placed, consumers, v)
        wires += _branches(graph, views, placed, v)
        gates.append(_gate(graph, views[v], placed, v))
    parts.append(tag("g", *wires, *gates, transform=f"translate({_format(left)} {_format(up)})"))
    y = up + placed.height + 40.0
    for line in legend:
        x = _MARGIN
        for content, class_, w in line:
            parts.append(text(content, x, y, class_))
            x += w
        y += _LINE
    label = caption or f"The graph of {graph.result}"
    return tag("svg", tag("title", escape(_format(label))), tag("style", CSS), *parts,
               xmlns="http://www.w3.org/2000/svg", class_=CLASS, viewBox=f"0 0 {math.ceil(wide)} {math.ceil(tall)}",
               width=math.ceil(wide), height=math.ceil(tall), role="img", aria_label=label)  # fmt: skip


def _legend(graph, views, room):
    """Return lines of (text, class, width), broken at the width `room`."""
    result = truncate(graph.result, _MAX_NAME)
    groups = [[("above a wire: value", "v")]]
    if any(node.gradient is not None for node in graph.nodes):
        groups.append([(f"below a wire: gradient ∂{result}/∂value", "g")])
        if any(view.forks and view.node.gradient is not None for view in views):
            groups.append([("at a fork, gradients add up", "q")])
    if any(view.value.map or view.gradient.map for view in views):
        groups.append([("■", "p6"), ("positive", "q"), ("■", "m6"), ("negative", "q")])
    groups += [[(note, "q")] for note in graph.notes]
    lines, used = [[]], 0.0
    for group in groups:
        items = [(content, "k " + class_, width(content) + (14.0 if k == len(group) - 1 else 7.0))
                 for k, (content, class_) in enumerate(group)]  # fmt: skip
        total = sum(w for _, _, w in items)
        if lines[-1] and used + total > room:
            lines.append([])
            used = 0.0
        lines[-1] += items
        used += total
    return lines


def _right_edge(views, placed, v):
    """Return the right edge of the gate of node `v`."""
    return placed.x[v] + views[v].half


def _curve(x1, y1, x2, y2):
    """Return the path commands of a smooth curve between two heights."""
    if abs(y1 - y2) < 0.3:
        return f"H{_format(x2)}"
    middle = _format((x1 + x2) / 2)
    return f"C{middle} {_format(y1)} {middle} {_format(y2)} {_format(x2)} {_format(y2)}"


def _wire_element(tooltip, path, *more):
    return tag(
        "g", title(*tooltip), tag("path", class_="hit", d=path), tag("path", class_="e", d=path), *more, class_="w"
    )


def _trunk(graph, views, placed, consumers, v):
    """Draw the wire that leaves node `v` up to its last fork, with its value above and its gradient below."""
    node, points = graph.nodes[v], placed.trunks[v]
    start, y = _right_edge(views, placed, v), placed.y[v]
    path = f"M{_format(start)} {_format(y)}H{_format(points[0][1])}"
    for (_, x1, y1), (x2, x3, y2) in zip(points, points[1:]):
        path += _curve(x1, y1, x2, y2) + f"H{_format(x3)}"
    more = [_arrowhead(points[-1][1], y)] if v == graph.root else []
    for k, (_, x, height) in enumerate(points):
        parts = sum(placed.column[c] - 1 - placed.column[v] == k for c, _ in consumers[v]) + (k + 1 < len(points))
        if parts > 1:
            more.append(tag("circle", class_="dot", cx=x, cy=height, r=2.6))
    tooltip = [graph.words[v], f"value: {details(node.shown_value)}"]
    if node.gradient is not None:
        tooltip.append(f"gradient, ∂{graph.result}/∂{graph.words[v]}: {details(node.gradient)}")
    middle = start + views[v].stub / 2
    labels = views[v].value.draw(middle, y, True, "v") + views[v].gradient.draw(middle, y, False, "g")
    return [_wire_element(tooltip, path, *more, *labels)]


def _arrowhead(x, y):
    return tag("path", class_="tip", d=f"M{_format(x)} {_format(y)}l-7 -3.5v7z")


def _branches(graph, views, placed, v):
    """Draw the wires that enter node `v`, from their forks, with their gradients if there are several branches."""
    elements = []
    view = views[v]
    for k, wire in enumerate(graph.nodes[v].wires):
        u = wire.source
        offset = view.ports[placed.ports[v][k]]
        step = placed.column[v] - 1 - placed.column[u]
        _, x1, y1 = placed.trunks[u][step]
        x2, y2 = placed.columns[placed.column[v]][0], placed.y[v] + offset
        end = placed.x[v] - _outline(view, offset)
        path = f"M{_format(x1)} {_format(y1)}{_curve(x1, y1, x2, y2)}H{_format(end)}"
        label = view.branch_labels[k]
        labels = [text(label, placed.x[v] - view.half - 7.0, y2 + 14.0, "g end")] if label else []
        elements.append(_wire_element(_wire_tooltip(graph, v, k), path, _arrowhead(end, y2), *labels))
    return elements


def _outline(view, offset):
    """Return the distance of the outline of a gate from its centre line, at the height `offset`."""
    straight = max(0.0, view.tall - min(view.half, view.tall))
    over = max(0.0, abs(offset) - straight)
    corner = min(view.half, view.tall)
    return view.half - corner + math.sqrt(max(0.0, corner * corner - over * over))


def _wire_tooltip(graph, v, k):
    """Return the tooltip of one wire: the local gradient, the upstream gradient, and their product."""
    node, wire = graph.nodes[v], graph.nodes[v].wires[k]
    source = graph.words[wire.source]
    lines = [
        f"from {source} to {node.formula or graph.words[v]}",
        f"value: {details(graph.nodes[wire.source].shown_value)}",
    ]
    if wire.local is not None:
        lines.append(f"local gradient, ∂{graph.words[v]}/∂{source}: {details(wire.local)}")
    if wire.product is not None:
        if node.gradient is not None and node.kind == GATE:
            lines.append(f"upstream gradient, ∂{graph.result}/∂{graph.words[v]}: {details(node.gradient)}")
        lines.append(f"{'their product' if wire.local is not None else 'gradient'}: {details(wire.product)}")
    elif node.kind == GATE and graph.nodes[wire.source].kind != BLOCK and node.gradient is not None:
        lines.append("no gradient flows here")
    return lines


def _gate(graph, view, placed, v):
    node = view.node
    x, y = placed.x[v], placed.y[v]
    kind = "root" if v == graph.root else node.kind
    if node.kind in (GATE, BLOCK):
        shape = [
            _outline_element(kind, x, y, view, min(view.half, view.tall)),
            text(node.sign, x, y + 5.0, "s"),
        ]
        if view.name and node.kind == GATE:
            shape.append(text(view.name, x, y - view.tall - 5.0, "name"))
    elif view.name:
        shape = [
            _outline_element(kind, x, y, view, 8.0),
            text(view.name, x, y + 4.5, "name"),
        ]
    else:
        shape = [tag("circle", class_=kind, cx=x, cy=y, r=5.0)]
    return tag("g", title(*_node_tooltip(graph, v)), *shape, class_="n")


def _outline_element(kind, x, y, view, corner):
    return tag(
        "rect", class_=kind, x=x - view.half, y=y - view.tall, width=2 * view.half, height=2 * view.tall, rx=corner
    )


def _node_tooltip(graph, v):
    """Return the tooltip of a node."""
    node = graph.nodes[v]
    name = graph.words[v]
    if node.kind == BLOCK:
        return [node.name or "elided", node.op]
    what = {LEAF: "a leaf", CONSTANT: "a constant"}.get(node.kind, node.op)
    lines = [f"{name} = {node.formula}" if node.formula else f"{name}, {what}" if name else what]
    if node.op:
        lines.append(f"op: {node.op}")
    lines.append(f"value: {details(node.shown_value)}")
    if node.gradient is not None:
        lines.append(f"upstream gradient, ∂{graph.result}/∂{name}: {details(node.gradient)}")
    for wire in node.wires:
        if wire.product is not None and wire.local is not None:
            lines.append(
                f"to {graph.words[wire.source]}: local gradient {details(wire.local)}, product {details(wire.product)}"
            )
    return lines
