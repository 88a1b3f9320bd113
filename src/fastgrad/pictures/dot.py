"""Writes a Graph as DOT text for Graphviz, which computes its own layout."""

from fastgrad.pictures.formatting import summary
from fastgrad.pictures.graph import BLOCK, GATE

_STYLES = {
    "leaf": 'shape=box style="rounded,filled" fillcolor="#eef4fb" color="#3f6ea8"',
    "constant": 'shape=box style="rounded,filled" fillcolor="#f4f3ef" color="#8a93a3"',
    "gate": 'shape=circle color="#5d6878"',
    "block": 'shape=box style="rounded,dashed,filled" fillcolor="#f1f0ec" color="#8a93a3"',
}


def quoted(text):
    """Quote `text` as a DOT string."""
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\r", "").replace("\n", "\\n") + '"'


def render(graph, caption=""):
    """Return the graph as DOT text. The labels of the wires are value and gradient."""
    lines = ["digraph {", "  rankdir=LR", '  node [fontname="Helvetica" fontsize=12]',
             '  edge [fontname="Helvetica" fontsize=10 color="#8a93a3"]']  # fmt: skip
    if caption:
        lines += [f"  label={quoted(caption)}", "  labelloc=t"]
    consumers = graph.consumers()
    for number, node in enumerate(graph.nodes):
        if node.kind == GATE:
            label = f"{node.name}\n{node.sign}" if node.name else node.sign
        elif node.kind == BLOCK:
            label = f"{node.name}\n{node.op}" if node.name else node.sign
        else:
            label = node.name or summary(node.shown_value)
        if len(consumers[number]) > 1 and node.gradient is not None and node.kind != BLOCK:
            label += f"\n∂{graph.result}/∂{graph.words[number]} = {summary(node.gradient)}"
        lines.append(
            f"  n{number} [label={quoted(label)} tooltip={quoted(node.formula or label)} {_STYLES[node.kind]}]"
        )
    for number, node in enumerate(graph.nodes):
        for wire in node.wires:
            source = graph.nodes[wire.source]
            gradient = wire.product if len(consumers[wire.source]) > 1 or source.gradient is None else source.gradient
            label = "\n".join(filter(None, (summary(source.shown_value), summary(gradient))))
            lines.append(f"  n{wire.source} -> n{number} [label={quoted(label)}]")
    root = graph.nodes[-1]
    label = "\n".join(filter(None, (summary(root.shown_value), summary(root.gradient))))
    lines += ['  end [shape=none label=""]', f"  n{graph.root} -> end [label={quoted(label)}]", "}", ""]
    return "\n".join(lines)
