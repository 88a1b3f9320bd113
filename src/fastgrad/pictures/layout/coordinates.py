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
    # In the last sweeps, gates move towards their operands only, and only items without operands follow their
    # consumers, so that trees look symmetric.
    prepared = {
        (backward, last): [_Column(column, near, backward, last, tops, bottoms, gap) for column in columns]
        for backward in (0, 1)
        for last in (False, True)
    }
    for sweep in range(_SWEEPS):
        backward = sweep % 2
        moving = prepared[backward, sweep >= _SWEEPS - 6]
        for column in reversed(moving) if backward else moving:
            column.move(y)
    least = min((y[item] - tops[item] for item in y), default=0)
    return {item: height - least for item, height in y.items()}


class _Column:
    """A column that moves towards its neighbours on one side. What does not change between sweeps is computed once."""

    def __init__(self, column, near, side, last, tops, bottoms, gap):
        shift, self.rows = 0.0, []  # of each item: itself, its minimum distance from the first one, and its pull
        for k, item in enumerate(column):
            if k:
                shift += bottoms[column[k - 1]] + gap(column[k - 1], item) + tops[item]
            edges = near[item][0 if last and near[item][0] else side]
            weight = sum([w for _, _, w in edges])
            offset = sum([w * by for _, by, w in edges]) - shift * weight
            self.rows.append((item, shift, [(other, w) for other, _, w in edges], weight, offset))

    def move(self, y):
        """Set the heights of the items."""
        pooled = []  # runs of items: [weighted sum, weight, first]
        for k, (item, shift, edges, weight, total) in enumerate(self.rows):
            if weight:
                for other, w in edges:
                    total += w * y[other]
            else:
                total, weight = (y[item] - shift) * 0.01, 0.01  # no neighbours: stay, with a small weight
            first = k
            while pooled and pooled[-1][0] * weight > total * pooled[-1][1]:
                more, heavy, first = pooled.pop()
                total += more
                weight += heavy
            pooled.append((total, weight, first))
        end = len(self.rows)
        for total, weight, first in reversed(pooled):
            height = total / weight
            for item, shift, _, _, _ in self.rows[first:end]:
                y[item] = height + shift
            end = first
