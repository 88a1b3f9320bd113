"""A Graph as SVG text. Every text is escaped here, once; nothing in it depends on the machine or the run.

Wires first, gates over them. Tooltips are `<title>` elements, so that they need no script.
"""

import math
import re
from html import escape

from fastgrad.pictures import heat
from fastgrad.pictures.graph import BLOCK, CONSTANT, GATE, LEAF
from fastgrad.pictures.layout import Box, place
from fastgrad.pictures.signs import clipped, short
from fastgrad.pictures.style import CLASS, CSS, width
from fastgrad.pictures.words import extent, full, listed, norm, number, times

_FORBIDDEN = re.compile("[^\\t\\n\\r -\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")  # in XML
_R = 20.0  # of a gate
_MARGIN = 22.0
_LINE = 20.0
_LONGEST_NAME = 24


def tag(name, *children, **attributes):
    """One element. `class_` stands for class, `text_anchor` for text-anchor; children are markup already."""
    words = "".join(f' {k.rstrip("_").replace("_", "-")}="{escape(_at(v))}"' for k, v in attributes.items())
    return f"<{name}{words}>{''.join(children)}</{name}>" if children else f"<{name}{words}/>"


def _at(value):
    """A coordinate in hundredths; other attributes as they are. What XML forbids becomes a question mark."""
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"
    return _FORBIDDEN.sub("?", str(value))


def text(words, x, y, class_):
    return tag("text", escape(_at(words)), class_=class_, x=x, y=y)


def title(*lines):
    return tag("title", escape(_at("\n".join(lines))))


class _Look:
    """What one node looks like, and how much room that takes."""

    def __init__(self, node, forks, labels):
        self.node = node
        self.name = clipped(node.name, _LONGEST_NAME)
        self.forks = forks
        self.labels = labels  # of the incoming wires: "" or the gradient that flows back
        self.value = _Told(node.value, lambda a: extent(a.shape))
        self.gradient = _Told(node.gradient, lambda a: f"norm {short(norm(a), 3)}")
        self.stub = max(self.value.width, self.gradient.width, 8.0) + 14.0
        self._shape()

    def _shape(self):
        node, count = self.node, len(self.node.wires)
        if node.kind in (GATE, BLOCK):
            step = 28.0 if any(self.labels) else 18.0 if count < 3 else 15.0
            self.half = max(_R, width(node.sign, 14.0) / 2 + 9.0)
        else:
            step = 0.0
            self.half = max(_R, width(self.name, 13.0) / 2 + 10.0) if self.name else 5.0
        span = step * (count - 1) / 2
        self.ports = [k * step - span for k in range(count)]
        self.tall = max(_R, span + 6.0) if self.name or node.kind in (GATE, BLOCK) else 5.0
        if node.kind not in (GATE, BLOCK) and self.name:
            self.tall = 14.0
        above = self.tall + (17.0 if self.name and node.kind == GATE else 0.0)
        self.top = max(above, self.value.height + 6.0)
        self.bottom = max(self.tall, self.gradient.height + 7.0, span + 17.0 if any(self.labels) else 0.0)
        self.inlet = max((width(label) + 16.0 for label in self.labels if label), default=14.0 if count else 0.0)
        beside = width(self.name, 13.0) / 2 - self.half + 4.0 if node.kind == GATE else 0.0  # the name, above the gate
        self.inlet, self.stub = max(self.inlet, beside), max(self.stub, beside)

    def box(self):
        return Box(self.half, self.inlet, self.stub, self.top, self.bottom, self.ports,
                   [w.source for w in self.node.wires], self.node.swaps)  # fmt: skip


class _Told:
    """A value or gradient as it stands at a wire: a number, a few numbers, or a heat map with a line beside it."""

    def __init__(self, array, caption):
        self.array, self.text, self.caption, self.map = array, "", "", False
        self.width = self.height = 0.0
        if array is None:
            return
        if array.size == 1:
            self.text = number(array)
        elif not array.size:
            self.text = f"empty {times(array.shape)}"
        else:
            self.text = listed(array) or ("objects" if array.dtype.kind == "O" else "")
        self.map = not self.text
        self.width, self.height = width(self.text), 12.0
        if self.map:
            self.caption = caption(array)
            across, self.height = heat.size(array)
            self.width = max(across, width(self.caption, 10.0))
            self.height += 13.0

    def draw(self, x, y, above, class_):
        """Above the wire at height `y`, or below it, around `x`."""
        if self.array is None:
            return []
        if not self.map:
            return [text(self.text, x, y - 5.0 if above else y + 14.0, class_)]
        w, h = heat.size(self.array)
        at = y - 5.0 - h if above else y + 5.0
        cells = heat.heat(self.array, x - w / 2, at, tag)
        return [*cells, text(self.caption, x, at - 3.5 if above else at + h + 10.5, class_ + " c")]


