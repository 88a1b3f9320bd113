"""Pictures of graphs, as in lecture notes on backpropagation: `fg.draw` and `fg.explain`.

In reading order: `graph` (the plain description all the rest works on), `tensors` and `values` (which make one),
`folding` (which makes a large one small), `layout` (where everything goes), `svg`, `dot` and `table` (which say it).
"""

from fastgrad.pictures.picture import Picture, draw
from fastgrad.pictures.table import Explanation, explain

__all__ = ["Explanation", "Picture", "draw", "explain"]
