"""The order of the nodes within each column, with few crossing wires."""

_SWEEPS = 12
_SWAPPED_UP_TO = 500  # items: beyond, exchanging neighbours costs more than it gains


def order(columns, edges):
    """The columns, each in an order with few crossings.

    Parameters
    ----------
    columns : list of lists of items
        In an order to start from; among equals it is the one that stays.
    edges : list of tuples (u, v, port)
        Between neighbouring columns; `port`, from 0 to 1, is where the wire enters `v` from above.
    """
    after, before = {}, {}
    for u, v, port in edges:
        after.setdefault(u, []).append((v, port))
        before.setdefault(v, []).append((u, port))
    best, fewest = [list(c) for c in columns], count(columns, after)
    now = [list(c) for c in columns]
    stale = 0
    for sweep in range(_SWEEPS):
        if not fewest or stale > 3:
            break
        if sweep % 2:
            for k in range(len(now) - 2, -1, -1):
                _by_median(now[k], now[k + 1], after, False)
        else:
            for k in range(1, len(now)):
                _by_median(now[k], now[k - 1], before, True)
        if sum(map(len, now)) <= _SWAPPED_UP_TO:
            _exchange(now, before, after)
        crossings = count(now, after)
        stale = 0 if crossings < fewest else stale + 1
        if crossings < fewest:
            best, fewest = [list(c) for c in now], crossings
    return best


def _by_median(column, fixed, neighbours, entering):
    """Sort by the mean place of the neighbours; an item without any stays where it is."""
    place = {item: k for k, item in enumerate(fixed)}
    wanted = {}
    for k, item in enumerate(column):
        near = neighbours.get(item, ())
        if not near:
            wanted[item] = k * max(len(fixed), 1) / max(len(column), 1)
        elif entering:
            wanted[item] = sum(place[u] for u, _ in near) / len(near)
        else:
            wanted[item] = sum(place[v] + 0.8 * port for v, port in near) / len(near)
    column.sort(key=wanted.__getitem__)


def _ends(near, place):
    return sorted(place[v] + 0.8 * port for v, port in near)


def _exchange(columns, before, after):
    """Exchange neighbours where that saves crossings, until none does, at most a few rounds."""
    for k, column in enumerate(columns):
        sides = []
        if k:
            left = {item: p for p, item in enumerate(columns[k - 1])}
            sides.append({item: sorted(left[u] for u, _ in before.get(item, ())) for item in column})
        if k + 1 < len(columns):
            right = {item: p for p, item in enumerate(columns[k + 1])}
            sides.append({item: _ends(after.get(item, ()), right) for item in column})
        for _ in range(4):
            changed = False
            for i in range(len(column) - 1):
                a, b = column[i], column[i + 1]
                gain = sum(_inversions(side[a], side[b]) - _inversions(side[b], side[a]) for side in sides)
                if gain > 0:
                    column[i], column[i + 1] = b, a
                    changed = True
            if not changed:
                break


def _inversions(upper, lower):
    """How many pairs cross when `upper` ends, sorted, belong to the upper item."""
    total = k = 0
    for end in upper:
        while k < len(lower) and lower[k] < end:
            k += 1
        total += k
    return total


def count(columns, after):
    """The crossings between all neighbouring columns, by a tree of sums: n log n."""
    total = 0
    for left, right in zip(columns, columns[1:]):
        place = {item: k for k, item in enumerate(right)}
        ends = [end for u in left for end in _ends(after.get(u, ()), place)]
        ranked = {end: k + 1 for k, end in enumerate(sorted(set(ends)))}
        tree = [0] * (len(ranked) + 1)
        for seen, end in enumerate(ends):
            k, smaller = ranked[end], 0
            while k:
                smaller += tree[k]
                k &= k - 1
            total += seen - smaller
            k = ranked[end]
            while k < len(tree):
                tree[k] += 1
                k += k & -k
    return total
