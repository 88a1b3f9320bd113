"""Writes a Graph as SVG text. The output does not depend on the machine or the run.

Gates are drawn over wires. Tooltips are `<title>` elements, so that they need no script. Blocks that can be unfolded
have their contents below the picture, hidden until a click or a key shows them; this alone needs a script.
"""

import math
from html import escape

from fastgrad.pictures.elements import format_attribute, tag, text, title
from fastgrad.pictures.graph import BLOCK, GATE
from fastgrad.pictures.layout import place
from fastgrad.pictures.style import CLASS, CSS, width
from fastgrad.pictures.symbols import truncate
from fastgrad.pictures.tooltips import Tooltips
from fastgrad.pictures.views import MAX_NAME, node_views
from fastgrad.pictures.wires import draw_wires

_MARGIN = 22.0
_LINE = 20.0
_NARROWEST = 300.0  # room for the legend and the title of a small picture
_SCRIPT = """
(function () {
  var svg = document.currentScript.parentNode, page = svg.querySelector(".page"), shown = null;
  var wide = Number(svg.getAttribute("width")), tall = Number(svg.getAttribute("height"));
  function resize(w, h) {
    svg.setAttribute("viewBox", "0 0 " + w + " " + h);
    svg.setAttribute("width", w);
    svg.setAttribute("height", h);
    page.setAttribute("width", w - 1);
    page.setAttribute("height", h - 1);
  }
  svg.querySelectorAll("[data-part]").forEach(function (block) {
    var part = svg.querySelector("[data-of='" + block.getAttribute("data-part") + "']");
    function flip() {
      var opens = shown !== part;
      svg.querySelectorAll("[data-of]").forEach(function (other) { other.setAttribute("display", "none"); });
      svg.querySelectorAll("[data-part]").forEach(function (other) { other.setAttribute("aria-expanded", "false"); });
      block.setAttribute("aria-expanded", String(opens));
      shown = opens ? part : null;
      if (opens) { part.removeAttribute("display"); }
      resize(opens ? Math.max(wide, Number(part.getAttribute("data-wide"))) : wide,
             opens ? tall + Number(part.getAttribute("data-tall")) : tall);
    }
    block.addEventListener("click", flip);
    block.addEventListener("keydown", function (event) {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); flip(); }
    });
  });
})();
"""


class _Drawing:
    """The drawn elements of a graph without its frame, and its size."""

    def __init__(self, graph, page, steps=None, unfolds=False):
        views = node_views(graph)
        placed = place([view.box() for view in views], None if page is None else page - 2 * _MARGIN)
        self.wide, self.tall = placed.width, placed.height
        self.legend = _legend(graph, views, max(placed.width, _NARROWEST) + 14.0, unfolds)
        tooltips = Tooltips(graph)
        gates = [_gate(graph, view, placed, v, tooltips, steps, unfolds) for v, view in enumerate(views)]
        self.elements = [*draw_wires(graph, views, placed, tooltips, steps), *gates]
        for line in self.legend:
            self.wide = max(self.wide, sum(w for _, _, w in line))

    def element(self, x, y):
        return tag("g", *self.elements, transform=f"translate({format_attribute(x)} {format_attribute(y)})")


