# Watching what is recorded: whether values are finite, for `detect_anomaly`, by the checks of both engines in
# fastgrad/anomaly.py, which change no value; and births, that is, which results were recorded here, for `checkpoint`.

class detect_anomaly(anomaly.detect_anomaly):  # noqa: N801 - used as `with fg.detect_anomaly():`
    __doc__ = anomaly.detect_anomaly.__doc__

    def __init__(self):
        self._mode = mode_of(looking, &fg_watchers, True)


cdef int watch_here "fg_watch_here"() noexcept:
    cdef int what = BIRTHS if fg_births != NULL else 0
    if fg_capture != NULL:
        what |= CAPTURED
    if is_set(looking, True) and not is_set(inside_rule, True):
        what |= ANOMALIES
    return what


cdef object looking = PyContextVar_New("fastgrad.anomalies", <PyObject*>None)
cdef object inside_rule = PyContextVar_New("fastgrad.in_a_rule", <PyObject*>None)
cdef int rules_inside = 0       # the count of that switch


cdef int inspect_result(Tensor y) except -1:
    """Note that `y` was recorded, and where; raise if its value is the first that is not finite."""
    if fg_watch & BIRTHS:
        note_birth(y)
    if fg_watch & ANOMALIES:
        extra_of(y).where = tracebacks.user_line()
        anomaly.check(op_name(y), False, y, node_operands(y), where_of(y))
    return 0


cdef object where_of(Tensor y):
    return lambda: (<NodeExtra>y.extra).where if y.extra != NULL else None


cdef int accumulate_watched(Tensor x, Tensor gx, bint record) except -1:
    """`accumulate_tensor`, and check the sum."""
    cdef Tensor before = private_copy(cotangent_tensor(x)) if x.flags & COTANGENT else None
    accumulate_tensor(x, gx, record)
    if before is not None:
        anomaly.check_sum(op_name(x), cotangent_tensor(x), (before, gx), where_of(x))
    return 0


cdef int inspect_total(Tensor x) except -1:
    """Raise if adding the cotangent of a leaf to its `.grad` overflows."""
    if x.flags & COTANGENT and x.grad_ != NULL:
        g = cotangent_tensor(x)
        total = add_quietly(<Tensor>x.grad_, g, False)
        anomaly.check_sum(op_name(x), total, (<Tensor>x.grad_, g), where_of(x))
    return 0


def collect_nodes(dict births):
    """Collect the nodes that this thread records from now on in the dict `births`; None stops. Returns the old setting.

    Keys are node keys. The value is None for a new result, and the Tensor for an operand that was recorded earlier.
    """
    global fg_watchers, fg_births
    outer = <object>fg_births if fg_births != NULL else None
    if fg_births != NULL:
        Py_DECREF(outer)
        fg_watchers -= 1
    fg_births = NULL
    if births is not None:
        Py_INCREF(births)
        fg_births = <PyObject*>births
        fg_watchers += 1
    return outer


cdef int note_birth(Tensor y) except -1:
    cdef dict births = <dict>fg_births
    births[<size_t><PyObject*>y] = None
    for o in node_operands(y):
        if is_tensor(o) and (<Tensor>o).flags & REQUIRES_GRAD and not is_leaf(<Tensor>o):
            births.setdefault(<size_t><PyObject*>o, o)
    return 0


cdef int note_move(Tensor x, Tensor old) except -1:
    """Before an in-place write: `old` becomes the node that `x` is, and `x` a new one."""
    cdef dict births = <dict>fg_births
    if births.get(<size_t><PyObject*>x, x) is None:
        births[<size_t><PyObject*>old] = None
    births[<size_t><PyObject*>x] = None
    return 0
