"""The derivatives of primitives: `primitive_vjps` and `primitive_jvps`, which users read and change.

For functions of `autograd.numpy` the tables derive an entry from fastgrad's own rule when it is read. An entry that a
user sets for such a function replaces the rule in calls of that function.
"""

from fastgrad._lazy import lazy_module
from fastgrad.autograd.util import subvals

core = lazy_module("fastgrad.autograd.core")
tracer = lazy_module("fastgrad.autograd.tracer")


def is_numpy_function(fun):
    """Return whether `fun` is a function of `autograd.numpy` that fastgrad differentiates."""
    return hasattr(fun, "override")


class Table(dict):
    """Makers of derivatives by function."""

    def __init__(self, derive):
        self.derive = derive

    def __missing__(self, fun):
        if is_numpy_function(fun) or getattr(fun, "_differentiated_by_engine", False):
            return self.derive(fun)
        raise KeyError(fun)

    def __contains__(self, fun):
        return super().__contains__(fun) or is_numpy_function(fun)

    def get(self, fun, default=None):
        """Return the entry of a function, or `default` if there is none."""
        try:
            return self[fun]
        except KeyError:
            return default

    def __setitem__(self, fun, maker):
        super().__setitem__(fun, maker)
        if is_numpy_function(fun):
            fun.override = tracer.replaced(fun)

    def __delitem__(self, fun):
        super().__delitem__(fun)
        _restore(fun)

    def pop(self, fun, *default):
        """Remove an entry and return it; derived entries stay."""
        found = super().pop(fun, *default)
        _restore(fun)
        return found


def _restore(fun):
    if is_numpy_function(fun) and not any(dict.__contains__(t, fun) for t in (primitive_vjps, primitive_jvps)):
        fun.override = None


def _own(fun):
    """Return the function that records fastgrad's own op."""
    return fun.function if getattr(fun, "override", None) is not None else fun


def _derived_vjp(fun):
    def maker(argnums, ans, args, kwargs):
        pulls = [_pullback(fun, k, kwargs) for k in argnums]
        return lambda g: tuple(pull(g, *args) for pull in pulls)

    return maker


def _pullback(fun, k, kwargs):
    def pullback(g, *args):
        return core.make_vjp(lambda x: _own(fun)(*subvals(args, ((k, x),)), **kwargs), args[k])[0](g)

    return tracer.engine_primitive(pullback, f"vjp_{getattr(fun, '__name__', fun)}")


def _derived_jvp(fun):
    def maker(argnums, gs, ans, args, kwargs):
        n = len(argnums)

        def pushforward(*values):
            gs, args = values[:n], values[n:]

            def of_moving(xs):
                return _own(fun)(*subvals(args, zip(argnums, xs, strict=True)), **kwargs)

            return core.make_jvp(of_moving, tuple(args[k] for k in argnums))(tuple(gs))[1]

        return tracer.engine_primitive(pushforward, f"jvp_{getattr(fun, '__name__', fun)}")(*gs, *args)

    return maker


primitive_vjps = Table(_derived_vjp)
primitive_jvps = Table(_derived_jvp)


def vjp_maker(fun, argnums):
    """Return the entry of `primitive_vjps`. Raises if there is none."""
    maker = primitive_vjps.get(fun)
    if maker is None:
        raise NotImplementedError(f"VJP of {getattr(fun, '__name__', fun)} wrt argnums {argnums} not defined")
    return maker


def jvp_maker(fun, argnums):
    """Return the entry of `primitive_jvps`. Raises if there is none."""
    maker = primitive_jvps.get(fun)
    if maker is None:
        raise NotImplementedError(f"JVP of {getattr(fun, '__name__', fun)} wrt argnums {argnums} not defined")
    return maker
