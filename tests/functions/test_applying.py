"""apply_along_axis and apply_over_axes."""

import numpy as np

from tests.functions.against_numpy import compare, compare_errors, table_test

A = np.random.default_rng(9).normal(size=(2, 3, 4))

CALLS = [
    ("apply_along_axis", (np.sum, 0, A), {}), ("apply_along_axis", (np.cumsum, 1, A), {}),
    ("apply_along_axis", (np.diag, -1, A), {}),
    ("apply_along_axis", (lambda v, k: v[:2] * k, 2, A, 3.0), {}), ("apply_along_axis", (np.exp, 0, A[0, 0]), {}),
    ("apply_along_axis", (lambda v: v @ v, 1, A), {}),
    ("apply_over_axes", (np.sum, A, [0, 2]), {}), ("apply_over_axes", (np.max, A, -1), {}),
    ("apply_over_axes", (np.cumsum, A, (1,)), {}),
]  # fmt: skip


test_values_and_gradients = table_test(compare, CALLS)


test_errors_are_numpys = table_test(compare_errors, [
    ("apply_along_axis", (np.sum, 3, A), {}), ("apply_along_axis", (np.sum, 0, A[:, :0]), {}),
    ("apply_over_axes", (lambda x, axis: x[..., None], A, 0), {}), ("apply_over_axes", (np.sum, A, 3), {}),
])  # fmt: skip
