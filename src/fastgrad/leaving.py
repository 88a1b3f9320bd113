"""Values on their way out of the graph: what a transform refuses, what is only warned of. Knows no engine.

A Tensor becomes a plain number or array through a *door*: `float(x)`, `x.item()`, `x.numpy()`, `pickle`. Inside a
transform a value that depends on what is differentiated passes none of them, since its gradient would be lost. Outside,
`item`, `tolist`, `numpy` and `detach` are the explicit ways, and `float(x)`, which `math.sin(x)` and a number written
into an ndarray go through unseen, warns.
"""

import os
import sys
import warnings
from _thread import _local as local  # `threading.local`, without importing the rest of threading

from fastgrad.errors import FastgradError, GradientWarning, NotDifferentiableError, ShapeError

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep

_INSTEAD = (
    "compute with fastgrad's or NumPy's functions (np.sin, not math.sin), put results together with fg.stack or write "
    "them into a Tensor from fg.zeros, and use x.detach() where no gradient is meant to flow"
)


def _came(op):
    return f"the result of {op!r}" if op else "an input"


class _Latest(local):
    refusal = None  # its text, and the code and line that it was made in


_latest = _Latest()


def _remembered(text):
    frame, _ = _outside()
    _latest.refusal = text, frame.f_code, frame.f_lineno
    return NotDifferentiableError(text)


def refused(op, door):
    """A value that depends on an input of a running transform is about to go through `door`, as "float(x)"."""
    return _remembered(
        f"{door} of {_came(op)} inside a transform: the value depends on what is being differentiated, and its "
        f"gradient would be lost; {_INSTEAD}"
    )


def refused_freed(op, door):
    """As `refused`, where a sweep inside the function has freed the graph that would tell."""
    return _remembered(
        f"{door} of the result of {op!r} inside a transform: its graph was freed by a backward() in between, so "
        "that it cannot be told whether it depends on what is being differentiated; use x.detach() for the value alone"
    )


def warn_lost(op, door):
    """`door` of a value that records, outside of transforms."""
    came = f"the result of {op!r}" if op else "a leaf that requires a gradient"
    warn(f"{door} of {came} is a constant, no gradient flows through it: use x.item() or x.detach() to say so")


def warn_no_grad(op):
    """`.grad` of a result that keeps none."""
    warn(
        f"the .grad of this result of {op!r} is None: gradients are kept by leaves alone; call y.retain_grad() before "
        "backward() where it is wanted, and update parameters in place, `with fg.no_grad(): w -= rate * w.grad`"
    )


def unwrapped(error):
    """The refusal that C code has replaced by `error`, as NumPy does by "setting an array element with a sequence".

    It was made in the very line of Python in which `error` was raised; or the interpreter says, by a SystemError, that
    it was set meanwhile. None where there is none.
    """
    refusal, _latest.refusal = _latest.refusal, None
    if refusal is None or isinstance(error, FastgradError):
        return None
    if isinstance(error, SystemError) and isinstance(error.__cause__, NotDifferentiableError):
        return error.__cause__.with_traceback(error.__traceback__)
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    text, *place = refusal
    if place != [trace.tb_frame.f_code, trace.tb_lineno]:
        return None
    return NotDifferentiableError(text).with_traceback(error.__traceback__)


def warn_independent(verb, what):
    """`verb`, as "grad", found no way from the output back to `what`, as "argument 0"."""
    warn(
        f"{verb}: the output seems independent of the input, {what}: its derivative is zero everywhere. Was the input "
        "used, and did x.detach(), no_grad(), an integer or a comparison cut the way?"
    )


def warn(text):
    """Warn at the innermost line of the running program outside of fastgrad: once per line, unless filters say else."""
    warnings.warn(text, GradientWarning, stacklevel=_outside()[1])


def _outside():
    """The innermost frame outside of fastgrad, and how far up it is for the function that asks."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
        level += 1
    return frame, level


# --- NumPy's functions ---


def not_an_array(op):
    """`np.asarray` of a tensor that records."""
    came = f"the result of {op!r}" if op else "a leaf that requires a gradient"
    return NotDifferentiableError(
        f"converting {came} to an array would lose its gradient: put several together with fg.stack([...]), "
        "write a @ x instead of a.dot(x), take the values alone by x.detach().numpy(), or call a function that "
        "fastgrad knows"
    )


def no_numpy_rule(function):
    """A NumPy function without a rule, on a tensor that records; `function` as "np.median"."""
    return NotDifferentiableError(
        f"{function} has no rule in fastgrad, so its gradient would be lost: use x.detach() where none is wanted, or "
        "define the op with fg.primitive"
    )


def no_numpy_argument(function, argument):
    """A NumPy function with an argument that its op does not take, on a tensor that records."""
    return NotDifferentiableError(
        f"{function} with {argument}= cannot be recorded: call it without, or use x.detach() where no gradient is "
        "wanted"
    )


def no_numpy_write(function):
    """A NumPy function that writes into an array, where the array or what is written records."""
    return NotDifferentiableError(
        f"{function} cannot record what it writes, so that a gradient would be lost: write y[key] = value into a "
        "Tensor, for example one from fg.zeros, or use x.detach() where no gradient is wanted"
    )


def rows_for_blocks():
    """`np.concatenate(x, axis=-1)` of the rows of one matrix, as `np.bmat` of Tensors asks for it."""
    return ShapeError(
        "np.concatenate of the rows of one Tensor along axis -1, which np.bmat does by mistake with Tensors for its "
        "blocks: give np.concatenate a list of Tensors, np.bmat a list of lists, or x.ravel() for all rows in a line"
    )
