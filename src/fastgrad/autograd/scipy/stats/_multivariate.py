"""The multivariate normal distribution and Dirichlet's."""

import math

import numpy as np

from fastgrad._engine import Tensor, asarray
from fastgrad.autograd.scipy import special
from fastgrad.autograd.scipy.stats._distribution import Distribution, scipy_stats
from fastgrad.functions.shapes import matrix_transpose
from fastgrad.linalg import cholesky, solve
from fastgrad.rules.checks import values_of
from fastgrad.rules.exponential import exp, log
from fastgrad.rules.joining import concat
from fastgrad.rules.linear_algebra import diagonal, matmul
from fastgrad.rules.reductions import sum
from fastgrad.rules.shapes import reshape

LOG_2_PI = math.log(2 * math.pi)


class Multivariate(Distribution):
    """A distribution of vectors; its formulas take SciPy's arguments."""

    def __init__(self, name, formulas):
        super().__init__(name, "", None, None, formulas)

    def _call(self, method, *args, **kwds):
        return self._formulas[method](*args, **kwds)


def _dimension(mean, cov):
    """Return the number of elements of the vectors: without a mean, that of a matrix, and otherwise 1."""
    if mean is not None:
        return math.prod(np.shape(mean))
    return np.shape(cov)[0] if np.ndim(cov) == 2 else 1


def _covariance(cov, n):
    """Return the covariance as a matrix: a number is that of each element, a vector has those of the elements."""
    if np.ndim(cov) == 2:
        return cov
    return np.eye(n) * cov


def _singular_logpdf(d, cov):
    """The logarithm of the density in the range of a constant covariance, and -inf outside."""
    values, vectors = np.linalg.eigh(cov)
    # SciPy's tolerance for eigenvalues that count as 0
    large = values > 1e6 * np.finfo(values.dtype).eps * np.abs(values).max()
    whitened = matmul(d, vectors[:, large] / np.sqrt(values[large]))
    y = -0.5 * (large.sum() * LOG_2_PI + np.log(values[large]).sum() + sum(whitened * whitened, -1))
    outside = np.linalg.norm(values_of(d) @ vectors[:, ~large], axis=-1) >= 1e3 * (1e6 * np.finfo(values.dtype).eps)
    return y + np.where(outside, -np.inf, 0) if outside.any() else y


def _is_singular(cov):
    values = np.linalg.eigvalsh(cov)
    return values.min() <= 1e6 * np.finfo(values.dtype).eps * np.abs(values).max()


def _mvn_logpdf(x, mean=None, cov=1, allow_singular=False):
    n = _dimension(mean, cov)
    x = x if isinstance(x, Tensor) else np.asarray(x, float)
    if x.ndim == 0 or (x.ndim == 1 and n == 1):
        x = reshape(x, (*x.shape, 1))
    d = x if mean is None else x - mean
    d = d if isinstance(d, Tensor) else asarray(d)
    cov = _covariance(cov, n)
    if allow_singular and _is_singular(values_of(cov)):
        if isinstance(cov, Tensor) and cov.requires_grad:
            raise NotImplementedError("the density of a singular normal distribution has no derivative in cov")
        return _singular_logpdf(d, values_of(cov))
    root = cholesky(cov)
    columns = reshape(d, (-1, n))
    whitened = solve(root, matrix_transpose(columns))
    squares = reshape(sum(whitened * whitened, 0), d.shape[:-1])
    return -0.5 * (squares + n * LOG_2_PI) - sum(log(diagonal(root)))


def _mvn_entropy(mean=None, cov=1):
    n = _dimension(mean, cov)
    return 0.5 * n * (LOG_2_PI + 1) + sum(log(diagonal(cholesky(_covariance(cov, n)))))


multivariate_normal = Multivariate(
    "multivariate_normal",
    {
        "logpdf": _mvn_logpdf,
        "pdf": lambda *args, **kwds: exp(_mvn_logpdf(*args, **kwds)),
        "entropy": _mvn_entropy,
    },
)


def _completed(x, alpha):
    """Return Dirichlet's `x` with the last element, where it is left out."""
    x = x if isinstance(x, Tensor) else asarray(np.asarray(x, float))
    if x.shape[0] + 1 == np.shape(alpha)[-1]:
        x = concat(x, 1 - sum(x, 0, True), axis=0)
    scipy_stats.dirichlet.logpdf(values_of(x), values_of(alpha))  # its errors for points outside the simplex
    return x


def _dirichlet_logpdf(x, alpha):
    x = _completed(x, alpha)
    alpha = alpha if isinstance(alpha, Tensor) else asarray(np.asarray(alpha, float))
    constant = special.gammaln(sum(alpha)) - sum(special.gammaln(alpha))
    powers = alpha - 1
    return constant + sum(special.xlogy(reshape(powers, (-1,) + (1,) * (x.ndim - 1)), x), 0)


dirichlet = Multivariate(
    "dirichlet",
    {"logpdf": _dirichlet_logpdf, "pdf": lambda x, alpha: exp(_dirichlet_logpdf(x, alpha))},
)

__all__ = ["dirichlet", "multivariate_normal"]
