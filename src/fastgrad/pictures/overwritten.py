"""Finds values that were overwritten in place after the graph was recorded. They are never drawn as current."""

import numpy as np

from fastgrad._engine import write_count

NOTE = "values that were overwritten in place are left out"


def remove_overwritten_values(graph, order, visible=None):
    """Mark nodes whose memory was written after they were used, and remove their values.

    Parameters
    ----------
    graph : Graph
    order : list of records
        The Tensors of `graph.nodes`, each with its node and the indices of its operands.
    visible : set of int, optional
        The nodes that will be drawn, and have a value; all by default.
    """
    if any(write_count(record.tensor) for record in order):
        _remove_former_results(graph, order)
    confirmed = set()
    for number in range(len(order)) if visible is None else sorted(visible):
        if order[number].node is not None and _compare(graph, order, number, confirmed):
            confirmed.add(number)
    if any(node.overwritten for node in graph.nodes):
        graph.notes.append(NOTE)


def _mark(node):
    node.value, node.overwritten = None, True


def _remove_former_results(graph, order):
    """Remove values whose memory holds the result of a later node."""
    owners = {}  # address of the memory -> nodes whose value it holds
    for node, record in zip(graph.nodes, order, strict=True):
        value = record.tensor.detach().numpy()
        if not value.size:
            continue
        same = owners.setdefault(value.__array_interface__["data"][0], [])
        if record.node is not None and record.node[0].view:
            if any(graph.nodes[w.source].overwritten for w in node.wires):
                _mark(node)
                continue
        elif record.node is not None:  # shares memory with an earlier node only if it was written in place
            for earlier in same:
                _mark(earlier)
            same.clear()
        same.append(node)


def _compare(graph, order, number, confirmed):
    """Compute a gate again if its memory, or an operand's, may have been written, and remove what may be wrong.

    Returns whether it has the value that was computed again. Operands of which that is so, in `confirmed`, are right.
    Writes are counted in the memory, but the graph notes the counts only of values that gradients read. Therefore only
    the values tell whether a write came after the op. The writes to an array of the user that a leaf or a constant
    shares are not counted.
    """
    node, record = graph.nodes[number], order[number]
    rule, _, params, origins, _ = record.node
    if node.overwritten or any(graph.nodes[s].overwritten for _, s in record.sources):
        return False
    candidates = [number, *(s for _, s in record.sources)]
    suspects = [k for k in candidates if write_count(order[k].tensor) and k not in confirmed]
    if not suspects and rule.forward.__module__.startswith("fastgrad.rules."):  # the user's may be random
        suspects = [k for k in candidates if order[k].node is None]
    if not suspects:
        return False
    operands = list(origins)
    for k, source in record.sources:
        operands[k] = order[source].tensor.detach().numpy()
    try:
        again = np.asarray(rule.run(operands, dict(params)))
    except (ValueError, IndexError, ArithmeticError):  # the op refuses the new values, such as an index
        again = None
    if again is not None and _same(again, node.value, [o for o in operands if o is not None]):
        return True
    for suspect in suspects:
        _mark(graph.nodes[suspect])
    return False


def _same(again, value, operands):
    """Whether two results are equal, up to the rounding of another order of the same operations."""
    if again.shape != value.shape:
        return False
    if value.dtype.kind not in "fc":
        return np.array_equal(again, value)
    rtol = np.sqrt(np.finfo(value.dtype).eps)
    sizes = [np.abs(np.asarray(x)).max(initial=0, where=np.isfinite(x)) for x in (value, *operands)]
    with np.errstate(all="ignore"):
        return np.allclose(again, value, rtol, rtol * max(*sizes, np.prod(sizes[1:])), equal_nan=True)
