"""Arguments and results of transforms, in both engines: what the engines leave to Python, and errors. Knows no engine.

A Tensor is known by its public attributes; functions take the engine's class or functions where they need them. `run`
is the engine's `Run`.

`run.dialect` is None, or says what differs for functions that bear another package's names:
  box                           the subclass of Tensor that the function receives
  lift(run, leaf)               a new Tensor of a floating or complex dtype for a leaf that is none, perhaps of a
                                subclass of its own
  require_scalar(verb, y)       for results that are no Tensor of one real number: raises unless `y` will do
  warn_unreached(run, gs, each) as `warn_unreached`
  adapt(run, gradients)         their final form, nested as the arguments, if `run.adapts`: `lift` sets it, and so do
                                complex leaves
  Elsewhere                     an error of `lift`: the values are none that become Tensors, and
  elsewhere(f, argnums, with_value, args, kwargs)   is the gradient that is returned then
"""

import numpy as np

from fastgrad import _tree, leaving
from fastgrad.errors import NotDifferentiableError, ShapeError

NUMBERS = (np.ndarray, np.generic, float, complex, int)


def is_derivative(f):
    """Return whether `f` was made by a transform that returns derivatives."""
    return getattr(f, "_is_derivative", False)


def positions(verb, argnums, n):
    """Return `argnums` as non-negative positions in a call with `n` positional arguments."""
    found = []
    for k in (argnums,) if type(argnums) is int else argnums:
        if not -n <= k < n:
            raise TypeError(f"{verb}: argnums selects argument {k} of a call with {n} positional arguments")
        if k % n in found:
            raise TypeError(f"{verb}: argnums selects argument {k} twice: {argnums!r}")
        found.append(k % n)
    return found


def lift_other(run, leaf, tensor):
    """Return the Tensor with respect to which `run` differentiates, for a leaf that the engine does not know."""
    if run.dialect is not None:
        return run.dialect.lift(run, leaf)
    if not isinstance(leaf, NUMBERS):
        raise refused(run, leaf)
    x = tensor(leaf)  # copied: the function may write to it, and the graph may outlive the call
    if x.dtype.kind not in "fc":
        raise refused(run, leaf)
    return x.requires_grad_()


def refused(run, leaf):
    """The next leaf of the argument that `run` is about to lift has no gradient."""
    at = len(run.trees) - 1
    number = len(run.inputs) - sum(len(_tree.leaves(tree)) for tree in run.trees[:-1])
    where = f"argument {run.numbers[at]}{_tree.path(run.trees[at], number)}"
    if hasattr(leaf, "dtype"):
        what, remedy = f"{leaf.dtype}", "Convert it to a floating dtype first, or leave it out of argnums."
    elif isinstance(leaf, int):
        what, remedy = f"{type(leaf).__name__} ({leaf})", "Pass a float, or leave it out of argnums."
    else:
        what, remedy = type(leaf).__name__, "Pass arrays, numbers, Tensors, or tuples, lists and dicts of them."
    return NotDifferentiableError(
        f"{run.verb}: {where} is {what}; only floating and complex values have a gradient. {remedy}"
    )


def nothing_to_differentiate(run):
    """All arguments are empty."""
    return TypeError(f"{run.verb}: nothing to differentiate in {tuple(run.trees)!r}")


def changed_meanwhile(verb):
    """The lists and dicts of the arguments have other leaves than before the call."""
    return ValueError(
        f"{verb}: the lists and dicts among the arguments were changed during the call: change copies of them"
    )


def pair(verb, out):
    """Return `out`, which must be a pair, as `has_aux` wants it."""
    if not isinstance(out, tuple) or len(out) != 2:
        raise TypeError(f"{verb}: with has_aux=True the function must return a pair (value, aux), got {out!r}")
    return out


def require_tuples(verb, primals, tangents):
    """Raise unless the arguments and the tangents of `jvp` or `hvp` are tuples."""
    for word, values in ("primals", primals), ("tangents", tangents):
        if not isinstance(values, (tuple, list)):
            kind = type(values).__name__
            raise TypeError(f"{verb}: {word} must be a tuple with one entry per argument, got {kind}")


def zeros_like(y, Tensor, asarray):
    """Return the tangent of a result that does not depend on the inputs, as a Tensor."""
    return asarray(np.zeros(y.shape, y.dtype) if isinstance(y, Tensor) else np.zeros_like(y))


def require_output(verb, leaf, Tensor):
    """Raise if an output is neither a Tensor, an array nor a number."""
    if not isinstance(leaf, (Tensor, *NUMBERS)):
        raise TypeError(f"{verb}: the function must return a Tensor, an array or a number, got {type(leaf).__name__}")
    return leaf


def require_scalar(verb, y, Tensor, dialect=None):
    """Raise unless the result is one real number."""
    if isinstance(y, Tensor) and y.size == 1 and y.dtype.kind == "f":
        return
    if dialect is not None:
        dialect.require_scalar(verb, y)
        return
    require_output(verb, y, Tensor)
    if isinstance(y, (float, int)):
        return
    dtype = np.dtype(complex) if isinstance(y, complex) else y.dtype
    if not isinstance(y, complex) and y.size != 1:
        raise ShapeError(
            f"{verb}: the function must return one number, got shape {y.shape}. "
            "Sum or average it, or use jacobian, or elementwise_grad if it works element by element."
        )
    if dtype.kind == "c" or (isinstance(y, Tensor) and dtype.kind != "f"):
        raise NotDifferentiableError(
            f"{verb}: the function must return a real floating number, got {dtype}. "
            + ("Take its abs, real or imag, or use jacobian." if dtype.kind == "c" else "Convert it first.")
        )


def warn_unreached(run, gs, each):
    """Warn about each argument whose `gs` are all None; if not `each`, only if all arguments are such.

    Derivatives are exempt, because they are often constant.
    """
    if run.dialect is not None:
        run.dialect.warn_unreached(run, gs, each)
        return
    if run.higher:
        return
    if not each:
        if all(g is None for g in gs):
            leaving.warn_independent(run.verb, "all arguments")
        return
    gs = iter(gs)
    for number, tree in zip(run.numbers, run.trees, strict=True):
        unreached = [next(gs, None) is None for _ in _tree.leaves(tree)]
        if unreached and all(unreached):
            leaving.warn_independent(run.verb, f"argument {number}")


def matched(run, word, tree, template, targets, Tensor, asarray):
    """Return the leaves of `tree` (tangents or cotangents) as Tensors with the shapes and dtypes of `targets`."""
    given = _tree.align(template, tree)
    if given is None:
        raise TypeError(f"{run.verb}: the {word} must be nested as the values they belong to, got {tree!r}")
    found = []
    for k, (t, x) in enumerate(zip(given, targets, strict=True)):
        if not isinstance(x, Tensor):
            x = np.asarray(x)
        t = asarray(t)
        if t.shape != x.shape:
            raise ShapeError(f"{run.verb}: {word[:-1]} {k} has shape {t.shape}, its value has shape {x.shape}")
        if t.dtype != x.dtype:
            if t.dtype.kind == "c" and x.dtype.kind != "c":
                raise NotDifferentiableError(
                    f"{run.verb}: {word[:-1]} {k} is {t.dtype}, its value is {x.dtype}: pass a real one"
                )
            t = t.astype(x.dtype)
        found.append(t)
    return found, any(type(t) is Tensor for t in given)


def names(verb):
    """Return the attributes that the function that a transform returns has if the transformed one has none."""
    return {"__name__": verb, "__qualname__": verb, "__module__": "fastgrad"}
