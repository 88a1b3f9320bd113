"""`fg.explain`: the backward pass as a text table."""

import sys

from fastgrad.pictures import programs
from fastgrad.pictures.formatting import summary
from fastgrad.pictures.graph import BLOCK
from fastgrad.pictures.picture import LIMIT, describe
from fastgrad.pictures.printing import printable

_DIGITS = 6
_ARRAYS = ("value", "upstream", "local", "downstream")
_HEAD = ("node", "op", "value", "upstream gradient", "operand", "local gradient", "downstream gradient")


class Explanation:
    """A table of the backward pass: `str` and `repr` return its text, `rows` contains the arrays.

    Attributes
    ----------
    graph : Graph
    rows : list of dict
        One row for each operand of each node and one for each leaf, in the order of the sweep, with the keys node, op,
        value, upstream, operand, local and downstream. Missing values are None; overwritten values and Jacobians are
        described by a string.
    """

    def __init__(self, graph):
        self.graph = graph
        self.rows = list(_rows(graph))

    def __str__(self):
        return printable(_text(self.rows) + "".join(f"\n{note}" for note in self.graph.notes))

    __repr__ = __str__


def _rows(graph):
    for number in range(graph.root, -1, -1):
        node = graph.nodes[number]
        row = {"node": graph.words[number] or node.sign, "op": node.formula or "leaf", "value": node.shown_value,
               "upstream": node.gradient, "operand": "", "local": None, "downstream": None}  # fmt: skip
        if node.kind == "constant":
            row["op"] = "constant"
        if not node.wires:
            yield row
        for wire in node.wires if node.kind != BLOCK else node.wires[:1]:
            operand = {"operand": graph.words[wire.source], "local": wire.local, "downstream": wire.product}
            yield row | (operand if node.kind != BLOCK else {})


def _text(rows):
    lines, before = [], None
    for row in rows:
        value, upstream, local, downstream = (summary(row[key], _DIGITS) for key in _ARRAYS)
        cells = [row["node"], row["op"], value, upstream, row["operand"], local, downstream]
        if row["operand"] and before == row["node"]:
            cells[:4] = [""] * 4
        before = row["node"]
        lines.append(cells)
    widths = [max(map(len, column)) for column in zip(_HEAD, *lines)]
    rule = ["─" * w for w in widths]
    table = [_HEAD, rule, *lines]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths)).rstrip() for line in table)


def explain(y, *, names=None, cotangent=None, limit=LIMIT):
    """Return a table of the backward pass through the graph of `y`.

    For every node, in the order of the sweep, the table shows its value and its upstream gradient, and for each operand
    the local gradient and the downstream gradient, which is their product. The downstream gradients of a leaf add up to
    its gradient.

    Of a compiled function, the table shows the steps of its programs: what they read and write, how many elements they
    compute, how long they took in the last call of `program.timed(...)`, and whether they run block by block. The
    letters of buffers are a for arguments, t for Tensors around the function, g for their gradients, c for constants,
    m for memory of the program, r for results, and n for single numbers.

    Parameters
    ----------
    y, names, cotangent, limit
        As in `fg.draw`.

    Returns
    -------
    Explanation, or Listing for a compiled function
        Its `str` is the table, in ASCII characters if stdout cannot print others.
    """
    if programs.is_program(y):
        return programs.Listing(y)
    scope = sys._getframe(1).f_locals if names is None else None
    return Explanation(describe(y, names, cotangent, limit, scope))
