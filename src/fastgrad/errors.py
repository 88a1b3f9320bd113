"""Error classes, and functions that return errors of both engines with their message. Imports nothing of fastgrad."""


class FastgradError(Exception):
    """Base class of all errors that fastgrad raises."""


class ShapeError(FastgradError, ValueError):
    """Shapes do not match, or an axis does not exist."""


class AxisError(ShapeError, IndexError):
    """An axis is out of bounds."""


class ScalarError(ShapeError, TypeError):
    """A tensor that does not have exactly one element was used as a number."""


class WeightsError(ShapeError, RuntimeError):
    """The number of weights differs from the number of observations."""


class IndexingError(FastgradError, IndexError):
    """An index is out of bounds or of an unsupported type."""


class DTypeError(FastgradError, TypeError):
    """An operation does not support a dtype or type."""


class BackwardError(FastgradError, RuntimeError):
    """A backward pass cannot start or continue."""


class GraphFreedError(BackwardError):
    """A backward pass reached a graph that an earlier one has freed."""


class MutationError(BackwardError):
    """A value that a gradient depends on was overwritten in place."""


class ReadOnlyError(MutationError, ValueError):
    """A write to read-only memory."""


class NotDifferentiableError(FastgradError, TypeError):
    """A gradient was requested of something that is not differentiable."""


class VmapError(FastgradError, TypeError):
    """Inside vmap, a value was used that differs between the elements of the batch, where all must have the same."""


class GradientWarning(UserWarning):
    """A gradient may have been lost, for example because a recorded value was converted to a plain number."""


class PyTorchSpellingWarning(UserWarning):
    """A call that is valid here and means something else in PyTorch."""


class CompileError(FastgradError, TypeError):
    """A function does what a compiled program cannot: a value leaves, a shape depends on values, a hook is called."""


class StateError(FastgradError, ValueError):
    """A state dict does not match the object that it is loaded into."""


class BadSetting(FastgradError, ValueError):
    """A parameter of a layer, optimizer, scheduler or transform is out of range or contradicts another one."""


class ParallelError(FastgradError, RuntimeError):
    """The processes of a parallel run differ, or one of them has failed."""


class PictureError(FastgradError, ValueError):
    """A picture cannot be drawn as requested."""


class AnomalyError(FastgradError, RuntimeError):
    """A NaN or infinity was found while `detect_anomaly` is active."""


# --- dtypes and shapes ---


def unsupported_dtype(dtype):
    """`dtype` cannot be held by a Tensor."""
    name = {"U": "str", "S": "bytes", "O": "objects, such as None or a dict"}.get(dtype.kind, dtype.name)
    return DTypeError(
        f"a Tensor cannot hold {name}, only bool, integers, float32, float64, complex64 and complex128: "
        "convert the data first, for example with .astype(np.float64)"
    )


def integer_gradient(dtype):
    """A gradient was requested of a tensor of integers or booleans."""
    return DTypeError(f"requires_grad needs a floating or complex dtype, got {dtype.name}: pass dtype=np.float64")


def copy_needed(dtype, wanted):
    """`asarray(..., copy=False)` of something that must be converted."""
    return ShapeError(f"copy=False, but converting {dtype} to {wanted} needs a copy: omit copy or dtype")


def not_one_element(wanted, shape):
    """`wanted` is the call, as "float(x)" or "item()"."""
    return ScalarError(
        f"{wanted} needs a tensor of one element, got shape {shape}: reduce it first, or index one element"
    )


def not_an_index(dtype, shape):
    """`operator.index(x)` of a tensor that is not a 0-d integer."""
    return DTypeError(
        f"only a 0-d integer tensor is an index, an axis or a count, got {dtype.name} of shape {shape}: use int(x)"
    )


def unsized(wanted):
    """`len()` or iteration of a 0-d tensor."""
    return ScalarError(f"{wanted} of a 0-d tensor, which has no axes: use x.item() or x.reshape(1)")


def bad_format(spec, shape):
    """`format(x, spec)` of more than one element."""
    return ScalarError(f"the format {spec!r} is for one number, got a tensor of shape {shape}: format a single element")


# What a forward raises, and the class of ours that it becomes. `rules/linalg_errors.py` adds NumPy's LinAlgError.
KINDS = {ValueError: ShapeError, IndexError: IndexingError}


def forward_failed(op, error, operands):
    """Convert what the forward of `op` raised to a fastgrad error of the same built-in class, if there is one."""
    shapes = [o.shape for o in operands if hasattr(o, "shape")]
    kind = KINDS.get(type(error))
    if type(error).__name__ == "AxisError":
        kind = AxisError
    elif type(error).__name__.startswith("_UFunc"):
        kind = DTypeError
    if kind is None:
        return error
    if op == "matmul" and kind is ShapeError and len(shapes) == 2:
        return matmul(*shapes) if all(shapes) else matmul_scalar(*shapes)
    if "could not be broadcast" in str(error) and kind is ShapeError:
        return broadcast(op, *shapes)
    came = ", ".join(f"{o.dtype.name}{list(o.shape)}" for o in operands if hasattr(o, "shape"))
    text = f"{op}: " + str(error).removeprefix(f"{op}: ").removesuffix(".")  # NumPy's gufuncs begin with their name
    return kind(f"{text}; the operands are {came}" if came else text)


