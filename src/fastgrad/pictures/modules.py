"""Assigns nodes to modules, from the dotted names of parameters, and finds modules that repeat."""

import math

from fastgrad.pictures.graph import GATE, LEAF

_REPEATS = 3  # equal modules in a row that become one block; inputs of a module that are not drawn


def module_paths(graph):
    """Return for each node the path of its module as a tuple, such as ("blocks.0", "attention"); () without module.

    A gate belongs to the module of its parameters. Without parameters, it belongs to that of its latest operand, or to
    the module that contains those of several operands.
    """
    names = [_path(node.name) if node.kind == LEAF else () for node in graph.nodes]
    if not any(names):
        return names
    found = [path for path in names if path]
    shared = min(len(_common(found)), min(map(len, found)) - 1)  # such as the name of the model
    paths = [path[shared:] for path in names]
    for number, node in enumerate(graph.nodes):
        if node.kind == GATE:
            own = [paths[w.source] for w in node.wires if graph.nodes[w.source].kind == LEAF and paths[w.source]]
            if not own:
                inner = [w.source for w in node.wires if paths[w.source]]
                latest = paths[max(inner)] if inner else ()
                own = [paths[source] for source in inner if paths[source][0] == latest[0]]
            paths[number] = _common(own)
    paths[-1] = ()  # the result is always visible
    return paths


def _path(name):
    """Return the path of the module of a parameter. The number of a list belongs to the name of the list."""
    parts = []
    for word in name.split("."):
        if word.isdigit() and parts:
            parts[-1] += "." + word
        else:
            parts.append(word)
    return tuple(parts[:-1])


def _common(paths):
    """Return the longest common start of several paths."""
    if not paths:
        return ()
    low, high = min(paths), max(paths)
    same = 0
    while same < len(low) and low[same] == high[same]:
        same += 1
    return low[:same]


def group_at(graph, paths, level):
    """Return for each node the name of its module, to at most `level` parts, or None.

    Leaves that only one module uses belong to it: its parameters, numbers without a name, and other leaves without a
    name if they are many, such as the inputs of the steps of a recurrent module.
    """
    groups = [".".join(path[:level]) or None for path in paths]
    users = [set() for _ in groups]
    for number, node in enumerate(graph.nodes):
        for wire in node.wires:
            users[wire.source].add(groups[number])
    leaves = [number for number, node in enumerate(graph.nodes) if node.kind != GATE and not node.wires]
    inputs = {}  # module -> the leaves without a name that only it uses
    for number in leaves:
        if groups[number] is not None and users[number] != {groups[number]}:
            groups[number] = None
        elif not graph.nodes[number].name and len(users[number]) == 1:
            inputs.setdefault(next(iter(users[number])), []).append(number)
    for group, found in inputs.items():
        for number in found:
            if len(found) >= _REPEATS or math.prod(graph.nodes[number].shape) == 1:
                groups[number] = group
    return groups


def merge_repeats(graph, groups, heads):
    """Give equal modules that follow each other, such as the blocks of a transformer, one common group.

    Returns
    -------
    groups : list
        The groups, where such a sequence has one name, such as "blocks.0 … blocks.11".
    counts : dict
        For each such name, the number of modules and the head of the first one.
    """
    blocks = {}
    for number, head in enumerate(heads):
        if groups[number] is not None:
            blocks.setdefault(head, []).append(number)
    feeds, used_by = {head: set() for head in blocks}, {head: set() for head in blocks}
    for number, node in enumerate(graph.nodes):
        for wire in node.wires:
            a, b = heads[wire.source], heads[number]
            if a != b:
                feeds.setdefault(b, set()).add(a)
                used_by.setdefault(a, set()).add(b)
    shapes = {head: _shape(graph, inside, groups[head]) for head, inside in blocks.items()}
    groups, counts, done = list(groups), {}, set()
    for head in blocks:
        run = [head]
        while head not in done:
            followers = used_by[run[-1]]
            if len(followers) != 1:
                break
            (after,) = followers
            if after not in blocks or shapes[after] != shapes[head] or feeds[after] != {run[-1]} or after in run:
                break
            run.append(after)
        done.update(run)
        if len(run) >= _REPEATS:
            name = f"{groups[run[0]]} … {groups[run[-1]]}"
            counts[name] = len(run), run[0]
            for block in run:
                for number in blocks[block]:
                    groups[number] = name
    return groups, counts


def _shape(graph, inside, name):
    """Return a description that equal modules share: the ops, the shapes of their values, and the wires."""
    place = {number: k for k, number in enumerate(inside)}
    rows = []
    for number in inside:
        node = graph.nodes[number]
        wires = tuple(place.get(wire.source) for wire in node.wires)
        rows.append((node.op, node.shape, wires, node.name.partition(name)[2] if node.kind == LEAF else ""))
    return tuple(rows)


def uses_per_parameter(graph, inside):
    """Return how often every parameter inside is used there, if that is the same number for all; else 1.

    A recurrent module that runs for 12 steps uses each of its parameters 12 times.
    """
    uses = {number: 0 for number in inside if graph.nodes[number].kind == LEAF and graph.nodes[number].name}
    for number in inside:
        for wire in graph.nodes[number].wires:
            if wire.source in uses:
                uses[wire.source] += 1
    found = set(uses.values())
    return found.pop() if len(found) == 1 else 1


def period(ops):
    """Return the shortest period of a sequence of ops, at most 4, that repeats at least 3 times; else None."""
    for p in range(1, 5):
        if len(ops) >= 3 * p and ops[p:] == ops[:-p]:
            return p
    return None
