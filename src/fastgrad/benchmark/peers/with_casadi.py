"""The rows of second derivatives in CasADi, whose functions are compiled to its virtual machine."""

import casadi
import numpy as np


def _rosenbrock(n):
    """Return the function that computes the Hessian of Rosenbrock's function, which CasADi knows to be sparse."""
    x = casadi.SX.sym("x", n)
    a, b = x[:-1], x[1:]
    y = casadi.sum1(100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2)
    return casadi.Function("hessian", [x], [casadi.hessian(y, x)[0]])


def hessian_rosenbrock(x):
    function = _rosenbrock(len(x))
    return lambda: function(x), lambda: {"hessian": function(x).full()}


def hessian_sparse(x):
    function = _rosenbrock(len(x))

    def answer():
        found = function(x)  # by columns; the matrix is symmetric
        columns, rows = (np.array(part) for part in found.sparsity().get_triplet())
        order = np.lexsort((columns, rows))
        return {"rows": rows[order], "columns": columns[order], "values": np.array(found.nonzeros())[order]}

    return lambda: function(x), answer


MAKERS = {"hessian-rosenbrock-10": hessian_rosenbrock, "hessian-sparse": hessian_sparse}
