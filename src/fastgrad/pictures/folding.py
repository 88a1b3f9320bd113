"""Large graphs made small enough to be looked at: modules as one block each, or the middle elided with a count."""

from dataclasses import replace

from fastgrad.pictures.graph import BLOCK, CONSTANT, GATE, LEAF, Graph, Node, Wire

_FIRST, _LAST = 8, 24  # gates that stay when a graph is elided: next to the leaves, next to the result


def fold(graph, limit):
    """`graph` if it has at most `limit` nodes; else one with blocks in it."""
    if len(graph.nodes) <= limit:
        return graph
    groups = modules(graph)
    by_module = merge(graph, groups) if any(groups) else graph
    if len(by_module.nodes) <= limit:
        by_module.notes.append(f"{len(graph.nodes):,} nodes, folded by module")
        return by_module
    groups = elided(graph, limit)
    small = merge(graph, groups)
    small.notes.append(f"{len(graph.nodes):,} nodes, of which {len(graph.nodes) - _stay(groups):,} are elided")
    return small


def shown(graph, limit):
    """The numbers of the nodes that `fold` leaves as they are, or None for all."""
    if len(graph.nodes) <= limit:
        return None
    groups = modules(graph)
    if not any(groups) or len(merge(graph, groups).nodes) > limit:
        groups = elided(graph, limit)
    return {number for number, group in enumerate(groups) if group is None} | _borders(graph, groups)


def _stay(groups):
    return sum(group is None for group in groups)


def _borders(graph, groups):
    """Nodes whose results leave their block: their value and gradient stand at its wire."""
    return {w.source for n, node in enumerate(graph.nodes) for w in node.wires if groups[n] != groups[w.source]}


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
    if groups:
        groups[-1] = None  # the result stays to be seen
    for number, node in enumerate(graph.nodes):
        for wire in node.wires:
            source = graph.nodes[wire.source]
            if groups[number] is not None and source.kind == LEAF and source.name.startswith(groups[number] + "."):
                groups[wire.source] = groups[number]
    return groups


def elided(graph, limit):
    """For each node "" if it is elided, else None.

    What is elided is one stretch of the order of the nodes, so that no wire leaves it and comes back.
    """
    gates = [number for number, node in enumerate(graph.nodes) if node.kind == GATE]
    last = min(_LAST, limit // 2)
    first = min(_FIRST, limit // 4)
    low, high = gates[min(first, len(gates) - 1)], gates[-min(last, len(gates))]
    groups = ["" if low <= number < high else None for number in range(len(graph.nodes))]
    near = {w.source for number, node in enumerate(graph.nodes) if groups[number] is None for w in node.wires}
    spare = limit // 4
    for number, node in enumerate(graph.nodes):
        if node.kind not in (LEAF, CONSTANT):
            continue
        used_near = number in near
        named = bool(node.name) and spare > 0
        spare -= named and not used_near
        groups[number] = None if used_near or named else ""
    return groups


def merge(graph, groups):
    """The Graph in which the nodes of each connected group are one block. Groups that would close a cycle stay open."""
    home = _connected(graph, groups)
    while True:
        members = {}
        for number, head in enumerate(home):
            members.setdefault(head, []).append(number)
        order = _order(graph, home, members)
        if order is not None:
            break
        home = _opened(graph, home, members)
    place = {head: k for k, head in enumerate(order)}
    made = Graph([], graph.result, list(graph.notes))
    leaving = {w.source for n, node in enumerate(graph.nodes) for w in node.wires if home[n] != home[w.source]}
    for head in order:
        made.nodes.append(_made(graph, groups[head], members[head], home, place, leaving))
        made.words.append(graph.words[head] if len(members[head]) == 1 else made.nodes[-1].name)
    return made


def _connected(graph, groups):
    """For each node the first of the nodes that it is one with."""
    home = list(range(len(groups)))

    def find(n):
        while home[n] != n:
            home[n] = home[home[n]]
            n = home[n]
        return n

    elided = None
    for number, node in enumerate(graph.nodes):
        if groups[number] is None:
            continue
        if groups[number] == "":  # all that is elided is one
            elided = number if elided is None else elided
            home[find(number)] = find(elided)
        for wire in node.wires:
            if groups[wire.source] == groups[number]:
                a, b = sorted((find(wire.source), find(number)))
                home[b] = a
    return [find(n) for n in range(len(home))]


def _order(graph, home, members):
    """The blocks, operands before results; None if they go round in a circle."""
    feeds = {head: {home[w.source] for n in inside for w in graph.nodes[n].wires} - {head}
             for head, inside in members.items()}  # fmt: skip
    consumers = {head: [] for head in members}
    for head, sources in feeds.items():
        for source in sources:
            consumers[source].append(head)
    waiting = {head: len(sources) for head, sources in feeds.items()}
    ready = [head for head in sorted(members, reverse=True) if not waiting[head]]
    order = []
    while ready:
        head = ready.pop()
        order.append(head)
        for consumer in consumers[head]:
            waiting[consumer] -= 1
            if not waiting[consumer]:
                ready.append(consumer)
    return order if len(order) == len(members) else None


def _opened(graph, home, members):
    """`home` with the largest group taken apart."""
    largest = max((head for head in members), key=lambda head: len(members[head]))
    return [n if head == largest else head for n, head in enumerate(home)]


def _made(graph, group, inside, home, place, leaving):
    """The node that stands for `inside`."""
    if len(inside) == 1:
        node = graph.nodes[inside[0]]
        return replace(node, wires=[replace(w, source=place[home[w.source]]) for w in node.wires])
    gates = [n for n in inside if graph.nodes[n].kind == GATE]
    own = set(inside)
    out = [n for n in inside if n in leaving]
    leaves = len(inside) - len(gates)
    told = f"{len(gates):,} op{'s' * (len(gates) != 1)}"
    if leaves:
        told += f", {leaves:,} {'leaf' if leaves == 1 else 'leaves'}"
    block = Node(BLOCK, op=told, sign=group or f"⋯ {told}", name=group, count=len(inside))
    if len(out) == 1:
        block.value, block.gradient = graph.nodes[out[0]].value, graph.nodes[out[0]].gradient
    block.formula = told
    seen = {}
    for n in inside:
        for wire in graph.nodes[n].wires:
            if wire.source not in own and wire.source not in seen:
                seen[wire.source] = Wire(place[home[wire.source]], None, wire.product, place=len(seen))
    block.wires = list(seen.values())
    block.swaps = True
    return block
