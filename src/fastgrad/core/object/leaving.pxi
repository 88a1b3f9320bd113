# Values that leave the graph. Transforms mark their inputs in the tensors, so that a value that depends on them is
# recognized wherever it is read, also in another thread. Recording takes no part in this.

cdef int transforms_running = 0     # in any thread; if 0, nothing is searched


def write_count(Tensor x not None):
    """The number of writes to the memory of `x`."""
    return version_of(x)


def trace(inputs):
    """Mark the inputs of a transform whose function is about to run."""
    global transforms_running
    cdef Tensor x
    transforms_running += 1
    for x in inputs:
        if x.traced < 255:
            x.traced += 1


def untrace(inputs):
    """Remove the marks of `trace`."""
    global transforms_running
    cdef Tensor x
    transforms_running -= 1
    for x in inputs:
        if x.traced > 0:
            x.traced -= 1


def mark_parameter(Tensor x not None):
    """Let modules take the leaf `x` as a parameter, whether it requires a gradient or not."""
    extra_of(x).parameter = True


def is_parameter(Tensor x not None):
    """Whether `x` was made by `nn.Parameter`."""
    return x.extra != NULL and (<NodeExtra>x.extra).parameter


def is_traced(Tensor x not None):
    """Whether `x` depends on an input of a running transform, in any thread."""
    return traced_from(x) is not None


cdef Tensor traced_from(Tensor x):
    """An input of a running transform on which `x` depends, or a freed node, for which that is unknown; else None."""
    cdef Py_ssize_t k
    if transforms_running == 0 or not is_recorded(x):
        return None
    cdef list stack = [x]
    cdef set seen = set()
    while stack:
        t = <Tensor>stack.pop()
        if t.traced or t.flags & FREED:
            return t
        if is_leaf(t) or <size_t><PyObject*>t in seen:
            continue
        seen.add(<size_t><PyObject*>t)
        for k in range(edge_count(t)):
            edge = edge_at(t, k)
            if edge != NULL and (<Tensor>edge).flags & REQUIRES_GRAD and flows_along(t, k):
                stack.append(<Tensor>edge)
    return None


cdef inline int check_door(Tensor x, str door, bint warns) except -1:
    """Before the value of `x` leaves through `door`: raise if a transform would lose its gradient; warn if `warns`."""
    if (warns or transforms_running) and fg_grad_off == 0 and is_recorded(x):
        check_recorded(x, door, warns)
    return 0


cdef int check_recorded(Tensor x, str door, bint warns) except -1:
    cdef Tensor source = traced_from(x)
    if source is not None:
        raise leaving.refused(op_name(x), door) if source.traced else leaving.refused_freed(op_name(source), door)
    if warns:
        leaving.warn_lost(op_name(x), door)
    return 0


def leave(Tensor x not None, str door, bint warns=False):
    """`check_door`, for methods that both engines share."""
    if fg_capture != NULL:
        leave_program(x, door)
    check_door(x, door, warns)
