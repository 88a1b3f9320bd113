"""Straightens wires once the heights are found: a long wire bends where it must, a short one not by a few pixels."""

_NEAR = 14.0  # pixels by which a node is moved to make one of its wires level
_ROUNDS = 3


def straighten(y, columns, chains, leaving, entering, tops, bottoms, gap):
    """Change the heights `y` in place; the order in the columns and the distances stay.

    Parameters
    ----------
    y : dict
    columns : list of lists of items
    chains : list of lists of items
        A node and the dummies of its wire.
    leaving : mapping from item to list of (item, offset)
        Where the wires of an item end that is the last of its chain or on the way, dummies of its own excepted.
    entering : mapping from item to list of (item, offset)
        Where they come from.
    """
    where = {item: (k, i) for k, column in enumerate(columns) for i, item in enumerate(column)}

    def room(item):
        """How high and how low the item may go."""
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
                    _snap(item, y, room(item), leaving, entering)
        for chain in chains if turn % 2 == 0 else reversed(chains):
            if len(chain) > 1:
                _level(chain, y, room, leaving)


def _level(chain, y, room, leaving):
    """As few bends as there is room for: the longest runs of dummies that can have one height."""
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
        if low > high + 1e-9:  # no room at all: rounding
            low = high = y[dummies[start]]
        targets = [
            y[v] + offset for item in dummies[start:end] for v, offset in leaving.get(item, ()) if isinstance(v, int)
        ]
        wanted = before
        inside = [t for t in targets if low <= t <= high]
        if not low <= before <= high and inside:
            wanted = min(inside, key=lambda t: abs(t - before))
        elif not low <= before <= high and targets:
            wanted = sum(targets) / len(targets)
        wanted = min(max(wanted, low), high)
        for item in dummies[start:end]:
            y[item] = wanted
        before, start = wanted, end


def _snap(item, y, allowed, leaving, entering):
    low, high = allowed
    wishes = [y[u] - offset for u, offset in entering.get(item, ())]
    wishes += [y[v] + offset for v, offset in leaving.get(item, ()) if isinstance(v, int)]  # its own dummies come along
    wishes = [wish for wish in wishes if low <= wish <= high and abs(wish - y[item]) <= _NEAR]
    if wishes:
        y[item] = min(wishes, key=lambda wish: abs(wish - y[item]))
