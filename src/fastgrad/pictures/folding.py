"""Folds large graphs: each module becomes one block, or the middle is replaced by a block with the number of ops."""

from dataclasses import replace

import numpy as np

from fastgrad.pictures.graph import BLOCK, CONSTANT, GATE, LEAF, Graph, Node, Wire

_FIRST, _LAST = 8, 24  # gates kept when the middle is elided: next to the leaves, next to the result
_OPERANDS = 6  # leaves kept of a gate that has too many
_MIDDLE = -1


def fold(graph, limit):
    """Return `graph` if it has at most `limit` nodes, or else a smaller Graph with blocks."""
    found = plan(graph, limit)
    if found is None:
        return graph
    groups, heads = found
    small = merge(graph, groups, heads)
    if any(isinstance(group, str) for group in groups):
        small.notes.append(f"{len(graph.nodes):,} nodes, folded by module")
    else:
        hidden = sum(node.count for node in small.nodes if node.kind == BLOCK)
        small.notes.append(f"{len(graph.nodes):,} nodes, of which {hidden:,} are elided")
    return small


def shown(graph, limit):
    """Return the indices of the nodes whose gradients are visible in the folded graph, or None for all."""
    found = plan(graph, limit)
    if found is None:
        return None
    heads = found[1]
    sizes = {}
    for head in heads:
        sizes[head] = sizes.get(head, 0) + 1
    visible = {number for number, head in enumerate(heads) if sizes[head] == 1}
    for number, node in enumerate(graph.nodes):
        for wire in node.wires:
            if heads[wire.source] != heads[number]:
                visible.update((number, wire.source))
    return visible


def plan(graph, limit):
    """Return a pair `(groups, heads)`, or None if the graph is small enough. Uses only wires and names.

    `groups` has for each node None if it is kept, or else the name of its module or the number of its elided part.
    `heads` has for each node the first node of its block.
    """
    if len(graph.nodes) <= limit:
        return None
    groups = group_modules(graph)
    if any(groups):
        heads = block_heads(graph, groups)
        if len(set(heads)) <= limit:
            return groups, heads
    groups = elide_middle(graph, limit)
    return groups, block_heads(graph, groups)


def group_modules(graph):
    """Return for each node the name of its module, from the dotted names of parameters, or None.

    A gate belongs to the module of its parameter, or without a parameter to that of its first operand with a module.
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
    groups[-1] = None  # the result is always visible
    for number, node in enumerate(graph.nodes):
        for wire in node.wires:
            source = graph.nodes[wire.source]
            if groups[number] is not None and source.kind == LEAF and source.name.startswith(groups[number] + "."):
                groups[wire.source] = groups[number]
    return groups


def elide_middle(graph, limit):
    """Return for each node None if it is kept, or else the number of the block that replaces it.

    The middle is a contiguous part of the topological order, so that no wire leaves it and returns. The leaves of kept
    gates are kept. If these are too many, each gate keeps the first few, and a block replaces the others.
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
    kept_gates = [gate for gate in gates if groups[gate] is None]
    near = {}  # elided leaf of a kept gate -> the first such gate
    for gate in kept_gates:
        for wire in nodes[gate].wires:
            if nodes[wire.source].kind in (LEAF, CONSTANT) and groups[wire.source] == _MIDDLE:
                near.setdefault(wire.source, gate)
    many = len(near) > limit // 2
    count = {}
    for leaf, gate in near.items():
        count[gate] = count.get(gate, 0) + 1
        groups[leaf] = gate if many and count[gate] > _OPERANDS else None
    return groups


