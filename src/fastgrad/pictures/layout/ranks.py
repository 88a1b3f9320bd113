"""The column of each node: operands to the left of results, wires short."""

_LEFT_UP_TO = 1.5  # columns per node that wires may pass so that all leaves stand in the first column


def ranks(sources):
    """The column of each node, from 0.

    In a small graph all leaves stand on the left, as in the lecture notes. Where their wires would run through half the
    picture, leaves stand just before what needs them first, and so do gates that have fewer wires coming in than out.

    Parameters
    ----------
    sources : list of lists of int
        For each node, operands before results, the nodes it comes from.
    """
    n = len(sources)
    column = [0] * n
    consumers = [set() for _ in range(n)]
    for v, from_ in enumerate(sources):
        column[v] = max((column[u] + 1 for u in from_), default=0)
        for u in from_:
            consumers[u].add(v)
    last = [max((column[c] for c in consumers[v]), default=column[v] + 1) for v in range(n)]
    if sum(last[v] - column[v] - 1 for v in range(n)) <= _LEFT_UP_TO * n:
        return column
    for v in range(n - 1, -1, -1):
        inner = sum(bool(sources[u]) for u in set(sources[v]))  # leaves follow at no cost
        if consumers[v] and (inner == 0 or len(consumers[v]) > inner):
            column[v] = min(column[c] for c in consumers[v]) - 1
    least = min(column, default=0)
    return [c - least for c in column]