def broadcast(op, *shapes):
    """Operands whose shapes do not broadcast together."""
    return ShapeError(
        f"{op}: shapes {' and '.join(map(str, shapes))} do not broadcast together: aligned at the last axis, "
        "lengths must be equal or 1"
    )


def matmul(shape1, shape2):
    """Operands whose shapes do not fit for a matrix product."""
    return ShapeError(
        f"matmul: shapes {shape1} and {shape2} do not fit: the last axis of the first operand must have the length of "
        "the second-to-last axis of the second (or of its only axis), and the leading axes must broadcast"
    )


def matmul_scalar(shape1, shape2):
    """A 0-d operand of a matrix product."""
    return ShapeError(f"matmul: shapes {shape1} and {shape2}, but a 0-d operand has no axis to sum over: use x1 * x2")


def bad_axis(op, axis, ndim):
    """An axis out of bounds for `ndim` dimensions."""
    axes = f"whose axes are {-ndim} to {ndim - 1}" if ndim else "which has no axes"
    return AxisError(f"{op}: axis {axis} is out of bounds for a tensor of {ndim} dimensions, {axes}")


def norm_order(ord, n_axes):
    """`norm` of an order that is not defined over `n_axes` axes."""
    known = {1: "None or a number", 2: 'None, 1, -1, 2, -2, inf, -inf, "fro" or "nuc"'}.get(n_axes, "None")
    return ShapeError(
        f"norm: ord={ord!r} over {n_axes} axes, where ord must be {known}: select one or two axes with axis="
    )


def bool_for_int(value):
    """A bool was passed as an axis, a length or a count."""
    return DTypeError(
        f"got {value} for an axis, a length or a count, which must be an int: is it meant for another parameter?"
    )


def not_summed_to(shape, wanted):
    """`sum_to` a shape that would not broadcast to the operand's."""
    return ShapeError(
        f"sum_to: {wanted} would not broadcast to {shape}, so nothing can be summed to it: aligned at the last "
        "axis, its lengths must be equal or 1"
    )


def bad_rule(op, k, got):
    """The vjp of operand `k` returned something that is not a Tensor."""
    return DTypeError(f"the vjp of {op!r} for operand {k} returned {type(got).__name__}: a rule must return a Tensor")


def vjp_shape(op, k, got, wanted):
    """A rule returned a cotangent of the wrong shape for operand `k`."""
    return ShapeError(
        f"the vjp of {op!r} returned shape {got} for operand {k} of shape {wanted}: a cotangent must have the shape of "
        "its operand; is elementwise=True missing, or a sum over broadcast axes?"
    )


# --- starting a sweep ---


def not_recorded(what="this tensor"):
    """`backward` or `gradients` of something without a graph; `what` names it, as "outputs[1]"."""
    return BackwardError(
        f"{what} does not require a gradient, so nothing was recorded: create a leaf with requires_grad=True, and "
        "compute with gradients enabled"
    )


def not_a_tensor(what, got):
    """`what`, as "inputs[0]", is not a Tensor."""
    return NotDifferentiableError(f"{what} is of type {type(got).__name__}, gradients need Tensors: use fg.tensor(...)")


def not_scalar(shape):
    """`backward()` without a cotangent, of more or less than one element."""
    return BackwardError(
        f"backward() without a cotangent needs a result of one element, got shape {shape}: reduce it, for example with "
        ".sum(), or pass the cotangent"
    )


def complex_result(dtype):
    """`backward()` without a cotangent, of a complex result."""
    return BackwardError(
        f"backward() without a cotangent needs a real result, got {dtype.name}: take its .real or .abs(), or pass "
        "the cotangent"
    )


def cotangent_shape(got, wanted):
    """The cotangent does not have the shape of its result."""
    return ShapeError(
        f"the cotangent has shape {got}, the result has shape {wanted}: pass a cotangent of the shape of the result"
    )


def cotangent_dtype(got, wanted):
    """A complex cotangent for a real result."""
    return DTypeError(f"got a cotangent of dtype {got.name} for a result of dtype {wanted.name}: pass a real one")


def cotangent_count(got, wanted):
    """`gradients` with another number of cotangents than outputs."""
    return BackwardError(
        f"got {got} cotangents for {wanted} outputs: pass one per output, or None for an output of one element"
    )


def input_without_grad(position):
    """`gradients` with respect to something that does not require one."""
    return BackwardError(
        f"inputs[{position}] does not require a gradient: create it with requires_grad=True before computing "
        "the outputs"
    )


