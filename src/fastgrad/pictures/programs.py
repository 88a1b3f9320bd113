"""Tables and pictures of compiled functions: the steps that a replay makes, and the memory between them."""

from fastgrad.pictures import messages
from fastgrad.pictures.graph import BLOCK, CONSTANT, GATE, LEAF, Graph, Node, Wire
from fastgrad.pictures.printing import printable

_HEAD = ("step", "op", "reads", "writes", "elements", "µs", "runs")
_LETTERS = {
    "arena": "m", "result": "r", "constant": "c", "tensor": "t", "gradient": "g", "argument": "a", "number": "n"
}  # of the names of buffers  # fmt: skip
_OUTSIDE = ("argument", "tensor", "gradient", "constant")


def is_program(y):
    """Whether `y` is what `fg.compile` returns, without an import of either engine's class."""
    return type(y).__name__ == "Program" and hasattr(y, "buffers")


class Listing:
    """The steps of a compiled function: `str` and `repr` return a table.

    Attributes
    ----------
    variants : list of list of dict
        For each program that was recorded its steps, with the keys op, reads, writes, elements, seconds and runs.
    buffers : list of list of (str, int)
        For each of these programs the kind and the bytes of each buffer.
    arenas : list of int
        For each of these programs the bytes of the block in which the buffers of the kind "arena" take turns.
    """

    def __init__(self, program):
        self.name = getattr(program, "__qualname__", None) or repr(program)
        self.buffers, self.arenas = program.buffers(), program.arenas()
        self.variants = [
            [_described(step, buffers) for step in steps] for steps, buffers in zip(program.steps(), self.buffers)
        ]

    def __str__(self):
        if not self.variants:
            return f"{self.name}: {messages.NO_STEPS}"
        texts = []
        for k, (steps, buffers, arena) in enumerate(zip(self.variants, self.buffers, self.arenas)):
            sums = {}
            for kind, nbytes in buffers:
                if kind != "arena":
                    sums[kind] = sums.get(kind, 0) + nbytes
            memory = ", ".join([f"arena {arena:,}"] + [f"{kind}s {nbytes:,}" for kind, nbytes in sums.items()])
            texts.append(f"{self.name}, program {k + 1} of {len(self.variants)}: {len(steps)} steps; bytes: {memory}")
            texts.append(_table(steps))
        return printable("\n".join(texts))

    __repr__ = __str__


def _described(step, buffers):
    op, reads, writes, elements, group, seconds = step
    name = lambda b: f"{_LETTERS[buffers[b][0]]}{b}"
    runs = "" if group is None else "on single numbers" if group == "numbers" else f"block by block, with {group}"
    return {"op": op, "reads": tuple(map(name, reads)), "writes": tuple(map(name, writes)), "elements": elements,
            "seconds": seconds, "runs": runs}  # fmt: skip


def _table(steps):
    lines = [
        (str(k), s["op"], " ".join(s["reads"]), " ".join(s["writes"]), f"{s['elements']:,}" if s["elements"] else "",
         f"{s['seconds'] * 1e6:.2f}" if s["seconds"] else "", s["runs"])
        for k, s in enumerate(steps)
    ]  # fmt: skip
    shown = [k for k, name in enumerate(_HEAD) if name != "µs" or any(s["seconds"] for s in steps)]
    head, *lines = [[line[k] for k in shown] for line in (_HEAD, *lines)]
    widths = [max(map(len, column)) for column in zip(head, *lines)]
    rows = [head, ["─" * w for w in widths], *lines]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip() for row in rows)


def describe(program, limit):
    """Return the Graph of the program that was used last. Its last node stands for what the program leaves behind.

    The middle of a program of more than `limit` steps is one block.
    """
    variants = program.steps()
    if not variants:
        raise messages.program_without_steps()
    steps, buffers = variants[0], program.buffers()[0]
    hidden = range(limit // 2, len(steps) - limit // 2) if len(steps) > limit else range(0)
    nodes, words, last, counts = [], [], {}, {}
    for k, (op, reads, writes, elements, *_) in enumerate(steps):
        wires = [_source(b, buffers, last, nodes, words, counts) for b in dict.fromkeys(reads)]
        if k in hidden:
            if k == hidden.start:
                nodes.append(Node(BLOCK, op="steps", sign=f"{len(hidden)} steps", count=len(hidden)))
                words.append("")
            at = len(nodes) - 1
            nodes[at].wires += [Wire(w) for w in wires if w < at and w not in {o.source for o in nodes[at].wires}]
        else:
            nodes.append(Node(GATE, op=op, sign=op, formula=op, wires=[Wire(w) for w in wires]))
            words.append(f"s{k}")
            at = len(nodes) - 1
            if elements > 1:
                nodes[at].name = f"{elements:,}"
        for b in writes:
            last[b] = at
    used = {w.source for node in nodes for w in node.wires}
    ends = [Wire(v) for v, node in enumerate(nodes) if v not in used and node.kind in (GATE, BLOCK)]
    nodes.append(Node(GATE, op="results", sign="results", formula="results", wires=ends))
    words.append("results")
    return Graph(nodes, "results", [], words)


def _source(b, buffers, last, nodes, words, counts):
    """Return the node that has written buffer `b`, or a leaf for a value from outside."""
    if b not in last:
        kind, nbytes = buffers[b]
        counts[kind] = counts.get(kind, 0) + 1
        name = f"{kind} {counts[kind]}" if kind in _OUTSIDE else f"number {b}"
        nodes.append(Node(CONSTANT if kind == "constant" else LEAF, name=name, shape=(nbytes,)))
        words.append(name)
        last[b] = len(nodes) - 1
    return last[b]
