"""`autograd.numpy.linalg`: the functions of `numpy.linalg` for boxes."""

import numpy as _np

import fastgrad.numpy as _fnp
from fastgrad.autograd.numpy import numpy_wrapper as _anp
from fastgrad.autograd.numpy._functions import made as _made
from fastgrad.autograd.numpy._functions import recorded as _recorded
from fastgrad.autograd.numpy._functions import wrap_namespace
from fastgrad.call_plans import Plan as _Plan

wrap_namespace(vars(_np.linalg), globals())
_primitive_norm = norm  # noqa: F821


def T(x):
    """Exchange the last two axes."""
    return _anp.swapaxes(x, -1, -2)


def add2d(x):
    """Add two axes of length 1 at the end."""
    return x[..., None, None] if _anp.ndim(x) else _anp.reshape(x, (1, 1))


def _dot(a, b):
    return _anp.einsum("...ij,...jk->...ik", a, b)


def _diag(a):
    return _anp.eye(a.shape[-1]) * a


def _matrix_diag(a):
    return _diag(a[..., None, :])


# --- decompositions of one triangle ---


def _hermitian(a, UPLO):
    """Return the Hermitian matrix whose lower or upper triangle `a` has: NumPy reads no other elements.

    The gradient with respect to `a` is then that of finite differences: zero in the other triangle.
    """
    keep, k = (_anp.tril, -1) if str(UPLO).upper() == "L" else (_anp.triu, 1)
    triangle = keep(a, k)
    if not _anp.iscomplexobj(a):
        return keep(a) + T(triangle)
    return triangle + _anp.conj(T(triangle)) + _anp.eye(a.shape[-1]) * _anp.real(a)


def _eigh(a, UPLO="L"):
    return _fnp.linalg.eigh(_hermitian(a, UPLO), UPLO)


def _eigvalsh(a, UPLO="L"):
    return _fnp.linalg.eigvalsh(_hermitian(a, UPLO), UPLO)


def _with_counterpart(name, counterpart):
    function = getattr(_np.linalg, name)
    return _made(function, counterpart, _Plan(function, counterpart, "np.linalg." + name), _recorded, __name__)


eigh, eigvalsh = _with_counterpart("eigh", _eigh), _with_counterpart("eigvalsh", _eigvalsh)