def looks(graph):
    """The look of each node."""
    consumers = graph.consumers()
    made = []
    for number_, node in enumerate(graph.nodes):
        labels = ["" if w.product is None or len(consumers[w.source]) < 2 else _label(w.product) for w in node.wires]
        made.append(_Look(node, len(consumers[number_]) > 1, labels))
    return made


def _label(product):
    if product.size == 1:
        return number(product)
    return listed(product) or f"norm {short(norm(product), 3)}"


def render(graph, caption="", look=None):
    """The picture as SVG text.

    Parameters
    ----------
    graph : Graph
    caption : str
        A line above the picture.
    """
    look = looks(graph) if look is None else look
    placed = place([one.box() for one in look])
    up = _MARGIN + (30.0 if caption else 0.0)
    legend = _legend(graph, look, max(placed.width, 300.0) + 14.0)
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
    for v in range(len(look)):
        wires += _trunk(graph, look, placed, consumers, v)
        wires += _branches(graph, look, placed, v)
        gates.append(_gate(graph, look[v], placed, v))
    parts.append(tag("g", *wires, *gates, transform=f"translate({_at(left)} {_at(up)})"))
    y = up + placed.height + 40.0
    for line in legend:
        x = _MARGIN
        for words, class_, w in line:
            parts.append(text(words, x, y, class_))
            x += w
        y += _LINE
    label = caption or f"The graph of {graph.result}"
    return tag("svg", tag("title", escape(_at(label))), tag("style", CSS), *parts,
               xmlns="http://www.w3.org/2000/svg", class_=CLASS, viewBox=f"0 0 {math.ceil(wide)} {math.ceil(tall)}",
               width=math.ceil(wide), height=math.ceil(tall), role="img", aria_label=label)  # fmt: skip


def _legend(graph, look, room):
    """Lines of (words, class, width), as wide as `room` where the words allow it."""
    result = clipped(graph.result, _LONGEST_NAME)
    said = [[("above a wire: value, forward", "v")]]
    if any(node.gradient is not None for node in graph.nodes):
        said.append([(f"below: gradient ∂{result}/∂value, backward", "g")])
        if any(one.forks and one.node.gradient is not None for one in look):
            said.append([("at a fork the gradients of the branches add up", "q")])
    if any(one.value.map or one.gradient.map for one in look):
        said.append([("■", "p6"), ("above 0", "q"), ("■", "m6"), ("below 0, the stronger the larger", "q")])
    said += [[(note, "q")] for note in graph.notes]
    lines, used = [[]], 0.0
    for group in said:
        wide = [(words, "k " + class_, width(words) + (14.0 if k == len(group) - 1 else 7.0))
                for k, (words, class_) in enumerate(group)]  # fmt: skip
        total = sum(w for _, _, w in wide)
        if lines[-1] and used + total > room:
            lines.append([])
            used = 0.0
        lines[-1] += wide
        used += total
    return lines


def _edge(look, placed, v):
    """Where the gate of node `v` ends on the right."""
    return placed.x[v] + look[v].half


def _bend(x1, y1, x2, y2):
    """A smooth way from one level to another."""
    if abs(y1 - y2) < 0.3:
        return f"H{_at(x2)}"
    middle = _at((x1 + x2) / 2)
    return f"C{middle} {_at(y1)} {middle} {_at(y2)} {_at(x2)} {_at(y2)}"


def _wire(hint, path, *more):
    return tag("g", title(*hint), tag("path", class_="hit", d=path), tag("path", class_="e", d=path), *more, class_="w")


def _trunk(graph, look, placed, consumers, v):
    """The wire that leaves node `v`, as far as it is one, with its value above and its gradient below."""
    node, points = graph.nodes[v], placed.trunks[v]
    start, y = _edge(look, placed, v), placed.y[v]
    path = f"M{_at(start)} {_at(y)}H{_at(points[0][1])}"
    for (_, x1, y1), (x2, x3, y2) in zip(points, points[1:]):
        path += _bend(x1, y1, x2, y2) + f"H{_at(x3)}"
    more = [_tip(points[-1][1], y)] if v == graph.root else []
    for k, (_, x, at) in enumerate(points):
        parts = sum(placed.column[c] - 1 - placed.column[v] == k for c, _ in consumers[v]) + (k + 1 < len(points))
        if parts > 1:
            more.append(tag("circle", class_="dot", cx=x, cy=at, r=2.6))
    hint = [graph.words[v], f"value: {full(node.value)}"]
    if node.gradient is not None:
        hint.append(f"gradient, ∂{graph.result}/∂{graph.words[v]}: {full(node.gradient)}")
    at = start + look[v].stub / 2
    told = look[v].value.draw(at, y, True, "v") + look[v].gradient.draw(at, y, False, "g")
    return [_wire(hint, path, *more, *told)]