def block_heads(graph, groups):
    """Return for each node the first node of its block. Modules become connected blocks; blocks form no cycle."""
    heads = list(range(len(groups)))

    def find(n):
        while heads[n] != n:
            heads[n] = heads[heads[n]]
            n = heads[n]
        return n

    def unite(a, b):
        a, b = sorted((find(a), find(b)))
        heads[b] = a

    first = {}  # number of an elided part, which need not be connected -> its first node
    for number, node in enumerate(graph.nodes):
        group = groups[number]
        if isinstance(group, int):
            unite(first.setdefault(group, number), number)
        elif group is not None:
            for wire in node.wires:
                if groups[wire.source] == group:
                    unite(wire.source, number)
    heads = [find(n) for n in range(len(heads))]
    while _topological_order(graph, heads) is None:  # a cycle: dissolve the largest block
        members = _members(heads)
        largest = max(members, key=lambda head: len(members[head]))
        heads = [n if head == largest else head for n, head in enumerate(heads)]
    return heads


def _members(heads):
    members = {}
    for number, head in enumerate(heads):
        members.setdefault(head, []).append(number)
    return members


def _topological_order(graph, heads):
    """Return the heads of the blocks, operands first; None if the blocks form a cycle."""
    feeds = {head: set() for head in heads}
    for number, node in enumerate(graph.nodes):
        feeds[heads[number]].update(heads[w.source] for w in node.wires)
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


def merge(graph, groups, heads):
    """Return the Graph in which each block is one node."""
    members, order = _members(heads), _topological_order(graph, heads)
    place = {head: k for k, head in enumerate(order)}
    leaving = {w.source for n, node in enumerate(graph.nodes) for w in node.wires if heads[n] != heads[w.source]}
    outputs = {}  # head of a block -> its nodes that other blocks use
    for n in leaving:
        outputs.setdefault(heads[n], []).append(n)
    multiple = {head for head, inside in members.items() if len(inside) > 1 and len(outputs.get(head, ())) > 1}
    merged = Graph([], graph.result, list(graph.notes))
    for head in order:
        inside = members[head]
        wires = _wires(graph, inside, heads, place, multiple)
        if len(inside) == 1:
            node = replace(graph.nodes[head], wires=wires)
            merged.words.append(graph.words[head])
        else:
            node = _block(graph, groups[head], inside, leaving)
            node.wires = wires
            merged.words.append(node.name or node.op)
        merged.nodes.append(node)
    return merged


def _wires(graph, inside, heads, place, multiple):
    """Return the wires that enter a block or node from outside.

    A node keeps its wires, unless many of them come from a block in `multiple`. A block has one wire per operand, with
    the sum of the gradients that flow back. Blocks in `multiple` have several outputs, which share one wire without a
    gradient.
    """
    if len(inside) == 1:
        own = graph.nodes[inside[0]].wires
        sources = [heads[wire.source] for wire in own]
        if not any(source in multiple and sources.count(source) > _OPERANDS for source in set(sources)):
            return [replace(wire, source=place[source]) for wire, source in zip(own, sources, strict=True)]
    found = {}
    for n in inside:
        for k, wire in enumerate(graph.nodes[n].wires):
            source = heads[wire.source]
            if source == heads[n]:
                continue
            key = source if source in multiple else wire.source
            before = found.get(key)
            if before is None:
                found[key] = Wire(place[source], None, wire.product, k)
            elif source in multiple:
                before.product = None  # gradients of several outputs cannot be added
            else:
                before.product = _add(before.product, wire.product)
    return list(found.values())


def _add(a, b):
    """Add two gradients, either of which may be None."""
    return b if a is None else a if b is None else np.add(a, b)


def _block(graph, group, inside, leaving):
    """Return the node that represents the nodes `inside`."""
    gates = sum(graph.nodes[n].kind == GATE for n in inside)
    leaves = len(inside) - gates
    counts = [f"{gates:,} op{'s' * (gates != 1)}"] if gates else []
    counts += [f"{leaves:,} {'leaf' if leaves == 1 else 'leaves'}"] if leaves else []
    content = ", ".join(counts)
    name = group if isinstance(group, str) else ""
    block = Node(
        BLOCK, op=content, sign=name or f"⋯ {content}", name=name, formula=content, swaps=True, count=len(inside)
    )
    out = [n for n in inside if n in leaving]
    if len(out) == 1:
        result = graph.nodes[out[0]]
        block.value, block.gradient, block.overwritten = result.value, result.gradient, result.overwritten
    return block
