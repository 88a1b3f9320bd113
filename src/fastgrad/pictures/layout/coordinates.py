"""Computes the height of each item: close to its neighbours, in the given order, without overlaps."""

_SWEEPS = 14


def heights(columns, edges, tops, bottoms, gap):
    """Return the height of the wire of each item, as a dict. The smallest top is 0.

    Each column in turn is moved towards its neighbours, by weighted least squares subject to the order and the
    distances. Pooling of adjacent violators solves this exactly.

    Parameters
    ----------
    columns : list of lists of items
    edges : list of tuples (u, v, offset, weight)
        Edges between neighbouring columns. The wire enters `v` at `offset` from the height of `v`.
    tops, bottoms : mappings
        Extent of an item above and below its wire.
    gap : function of two items
        Minimum distance between two neighbours in a column.
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
            _move_column(column, y, near, backward, last, tops, bottoms, gap)
    least = min((y[item] - tops[item] for item in y), default=0)
    return {item: height - least for item, height in y.items()}


def _move_column(column, y, near, side, last, tops, bottoms, gap):
    """Move one column towards its neighbours on one side.

    In the last sweeps, gates move towards their operands only, and only items without operands follow their consumers,
    so that trees look symmetric.
    """
    pooled = []  # runs of items: [weighted sum, weight, first]
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
            total, weight = y[item] * 0.01, 0.01  # no neighbours: stay, with a small weight
        pooled.append([total - shift * weight, weight, k])
        while len(pooled) > 1 and pooled[-2][0] * pooled[-1][1] > pooled[-1][0] * pooled[-2][1]:
            total, weight, _ = pooled.pop()
            pooled[-1][0] += total
            pooled[-1][1] += weight
    ends = [run[2] for run in pooled[1:]] + [len(column)]
    for (total, weight, first), end in zip(pooled, ends, strict=True):
        for k in range(first, end):
            y[column[k]] = total / weight + shifts[k]
