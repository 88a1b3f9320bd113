"""Linear algebra under the names of `numpy.linalg` and the array API standard, and the matrix exponential.

Functions work on stacks of matrices as NumPy's do. Conventions for factors that are not unique, equal eigenvalues and
singular matrices are described in the documentation, under Numerics.
"""

from fastgrad.functions.contractions import tensordot
from fastgrad.functions.products import norm, vecdot
from fastgrad.functions.shapes import matrix_transpose
from fastgrad.linalg.conditions import cond, matrix_norm, matrix_rank, vector_norm
from fastgrad.linalg.factors import (
    EighResult,
    EigResult,
    QRResult,
    SlogdetResult,
    SVDResult,
    eig,
    eigh,
    lstsq,
    pinv,
    qr,
    slogdet,
    svd,
)
from fastgrad.linalg.products import diagonal, matrix_power, multi_dot, outer, tensorinv, tensorsolve, trace
from fastgrad.rules.cross import cross
from fastgrad.rules.decompositions import cholesky, eigvals, eigvalsh
from fastgrad.rules.linalg_errors import LinAlgError
from fastgrad.rules.linear_algebra import matmul
from fastgrad.rules.linear_systems import det, expm, inv, solve
from fastgrad.rules.singular import svdvals

__all__ = [
    "EigResult", "EighResult", "LinAlgError", "QRResult", "SVDResult", "SlogdetResult", "cholesky", "cond", "cross",
    "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "expm", "inv", "lstsq", "matmul", "matrix_norm",
    "matrix_power", "matrix_rank", "matrix_transpose", "multi_dot", "norm", "outer", "pinv", "qr", "slogdet", "solve",
    "svd", "svdvals", "tensordot", "tensorinv", "tensorsolve", "trace", "vecdot", "vector_norm",
]  # fmt: skip
