"""Errors and warnings for values that leave the graph. Knows no engine.

`float(x)`, `x.item()`, `x.numpy()` and `pickle` convert a Tensor to a plain number or array. Inside a transform, such a
call raises an error if the value depends on what is being differentiated, because its gradient would be lost. Outside,
`item`, `tolist`, `numpy` and `detach` are the explicit conversions. `float(x)` warns, because `math.sin(x)` and
assignments into an ndarray call it implicitly.
"""

import warnings
from _thread import _local as local  # `threading.local`, without importing the rest of threading

from fastgrad.errors import FastgradError, GradientWarning, NotDifferentiableError, ShapeError
from fastgrad.tracebacks import outside_frame

_INSTEAD = (
    "use fastgrad's or NumPy's functions (np.sin, not math.sin), combine results with fg.stack or write "
    "them into a Tensor from fg.zeros, and use x.detach() where no gradient should flow"
)


def _source(op, leaf="a leaf that requires a gradient"):
    return f"the result of {op!r}" if op else leaf


class _Latest(local):
    error = None  # the text of the latest error, and the code and line that it was made in


_latest = _Latest()


def _remember(text):
    frame, _ = outside_frame()
    _latest.error = text, frame.f_code, frame.f_lineno
    return NotDifferentiableError(text)


def refused(op, call):
    """A value that depends on an input of a running transform is converted by `call`, for example "float(x)"."""
    return _remember(
        f"{call} of {_source(op, 'an input')} inside a transform: the value depends on what is being differentiated, "
        f"and its gradient would be lost; {_INSTEAD}"
    )


def refused_freed(op, call):
    """As `refused`, if a sweep inside the function has freed the graph, so that the dependence is unknown."""
    return _remember(
        f"{call} of the result of {op!r} inside a transform: its graph was freed by an earlier backward(), so "
        "it is unknown whether it depends on what is being differentiated; use x.detach() for the value alone"
    )


def warn_lost(op, call):
    """`call` converts a value that requires a gradient, outside transforms."""
    warn(
        f"{call} of {_source(op)} is a constant, no gradient flows through it: use x.item() or x.detach() to be "
        "explicit"
    )


def warn_no_grad(op):
    """`.grad` of a result that does not keep its gradient."""
    warn(
        f"the .grad of this result of {op!r} is None: gradients are kept for leaves only; call y.retain_grad() before "
        "backward() to keep this one, and update parameters in place, `with fg.no_grad(): w -= rate * w.grad`"
    )


def unwrapped(error):
    """Return the error that C code replaced by `error`, as NumPy does by "setting an array element with a sequence".

    It was created in the line of Python that raised `error`, or is the cause of a SystemError of the interpreter.
    Returns None if there is no such error.
    """
    latest, _latest.error = _latest.error, None
    if latest is None or isinstance(error, FastgradError):
        return None
    if isinstance(error, SystemError) and isinstance(error.__cause__, NotDifferentiableError):
        return error.__cause__.with_traceback(error.__traceback__)
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    text, *place = latest
    if place != [trace.tb_frame.f_code, trace.tb_lineno]:
        return None
    return NotDifferentiableError(text).with_traceback(error.__traceback__)


def warn_independent(verb, what):
    """`verb`, as "grad", found that the output does not depend on `what`, as "argument 0"."""
    warn(
        f"{verb}: the output seems independent of the input, {what}, so its derivative is zero everywhere. Is the "
        "input used, or do x.detach(), no_grad(), an integer or a comparison separate it from the output?"
    )


def hooks_dropped(how):
    """A leaf with hooks is copied by `how`, "copy.deepcopy" or "pickle". Hooks may refer to anything, even the leaf."""
    warn(f"{how}: the hooks of a Tensor are not copied: call register_hook on the copy if it needs them")


def warn(text):
    """Warn at the innermost line of the running program outside fastgrad, once per line by default."""
    warnings.warn(text, GradientWarning, stacklevel=outside_frame()[1])


# --- NumPy's functions ---


def not_an_array(op):
    """`np.asarray` of a tensor that requires a gradient."""
    return NotDifferentiableError(
        f"converting {_source(op)} to an array would lose its gradient: combine several with fg.stack([...]) "
        "or fastgrad.numpy.array, write y[key] = value into a Tensor, for example one from fg.zeros, write a @ x "
        "instead of a.dot(x), get the values alone with x.detach().numpy(), or call a function that fastgrad supports"
    )


def no_numpy_rule(function):
    """A NumPy function without a rule, on a tensor that requires a gradient; `function` as "np.spacing"."""
    return NotDifferentiableError(
        f"{function} has no rule in fastgrad, so its gradient would be lost: use x.detach() if no gradient is needed, "
        "or define the op with fg.primitive"
    )


def no_numpy_argument(function, argument):
    """A NumPy function with an argument that its op does not support, on a tensor that requires a gradient."""
    return NotDifferentiableError(
        f"{function} with {argument}= cannot be recorded: call it without, or use x.detach() if no gradient is needed"
    )


def no_numpy_out(function):
    """A ufunc with `out=array`, as NumPy calls it for `array += x`, on a tensor that requires a gradient."""
    return NotDifferentiableError(
        f"{function} with out= cannot be recorded in an array, which is what a += x means if a is an array: write "
        "a = a + x, create a with fg.zeros, or use x.detach() if no gradient is needed"
    )


def no_numpy_write(function):
    """A NumPy function that writes to an array, where the array or the values require a gradient."""
    caller = " (called by np.full, too: use fg.full)" if function == "np.copyto" else ""
    return NotDifferentiableError(
        f"{function}{caller} cannot record what it writes, so a gradient would be lost: write y[key] = value into a "
        "Tensor, for example one from fg.zeros, or use x.detach() if no gradient is needed"
    )


def rows_for_blocks():
    """`np.concatenate(x, axis=-1)` of the rows of one matrix, as called by `np.bmat` on Tensors."""
    return ShapeError(
        "np.concatenate of the rows of one Tensor along axis -1, as np.bmat calls it if its blocks are Tensors: "
        "pass np.concatenate a list of Tensors, or np.bmat a list of lists; x.ravel() joins all rows"
    )
