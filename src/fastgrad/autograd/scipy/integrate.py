"""`autograd.scipy.integrate`: `odeint` with derivatives; all other names are those of `scipy.integrate`."""

import math

import numpy as np

from fastgrad import _tree
from fastgrad._engine import Tensor, asarray
from fastgrad.autograd.numpy._functions import constants_as_values, values
from fastgrad.autograd.scipy._modules import ScipyModule
from fastgrad.autograd.scipy._passing import holds_box, pass_names
from fastgrad.batching import Batched, not_swept
from fastgrad.errors import NotDifferentiableError
from fastgrad.functions.shapes import reshape
from fastgrad.primitives import primitive
from fastgrad.rules.joining import concat
from fastgrad.rules.reductions import sum
from fastgrad.transforms import jvp, vjp

__getattr__, __dir__ = pass_names("scipy.integrate", globals())
_scipy = ScipyModule("scipy.integrate")

# Options of SciPy's solver that describe the system of the user, and not the one that is solved for derivatives.
_OF_ONE_SYSTEM = ("Dfun", "col_deriv", "full_output", "ml", "mu", "tfirst")


class _Box:
    """The place of a box among the arguments: the part of the parameters that holds it."""

    def __init__(self, start, shape):
        self.key, self.shape = slice(start, start + math.prod(shape)), shape


class _System:
    """The right-hand side of a system, as a function of the state, the time and one vector of parameters.

    Parameters
    ----------
    function : callable
        Of a user, of the state, the time and further arguments.
    args : tuple
        The further arguments, with the place of each box.
    options : dict
        Of SciPy's solver.
    """

    def __init__(self, function, args, options):
        self.function, self.args, self.options = function, args, options

    def __call__(self, y, t, p):
        """Return the derivative of the state."""
        args = _tree.map_leaves(lambda x: reshape(p[x.key], x.shape) if isinstance(x, _Box) else x, self.args)
        return self.function(t, y, *args) if self.options.get("tfirst") else self.function(y, t, *args)

    def slope(self, y, t, p):
        """Return the derivative of the state as a Tensor."""
        return _tensor(_joined(self(y, t, p)))

    def solve(self, y, t, p):
        """Return the states at the times `t`."""

        def slope(y, t):
            dy = self(y, t, p)
            if any(isinstance(x, Tensor) and x.requires_grad for x in _tree.leaves(dy)):
                raise NotDifferentiableError(
                    "odeint: func depends on boxes that it does not get as arguments: pass them in args"
                )
            return values(dy)

        options = {word: value for word, value in self.options.items() if word != "tfirst"}
        return _scipy.odeint(slope, y, t, **options)

    def for_derivatives(self):
        """Return the options for the solution of larger systems."""
        options = {word: value for word, value in self.options.items() if word not in _OF_ONE_SYSTEM}
        for word in ("rtol", "atol"):
            if np.ndim(options.get(word)):
                options[word] = np.min(options[word])
        return options


def _joined(dy):
    """Return the elements of a list as one array, boxes among them recorded."""
    if isinstance(dy, (list, tuple)) and holds_box(dy):
        return concat(*(reshape(_tensor(x), (-1,)) for x in dy))
    return dy


def _tensor(x):
    return x if isinstance(x, Tensor) else asarray(np.asarray(x, float))


def _one_at_a_time(*given):
    """Have the engine take the directions of a batch one by one: each is a system of its own for the solver."""
    if any(type(x) is Batched for x in given):
        raise not_swept()


def _odeint_vjp(g, y0, times, p, y, system):
    """The adjoint system, backwards from each time to the one before.

    The cotangent `a` of the state satisfies `a' = -a @ df/dy`, and that of the parameters grows by `-a @ df/dp`. A
    state moves with its own time as the system does, and against the first time as if it had begun later.
    """
    _one_at_a_time(g)
    n = y0.shape[0]

    def adjoint(state, t, p):
        state = _tensor(state)
        dy, pull = vjp(lambda y, p: system.slope(y, t, p), state[:n], _tensor(p))
        gy, gp = pull(-state[n : 2 * n])
        return concat(dy, gy, gp)

    a, gp, along = _tensor(np.zeros(n)), _tensor(np.zeros(p.shape)), []
    for i in range(y.shape[0] - 1, 0, -1):
        along.append(sum(system.slope(y[i], times[i], p) * g[i]))
        start = concat(y[i], a + g[i], gp)
        end = _tensor(
            odeint(adjoint, start, concat(times[i : i + 1], times[i - 1 : i]), (p,), **system.for_derivatives())
        )
        a, gp = end[1, n : 2 * n], end[1, 2 * n :]
    along.append(-sum(system.slope(y[0], times[0], p) * a))
    return a + g[0], concat(*(reshape(x, (1,)) for x in reversed(along))), gp


