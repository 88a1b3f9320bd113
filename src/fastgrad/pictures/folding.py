"""Folds large graphs: each module becomes one block, or the middle is replaced by a block with the number of ops."""

from dataclasses import dataclass, field, replace

import numpy as np

from fastgrad.pictures import modules
from fastgrad.pictures.graph import BLOCK, CONSTANT, GATE, LEAF, UNKNOWN, Graph, Node, Wire
from fastgrad.pictures.symbols import op_symbol

_FITS = 50  # largest number of nodes of a picture that is folded by modules, if there is a level with fewer
_FIRST, _LAST = 8, 24  # gates kept when the middle is elided: next to the leaves, next to the result
_OPERANDS = 6  # leaves kept of a gate that has too many
_MIDDLE = -1
_MAX_CYCLES = 30  # blocks that are dissolved before all of them are
_MAX_IN_PARTS = 600  # nodes of all blocks that can be unfolded


@dataclass(slots=True)
class Plan:
    """How to fold a graph.

    Attributes
    ----------
    groups : list
        For each node None if it is kept, or else the name of its module or the number of its elided part.
    heads : list of int
        For each node the first node of its block.
    counts : dict
        For the name of a sequence of equal modules, their number and the head of the first one.
    parts : dict
        For the head of each block that can be unfolded, the nodes to show.
    modules : list of int
        The heads before equal modules were merged.
    """

    groups: list
    heads: list
    counts: dict = field(default_factory=dict)
    parts: dict = field(default_factory=dict)
    modules: list = field(default_factory=list)


def plan(graph, limit):
    """Return a Plan, or None if the graph has at most `limit` nodes. Uses only wires, names and shapes."""
    if len(graph.nodes) <= limit:
        return None
    found = _by_modules(graph, limit)
    if found is None:
        groups = elide_middle(graph, limit)
        found = Plan(groups, block_heads(graph, groups))
    room = _MAX_IN_PARTS
    for head, inside in sorted(_shown_members(graph, found).items(), key=lambda item: (len(item[1]), item[0])):
        if len(inside) <= min(room, limit):
            found.parts[head] = inside
            room -= len(inside)
    return found


def _shown_members(graph, found):
    """Return for the head of each block the nodes that are shown if it is unfolded: of a sequence the first module."""
    members = {}
    firsts = {name: first for name, (_, first) in found.counts.items()}
    for head, inside in _members(found.heads).items():
        if len(inside) > 1 and found.groups[head] in firsts:
            first = firsts[found.groups[head]]
            inside = [number for number in inside if found.modules[number] == first]
        if sum(graph.nodes[number].kind == GATE for number in inside) > 1:
            members[head] = inside
    return members


def _by_modules(graph, limit):
    """Return the Plan by modules with the most detail that fits, or None.

    A level at which a module has several results, such as the parts of a recurrent cell, is avoided, since a block
    shows the value and the gradient of one result.
    """
    paths = modules.module_paths(graph)
    best = None
    for level in range(max(map(len, paths)), 0, -1):
        groups = modules.group_at(graph, paths, level)
        heads = block_heads(graph, groups)
        merged, counts = modules.merge_repeats(graph, groups, heads)
        found = Plan(merged, heads, counts)
        if counts:
            found.modules, found.heads = heads, block_heads(graph, merged)
        nodes = len(set(found.heads))
        if nodes > limit or nodes == len(graph.nodes):
            continue
        rank = bool(_blocks_of_several_results(graph, found.heads)), nodes > _FITS, -level
        if best is None or rank < best[0]:
            best = rank, found
    return best[1] if best else None


def _blocks_of_several_results(graph, heads):
    """Return the heads of blocks from which other blocks use several nodes."""
    leaving = {w.source for n, node in enumerate(graph.nodes) for w in node.wires if heads[n] != heads[w.source]}
    outputs = {}
    for n in leaving:
        outputs[heads[n]] = outputs.get(heads[n], 0) + 1
    return {head for head, count in outputs.items() if count > 1}


def visible(graph, found):
    """Return the indices of the nodes whose gradients are visible in the folded graph, or None for all."""
    if found is None:
        return None
    heads = found.heads
    sizes = {}
    for head in heads:
        sizes[head] = sizes.get(head, 0) + 1
    seen = {number for number, head in enumerate(heads) if sizes[head] == 1}
    several = _blocks_of_several_results(graph, heads)  # no gradients at their wires
    for number, node in enumerate(graph.nodes):
        for wire in node.wires:
            if heads[wire.source] != heads[number] and heads[wire.source] not in several:
                seen.update((number, wire.source))
    for inside in found.parts.values():
        seen.update(inside)
        seen.update(wire.source for number in inside for wire in graph.nodes[number].wires)
    return seen


