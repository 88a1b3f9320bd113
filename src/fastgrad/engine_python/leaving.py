"""Whether operations are recorded, and which values may leave the graph. Knows a Tensor by its attributes only."""

from fastgrad import leaving, modes
from fastgrad.tracebacks import shorten

recording = modes.Switch("recording", True)

_running = 0  # number of running transforms, in all threads; the search is skipped while it is 0


def is_grad_enabled():
    return bool(recording)


def no_grad(function=None):
    mode = modes.Mode(recording, False)
    return mode if function is None else mode(function)


def enable_grad(function=None):
    mode = modes.Mode(recording, True)
    return mode if function is None else mode(function)


no_grad.__doc__, enable_grad.__doc__ = modes.NO_GRAD, modes.ENABLE_GRAD


def write_count(x):
    """Return how often the memory of `x` was written."""
    return x.storage.version


def trace(inputs):
    """Mark the inputs of a transform that is about to call its function."""
    global _running
    _running += 1
    for x in inputs:
        if x.node is not None:
            x.node.traced += 1


def untrace(inputs):
    """Remove the marks that `trace` set."""
    global _running
    _running -= 1
    for x in inputs:
        if x.node is not None:
            x.node.traced -= 1


def mark_parameter(x):
    """Make modules treat the leaf `x` as a parameter, whether it requires a gradient or not."""
    x.parameter = True


def is_parameter(x):
    """Return whether `x` was made by `nn.Parameter`."""
    return x.parameter


def is_traced(x):
    """Return whether `x` depends on an input of a running transform, in any thread."""
    return _traced_from(x) is not None


def _traced_from(x):
    """Return the node of a traced input that `x` depends on, or else None.

    A node whose graph was freed is returned too, because its operands are no longer known.
    """
    stack, seen = [x.node] if _running and x.requires_grad else [], set()
    while stack:
        node = stack.pop()
        if node.traced or node.operands is None:
            return node
        if node not in seen:
            seen.add(node)
            stack.extend(edge for edge in node.edges if edge is not None)
    return None


def leave(x, call, warns=False):
    """Raise if `call` would take a value out of a graph that a transform needs; warn about a lost gradient if asked."""
    if not recording or not x.requires_grad:
        return
    source = _traced_from(x)
    try:
        if source is not None:
            raise leaving.refused(x.op, call) if source.traced else leaving.refused_freed(source.rule.name, call)
        if warns:
            leaving.warn_lost(x.op, call)
    except Exception as error:
        shorten(error)
        raise
