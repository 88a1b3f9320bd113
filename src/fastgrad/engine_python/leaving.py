"""Whether operations record, and which values must not leave the graph. Knows a Tensor by its attributes only."""

from fastgrad import leaving, modes

recording = modes.Switch("recording", True)

_running = 0  # transforms, in any thread; 0 spares the search


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
    """How often the memory of `x` was written."""
    return x.storage.version


def trace(inputs):
    """Mark the inputs of a transform whose function is about to run."""
    global _running
    _running += 1
    for x in inputs:
        if x.node is not None:
            x.node.traced += 1


def untrace(inputs):
    """Take the marks of `trace` away."""
    global _running
    _running -= 1
    for x in inputs:
        if x.node is not None:
            x.node.traced -= 1


def mark_parameter(x):
    """Let modules take the leaf `x` as a parameter, whether it requires a gradient or not."""
    x.parameter = True


def is_parameter(x):
    """Whether `x` was made by `nn.Parameter`."""
    return x.parameter


def is_traced(x):
    """Whether `x` depends on an input of a running transform, in whatever thread."""
    return _traced_from(x) is not None


def _traced_from(x):
    """The node of the input from which `x` came, or one whose graph was freed so that nobody can tell; or None."""
    stack, seen = [x.node] if _running and x.node is not None else [], set()
    while stack:
        node = stack.pop()
        if node.traced or node.operands is None:
            return node
        if node not in seen:
            seen.add(node)
            stack.extend(edge for edge in node.edges if edge is not None)
    return None


def leave(x, door, warns=False):
    """Before the value of `x` leaves through `door`: refuse what a transform would lose, warn where asked to."""
    if x.node is None or not recording:
        return
    source = _traced_from(x)
    if source is not None:
        raise leaving.refused(x.op, door) if source.traced else leaving.refused_freed(source.rule.name, door)
    if warns:
        leaving.warn_lost(x.op, door)
