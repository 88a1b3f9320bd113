"""Reverse and forward mode for functions of one argument, and definitions of derivatives, as `autograd.core`."""

import functools
import warnings
from itertools import count

import numpy as np

from fastgrad import _tree
from fastgrad._engine import Run, Tensor, directional_derivative, is_grad_enabled
from fastgrad._lazy import lazy_module
from fastgrad.autograd import tracer
from fastgrad.autograd._dialect import DIALECT, NARROWER, OtherRoad, cotangent, warn_independent
from fastgrad.autograd._nodes import JVPNode, VJPNode, backward_pass
from fastgrad.autograd._record import mode
from fastgrad.autograd._spaces import VSpace, vspace
from fastgrad.autograd._sparse import SparseBox, SparseObject, densified
from fastgrad.autograd._tables import primitive_jvps, primitive_vjps
from fastgrad.autograd.tracer import Box, Node, getval, isbox, trace
from fastgrad.autograd.util import func, subval, toposort

slow = lazy_module("fastgrad.autograd._slow")

__all__ = [
    "Box", "JVPNode", "Node", "SparseBox", "SparseObject", "VJPNode", "VSpace", "add_outgrads", "backward_pass",
    "def_linear", "defjvp", "defjvp_argnum", "defjvp_argnums", "defvjp", "defvjp_argnum", "defvjp_argnums",
    "deprecated_defgrad", "deprecated_defvjp", "deprecated_defvjp_is_zero", "func", "getval", "identity_jvp",
    "identity_vjp", "isbox", "make_jvp", "make_vjp", "primitive", "primitive_jvps", "primitive_vjps",
    "primitive_with_deprecation_warnings", "sparse_add", "sparse_object_types", "subval", "sum_outgrads", "toposort",
    "trace", "translate_jvp", "translate_vjp", "vspace",
]  # fmt: skip


# --- both modes


def make_vjp(fun, x):
    """Return the vjp of a function at `x`, which maps a cotangent of its value to that of `x`, and its value."""
    try:
        run = Run("make_vjp", (x,), 0, None, DIALECT)
    except OtherRoad:
        return slow.make_vjp(fun, x)
    out = run.call(fun)
    return pullback(run, out), run.value(out)


def pullback(run, out):
    """Return the vjp of a run whose function returned `out`."""
    ys = _tree.leaves(out)
    live = [k for k, y in enumerate(ys) if isinstance(y, Tensor) and y.requires_grad]
    if not live:
        warn_independent()
    outputs = [ys[k] for k in live]

    def vjp(g):
        if not live:
            return run.pack([None] * len(run.inputs))
        given = (densified(g),) if out is ys[0] else _tree.align(out, g)
        if given is None:
            raise TypeError(f"a cotangent must be nested as the value of the function, got {g!r}")
        gs = [cotangent(given[k], ys[k], "a cotangent") for k in live]
        tracked = is_grad_enabled() and (run.tracked or any(g.requires_grad for g in gs))
        return run.pack(run.gradients(outputs, gs, retain_graph=True, tracked=tracked))

    return vjp


def make_jvp(fun, x):
    """Return a function that maps a tangent of `x` to the value of `fun` at `x` and its tangent."""

    def jvp(g):
        mode.forward += 1
        try:
            return directional_derivative(fun, (x,), (_tangent(g, x),), DIALECT)
        except OtherRoad:
            return slow.jvp(fun, x, g)
        finally:
            mode.forward -= 1

    return jvp


def _tangent(g, x):
    """Return a tangent in a form that the engine takes: numbers of types that a Tensor does not hold are converted."""

    def held(leaf):
        dtype = getattr(leaf, "dtype", None)
        return np.asarray(leaf, NARROWER[dtype]) if dtype in NARROWER else leaf

    return _tree.map_leaves(held, g)


# --- definitions of derivatives


