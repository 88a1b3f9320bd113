"""Sparse Jacobians and Hessians, from few products.

Columns of a matrix that have no row in common are found in one product with the sum of their unit vectors. The pattern
is known before the values, from index sets that are propagated through the recorded graph, and so the columns, or the
rows, can be put into groups by graph colouring. The number of groups is often independent of the size of the matrix: it
is 3 for a tridiagonal one. All products are computed at once, as a batch.

Rows of the matrix are the elements of the result, and columns those of the differentiated arguments: leaves of nested
containers in their order, and the elements of each in C order.

The pattern and the groups are kept between calls of a transformed function. Each call compares the ops, shapes and
indices of its graph with those that the pattern was computed from.
"""

from fastgrad.transforms.sparse.formats import Triplets
from fastgrad.transforms.sparse.functions import hessian, jacobian

__all__ = ["Triplets", "hessian", "jacobian"]
