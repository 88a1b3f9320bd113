"""Straightens wires: removes avoidable bends of long wires, and small bends of short ones."""

_MAX_SHIFT = 14.0  # pixels by which a node may be moved to straighten one of its wires
_ROUNDS = 3


def straighten(y, columns, chains, leaving, entering, tops, bottoms, gap):
    """Change the heights `y` in place. Keeps the order within columns and the minimum distances.

    Parameters
    ----------
    y : dict
    columns : list of lists of items
    chains : list of lists of items
        Each node with the dummies of its wire.
    leaving : mapping from item to list of (item, offset)
        Ends of the edges that leave an item.
    entering : mapping from item to list of (item, offset)
        Starts of the edges that enter an item.
    """
    where = {item: (k, i) for k, column in enumerate(columns) for i, item in enumerate(column)}

    def room(item):
        """Return the lowest and highest height that the item can have."""
        k, i = where[item]
        column = columns[k]
        low = high = None
        if i:
            above = column[i - 1]
            low = y[above] + bottoms[above] + gap(above, item) + tops[item]
        if i + 1 < len(column):
            below = column[i + 1]
            high = y[below] - tops[below] - gap(item, below) - bottoms[item]
        return -1e9 if low is None else low, 1e9 if high is None else high

    for turn in range(_ROUNDS):
        for column in columns if turn % 2 == 0 else reversed(columns):
            for item in column:
                if isinstance(item, int):
                    _align(item, y, room(item), leaving, entering)
        for chain in chains if turn % 2 == 0 else reversed(chains):
            if len(chain) > 1:
                _straighten_chain(chain, y, room, leaving)


def _straighten_chain(chain, y, room, leaving):
    """Give the longest possible runs of dummies the same height."""
    dummies, start = chain[1:], 0
    before = y[chain[0]]
    while start < len(dummies):
        low, high = room(dummies[start])
        end = start + 1
        while end < len(dummies):
            least, most = room(dummies[end])
            if max(low, least) > min(high, most):
                break
            low, high, end = max(low, least), min(high, most), end + 1
        if low > high + 1e-9:  # rounding errors
            low = high = y[dummies[start]]
        targets = [
            y[v] + offset for item in dummies[start:end] for v, offset in leaving.get(item, ()) if isinstance(v, int)
        ]
        target = before
        inside = [t for t in targets if low <= t <= high]
        if not low <= before <= high and inside:
            target = min(inside, key=lambda t: abs(t - before))
        elif not low <= before <= high and targets:
            target = sum(targets) / len(targets)
        target = min(max(target, low), high)
        for item in dummies[start:end]:
            y[item] = target
        before, start = target, end


def _align(item, y, allowed, leaving, entering):
    """Move an item slightly, so that one of its wires becomes horizontal. Dummies of its own wire move along."""
    low, high = allowed
    candidates = [y[u] - offset for u, offset in entering.get(item, ())]
    candidates += [y[v] + offset for v, offset in leaving.get(item, ()) if isinstance(v, int)]
    candidates = [height for height in candidates if low <= height <= high and abs(height - y[item]) <= _MAX_SHIFT]
    if candidates:
        y[item] = min(candidates, key=lambda height: abs(height - y[item]))
