"""Large graphs made small enough to be looked at: modules as one block each, or the middle elided with a count."""

from dataclasses import replace

import numpy as np

from fastgrad.pictures.graph import BLOCK, CONSTANT, GATE, LEAF, Graph, Node, Wire

_FIRST, _LAST = 8, 24  # gates that stay when a graph is elided: next to the leaves, next to the result
_OPERANDS = 6  # leaves of one gate that stay when it has too many
_MIDDLE = -1


def fold(graph, limit):
    """`graph` if it has at most `limit` nodes; else one with blocks in it."""
    planned = plan(graph, limit)
    if planned is None:
        return graph
    groups, home = planned
    small = merge(graph, groups, home)
    if any(isinstance(group, str) for group in groups):
        small.notes.append(f"{len(graph.nodes):,} nodes, folded by module")
    else:
        gone = sum(node.count for node in small.nodes if node.kind == BLOCK)
        small.notes.append(f"{len(graph.nodes):,} nodes, of which {gone:,} are elided")
    return small


def shown(graph, limit):
    """The nodes whose gradients will be seen once the graph is folded: a set of numbers, None for all."""
    planned = plan(graph, limit)
    if planned is None:
        return None
    home = planned[1]
    sizes = {}
    for head in home:
        sizes[head] = sizes.get(head, 0) + 1
    seen = {number for number, head in enumerate(home) if sizes[head] == 1}
    for number, node in enumerate(graph.nodes):
        for wire in node.wires:
            if home[wire.source] != home[number]:
                seen.update((number, wire.source))
    return seen


def plan(graph, limit):
    """How to fold: a pair `(groups, home)`, or None where there is no need. It depends on the wires and names alone.

    `groups` has for each node None where it stays, a module's name, or the number of what is elided; `home` the first
    node of the block that it goes into.
    """
    if len(graph.nodes) <= limit:
        return None
    groups = modules(graph)
    if any(groups):
        home = homes(graph, groups)
        if len(set(home)) <= limit:
            return groups, home
    groups = elided(graph, limit)
    return groups, homes(graph, groups)


def modules(graph):
    """For each node the module it belongs to, by the dotted names of parameters; None for those outside.

    A gate belongs where its parameter belongs, and one without a parameter where its first gate belongs.
    """
    groups = [None] * len(graph.nodes)
    for number, node in enumerate(graph.nodes):
        if node.kind != GATE:
            continue
        leaves = [graph.nodes[w.source].name for w in node.wires if graph.nodes[w.source].kind == LEAF]
        paths = [name.rpartition(".")[0] for name in leaves if "." in name]
        if paths:
            groups[number] = paths[0]
        else:
            groups[number] = next((groups[w.source] for w in node.wires if groups[w.source] is not None), None)
    groups[-1] = None  # the result stays to be seen
    for number, node in enumerate(graph.nodes):
        for wire in node.wires:
            source = graph.nodes[wire.source]
            if groups[number] is not None and source.kind == LEAF and source.name.startswith(groups[number] + "."):
                groups[wire.source] = groups[number]
    return groups


