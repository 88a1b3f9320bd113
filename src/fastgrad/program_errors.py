"""Errors and warnings of compiled functions."""

import warnings

from fastgrad.errors import CompileError, IndexingError
from fastgrad.tracebacks import outside_frame


def _result(op):
    return f"the result of {op!r}" if op else "a tensor"


def left(op, door):
    """A value would leave the program through `door`, for example "float(x)"."""
    return CompileError(
        f"{door} of {_result(op)} while a program is recorded: a plain number or array would keep this value in every "
        "later call. Compute with Tensors instead, return the Tensor and convert it outside, branch with "
        "`if x > 0:`, or make the argument that it comes from static=(...)"
    )


def not_captured(problem):
    """Something that the program reads was computed where it could not be noted."""
    return CompileError(
        f"this function cannot be compiled: it uses {problem}. Call it without fg.compile, or compile the functions "
        "that it calls"
    )


def hooked(op):
    """A sweep meets a hook."""
    return CompileError(
        f"{_result(op)} has a hook, which a compiled function does not call: remove it, or do what it does with the "
        "gradient after backward()"
    )


def branch_after_effect():
    """`bool(x)` after a write that is seen outside."""
    return CompileError(
        "the truth of a tensor is asked for after something was done that is seen outside of the function (a write, "
        "backward(), an optimizer step, a random draw), and could not be undone if a later call goes the other way: "
        "branch before, use fg.where, or return the tensor and branch outside"
    )


def result_recorded(op):
    """A result still has its graph."""
    return CompileError(
        f"the function returns {_result(op)} with its graph, which a program does not have: call backward() inside, "
        "compile fg.value_and_grad(f), or return x.detach()"
    )


def shape_changed(op, shape, wanted):
    """An op gave a result of another shape or dtype than when it was recorded."""
    return CompileError(
        f"{op!r} gave a result of shape {shape} where it gave {wanted} when the program was recorded: an op whose "
        "shape depends on values cannot be compiled"
    )


def label_out_of_range(n):
    """A label is no number of a class."""
    return IndexingError(f"cross_entropy: labels must be integers from 0 to {n - 1}")


def index_out_of_range(n):
    """An index array has an element out of bounds."""
    return IndexingError(f"an index is out of bounds for an axis of {n} elements")


def differs(name, what):
    """With `check=True`: the program and the function do not agree."""
    return CompileError(
        f"check: the program of {name} and the function differ in {what}. Does the function read something that "
        "fastgrad does not see, such as a list, an attribute or a random generator? If not, this is a bug of fastgrad"
    )


def not_checked(name, step):
    """With `check=True`: a step cannot be done twice."""
    return CompileError(
        f"check: {name} cannot be called twice for the same arguments, because of its {step}: check the part without it"
    )


def integer_too_large(o):
    """An int that no array holds."""
    return CompileError(f"the int {o} does not fit into int64: name its parameter in static=(...)")


def no_such_parameter(name, names):
    """`static` names a parameter that the function does not have."""
    return ValueError(f"compile: static names {name!r}, but the parameters of the function are {', '.join(names)}")


def other_class(o):
    """A Tensor of a subclass."""
    return CompileError(f"an argument is a {type(o).__name__}: compiled functions take Tensors, arrays and numbers")


def shared_memory():
    """An argument shares its memory with another one, or with something that the function closes over."""
    return CompileError(
        "an argument shares its memory with another argument, or with a Tensor or array that the function reads from "
        "around it: pass a copy"
    )


def number_written():
    """A function writes to the Tensor that stands for a number."""
    return CompileError("the function writes to an argument that is a number: compute a new value, as in x = x + 1")


def argument_recorded():
    """An argument has become part of a graph, or has got a `.grad`."""
    return CompileError(
        "the function makes an argument require a gradient, or writes what does to it: it would be seen in the Tensor "
        "of the first call only. Begin with x = x.detach().clone(), and return the gradient"
    )


def unknown_result(o):
    """A result is an object of which a program does not know what it holds."""
    return CompileError(
        f"the function returns an object of {type(o).__qualname__}, which would be that of the first call in every "
        "later one: return Tensors, arrays, numbers, or nested tuples, lists and dicts of them"
    )


def too_many_leaves(n, most):
    """More arguments than a program takes."""
    return CompileError(f"{n} arrays and numbers are passed: a compiled function takes at most {most}")


def warn_many(f, most):
    """So many variants were recorded that no more are kept."""
    warnings.warn(
        f"{getattr(f, '__qualname__', f)} was recorded {most} times, for arguments of different structure, shapes or "
        "static values, or because values around it change: it is not recorded again, and other calls run as without "
        "fg.compile",
        stacklevel=outside_frame()[1],
    )
