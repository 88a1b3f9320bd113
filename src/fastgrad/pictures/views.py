"""The appearance of nodes and of the values at wires, and the space that they need. Decides no position."""

from fastgrad.pictures import heat
from fastgrad.pictures.elements import tag, text
from fastgrad.pictures.formatting import format_empty, format_number, format_size, format_vector, norm
from fastgrad.pictures.graph import BLOCK, GATE
from fastgrad.pictures.layout import Box
from fastgrad.pictures.style import width
from fastgrad.pictures.symbols import format_scalar, truncate

_RADIUS = 20.0  # of a gate
MAX_NAME = 24
_MAX_LABEL = 14  # characters at the end of a row


class NodeView:
    """The appearance of one node, and the space that it needs."""

    def __init__(self, node, word, forks, branch_labels):
        self.node = node
        short = node.sign if node.kind == BLOCK and node.name else word  # "blocks × 12", not "blocks.0 … blocks.11"
        self.label = truncate(short, _MAX_LABEL)  # names its wire where a row ends
        self.name = truncate(node.name, MAX_NAME)
        self.forks = forks
        self.branch_labels = branch_labels  # for each incoming wire its gradient, or "" if it is the only branch
        self.value = ArrayLabel(node.shown_value, lambda a: format_size(a.shape))
        self.gradient = ArrayLabel(node.gradient, lambda a: f"norm {format_scalar(norm(a), 3)}")
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
                   [w.source for w in self.node.wires], self.node.swaps, width(self.label, 10.0))  # fmt: skip


class ArrayLabel:
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
            self.text = format_empty(array.shape)
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
        views.append(NodeView(node, graph.words[index], len(consumers[index]) > 1, labels))
    return views


def _label(product):
    if isinstance(product, str):
        return product
    if product.size == 1:
        return format_number(product)
    return format_vector(product) or f"norm {format_scalar(norm(product), 3)}"