def elided(graph, limit):
    """For each node None if it stays, else the number of the block that it is elided into.

    The middle is one stretch of the order of the nodes, so that no wire leaves it and comes back. Leaves stay where a
    gate that stays needs them, unless those are too many: then a gate has the first few, and a block for the others.
    """
    nodes = graph.nodes
    gates = [number for number, node in enumerate(nodes) if node.kind == GATE]
    first, last = min(_FIRST, limit // 4), min(_LAST, limit // 2)
    low, high = gates[min(first, len(gates) - 1)], gates[-min(last, len(gates))]
    groups = [_MIDDLE if low <= number < high else None for number in range(len(nodes))]
    spare = limit // 4
    for number, node in enumerate(nodes):
        if node.kind in (LEAF, CONSTANT):
            named = bool(node.name) and spare > 0
            spare -= named
            groups[number] = None if named else _MIDDLE
    staying = [gate for gate in gates if groups[gate] is None]
    near = {}  # unnamed leaves of gates that stay, by the first of them
    for gate in staying:
        for wire in nodes[gate].wires:
            if nodes[wire.source].kind in (LEAF, CONSTANT) and groups[wire.source] == _MIDDLE:
                near.setdefault(wire.source, gate)
    many = len(near) > limit // 2
    kept = {}
    for leaf, gate in near.items():
        kept[gate] = kept.get(gate, 0) + 1
        groups[leaf] = gate if many and kept[gate] > _OPERANDS else None
    return groups


def homes(graph, groups):
    """For each node the first node of its block. Blocks are connected, and none closes a circle with the others."""
    home = list(range(len(groups)))

    def find(n):
        while home[n] != n:
            home[n] = home[home[n]]
            n = home[n]
        return n

    def unite(a, b):
        a, b = sorted((find(a), find(b)))
        home[b] = a

    whole = {}  # what is elided is one block each, connected or not
    for number, node in enumerate(graph.nodes):
        group = groups[number]
        if isinstance(group, int):
            unite(whole.setdefault(group, number), number)
        elif group is not None:
            for wire in node.wires:
                if groups[wire.source] == group:
                    unite(wire.source, number)
    home = [find(n) for n in range(len(home))]
    while _order(graph, home) is None:  # a circle: take the largest block apart
        members = _members(home)
        largest = max(members, key=lambda head: len(members[head]))
        home = [n if head == largest else head for n, head in enumerate(home)]
    return home


def _members(home):
    members = {}
    for number, head in enumerate(home):
        members.setdefault(head, []).append(number)
    return members


def _order(graph, home):
    """The blocks, operands before results; None if they go round in a circle."""
    feeds = {head: set() for head in home}
    for number, node in enumerate(graph.nodes):
        feeds[home[number]].update(home[w.source] for w in node.wires)
    consumers = {head: [] for head in feeds}
    waiting = {}
    for head, sources in feeds.items():
        sources.discard(head)
        waiting[head] = len(sources)
        for source in sources:
            consumers[source].append(head)
    ready = [head for head in sorted(feeds, reverse=True) if not waiting[head]]
    order = []
    while ready:
        head = ready.pop()
        order.append(head)
        for consumer in sorted(consumers[head], reverse=True):
            waiting[consumer] -= 1
            if not waiting[consumer]:
                ready.append(consumer)
    return order if len(order) == len(feeds) else None


def merge(graph, groups, home):
    """The Graph in which the nodes of each block are one node."""
    members, order = _members(home), _order(graph, home)
    place = {head: k for k, head in enumerate(order)}
    leaving = {w.source for n, node in enumerate(graph.nodes) for w in node.wires if home[n] != home[w.source]}
    ends = {}  # of each block: the nodes whose results leave it
    for n in leaving:
        ends.setdefault(home[n], []).append(n)
    blurred = {head for head, inside in members.items() if len(inside) > 1 and len(ends.get(head, ())) > 1}
    made = Graph([], graph.result, list(graph.notes))
    for head in order:
        inside = members[head]
        wires = _wires(graph, inside, home, place, blurred)
        if len(inside) == 1:
            node = replace(graph.nodes[head], wires=wires)
            made.words.append(graph.words[head])
        else:
            node = _block(graph, groups[head], inside, leaving)
            node.wires = wires
            made.words.append(node.name or node.op)
        made.nodes.append(node)
    return made


def _wires(graph, inside, home, place, blurred):
    """The wires that enter a block or node from outside.

    A node keeps its own. Those of a block are one from each node, with all that flows back there; and so are a node's
    own where very many of them come from one block. From a block of which several results are used, `blurred`, the one
    wire has no gradient.
    """
    if len(inside) == 1:
        own = graph.nodes[inside[0]].wires
        coming = [home[wire.source] for wire in own]
        if not any(source in blurred and coming.count(source) > _OPERANDS for source in set(coming)):
            return [replace(wire, source=place[source]) for wire, source in zip(own, coming, strict=True)]
    found = {}
    for n in inside:
        for k, wire in enumerate(graph.nodes[n].wires):
            source = home[wire.source]
            if source == home[n]:
                continue
            key = source if source in blurred else wire.source
            before = found.get(key)
            if before is None:
                found[key] = Wire(place[source], None, wire.product, k)
            elif source in blurred:
                before.product = None  # to several nodes: not one gradient
            else:
                before.product = _sum(before.product, wire.product)
    return list(found.values())


def _sum(a, b):
    """What flows back to one node, all in all."""
    return b if a is None else a if b is None else np.add(a, b)


def _block(graph, group, inside, leaving):
    """The node that stands for `inside`."""
    gates = sum(graph.nodes[n].kind == GATE for n in inside)
    leaves = len(inside) - gates
    told = [f"{gates:,} op{'s' * (gates != 1)}"] if gates else []
    told += [f"{leaves:,} {'leaf' if leaves == 1 else 'leaves'}"] if leaves else []
    told = ", ".join(told)
    name = group if isinstance(group, str) else ""
    block = Node(BLOCK, op=told, sign=name or f"⋯ {told}", name=name, formula=told, swaps=True, count=len(inside))
    out = [n for n in inside if n in leaving]
    if len(out) == 1:
        block.value, block.gradient = graph.nodes[out[0]].value, graph.nodes[out[0]].gradient
    return block
