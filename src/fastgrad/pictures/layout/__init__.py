"""A layered layout of nodes and wires, given their sizes. Independent of their content.

In order of execution: `ranks` assigns a column to each node, `crossings` orders the nodes in a column, `coordinates`
computes their heights, `straight` removes bends from wires, and `place` combines these steps.
"""

from fastgrad.pictures.layout.place import Box, Placed, place

__all__ = ["Box", "Placed", "place"]