def render(graph, caption="", page=None, steps=None, unfolds=True):
    """Return the picture as SVG text.

    Parameters
    ----------
    graph : Graph
    caption : str
        Text above the picture.
    page : float, optional
        Width in pixels at which the graph is wrapped into rows.
    steps : Steps, optional
        The steps at which values and gradients appear.
    unfolds : bool
        Whether the contents of blocks are part of the picture.
    """
    parts = graph.parts if unfolds else {}
    drawing = _Drawing(graph, page, steps, bool(parts))
    lines = _wrapped(caption, max(drawing.wide, _NARROWEST))
    wide = drawing.wide + 2 * _MARGIN
    wide = max([wide, *(width(line, 15.0) * 1.04 + 2 * _MARGIN for line in lines)])
    above = _MARGIN + (_LINE * len(lines) + 10.0 if lines else 0.0)
    tall = above + drawing.tall + 26.0 + _LINE * len(drawing.legend) + 6.0
    left = _MARGIN + max(0.0, (wide - 2 * _MARGIN - drawing.wide) / 2)
    children = [
        tag("rect", class_="page", x=0.5, y=0.5, width=math.ceil(wide) - 1.0, height=math.ceil(tall) - 1.0, rx=12.0)
    ]
    children += [text(line, _MARGIN, _MARGIN + 13.0 + _LINE * k, "h") for k, line in enumerate(lines)]
    children.append(drawing.element(left, above))
    y = above + drawing.tall + 40.0
    for line in drawing.legend:
        x = _MARGIN
        for content, class_, w in line:
            children.append(text(content, x, y, class_))
            x += w
        y += _LINE
    children += [_part(graph, number, page, math.ceil(tall)) for number in parts]
    if parts:
        children.append(tag("script", _SCRIPT.replace("&", "&amp;").replace("<", "&lt;")))
    label = caption or f"The graph of {graph.result}"
    return tag("svg", tag("title", escape(format_attribute(label))), tag("style", CSS), *children,
               xmlns="http://www.w3.org/2000/svg", class_=CLASS, viewBox=f"0 0 {math.ceil(wide)} {math.ceil(tall)}",
               width=math.ceil(wide), height=math.ceil(tall), style="max-width:none", role="img",
               aria_label=label)  # fmt: skip


def _part(graph, number, page, y):
    """Return the hidden contents of a block, below a picture that ends at `y`."""
    drawing = _Drawing(graph.parts[number], page)
    heading = text(part_title(graph, number), _MARGIN, 20.0, "h")
    line = tag("path", class_="e", d=f"M{_MARGIN} 0H{format_attribute(_MARGIN + max(drawing.wide, _NARROWEST))}")
    return tag("g", line, heading, drawing.element(_MARGIN, 44.0), display="none", data_of=number,
               data_wide=math.ceil(drawing.wide + 2 * _MARGIN), data_tall=math.ceil(drawing.tall + 60.0),
               transform=f"translate(0 {y})")  # fmt: skip


def part_title(graph, number):
    """Return the title of the contents of a block."""
    node = graph.nodes[number]
    first, more, last = node.name.partition(" … ")
    return f"{first}, as are those up to {last}" if more else node.name or node.op


def _wrapped(caption, room):
    """Break a title into lines of at most `room` pixels, at spaces."""
    lines = []
    for paragraph in caption.splitlines():
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}" if line else word
            if line and width(longer, 15.0) * 1.04 > room:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


def _legend(graph, views, room, unfolds):
    """Return lines of (text, class, width), broken at the width `room`."""
    result = truncate(graph.result, MAX_NAME)
    groups = [[("above a wire: value", "v")]]
    if any(node.gradient is not None for node in graph.nodes):
        groups.append([(f"below a wire: gradient ∂{result}/∂value", "g")])
        if any(view.forks and view.node.gradient is not None for view in views):
            groups.append([("at a fork, gradients add up", "q")])
    if any(view.value.map or view.gradient.map for view in views):
        groups.append([("■", "p6"), ("positive", "q"), ("■", "m6"), ("negative", "q")])
    groups += [[(note, "q")] for note in graph.notes]
    if unfolds:
        groups.append([("a click or Enter unfolds a dashed block", "q")])
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


def _gate(graph, view, placed, v, tooltips, steps, unfolds):
    node = view.node
    x, y = placed.x[v], placed.y[v]
    kind = "root" if v == graph.root else node.kind
    if node.kind in (GATE, BLOCK):
        shape = [
            _outline_element(kind + " freed" * node.freed, x, y, view, min(view.half, view.tall)),
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
    more = {}
    if unfolds and v in graph.parts:
        more = {"data_part": v, "tabindex": 0, "role": "button", "aria_expanded": "false", "aria_label": node.name}
    if steps is not None:
        more["data_at"] = " ".join(map(str, steps.at[v]))
    return tag("g", title(*tooltips.node(v)), *shape, class_="n", **more)


def _outline_element(kind, x, y, view, corner):
    return tag(
        "rect", class_=kind, x=x - view.half, y=y - view.tall, width=2 * view.half, height=2 * view.tall, rx=corner
    )
