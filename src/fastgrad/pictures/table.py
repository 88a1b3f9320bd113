"""`fg.explain`: what backpropagation did, as a table in text, in the order of the sweep."""

import sys

from fastgrad.pictures.graph import BLOCK
from fastgrad.pictures.picture import LIMIT, describe
from fastgrad.pictures.words import brief

_DIGITS = 6
_HEAD = ("node", "op", "value", "upstream gradient", "operand", "local gradient", "downstream gradient")


class Explanation:
    """A table: `str` and `repr` are its text; `rows` has the arrays.

    Attributes
    ----------
    graph : Graph
    rows : list of dict
        One for each operand of each node, in the order of the sweep, and one for each leaf: node, op, value, upstream,
        operand, local, downstream. None where there is nothing; words where a local gradient is a Jacobian.
    """

    def __init__(self, graph):
        self.graph = graph
        self.rows = list(_rows(graph))

    def __str__(self):
        return _text(self.rows) + "".join(f"\n{note}" for note in self.graph.notes)

    __repr__ = __str__


def _rows(graph):
    for number in range(graph.root, -1, -1):
        node = graph.nodes[number]
        row = {"node": graph.words[number] or node.sign, "op": node.formula or "leaf", "value": node.value,
               "upstream": node.gradient, "operand": "", "local": None, "downstream": None}  # fmt: skip
        if node.kind == "constant":
            row["op"] = "constant"
        if not node.wires:
            yield row
        for wire in node.wires if node.kind != BLOCK else node.wires[:1]:
            told = {"operand": graph.words[wire.source], "local": wire.local, "downstream": wire.product}
            yield row | (told if node.kind != BLOCK else {})


def _text(rows):
    lines, before = [], None
    for row in rows:
        cells = [row["node"], row["op"], brief(row["value"], _DIGITS), brief(row["upstream"], _DIGITS), row["operand"],
                 brief(row["local"], _DIGITS), brief(row["downstream"], _DIGITS)]  # fmt: skip
        if row["operand"] and before == row["node"]:
            cells[:4] = [""] * 4
        before = row["node"]
        lines.append(cells)
    widths = [max(map(len, column)) for column in zip(_HEAD, *lines)]
    rule = ["─" * w for w in widths]
    told = [_HEAD, rule, *lines]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths)).rstrip() for line in told)


def explain(y, *, names=None, cotangent=None, limit=LIMIT):
    """What backpropagation does with the graph of `y`, as a table in text.

    For every node, in the order of the sweep: its value, the upstream gradient, and for each operand the local
    gradient and what flows down to it, their product. What reaches a leaf adds up to its gradient.

    Parameters
    ----------
    y, names, cotangent, limit
        As of `fg.draw`.

    Returns
    -------
    Explanation
        Its text is the table.
    """
    scope = sys._getframe(1).f_locals if names is None else None
    return Explanation(describe(y, names, cotangent, limit, scope))
