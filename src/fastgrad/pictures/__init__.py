"""Pictures and tables of graphs, as in lecture notes on backpropagation: `fg.draw` and `fg.explain`.

In reading order: `graph` (the description that the other modules use), `tensors` and `values` (create it),
`folding` (shrinks large graphs), `layout` (computes positions), `svg`, `dot` and `table` (write the output).
"""

from fastgrad.pictures.picture import Picture, draw
from fastgrad.pictures.table import Explanation, explain

__all__ = ["Explanation", "Picture", "draw", "explain"]
