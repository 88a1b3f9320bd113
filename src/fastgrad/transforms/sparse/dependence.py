"""Which elements of outputs depend on which elements of inputs: index sets propagated through a recorded graph."""

import numpy as np

from fastgrad._engine import Tensor, graph_signature, node_key, node_of
from fastgrad.rules.patterns import Call, pattern_of
from fastgrad.transforms.sparse.sets import Sets, union


def described(outputs, inputs):
    """Return the nodes between inputs and outputs, and a list that is equal for graphs with the same dependences."""
    live = [y for y in outputs if y.requires_grad]
    nodes, signature = graph_signature(live, inputs) if live else ([], [(x.shape, x.dtype) for x in inputs])
    signature.append([y.requires_grad or y.shape for y in outputs])
    return nodes, signature


class Dependence:
    """The pattern of a recorded graph, and what it was computed from.

    Attributes
    ----------
    sets : Sets
        One set for each element of the outputs, of numbers of elements of the inputs.
    reached : list of bool
        Whether an output depends on the input, for each input.
    """

    __slots__ = ("_reads", "_signature", "reached", "sets")

    def __init__(self, nodes, signature, outputs, inputs):
        self._signature = signature
        self._reads = []
        n = sum(x.size for x in inputs)
        known, start = {}, 0
        for x in inputs:
            own = Sets(np.arange(x.size + 1), np.arange(start, start + x.size), n)
            key = node_key(x)
            known[key] = union([known[key], own]) if key in known else own
            start += x.size
        used = {node_key(y) for y in outputs}
        for at, y in enumerate(nodes):
            known[node_key(y)] = self._propagated(at, y, known, used)
        self.reached = [node_key(x) in used for x in inputs]
        empty = [Sets(np.zeros(y.size + 1, np.intp), np.empty(0, np.intp), n) for y in outputs]
        self.sets = _joined([known.get(node_key(y), none) for y, none in zip(outputs, empty, strict=True)], n)

    def _propagated(self, at, y, known, used):
        rule, operands, params, origins, _ = node_of(y)
        keys = [
            node_key(o) if isinstance(o, Tensor) and rule.differentiable(k) else None for k, o in enumerate(origins)
        ]
        used.update(keys)
        sets = [known.get(key) for key in keys]
        call = Call(rule, tuple(map(_array, operands)), params, y.shape, tuple(s is not None for s in sets))
        parts = [s.compose(pattern_of(call, k), y.size) for k, s in enumerate(sets) if s is not None]
        self._reads += [(at, *read) for read in call.reads]
        return union(parts)

    def holds_for(self, nodes, signature):
        """Return whether a graph has the same pattern, by its nodes and its signature."""
        return signature == self._signature and all(
            np.array_equal(function(_array(node_of(nodes[at])[1][j])), value) for at, j, function, value in self._reads
        )


def _array(operand):
    return operand.detach().numpy() if isinstance(operand, Tensor) else operand


def _joined(parts, n):
    """Return the sets of several outputs as those of one."""
    if len(parts) == 1:
        return parts[0]
    ends = np.cumsum([0, *(len(part.columns) for part in parts)])
    starts = [part.starts[:-1] + end for part, end in zip(parts, ends[:-1], strict=True)]
    return Sets(np.concatenate([*starts, ends[-1:]]), np.concatenate([part.columns for part in parts]), n)
