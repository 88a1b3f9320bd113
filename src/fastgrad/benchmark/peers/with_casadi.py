"""Rows in CasADi, whose functions are compiled to its virtual machine."""

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


def _buffered(function, given, shapes):
    """Return a step that calls `function` with arrays in place, and the arrays of its results."""
    buffer, call = function.buffer()
    results = [np.zeros(shape) for shape in shapes]
    for k, a in enumerate(given):
        buffer.set_arg(k, memoryview(a))
    for k, a in enumerate(results):
        buffer.set_res(k, memoryview(a))

    def step(kept=(buffer, given, results)):  # `call` has pointers only
        call()

    return step, results


def staged():
    x, y = casadi.SX.sym("x"), casadi.SX.sym("y")
    sigmoid = lambda v: 1.0 / (1.0 + casadi.exp(-v))
    f = (x + sigmoid(y)) / (sigmoid(x) + (x + y) ** 2)
    function = casadi.Function("staged", [x, y], [f, casadi.gradient(f, x), casadi.gradient(f, y)])
    step, results = _buffered(function, (np.array([3.0]), np.array([-4.0])), [(1,)] * 3)

    def answer():
        step()
        return {name: a[0] for name, a in zip(("f", "dx", "dy"), results)}

    return step, answer


def rosenbrock(x):
    v = casadi.SX.sym("x", len(x))
    a, b = v[:-1], v[1:]
    y = casadi.sum1(100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2)
    function = casadi.Function("rosenbrock", [v], [y, casadi.gradient(y, v)])
    step, (value, gradient) = _buffered(function, (x,), [(1,), x.shape])

    def answer():
        step()
        return {"value": value[0], "gradient": gradient.copy()}

    return step, answer


MAKERS = {
    "staged": staged,
    "rosenbrock-10": rosenbrock,
    "hessian-rosenbrock-10": hessian_rosenbrock,
    "hessian-sparse": hessian_sparse,
}