def _sensitivity(s0, dp, y0, times, p, system):
    """The tangents of the states, for the tangents `s0` of the first one and `dp` of the parameters."""
    _one_at_a_time(s0, dp)
    n = y0.shape[0]

    def extended(state, t, p, dp):
        state = _tensor(state)
        tangents = (state[n:], _tensor(dp))
        dy, ds = jvp(lambda y, p: system.slope(y, t, p), (state[:n], _tensor(p)), tangents)
        return concat(dy, ds)

    return _tensor(odeint(extended, concat(y0, s0), times, (p, dp), **system.for_derivatives()))[:, n:]


def _times_jvp(t, y0, times, p, y, system):
    """Each state moves along the system; all move with the first one, which begins later."""
    _one_at_a_time(t)
    own = [system.slope(y[i], times[i], p) * t[i] for i in range(y.shape[0])]
    moved = _sensitivity(-own[0], np.zeros(p.shape), y0, times, p, system)
    return moved + concat(*(reshape(x, (1, -1)) for x in own))


@primitive(
    vjp=_odeint_vjp,
    jvp=(
        lambda t, y0, times, p, system: _sensitivity(t, np.zeros(p.shape), y0, times, p, system),
        _times_jvp,
        lambda t, y0, times, p, system: _sensitivity(_tensor(np.zeros(y0.shape)), t, y0, times, p, system),
    ),
    together=True,
    options="system",
    name="odeint",
)
def _odeint(y0, times, p, /, system):
    return system.solve(y0, times, p)


def odeint(func, y0, t, args=(), **options):
    """`scipy.integrate.odeint`, with derivatives with respect to `y0`, `t`, and boxes in `args`.

    Reverse mode solves the adjoint system backwards (Chen et al., Neural ordinary differential equations, 2018), and
    forward mode the system of the sensitivities, with the options of the call. Both can be differentiated again. Their
    accuracy is that of `rtol` and `atol`.

    Parameters
    ----------
    func : callable
        The right-hand side, `func(y, t, *args)`. It must be differentiable, and get all boxes as arguments.
    y0 : array_like
        The initial state.
    t : array_like
        The times of the states; the first one is that of `y0`.
    args : tuple
        Further arguments of `func`, also nested tuples, lists and dicts.
    **options
        Those of SciPy.

    Returns
    -------
    array
        Of shape (len(t), len(y0)).

    Raises
    ------
    NotDifferentiableError
        If `func` depends on boxes that are not among its arguments, or a box is complex.
    NotImplementedError
        If `full_output` is asked for with boxes.
    """
    args = args if isinstance(args, tuple) else (args,)
    if not holds_box(y0, t, args):
        return _scipy.odeint(func, y0, t, args, **options)
    if options.get("full_output"):
        raise NotImplementedError("odeint: full_output has no derivatives: call it with arrays")
    boxes, size = [], 0

    def placed(x):
        nonlocal size
        if not isinstance(x, Tensor):
            return x
        if x.dtype.kind == "c":
            raise NotDifferentiableError("odeint: complex arguments have no derivatives: pass real and imaginary parts")
        boxes.append(reshape(x, (-1,)))
        size += x.size
        return _Box(size - x.size, x.shape)

    system = _System(func, _tree.map_leaves(placed, args), options)
    p = concat(*boxes) if boxes else _tensor(np.zeros(0))
    y = _odeint(reshape(_tensor(_joined(y0)), (-1,)), reshape(_tensor(_joined(t)), (-1,)), p, system=system)
    return constants_as_values(y)
