# What is looked at while it is recorded. Naming the op that first made a NaN or an infinity: the checks are those of
# both engines, in fastgrad/anomaly.py; none changes a value. And births, by which `checkpoint` tells what is its own.

class detect_anomaly(anomaly.detect_anomaly):  # noqa: N801 - used as `with fg.detect_anomaly():`
    __doc__ = anomaly.detect_anomaly.__doc__

    def __enter__(self):
        self._mode.enter().counted = Watcher()


@cython.final
cdef class Watcher:
    """Counts an open block."""

    def __cinit__(self):
        count_anomaly_blocks(1)

    def __dealloc__(self):
        count_anomaly_blocks(-1)


cdef int count_anomaly_blocks(int change) noexcept:
    global fg_watchers, fg_anomaly_blocks
    fg_watchers += change
    fg_anomaly_blocks += change
    return 0


cdef int watch_here "fg_watch_here"() noexcept:
    cdef int what = BIRTHS if fg_births != NULL else 0
    if fg_anomaly_blocks != 0 and is_on(LOOKING) and not is_on(INSIDE):
        what |= ANOMALIES
    return what


cdef object LOOKING = anomaly.looking.innermost
cdef object INSIDE = anomaly.inside.innermost


cdef bint is_on(object variable) noexcept:
    """As a Switch of modes.py that is off by default says; without Python code, in which an interrupt could strike and
    be lost."""
    cdef PyObject* found = NULL
    if PyContextVar_Get(variable, NULL, &found) < 0 or found == NULL:
        PyErr_Clear()
        return False
    head = block = <object>found
    Py_DECREF(head)
    if type(block) is not modes.Block:
        return False
    while block is not None and not block.is_open:
        block = block.outer
    if block is not head and not head.is_open:
        head.outer = block
    return block is not None and block.on


cdef object enter_rule(int watch):
    """What runs from here on is not the user's, and its results are not looked at; `leave_rule` takes what this
    returns."""
    return anomaly.inside.open(True) if watch & ANOMALIES else None


cdef int leave_rule(object inside) except -1:
    if inside is not None:
        inside.close()
    return 0


cdef int inspect_result(Tensor y) except -1:
    """Note that `y` was recorded, and where; raise where its value is the first that is not finite."""
    if fg_watch & BIRTHS:
        note_birth(y)
    if fg_watch & ANOMALIES == 0:
        return 0
    extra_of(y).where = anomaly.user_line()
    anomaly.check(op_name(y), False, y, node_operands(y), lambda: (<NodeExtra>y.extra).where)
    return 0


cdef int inspect_gradient(Tensor y, Tensor g, Tensor gx) except -1:
    anomaly.check(op_name(y), True, gx, [g], lambda: (<NodeExtra>y.extra).where if y.extra != NULL else None)
    return 0


cdef int accumulate_watched(Tensor x, Tensor gx, bint record) except -1:
    """`accumulate_tensor`, and a look at the sum."""
    cdef Tensor before = private_copy(cotangent_tensor(x)) if x.flags & COTANGENT else None
    inside = enter_rule(fg_watch)
    try:
        accumulate_tensor(x, gx, record)
    finally:
        leave_rule(inside)
    if before is not None:
        check_sum(x, cotangent_tensor(x), (before, gx))
    return 0


cdef int inspect_total(Tensor x) except -1:
    """Before the gradient that has gathered in a leaf is added to its `.grad`: whether that will overflow."""
    cdef Tensor g
    if x.flags & COTANGENT and x.grad_ != NULL:
        g = cotangent_tensor(x)
        check_sum(x, add_quietly(<Tensor>x.grad_, g, False), (<Tensor>x.grad_, g))
    return 0


cdef int check_sum(Tensor x, Tensor total, tuple parts) except -1:
    anomaly.check_sum(op_name(x), total, parts, lambda: (<NodeExtra>x.extra).where if x.extra != NULL else None)
    return 0


def collect_nodes(births):
    """Collect the nodes that this thread records from now on in the dict `births`; None stops. Returns the old setting.

    Keys are node keys. The value is None for a new result, and the Tensor for an operand that was recorded earlier.
    """
    global fg_watchers
    cdef PyObject* before = fg_births
    if births is not None and type(births) is not dict:
        raise TypeError("nodes are collected in a dict")
    set_births(births)
    fg_watchers += (births is not None) - (before != NULL)
    if before == NULL:
        return None
    outer = <object>before
    Py_DECREF(outer)
    return outer


cdef void set_births(object births) noexcept:
    global fg_births
    if births is None:
        fg_births = NULL
    else:
        Py_INCREF(births)
        fg_births = <PyObject*>births


cdef int note_birth(Tensor y) except -1:
    cdef dict births = <dict>fg_births
    births[<size_t><PyObject*>y] = None
    for o in node_operands(y):
        if type(o) is Tensor and (<Tensor>o).flags & REQUIRES_GRAD and (<Tensor>o).op != LEAF:
            births.setdefault(<size_t><PyObject*>o, o)
    return 0


cdef int note_move(Tensor x, Tensor old) except -1:
    """`x` is about to stand for a new node, and `old` for the one that it stood for."""
    cdef dict births = <dict>fg_births
    if births.get(<size_t><PyObject*>x, x) is None:
        births[<size_t><PyObject*>old] = None
    births[<size_t><PyObject*>x] = None
    return 0
