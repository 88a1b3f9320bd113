"""The plain description of a graph that is to be shown: nodes, wires, numbers. Knows no engine and no picture."""

from dataclasses import dataclass, field
from typing import Any

LEAF, CONSTANT, GATE, BLOCK = "leaf", "constant", "gate", "block"


@dataclass(slots=True)
class Wire:
    """One operand of a node, in the order of the operands.

    Attributes
    ----------
    source : int
        The node it comes from.
    local : ndarray, str or None
        The local gradient: of the operand's shape if the result is one number, of the result's if the op goes element
        by element; else words for the Jacobian. None where no gradient flows.
    product : ndarray or None
        What flows back through this wire: local times upstream gradient, of the operand's shape.
    place : int or None
        The number of the operand among all that the op took, plain numbers included.
    """

    source: int
    local: Any = None
    product: Any = None
    place: int | None = None


@dataclass(slots=True)
class Node:
    """A leaf, a gate, or a block that stands for several of them.

    Attributes
    ----------
    kind : str
        LEAF, CONSTANT (a leaf that takes no gradient), GATE or BLOCK.
    value : ndarray or None
        None for a block without a value of its own.
    gradient : ndarray or None
        The whole upstream gradient: of what was drawn with respect to this node.
    op : str
        The op's name; "" for a leaf.
    sign : str
        What stands in the gate: "+", "exp", "× 2".
    name : str
        What the user calls it; "" if nothing.
    formula : str
        How it came from its operands, by their names.
    wires : list of Wire
    swaps : bool
        Whether the operands may change places.
    count : int
        How many nodes it stands for.
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


@dataclass(slots=True)
class Graph:
    """Nodes, operands before results, the last one being what was drawn.

    Attributes
    ----------
    nodes : list of Node
    result : str
        What the gradients are of, as in ∂result/∂x.
    notes : list of str
        Said below the picture.
    words : list of str
        For each node its name, or the one it gets here: "v1", or the number that a constant is.
    """

    nodes: list
    result: str = "y"
    notes: list = field(default_factory=list)
    words: list = field(default_factory=list)

    @property
    def root(self):
        """The number of the node that was drawn."""
        return len(self.nodes) - 1

    def consumers(self):
        """For each node, the pairs (consumer, number of its wire)."""
        found = [[] for _ in self.nodes]
        for number, node in enumerate(self.nodes):
            for port, wire in enumerate(node.wires):
                found[wire.source].append((number, port))
        return found


def free_name(taken, *wishes):
    """The first of the wishes that no node is called; the last one in any case."""
    return next((wish for wish in wishes if wish not in taken), wishes[-1])


def free_letter(names):
    """The letter with which unnamed nodes are numbered, so that "v1" is nobody's own name."""
    own = [name for name in names if name[1:].isdigit()]
    return free_name({name[0] for name in own}, "v", "u", "node ")
