"""The height of each item: near its neighbours, in the given order, never overlapping."""

_SWEEPS = 14


def heights(columns, edges, tops, bottoms, gap):
    """The height of each item's wire, as a dict; the least top is 0.

    Each column in turn is moved towards its neighbours: the weighted least squares under the order and the distances,
    which pooling finds exactly.

    Parameters
    ----------
    columns : list of lists of items
    edges : list of tuples (u, v, offset, weight)
        Between neighbouring columns; the wire enters `v` at `offset` from its own height.
    tops, bottoms : mappings
        How far an item reaches above and below its wire.
    gap : function of two items
        The distance wanted between neighbours of a column.
    """
    y = {}
    for column in columns:
        at = 0.0
        for k, item in enumerate(column):
            at += tops[item] + (bottoms[column[k - 1]] + gap(column[k - 1], item) if k else 0)
            y[item] = at
        middle = (at + bottoms[column[-1]]) / 2 if column else 0
        for item in column:
            y[item] -= middle
    near = {item: ([], []) for column in columns for item in column}
    for u, v, offset, weight in edges:
        near[v][0].append((u, -offset, weight))
        near[u][1].append((v, offset, weight))
    for sweep in range(_SWEEPS):
        backward = sweep % 2
        last = sweep >= _SWEEPS - 6
        for column in reversed(columns) if backward else columns:
            _settle(column, y, near, backward, last, tops, bottoms, gap)
    least = min((y[item] - tops[item] for item in y), default=0)
    return {item: height - least for item, height in y.items()}


def _settle(column, y, near, side, last, tops, bottoms, gap):
    """Move one column towards its neighbours on one side.

    In the last sweeps a gate stands amid its operands, whatever comes after it, and only what has no operands follows
    its consumers: a tree then looks like one.
    """
    pooled = []  # of runs: [weighted sum, weight, first]
    shift, shifts = 0.0, []
    for k, item in enumerate(column):
        if k:
            shift += bottoms[column[k - 1]] + gap(column[k - 1], item) + tops[item]
        shifts.append(shift)
        total = weight = 0.0
        for other, offset, w in near[item][0 if last and near[item][0] else side]:
            total += w * (y[other] + offset)
            weight += w
        if not weight:
            total, weight = y[item] * 0.01, 0.01  # nothing pulls: stay, but make room
        pooled.append([total - shift * weight, weight, k])
        while len(pooled) > 1 and pooled[-2][0] * pooled[-1][1] > pooled[-1][0] * pooled[-2][1]:
            total, weight, _ = pooled.pop()
            pooled[-1][0] += total
            pooled[-1][1] += weight
    ends = [run[2] for run in pooled[1:]] + [len(column)]
    for (total, weight, first), end in zip(pooled, ends, strict=True):
        for k in range(first, end):
            y[column[k]] = total / weight + shifts[k]
