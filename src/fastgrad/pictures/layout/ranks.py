"""Assigns a column to each node: operands are to the left of results, and wires are short."""

_MAX_PASSED = 1.5  # columns that a wire passes, on average, if all leaves are in the first column


def ranks(sources, compact=False):
    """Return the column of each node, starting at 0.

    In small graphs, all leaves are on the left, as in lecture notes. If their wires would be too long, or if `compact`,
    leaves are placed just before their first consumer, and so are gates that have fewer incoming than outgoing wires.

    Parameters
    ----------
    sources : list of lists of int
        Operands of each node. The nodes are in topological order, operands first.
    """
    n = len(sources)
    column = [0] * n
    consumers = [set() for _ in range(n)]
    for v, from_ in enumerate(sources):
        column[v] = max((column[u] + 1 for u in from_), default=0)
        for u in from_:
            consumers[u].add(v)
    last = [max((column[c] for c in consumers[v]), default=column[v] + 1) for v in range(n)]
    if not compact and sum(last[v] - column[v] - 1 for v in range(n)) <= _MAX_PASSED * n:
        return column
    for v in range(n - 1, -1, -1):
        inner = sum(bool(sources[u]) for u in set(sources[v]))  # leaves move along at no cost
        if consumers[v] and (inner == 0 or len(consumers[v]) > inner):
            column[v] = min(column[c] for c in consumers[v]) - 1
    least = min(column, default=0)
    return [c - least for c in column]
