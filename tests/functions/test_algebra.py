"""inner, vdot, matvec, vecmat, kron, cross and vander."""

import numpy as np
import pytest

from tests.functions.against_numpy import compare, compare_errors, compare_gradients, compare_values, table_test

rng = np.random.default_rng(0)
V, W, M, A = (rng.normal(size=shape) for shape in ((3,), (3,), (2, 3), (4, 2, 3)))
Z = V + 1j * W

CALLS = [
    ("inner", (V, W), {}), ("inner", (M, V), {}), ("inner", (A, M), {}), ("inner", (V, 2.0), {}), ("inner", (Z, V), {}),
    ("inner", (M[:, :0], M[:1, :0]), {}), ("vdot", (V, W), {}), ("vdot", (Z, V), {}), ("vdot", (M, M.T), {}),
    ("vdot", (V, Z), {}), ("vdot", (M[:0], M[:0]), {}), ("matvec", (A, V), {}), ("matvec", (M, A[0]), {}),
    ("vecmat", (Z, A[0, :1].T), {}), ("vecmat", (M[:, 0], A), {}), ("kron", (M, V), {}), ("kron", (V, A), {}),
    ("kron", (M, 2.0), {}), ("kron", (M, Z), {}), ("kron", (M[:0], V), {}), ("cross", (V, W), {}),
    ("cross", (M, V), {}), ("cross", (M, Z), {}), ("cross", (M.T, V), {"axisa": 0}), ("cross", (A, M), {"axisc": 0}),
    ("cross", (A.swapaxes(0, 2), A.swapaxes(0, 2)), {"axis": 0}), ("vander", (V,), {}), ("vander", (V, 2), {}),
    ("vander", (V,), {"N": 5, "increasing": True}),
    ("vander", (np.arange(4), 3), {}), ("vander", (V.astype(np.float32),), {}), ("vander", (V[:0], 2), {}),
]  # fmt: skip


# Of elements that the result does not depend on, or that are zeros where it jumps.
CONSTANT = [
    ("vander", (Z, 1), {}),
    ("vander", (V, 0), {}),
]


test_values_and_gradients = table_test(compare, CALLS)
test_values_alone = table_test(compare_values, CONSTANT)


@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors:DeprecationWarning")
@pytest.mark.parametrize(("a", "b"), [(V[:2], W), (V, W[:2]), (M[:, :2], V), (V[:2], W[:2]), (M[:, :2], A[..., :2])])
def test_cross_products_of_vectors_in_the_plane(a, b):
    if np.lib.NumpyVersion(np.__version__) >= "2.5.0":
        pytest.skip("NumPy has no cross products in the plane from 2.5 on")
    compare_values("cross", (a, b), {})
    compare_gradients("cross", (a, b), {})


test_errors_are_numpys = table_test(compare_errors, [
    ("inner", (M, W[:2]), {}), ("vdot", (M, V), {}), ("matvec", (V, V), {}), ("matvec", (M, V[:2]), {}),
    ("vecmat", (M, V), {}), ("vecmat", (V, M), {}), ("cross", (V, V[:1]), {}), ("cross", (2.0, V), {}),
    ("cross", (M, M), {"axis": 2}), ("cross", (A, A[:3]), {}), ("vander", (M,), {}), ("cross", (M, V), {"axisc": 5}),
])  # fmt: skip
