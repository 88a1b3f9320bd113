"""The description of a graph to be drawn: nodes, wires and numbers. Independent of engines and output formats."""

from dataclasses import dataclass, field
from typing import Any

LEAF, CONSTANT, GATE, BLOCK = "leaf", "constant", "gate", "block"
UNKNOWN = "unknown"  # stands for a gradient that needs an overwritten value


@dataclass(slots=True)
class Wire:
    """One operand of a node, in the order of the operands.

    Attributes
    ----------
    source : int
        Index of the node that is the operand.
    local : ndarray, str or None
        The local gradient. It has the operand's shape if the result has one element, and the result's shape if the op
        is elementwise; otherwise a string that describes the Jacobian. None if no gradient flows.
    product : ndarray, UNKNOWN or None
        Gradient that this wire passes to the operand, the local times the upstream gradient. Has the operand's shape.
    place : int or None
        Position of the operand in the call, where plain numbers count as well.
    """

    source: int
    local: Any = None
    product: Any = None
    place: int | None = None


@dataclass(slots=True)
class Node:
    """A leaf, a gate, or a block that represents several nodes.

    Attributes
    ----------
    kind : str
        LEAF, CONSTANT (a leaf that requires no gradient), GATE (the result of an op) or BLOCK.
    value : ndarray or None
        None for a block with several results, and for a value that was overwritten.
    overwritten : bool
        Whether the value was overwritten in place after the graph was recorded.
    freed : bool
        Whether `backward()` freed the operands of the node, which then has no wires.
    gradient : ndarray, UNKNOWN or None
        Gradient of the drawn result with respect to this node, summed over all consumers.
    op : str
        Name of the op; "" for a leaf.
    sign : str
        Symbol in the gate, such as "+", "exp" or "× 2".
    name : str
        Name given by the user, or "".
    formula : str
        The op applied to the names of its operands.
    wires : list of Wire
    swaps : bool
        Whether the wires may enter in any order.
    shape : tuple of int
        Shape of the value.
    count : int
        Number of nodes that it represents.
    """

    kind: str
    value: Any = None
    gradient: Any = None
    op: str = ""
    sign: str = ""
    name: str = ""
    formula: str = ""
    wires: list = field(default_factory=list)
    swaps: bool = False
    count: int = 1
    overwritten: bool = False
    freed: bool = False
    shape: tuple = ()

    @property
    def shown_value(self):
        """The value as an array, "overwritten", or None."""
        return "overwritten" if self.overwritten else self.value


@dataclass(slots=True)
class Graph:
    """Nodes in topological order, operands first. The last node is the drawn result.

    Attributes
    ----------
    nodes : list of Node
    result : str
        Name of the result, as in ∂result/∂x.
    notes : list of str
        Lines below the picture.
    words : list of str
        For each node its name, a generated one such as "v1", or the value of a constant.
    parts : dict
        The contents of blocks, by the index of the block: a Graph whose result is that of the block.
    """

    nodes: list
    result: str = "y"
    notes: list = field(default_factory=list)
    words: list = field(default_factory=list)
    parts: dict = field(default_factory=dict)

    @property
    def root(self):
        """Index of the drawn result."""
        return len(self.nodes) - 1

    def consumers(self):
        """Return for each node the pairs (consumer, position of the wire)."""
        found = [[] for _ in self.nodes]
        for number, node in enumerate(self.nodes):
            for port, wire in enumerate(node.wires):
                found[wire.source].append((number, port))
        return found


def free_name(taken, *candidates):
    """Return the first of the candidates that is not taken, or else the last one."""
    return next((name for name in candidates if name not in taken), candidates[-1])


def free_prefix(names):
    """Return a prefix for the numbers of unnamed nodes, so that no name such as "v1" is used twice."""
    numbered = [name for name in names if name[1:].isdigit()]
    return free_name({name[0] for name in numbered}, "v", "u", "node ")