def input_unused(position):
    """`gradients` with respect to something the outputs do not depend on."""
    return BackwardError(
        f"inputs[{position}] was not used to compute the outputs: pass allow_unused=True to get None for it"
    )


def swept_elsewhere():
    """Two threads sweep the same nodes at once."""
    return BackwardError(
        "another thread is sweeping this graph: give each thread its own graph, or wait for one backward() to end "
        "before calling the next"
    )


def graph_changed():
    """An edge was added or removed during a sweep."""
    return BackwardError(
        "the graph was changed while it was being swept: a hook or a rule wrote to one of its tensors in place, or "
        "changed requires_grad; do this after backward() has returned"
    )


def written_meanwhile(op):
    """Other code wrote to an operand while `op` was running, or repeatedly to a `.grad` that was being summed."""
    return MutationError(
        f"{op!r}: an operand was modified while the operation was running (by its __array__, a "
        "__del__, a profiler, another thread): do not modify it concurrently"
    )


def received_graph():
    """`backward(create_graph=True)` for parameters whose gradients are averaged over processes."""
    return BackwardError(
        "backward(create_graph=True) cannot average gradients over ranks, since their graph would end there: compute "
        "higher derivatives with fg.grad or fg.gradients, and average the results with ranks.mean"
    )


def hook_needs_grad(method):
    """`register_hook` or `retain_grad` of a tensor that does not require a gradient."""
    return BackwardError(f"{method}() needs a tensor that requires a gradient: call x.requires_grad_() first")


def not_a_hook(got):
    """`register_hook` of something that is not callable."""
    kind = type(got).__name__
    return DTypeError(f"register_hook takes a function of the gradient, got {kind}: pass it without calling it")


def grad_off_for_interior(op):
    """`requires_grad_(False)` on a recorded result."""
    return BackwardError(f"requires_grad can be turned off for leaves, this is the result of {op!r}: use x.detach()")


def grad_value(got, wanted, what):
    """`x.grad = value` with the wrong `what`, "shape" or "dtype"."""
    kind = ShapeError if what == "shape" else DTypeError
    return kind(f"x.grad of {what} {got} for a tensor of {what} {wanted}: assign one of the same {what}, or None")


# --- graphs that are freed or out of date ---


def graph_freed(op):
    """A sweep reached the result of `op`, whose edges are freed."""
    return GraphFreedError(
        f"the graph of this result of {op!r} was freed by an earlier backward(): pass retain_graph=True to that "
        "one, or recompute the result"
    )


def mutated(op, what, recorded, now):
    """The rule of `op` reads `what`, as "operand 0" or "its result", at version `recorded`; it is at `now`."""
    return MutationError(
        f"backward of {op!r} needs {what}, which was overwritten in place after it was recorded (version {now}, "
        f"recorded at {recorded}): write out of place, x = x + 1 instead of x += 1, or pass a copy to the op, x.copy()"
    )


def stale(op):
    """The memory of a tensor was overwritten since it was recorded. `op` is x.op; None if nothing was recorded."""
    came = f"this result of {op!r}" if op else "this view"
    return MutationError(
        f"{came} has memory that was overwritten in place after it was made, through its base, a view or an array, "
        "so its graph no longer matches its value: take the view or compute the result again after writing, or use "
        "x.detach() for the value alone"
    )


def leaf_written():
    """An in-place write to a leaf that requires a gradient, while recording."""
    return MutationError(
        "in-place write to a leaf that requires a gradient: update parameters inside `with fg.no_grad():`, write "
        "out of place, x = x + 1 instead of x += 1, or write to a copy, x.copy()"
    )


def view_written():
    """A recorded in-place write through a view."""
    return MutationError(
        "a recorded in-place write through a view would change its base without recording it: write to the base, "
        "y[key] = y[key] * 2, or out of place, v = v * 2, or to a copy, v = v.copy()"
    )


def too_many_writes():
    """More recorded in-place writes to one tensor than its counter can hold."""
    return MutationError("more than 65535 recorded in-place writes to one tensor: continue with a copy, x = x.copy()")


def read_only():
    """A write to memory that is read-only, or whose elements overlap."""
    return ReadOnlyError(
        "this tensor's memory is read-only, or several of its elements share memory, as after a broadcast: "
        "write to x.copy()"
    )


def inplace_shape(op, got, wanted):
    """The result of an in-place op does not have the shape of its target."""
    return ShapeError(f"in-place {op!r} gives shape {got}, its target has shape {wanted}: write out of place")


def inplace_dtype(op, got, wanted):
    """The result of an in-place op cannot be cast to the dtype of its target."""
    return DTypeError(
        f"in-place {op!r} gives {got.name}, its target holds {wanted.name}: write out of place, or convert the operand"
    )


def not_copied(how, op):
    """A copy or pickle of a recorded result; `how` is "copy.deepcopy" or "pickle"."""
    return BackwardError(
        f"{how} of a recorded result (op {op!r}), whose graph cannot be copied: use x.detach() for the value "
        "alone, or x.copy() for a recorded copy"
    )