def _tip(x, y):
    return tag("path", class_="tip", d=f"M{_at(x)} {_at(y)}l-7 -3.5v7z")


def _branches(graph, look, placed, v):
    """The wires that enter node `v`: from the trunks they leave, with what flows back where that is a part only."""
    made = []
    box = look[v]
    for k, wire in enumerate(graph.nodes[v].wires):
        u = wire.source
        offset = box.ports[placed.ports[v][k]]
        step = placed.column[v] - 1 - placed.column[u]
        _, x1, y1 = placed.trunks[u][step]
        x2, y2 = placed.columns[placed.column[v]][0], placed.y[v] + offset
        end = placed.x[v] - _reach(box, offset)
        path = f"M{_at(x1)} {_at(y1)}{_bend(x1, y1, x2, y2)}H{_at(end)}"
        label = box.labels[k]
        told = [text(label, placed.x[v] - box.half - 7.0, y2 + 14.0, "g end")] if label else []
        made.append(_wire(_hint(graph, v, k), path, _tip(end, y2), *told))
    return made


def _reach(box, offset):
    """How far from its middle the outline of a gate is, at a height."""
    straight = max(0.0, box.tall - min(box.half, box.tall))
    over = max(0.0, abs(offset) - straight)
    corner = min(box.half, box.tall)
    return box.half - corner + math.sqrt(max(0.0, corner * corner - over * over))


def _hint(graph, v, k):
    """The tooltip of one wire: local gradient, upstream gradient, and their product."""
    node, wire = graph.nodes[v], graph.nodes[v].wires[k]
    source = graph.words[wire.source]
    lines = [f"from {source} to {node.formula or graph.words[v]}", f"value: {full(graph.nodes[wire.source].value)}"]
    if wire.local is not None:
        lines.append(f"local gradient, ∂{graph.words[v]}/∂{source}: {full(wire.local)}")
    if wire.product is not None:
        if node.gradient is not None and node.kind == GATE:
            lines.append(f"upstream gradient, ∂{graph.result}/∂{graph.words[v]}: {full(node.gradient)}")
        lines.append(f"{'their product' if wire.local is not None else 'gradient'}: {full(wire.product)}")
    elif node.kind == GATE and graph.nodes[wire.source].kind != BLOCK and node.gradient is not None:
        lines.append("no gradient flows here")
    return lines


def _gate(graph, box, placed, v):
    node = box.node
    x, y = placed.x[v], placed.y[v]
    kind = "root" if v == graph.root else node.kind
    if node.kind in (GATE, BLOCK):
        shape = [
            _box(kind, x, y, box, min(box.half, box.tall)),
            text(node.sign, x, y + 5.0, "s"),
        ]
        if box.name and node.kind == GATE:
            shape.append(text(box.name, x, y - box.tall - 5.0, "name"))
    elif box.name:
        shape = [
            _box(kind, x, y, box, 8.0),
            text(box.name, x, y + 4.5, "name"),
        ]
    else:
        shape = [tag("circle", class_=kind, cx=x, cy=y, r=5.0)]
    return tag("g", title(*_told(graph, v)), *shape, class_="n")


def _box(kind, x, y, box, corner):
    return tag("rect", class_=kind, x=x - box.half, y=y - box.tall, width=2 * box.half, height=2 * box.tall, rx=corner)


def _told(graph, v):
    """The tooltip of a node."""
    node = graph.nodes[v]
    name = graph.words[v]
    if node.kind == BLOCK:
        return [node.name or "elided", node.op]
    what = {LEAF: "a leaf", CONSTANT: "a constant"}.get(node.kind, node.op)
    lines = [f"{name} = {node.formula}" if node.formula else f"{name}, {what}" if name else what]
    if node.op:
        lines.append(f"op: {node.op}")
    lines.append(f"value: {full(node.value)}")
    if node.gradient is not None:
        lines.append(f"upstream gradient, ∂{graph.result}/∂{name}: {full(node.gradient)}")
    for wire in node.wires:
        if wire.product is not None and wire.local is not None:
            lines.append(
                f"to {graph.words[wire.source]}: local {full(wire.local)}, times upstream: {full(wire.product)}"
            )
    return lines