def primitive(f_raw):
    """Return a function that is recorded as one op if there are boxes among its positional arguments.

    The result has the deprecated methods `defvjp`, `defvjp_is_zero` and `defgrad`; see `autograd.extend` for those
    that are not.
    """
    f_wrapped = tracer.primitive(f_raw)
    f_wrapped.defvjp = deprecated_defvjp(f_wrapped)
    f_wrapped.defvjp_is_zero = deprecated_defvjp_is_zero(f_wrapped)
    f_wrapped.defgrad = deprecated_defgrad(f_wrapped)
    return f_wrapped


primitive_with_deprecation_warnings = primitive


def defvjp_argnums(fun, vjpmaker):
    """Define the vjp of a primitive: `vjpmaker(argnums, ans, args, kwargs)` returns a function of the cotangent.

    It returns the cotangents of the arguments `argnums`.
    """
    primitive_vjps[fun] = vjpmaker


def defvjp_argnum(fun, vjpmaker):
    """Define the vjp of a primitive: `vjpmaker(argnum, ans, args, kwargs)` returns that of one argument."""

    def of_argnums(argnums, *args):
        vjps = [vjpmaker(argnum, *args) for argnum in argnums]
        return lambda g: tuple(vjp(g) for vjp in vjps)

    defvjp_argnums(fun, of_argnums)


def defvjp(fun, *vjpmakers, **kwargs):
    """Define the vjps of a primitive, one per argument: `vjpmaker(ans, *args, **kwargs)` returns a function of `g`.

    None stands for a gradient of zeros. `argnums` says which arguments they belong to, by default the first ones.
    """
    makers = dict(zip(kwargs.get("argnums", count()), vjpmakers, strict=False))
    makers = {argnum: translate_vjp(maker, fun, argnum) for argnum, maker in makers.items()}

    def of_argnums(argnums, ans, args, kwargs):
        for argnum in argnums:
            if argnum not in makers:
                raise NotImplementedError(f"VJP of {_name(fun)} wrt argnum {argnum} not defined")
        if len(argnums) == 1:  # the usual case
            vjp = makers[argnums[0]](ans, *args, **kwargs)
            return lambda g: (vjp(g),)
        vjps = [makers[argnum](ans, *args, **kwargs) for argnum in argnums]
        return lambda g: tuple(vjp(g) for vjp in vjps)

    defvjp_argnums(fun, of_argnums)


def translate_vjp(vjpfun, fun, argnum):
    """Return the maker for an entry of `defvjp`: None stands for zeros."""
    if vjpfun is None:
        return lambda ans, *args, **kwargs: lambda g: vspace(args[argnum]).zeros()
    if callable(vjpfun):
        return vjpfun
    raise TypeError(f"Bad VJP {vjpfun!r} for {_name(fun)!r}: pass a function or None")


def defjvp_argnums(fun, jvpmaker):
    """Define the jvp of a primitive: `jvpmaker(argnums, gs, ans, args, kwargs)` returns the tangent of the result."""
    primitive_jvps[fun] = jvpmaker


def defjvp_argnum(fun, jvpmaker):
    """Define the jvp of a primitive: `jvpmaker(argnum, g, ans, args, kwargs)` returns the part of one argument."""

    def of_argnums(argnums, gs, ans, args, kwargs):
        return sum_outgrads(jvpmaker(argnum, g, ans, args, kwargs) for argnum, g in zip(argnums, gs, strict=True))

    defjvp_argnums(fun, of_argnums)


def defjvp(fun, *jvpfuns, **kwargs):
    """Define the jvps of a primitive, one per argument: `jvpfun(g, ans, *args, **kwargs)` returns its part.

    None stands for zeros, and "same" for a function that is linear in the argument. `argnums` is as for `defvjp`.
    """
    functions = dict(zip(kwargs.get("argnums", count()), jvpfuns, strict=False))
    functions = {argnum: translate_jvp(f, fun, argnum) for argnum, f in functions.items()}

    def of_argnums(argnums, gs, ans, args, kwargs):
        missing = [argnum for argnum in argnums if argnum not in functions]
        if missing:
            raise NotImplementedError(f"JVP of {_name(fun)} wrt argnum {missing[0]} not defined")
        pairs = zip(argnums, gs, strict=True)
        return sum_outgrads(functions[argnum](g, ans, *args, **kwargs) for argnum, g in pairs)

    defjvp_argnums(fun, of_argnums)


