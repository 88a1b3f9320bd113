"""The lines of tooltips: formulas, values, and gradients in full precision."""

from fastgrad.pictures.formatting import details
from fastgrad.pictures.graph import BLOCK, CONSTANT, GATE, LEAF


class Tooltips:
    """The tooltips of a graph. Every array is formatted once."""

    def __init__(self, graph):
        self.graph = graph
        self._formatted = {}  # by the id of the array, which the graph keeps alive

    def _details(self, array):
        text = self._formatted.get(id(array))
        if text is None:
            text = self._formatted[id(array)] = details(array)
        return text

    def wire(self, v, k):
        """Return the tooltip of one wire: the local gradient, the upstream gradient, and their product."""
        node, wire, name = self.graph.nodes[v], self.graph.nodes[v].wires[k], self.graph.words[v]
        operand, source = self.graph.nodes[wire.source], self.graph.words[wire.source]
        lines = [f"from {source} to {node.formula or name}", f"value: {self._details(operand.shown_value)}"]
        if wire.local is not None:
            lines.append(f"local gradient, ∂{name}/∂{source}: {self._details(wire.local)}")
        if wire.product is not None:
            if node.gradient is not None and node.kind == GATE:
                lines.append(f"upstream gradient, ∂{self.graph.result}/∂{name}: {self._details(node.gradient)}")
            lines.append(f"{'their product' if wire.local is not None else 'gradient'}: {self._details(wire.product)}")
        elif node.kind == GATE and operand.kind != BLOCK and node.gradient is not None:
            lines.append("no gradient flows here")
        return lines

    def trunk(self, v):
        """Return the tooltip of the wire that leaves a node: its value and its gradient."""
        return [self.graph.words[v], *self._values(v, "gradient")]

    def node(self, v):
        """Return the tooltip of a node."""
        node, name = self.graph.nodes[v], self.graph.words[v]
        if node.kind == BLOCK:
            return [node.name or "elided", node.op]
        what = {LEAF: "a leaf", CONSTANT: "a constant"}.get(node.kind, node.op)
        lines = [f"{name} = {node.formula}" if node.formula else f"{name}, {what}" if name else what]
        if node.op:
            lines.append(f"op: {node.op}")
        lines += self._values(v, "upstream gradient")
        for wire in node.wires:
            if wire.product is not None and wire.local is not None:
                local, product = self._details(wire.local), self._details(wire.product)
                lines.append(f"to {self.graph.words[wire.source]}: local gradient {local}, product {product}")
        return lines

    def _values(self, v, what):
        node = self.graph.nodes[v]
        lines = [f"value: {self._details(node.shown_value)}"]
        if node.gradient is not None:
            lines.append(f"{what}, ∂{self.graph.result}/∂{self.graph.words[v]}: {self._details(node.gradient)}")
        return lines
