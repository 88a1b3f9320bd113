"""Functions of matrices, and matrix equations. Calls need SciPy."""

import numpy as np

from fastgrad import linalg
from fastgrad.autograd.scipy._modules import ScipyModule
from fastgrad.functions.shapes import matrix_transpose
from fastgrad.primitives import primitive
from fastgrad.rules.complex import conj
from fastgrad.rules.joining import concat
from fastgrad.rules.linear_algebra import matmul

scipy_linalg = ScipyModule("scipy.linalg")


def _sylvester_vjp(g, a, b, y):
    """`gq` solves the equation of the transposed matrices for `g`; `ga = -gq @ y.T` and `gb = -y.T @ gq`."""
    gq = _solve_sylvester(matrix_transpose(a), matrix_transpose(b), g)
    yt = matrix_transpose(y)
    return -matmul(gq, yt), -matmul(yt, gq), gq


@primitive(
    vjp=_sylvester_vjp,
    jvp=(
        lambda t, a, b, y: -_solve_sylvester(a, b, matmul(t, y)),
        lambda t, a, b, y: -_solve_sylvester(a, b, matmul(y, t)),
        lambda t, a, b: _solve_sylvester(a, b, t),
    ),
    together=True,
    name="solve_sylvester",
)
def _solve_sylvester(a, b, q, /):
    return scipy_linalg.solve_sylvester(a, b, q)


def solve_sylvester(a, b, q):
    """`scipy.linalg.solve_sylvester`: the x with `a @ x + x @ b = q`."""
    return _solve_sylvester(a, b, q)


def _adjoint(a):
    return conj(matrix_transpose(a))


def solve_continuous_lyapunov(a, q):
    """`scipy.linalg.solve_continuous_lyapunov`: the x with `a @ x + x @ a.H = q`."""
    return _solve_sylvester(a, _adjoint(a), q)


def solve_discrete_lyapunov(a, q, method=None):
    """`scipy.linalg.solve_discrete_lyapunov`: the x with `a @ x @ a.H - x + q = 0`, by the bilinear transformation."""
    eye = np.eye(a.shape[0])
    ah = _adjoint(a)
    right = linalg.inv(ah + eye)
    b = matmul(ah - eye, right)
    c = 2 * matmul(matmul(linalg.inv(a + eye), q), right)
    return _solve_sylvester(_adjoint(b), b, -c)


# `x @ x = a`, so that `y @ t + t @ y` is the change of `a`.
@primitive(
    vjp=lambda g, y: _solve_sylvester(matrix_transpose(y), matrix_transpose(y), g),
    jvp=lambda t, y: _solve_sylvester(y, y, t),
    name="sqrtm",
)
def _sqrtm(a, /):
    return scipy_linalg.sqrtm(a)


def sqrtm(A, disp=True, blocksize=64):
    """`scipy.linalg.sqrtm`."""
    if disp is not True and isinstance(disp, (bool, np.bool_)):
        raise NotImplementedError("sqrtm with disp=False has no derivatives: leave disp out")
    return _sqrtm(A)


def _block(function, a, t):
    """The derivative of a function of matrices along `t`: the upper right block of its value at `[[a, t], [0, a]]`."""
    n = a.shape[-1]
    below = concat(np.zeros(a.shape), a, axis=-1)
    return function(concat(concat(a, t, axis=-1), below, axis=-2))[..., :n, n:]


def _matrix_function(name):
    """Make the op of a function of SciPy that is given by a power series."""

    def forward(a, /):
        return getattr(scipy_linalg, name)(a)

    op = primitive(
        forward,
        vjp=lambda g, a: _block(op, matrix_transpose(a), g),
        jvp=lambda t, a: _block(op, a, t),
        name=name,
    )
    return op


_SERIES = ("cosm", "coshm", "sinhm", "sinm", "tanhm", "tanm")
_logm = _matrix_function("logm")


def logm(A, disp=True):
    """`scipy.linalg.logm`."""
    if disp is not True:
        raise NotImplementedError("logm with disp=False has no derivatives: leave disp out")
    return _logm(A)


def fractional_matrix_power(A, t):
    """`scipy.linalg.fractional_matrix_power`; whole powers are products, others go by the logarithm."""
    if isinstance(t, (int, np.integer)):
        return linalg.matrix_power(A, t)
    return linalg.expm(t * _logm(A))


def expm_frechet(A, E, method=None, compute_expm=True, check_finite=True):
    """`scipy.linalg.expm_frechet`: the exponential, and its derivative along `E`."""
    derivative = _block(linalg.expm, A, E)
    return (linalg.expm(A), derivative) if compute_expm else derivative


BOXED = {
    "expm": linalg.expm,
    **{
        function.__name__: function
        for function in (
            expm_frechet, fractional_matrix_power, logm, solve_continuous_lyapunov, solve_discrete_lyapunov,
            solve_sylvester, sqrtm,
        )
    },
    "solve_lyapunov": solve_continuous_lyapunov,
    **{name: _matrix_function(name) for name in _SERIES},
}  # fmt: skip
