"""Where everything goes: a layered layout. Knows sizes and wires, but nothing of what they mean.

In the order of the work: `ranks` gives each node a column, `crossings` orders the nodes of a column, `coordinates`
gives them heights, `straight` takes bends out of wires, `place` puts it together.
"""

from fastgrad.pictures.layout.place import Box, Placed, place

__all__ = ["Box", "Placed", "place"]
