"""Sparse derivatives: the Hessian of Rosenbrock's function, and the Jacobian of a stencil, after the first call."""

import numpy as np

import fastgrad as fg
from bench.results import row
from bench.rows.derivatives import rosenbrock
from fastgrad.benchmark.peers import peers
from fastgrad.benchmark.race import Contender, Race


def _of_triplets(function, x):
    """Return a function for the values of a sparse matrix, by rows, and their places."""

    def answer():
        found = function(x)
        return {"rows": found.rows, "columns": found.cols, "values": found.values}

    return answer


def hessian_by_hand(x):
    """Compute the Hessian of Rosenbrock's function as triplets, from its three diagonals."""
    n = len(x)
    diagonal = np.zeros(n)
    diagonal[:-1] = 1200.0 * x[:-1] ** 2 - 400.0 * x[1:] + 2.0
    diagonal[1:] += 200.0
    beside = -400.0 * x[:-1]
    values = np.zeros((n, 3))
    values[1:, 0], values[:, 1], values[:-1, 2] = beside, diagonal, beside
    return values.reshape(-1)[1:-1]


@row("hessian-sparse", note="sparse Hessian of Rosenbrock's function, n = 1000, triplets; the three diagonals by hand")
def hessian_sparse(settings):
    """Three products for 2998 elements, one batch."""
    x = np.linspace(-1.0, 1.5, settings.size(1000, 20))
    hessian = fg.hessian(rosenbrock, sparse="triplets")
    places = hessian(x)

    def by_hand():
        return {"rows": places.rows, "columns": places.cols, "values": hessian_by_hand(x)}

    return Race(
        Contender("fastgrad", lambda: hessian(x), _of_triplets(hessian, x)),
        [Contender("NumPy by hand", lambda: hessian_by_hand(x), by_hand), *peers("hessian-sparse", x)],
    )


def residual(u):
    """Bratu's equation, the five-point stencil and an exponential, of a square grid with zeros around it."""
    n = round(len(u) ** 0.5)
    grid = np.pad(u.reshape(n, n), 1)
    inner = grid[1:-1, 1:-1]
    around = grid[2:, 1:-1] + grid[:-2, 1:-1] + grid[1:-1, 2:] + grid[1:-1, :-2]
    return (4.0 * inner - around - np.exp(inner) / (n + 1) ** 2).reshape(-1)


def jacobian_by_hand(u):
    """Compute the elements of the Jacobian, by rows."""
    n = round(len(u) ** 0.5)
    values = np.full((n, n, 5), -1.0)
    values[:, :, 2] = 4.0 - np.exp(u.reshape(n, n)) / (n + 1) ** 2
    there = np.ones((n, n, 5), bool)
    there[0, :, 0] = there[:, 0, 1] = there[:, -1, 3] = there[-1, :, 4] = False
    return values[there]


@row("jacobian-sparse", note="sparse Jacobian of a five-point stencil on a grid of 100 x 100, triplets; NumPy by hand")
def jacobian_sparse(settings):
    """As many products as the coloured grid has colours."""
    n = settings.size(100, 5)
    u = np.linspace(-1.0, 1.0, n * n)
    jacobian = fg.jacobian(residual, sparse="triplets")
    places = jacobian(u)

    def by_hand():
        return {"rows": places.rows, "columns": places.cols, "values": jacobian_by_hand(u)}

    return Race(
        Contender("fastgrad", lambda: jacobian(u), _of_triplets(jacobian, u)),
        [Contender("NumPy by hand", lambda: jacobian_by_hand(u), by_hand)],
    )