def translate_jvp(jvpfun, fun, argnum):
    """Return the function for an entry of `defjvp`."""
    if jvpfun is None:
        return lambda g, ans, *args, **kwargs: vspace(ans).zeros()
    if isinstance(jvpfun, str) and jvpfun == "same":
        return lambda g, ans, *args, **kwargs: fun(*subval(args, argnum, g), **kwargs)
    if callable(jvpfun):
        return jvpfun
    raise TypeError(f'Bad JVP {jvpfun!r} for {_name(fun)!r}: pass a function, None or "same"')


def def_linear(fun):
    """Declare that a primitive is linear in each of its arguments."""
    defjvp_argnum(fun, lambda argnum, g, ans, args, kwargs: fun(*subval(args, argnum, g), **kwargs))


def _name(fun):
    return getattr(fun, "__name__", fun)


# --- sums of cotangents


sparse_object_types = {SparseObject, SparseBox}


def sparse_add(vs, x_prev, x_new):
    """Return the sum of a cotangent, zero if it is None, and a `SparseObject`."""
    return x_new.mut_add(vs.zeros() if x_prev is None else x_prev)


def add_outgrads(prev_g_flagged, g):
    """Return the sum of a cotangent, given with whether it may be changed or as None, and another; and the flag."""
    if type(g) in sparse_object_types:
        g = g._value if isinstance(g, SparseBox) else g
        if prev_g_flagged is None:
            return sparse_add(vspace(g), None, g), True
        prev, mutable = prev_g_flagged
        return sparse_add(vspace(g), prev if mutable else vspace(g).mut_add(None, prev), g), True
    if not prev_g_flagged:
        return g, False
    prev, mutable = prev_g_flagged
    add = vspace(g).mut_add if mutable else vspace(g).add
    return add(prev, g), True


def sum_outgrads(gs):
    """Return the sum of cotangents or tangents."""
    return functools.reduce(add_outgrads, gs, None)[0]


def identity_vjp(argnums, *args):
    """Return the vjp of the identity."""
    return lambda g: g


def identity_jvp(g, *args, **kwargs):
    """Return the tangent of the identity."""
    return g


# --- deprecated definitions


def _warn_deprecated(name):
    warnings.warn(f"the method {name} of primitives is deprecated: use autograd.extend.defvjp", stacklevel=3)


def deprecated_defvjp(primitive_fun):
    """Return the deprecated method that defines one vjp, `vjp(g, ans, vs, gvs, *args, **kwargs)`."""
    vjps = {}

    def defvjp_unstaged(vjpmaker, argnum=0):
        _warn_deprecated("defvjp")

        def staged(ans, *args, **kwargs):
            return lambda g: vjpmaker(g, ans, vspace(args[argnum]), vspace(g), *args, **kwargs)

        vjps[argnum] = staged
        defvjp(primitive_fun, *vjps.values(), argnums=tuple(vjps))

    return defvjp_unstaged


def deprecated_defvjp_is_zero(primitive_fun):
    """Return the deprecated method that declares gradients of zeros."""
    zeros = set()

    def defvjp_is_zero(argnums=(0,)):
        _warn_deprecated("defvjp_is_zero")
        zeros.update(argnums)
        defvjp(primitive_fun, *[None] * len(zeros), argnums=sorted(zeros))

    return defvjp_is_zero


def deprecated_defgrad(primitive_fun):
    """Return the deprecated method that defines one maker of a vjp."""
    makers = {}

    def defgrad(gradfun, argnum=0):
        _warn_deprecated("defgrad")
        makers[argnum] = gradfun
        defvjp(primitive_fun, *makers.values(), argnums=tuple(makers))

    return defgrad
