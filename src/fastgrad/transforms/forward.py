"""Directional derivatives by forward mode: `jvp`, and `hvp`, forward mode over the recorded gradient."""

import numpy as np

from fastgrad import _tree
from fastgrad._engine import Tensor, asarray, gradients, push_forward
from fastgrad.batching import running
from fastgrad.tracebacks import boundary
from fastgrad.transforms import inside_vmap
from fastgrad.transforms.lift import Run, require_function, require_output
from fastgrad.transforms.reverse import require_scalar


def _start(verb, primals, tangents):
    """Return the run and the tangents as Tensors, one per input."""
    for word, values in ("primals", primals), ("tangents", tangents):
        if not isinstance(values, (tuple, list)):
            kind = type(values).__name__
            raise TypeError(f"{verb}: {word} must be a tuple with one entry per argument, got {kind}")
    run = Run(verb, primals)
    vs = run.match("tangents", tangents, primals, run.inputs)
    run.tracked = run.tracked or (run.recording and any(v.requires_grad for v in vs))
    return run, vs


@boundary
def jvp(f, primals, tangents):
    """Return the value of a function and its directional derivative, `J v`.

    Parameters
    ----------
    f : function
        Returns a Tensor or a nested tuple, list or dict of them.
    primals : tuple
        All arguments of `f`.
    tangents : tuple
        The direction, nested as `primals`, with the shape of the primal in each leaf.

    Returns
    -------
    value, tangent
        Both nested as the result of `f`.

    Notes
    -----
    A complex argument is treated as its real and imaginary part: the tangent is the derivative of the result along
    the direction, whether or not `f` is holomorphic.
    """
    require_function("jvp", f)
    if running.levels:
        return inside_vmap.jvp(f, primals, tangents)
    run, vs = _start("jvp", primals, tangents)
    out = run.call(f)
    ys = [require_output("jvp", y) for y in _tree.leaves(out)]
    live = [y for y in ys if isinstance(y, Tensor) and y.requires_grad]
    ts = push_forward(live, run.inputs, vs, create_graph=run.tracked) if live else ()
    run.warn_unreached(ts or (None,), each=False)
    pushed = iter(ts)
    dys = []
    for y in ys:
        dy = next(pushed) if isinstance(y, Tensor) and y.requires_grad else None
        dys.append(asarray(np.zeros_like(y.detach().numpy() if isinstance(y, Tensor) else y)) if dy is None else dy)
    return run.value(out), run.value(_tree.fill(out, dys))


@boundary
def hvp(f, primals, tangents):
    """Return the product of the Hessian of a scalar function with a vector.

    Parameters
    ----------
    f : function
        Returns one real number.
    primals, tangents : tuple
        The arguments of `f`, and the vector, nested as `primals`.

    Returns
    -------
    nested as `primals`
        A tuple with one product per primal, or the product alone if there is one primal.

    Notes
    -----
    The product is the derivative of the gradient along `tangents`. A complex argument is treated as its real and
    imaginary part, as in `grad`; the gradient is dL/dRe + i dL/dIm, which is PyTorch's convention.
    """
    require_function("hvp", f)
    if running.levels:
        return inside_vmap.hvp(f, primals, tangents)
    run, vs = _start("hvp", primals, tangents)
    run.single = len(run.args) == 1
    y = run.call(f)
    require_scalar("hvp", y)
    if not isinstance(y, Tensor) or not y.requires_grad:
        run.warn_unreached([None] * len(vs), each=False)
        return run.pack([None] * len(vs))
    gs = gradients((y,), run.inputs, create_graph=True, allow_unused=True)
    run.warn_unreached(gs, each=False)
    live = [g for g in gs if g is not None and g.requires_grad]
    pushed = iter(push_forward(live, run.inputs, vs, create_graph=run.tracked) if live else ())
    return run.pack([next(pushed) if g is not None and g.requires_grad else None for g in gs])