def fold(graph, found):
    """Return the smaller Graph with blocks that a Plan describes, or `graph` if there is none."""
    if found is None:
        return graph
    small = merge(graph, found)
    if any(isinstance(group, str) for group in found.groups):
        small.notes.append(f"{len(graph.nodes):,} nodes, folded by module")
    else:
        hidden = sum(node.count for node in small.nodes if node.kind == BLOCK)
        small.notes.append(f"{len(graph.nodes):,} nodes, of which {hidden:,} are elided")
    return small


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
    for tries in range(_MAX_CYCLES + 1):
        if _topological_order(graph, heads) is not None:
            break
        if tries == _MAX_CYCLES:
            return list(range(len(heads)))
        # A cycle: dissolve the largest block.
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


def merge(graph, found):
    """Return the Graph in which each block is one node."""
    heads = found.heads
    members, order = _members(heads), _topological_order(graph, heads)
    place = {head: k for k, head in enumerate(order)}
    leaving = {w.source for n, node in enumerate(graph.nodes) for w in node.wires if heads[n] != heads[w.source]}
    multiple = _blocks_of_several_results(graph, heads)
    merged = Graph([], graph.result, list(graph.notes))
    for head in order:
        inside = members[head]
        wires = _wires(graph, inside, heads, place, multiple)
        if len(inside) == 1:
            node = replace(graph.nodes[head], wires=wires)
            merged.words.append(graph.words[head])
        else:
            node = _block(graph, found, head, inside, leaving)
            if head in found.parts:
                merged.parts[len(merged.nodes)] = _part(graph, found, found.parts[head], node)
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
            if before is None:  # gradients of several outputs cannot be added
                found[key] = Wire(place[source], None, None if source in multiple else wire.product, k)
            elif source not in multiple:
                before.product = _add(before.product, wire.product)
    return list(found.values())


def _add(a, b):
    """Add two gradients, either of which may be None or UNKNOWN."""
    if isinstance(a, str) or isinstance(b, str):
        return UNKNOWN
    return b if a is None else a if b is None else np.add(a, b)


def _block(graph, found, head, inside, leaving):
    """Return the node that represents the nodes `inside`."""
    group = found.groups[head]
    gates = [graph.nodes[n] for n in inside if graph.nodes[n].kind == GATE]
    leaves = len(inside) - len(gates)
    counts = [f"{len(gates):,} op{'s' * (len(gates) != 1)}"] if gates else []
    counts += [f"{leaves:,} {'leaf' if leaves == 1 else 'leaves'}"] if leaves else []
    content = ", ".join(counts)
    if isinstance(group, str):
        name = group
        times = found.counts[group][0] if group in found.counts else modules.uses_per_parameter(graph, inside)
        sign = f"{_short(name)} × {times}" if times > 1 else name
    else:
        name, sign = "", f"⋯ {content}"
        ops = [node.op for node in gates]
        p = modules.period(ops)
        if p and not leaves:
            sign = f"⋯ {len(ops) // p:,} × ({', '.join(op_symbol(op, (), None) for op in ops[:p])})"
    block = Node(BLOCK, op=content, sign=sign, name=name, formula=content, swaps=True, count=len(inside))
    out = [n for n in inside if n in leaving]
    if len(out) == 1:
        result = graph.nodes[out[0]]
        block.value, block.gradient, block.overwritten = result.value, result.gradient, result.overwritten
    return block


def _short(name):
    """Shorten the name of a sequence of modules, such as "blocks.0 … blocks.11", to what they share."""
    first, _, last = name.partition(" … ")
    return first.rstrip("0123456789").rstrip(".[(") if last else name


def _part(graph, found, inside, block):
    """Return the Graph of the nodes inside a block. What enters it is drawn as leaves."""
    entering = {w.source for n in inside for w in graph.nodes[n].wires} - set(inside)
    numbers = sorted({*entering, *inside})
    place = {number: k for k, number in enumerate(numbers)}
    part = Graph([])
    for number in numbers:
        node, word = graph.nodes[number], graph.words[number]
        if number not in entering:
            wires = [replace(wire, source=place[wire.source]) for wire in node.wires]
            node = replace(node, wires=wires, name=_local_name(node, block))
        else:
            kind = CONSTANT if node.kind == CONSTANT else LEAF
            group = found.groups[number]
            word = node.name or (group if isinstance(group, str) and node.kind == GATE else word)
            node = replace(node, kind=kind, wires=[], sign="", formula="", op="", name=word)
        part.nodes.append(node)
        part.words.append(word)
    part.result = graph.result
    return part


def _local_name(node, block):
    """Return the name of a parameter without that of the block which contains it."""
    first = block.name.partition(" … ")[0] + "."
    return node.name.partition(first)[2] or node.name
