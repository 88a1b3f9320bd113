"""`unary_to_nary`: an operator on functions of one argument becomes one for any of several arguments."""

import sys

from fastgrad.autograd.util import subvals
from fastgrad.made_functions import MadeFunction, remember


def unary_to_nary(unary_operator):
    """Return the operator `op(fun, argnum, *args)` for `unary_operator(fun, x, *args)`, which differentiates at `x`.

    `argnum` selects the positional argument of `fun` that becomes `x`; a tuple or list of numbers makes `x` a tuple.
    """

    @wraps(unary_operator)
    def nary_operator(fun, argnum=0, *nary_op_args, **nary_op_kwargs):
        numbers = argument_numbers(argnum)

        def nary_f(*args, **kwargs):
            if len(args) == 1 and numbers == 0 and not kwargs:
                return unary_operator(fun, args[0], *nary_op_args, **nary_op_kwargs)

            @wraps(fun)
            def unary_f(x):
                places = ((numbers, x),) if type(numbers) is int else zip(numbers, x, strict=True)
                return fun(*subvals(args, places), **kwargs)

            x = args[numbers] if type(numbers) is int else tuple(args[k] for k in numbers)
            return unary_operator(unary_f, x, *nary_op_args, **nary_op_kwargs)

        options = {"argnum": argnum, "args": nary_op_args, "kwargs": nary_op_kwargs, "operator": nary_operator}
        return derivative(MadeFunction(nary_f), get_name(unary_operator), fun, _applied, **options)

    nary_operator.__module__ = sys._getframe(1).f_globals["__name__"]
    return nary_operator


def _applied(fun, operator, argnum, args, kwargs):
    return operator(fun, argnum, *args, **kwargs)


def derivative(made, op, fun, maker, **options):
    """Return `made`, which is `maker(fun, **options)`, named as the derivative `op` of `fun`."""
    made.__module__, made.__qualname__ = getattr(fun, "__module__", None), getattr(fun, "__qualname__", op)
    return remember(name_derivative(made, op, fun, options["argnum"]), maker, fun, **options)


def argument_numbers(argnum):
    """Return `argnum` as an int or a tuple of ints."""
    if type(argnum) is int:
        return argnum
    if type(argnum) in (tuple, list) and all(type(k) is int for k in argnum) and argnum:
        return tuple(argnum)
    raise TypeError(f"argnum must be an int, or a tuple or list of ints, got {argnum!r}")


def wraps(fun, namestr="{fun}", docstr="{doc}", **kwargs):
    """Return a decorator that sets name and docstring, made from those of `fun`, where that is possible."""

    def named(f):
        try:
            f.__name__ = namestr.format(fun=get_name(fun), **kwargs)
            f.__doc__ = docstr.format(fun=get_name(fun), doc=get_doc(fun), **kwargs)
            if namestr == "{fun}":  # where pickle finds what has taken the place of `fun`
                f.__module__, f.__qualname__ = fun.__module__, getattr(fun, "__qualname__", f.__name__)
        except (AttributeError, TypeError, ValueError, KeyError, IndexError):
            return f  # a callable without names of its own
        return f

    return named


def wrap_nary_f(fun, op, argnum):
    """Return a decorator that names a function as the derivative `op` of `fun` with respect to `argnum`."""
    return lambda f: name_derivative(f, get_name(op), fun, argnum)


def name_derivative(f, op, fun, argnum):
    """Name the function `f` as the derivative `op`, a text, of `fun` with respect to `argnum`, and return it."""
    name = get_name(fun)
    f.__name__ = f"{op}_of_{name}_wrt_argnum_{argnum}"
    f.__doc__ = (
        f"    {op} of function {name} with respect to argument number {argnum}. Takes the\n"
        f"    arguments of {name} and returns the {op}.\n    "
    )
    return f


def get_name(f):
    """Return the name of a function, if it has one."""
    return getattr(f, "__name__", "[unknown name]")


def get_doc(f):
    """Return the docstring of a function, if it has one."""
    return getattr(f, "__doc__", "") or ""
