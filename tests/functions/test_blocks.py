"""dstack, column_stack, block, array_split and kin, atleast_nd, rollaxis, trim_zeros."""

import numpy as np
import pytest

from tests.functions.against_numpy import compare, compare_errors, compare_values, table_test

rng = np.random.default_rng(2)
V, M, A = (rng.normal(size=shape) for shape in ((3,), (2, 3), (2, 3, 4)))
S = np.array(0.5)

CALLS = [
    ("atleast_1d", (S,), {}), ("atleast_1d", (S, V, M), {}), ("atleast_2d", (S, V, M), {}), ("atleast_2d", (A,), {}),
    ("atleast_3d", (S, V, M, A), {}), ("atleast_3d", (V[:0],), {}), ("dstack", ([M, M],), {}),
    ("dstack", ((V, np.arange(3.0)),), {}), ("dstack", ([S, S],), {}), ("dstack", ([A, A[..., :1]],), {}),
    ("column_stack", ([V, V],), {}), ("column_stack", ([M, M[:, 0]],), {}), ("column_stack", ([M[:, :0], M],), {}),
    ("block", ([M, M],), {}), ("block", ([[M, M], [M, M]],), {}), ("block", ([[M], [V]],), {}),
    ("block", ([V, S, S],), {}),
    ("block", ([[A, A[..., :2]]],), {}), ("block", (M,), {}), ("block", ([[S, V], [V, S]],), {}),
    ("block", ([[[A]], [[A]]],), {}),
    ("array_split", (V, 2), {}), ("array_split", (M, 4, 1), {}), ("array_split", (M, [1, 2]), {"axis": 1}),
    ("array_split", (V[:0], 2), {}), ("array_split", (V, np.array([2, 5])), {}),
    ("hsplit", (V, 3), {}), ("hsplit", (M, [1]), {}), ("vsplit", (M, 2), {}), ("dsplit", (A, 2), {}),
    ("dsplit", (A, [3]), {}),
    ("rollaxis", (A, 2), {}), ("rollaxis", (A, 0, 3), {}), ("rollaxis", (A, 1, -1), {}), ("rollaxis", (A, -1, 1), {}),
    ("rollaxis", (A, 1, 1), {}), ("trim_zeros", (V,), {}),



]  # fmt: skip


# Of elements that the result does not depend on, or that are zeros where it jumps.
CONSTANT = [
    ("trim_zeros", (np.array([0, 0, 1.5, 0, 2, 0]),), {}),
    ("trim_zeros", (np.array([0, 1.5, 0]), "f"), {}),
    ("trim_zeros", (np.array([0, 1.5, 0]),), {"trim": "b"}),
    ("trim_zeros", (np.zeros(3),), {}),
]


test_values_and_gradients = table_test(compare, CALLS)
test_values_alone = table_test(compare_values, CONSTANT)


test_errors_are_numpys = table_test(compare_errors, [
    ("dstack", ([M, V],), {}), ("dstack", ([],), {}),
    ("column_stack", ([M, V],), {}), ("block", ([],), {}),
    ("block", ([[M, M], M],), {}), ("block", ([M, (M, M)],), {}), ("block", ([[M, V]],), {}),
    ("array_split", (V, 0), {}),
    ("array_split", (V, 2, 1), {}), ("hsplit", (S, 1), {}), ("hsplit", (M, 2), {}), ("vsplit", (V, 3), {}),
    ("dsplit", (M, 2), {}), ("rollaxis", (A, 3), {}), ("rollaxis", (A, 0, 4), {}),
])  # fmt: skip


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.2.0", reason="trim_zeros of vectors only")
def test_zeros_around_a_matrix():
    for params in {}, {"axis": 1}, {"axis": (0, 1), "trim": "f"}:
        compare_values("trim_zeros", (np.pad(M, 1),), params)
    compare_errors("trim_zeros", (V, "x"), {})
    compare_errors("trim_zeros", (V,), {"axis": 1})
