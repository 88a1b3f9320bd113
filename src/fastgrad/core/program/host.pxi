# Steps that run Python code at every replay: ops without a kernel, comparisons, writes by NumPy, optimizer steps.

cdef extern from "numpy/arrayobject.h":
    int PyArray_CopyInto(cnp.ndarray to, cnp.ndarray source) except -1


@cython.final
cdef class Spot:
    """A value in the memory of a program. `at` is updated when that memory moves."""
    cdef char* at
    cdef Layout* layout
    cdef int buffer

    def __dealloc__(self):
        if self.layout != NULL:
            release(self.layout)


cdef Spot spot_of(Capture c, Tensor x, bint reads, bint writes):
    """Where the value of `x` is."""
    cdef Spot p = Spot.__new__(Spot)
    p.layout = keep(x.layout)
    p.at = x.data
    p.buffer = NOWHERE
    if x.layout.size:
        p.buffer = buffer_at(c, x.data, reads, writes)
    return p


cdef object array_at(Spot p, bint writeable):
    """An array over the value, for the duration of a step."""
    cdef cnp.dtype descr = PyArray_DescrFromType(p.layout.typenum)
    Py_INCREF(descr)
    return PyArray_NewFromDescr(
        <PyTypeObject*>ndarray_type, descr, p.layout.ndim, <cnp.npy_intp*>p.layout.shape,
        <cnp.npy_intp*>p.layout.strides, p.at, NPY_ARRAY_WRITEABLE if writeable else 0, None)


@cython.final
cdef class HostStep:
    cdef object call
    cdef Function f         # or None: of an op, whose forward is called as when it was recorded
    cdef str name
    cdef tuple args         # Spots, and other objects as they are
    cdef Py_ssize_t n       # of `f`: arguments by position
    cdef bint into          # the first argument is written
    cdef Spot result       # or None
    cdef bint effect        # does what cannot be undone


cdef object host_value(HostStep h):
    cdef tuple args = h.args
    cdef list found = []
    cdef Py_ssize_t k
    for k in range(len(args)):
        o = args[k]
        found.append(array_at(<Spot>o, h.into and k == 0) if type(o) is Spot else o)
    given = tuple(found)
    if h.f is None:
        return checked_call(h.call, given)
    return forward_value(h.f, given, h.n)


cdef int run_host(const Note* s) except -1:
    cdef HostStep h = <HostStep>s.more
    value = host_value(h)
    if h.result is None:
        return 0
    a = np.asarray(value)
    cdef int n = h.result.layout.ndim
    if (cnp.PyArray_TYPE(a) != h.result.layout.typenum or cnp.PyArray_NDIM(a) != n
            or (n and memcmp(cnp.PyArray_DIMS(a), h.result.layout.shape, n * sizeof(Py_ssize_t)) != 0)):
        raise program_errors.shape_changed(h.name, a.shape, shape_tuple(h.result.layout))
    if h.result.layout.size:
        PyArray_CopyInto(<cnp.ndarray>array_at(h.result, True), <cnp.ndarray>a)
    return 0


cdef int note_host(HostStep h) except -1:
    cdef Capture c = <Capture>fg_capture
    cdef Note* s
    if c.failed:
        raise capture_error(c)
    s = begin_note(run_nothing, 0)
    if s != NULL:
        c.hosts.append(h)
        s.run, s.more = <StepRun>run_host, <void*>h
        c.effects = c.effects or h.effect
    return 0


cdef tuple spots_of(Capture c, tuple args, bint into):
    cdef list found = []
    cdef Py_ssize_t k
    for k in range(len(args)):
        o = args[k]
        if is_tensor(o):
            capture_operand(<Tensor>o)
            found.append(spot_of(c, <Tensor>o, True, into and k == 0))
        elif PyArray_Check(o):
            note_array(<cnp.ndarray>o)
            found.append(o)
        else:
            found.append(o)
    return tuple(found)


cdef Tensor host_result(HostStep h, Tensor y):
    """The value of `y`, made by Python code, in the memory of the program, as the result of the step."""
    cdef Capture c = <Capture>fg_capture
    cdef Layout* layout = layout_contiguous(y.layout)
    cdef Tensor z = new_tensor(layout)
    copy_strided(layout.itemsize, layout, y.data, y.layout.strides, z.data, layout.strides)
    h.result = spot_of(c, z, False, True)
    note_host(h)
    return z


cdef Tensor captured_call(str name, object call, tuple args):
    """The result of `call(*args)`, in which Tensors stand for their arrays, as a constant Tensor."""
    cdef Capture c = <Capture>fg_capture
    cdef HostStep h = HostStep.__new__(HostStep)
    h.call = call
    h.name = name
    h.args = spots_of(c, args, False)
    before = c.suspended
    c.suspended = True
    try:
        y = own_result(np.asarray(host_value(h)))
    finally:
        c.suspended = before
    return host_result(h, y)


cdef Tensor captured_rule(Function f, tuple operands, tuple args, Tensor y):
    """The result of a rule's forward, which has just been computed; `args` are operands and parameters."""
    cdef HostStep h
    cdef Py_ssize_t k
    if (<Capture>fg_capture).suspended:
        return y
    for k in range(len(operands)):
        if is_tensor(operands[k]) and y.storage != NULL and y.storage == (<Tensor>operands[k]).storage:
            return y        # a view
    h = HostStep.__new__(HostStep)
    h.f = f
    h.name = f.rule.name
    h.args = spots_of(<Capture>fg_capture, operands, False) + args[len(operands):]
    h.n = len(operands)
    return host_result(h, y)


cdef int captured_backward(Function f, Tensor y, Tensor g, bint record, bint only_wanted) except -1:
    """`backward_by_rule` of a built-in rule, whose ops are captured."""
    cdef Scope block = switched(record)
    enter_rule(f)
    try:
        return rule_cotangents(f, y, g, record, only_wanted, False)
    finally:
        leave_rule(f)
        close_scope(block)


cdef inline void enter_rule(Function f) noexcept:
    """The vjp or jvp of a built-in rule is about to run: values that it looks at stay Tensors."""
    if fg_capture != NULL and f.built_in:
        (<Capture>fg_capture).in_rule += 1


cdef inline void leave_rule(Function f) noexcept:
    if fg_capture != NULL and f.built_in:
        (<Capture>fg_capture).in_rule -= 1


def write_item(target, value, key):
    target[key] = value


cdef int captured_write(Tensor x, object value, object target, object given, object key) except -1:
    """`x[key] = value`, whose arrays are `target` and `given`."""
    cdef Capture c = <Capture>fg_capture
    cdef HostStep h
    before = c.suspended
    c.suspended = True
    try:
        target[key] = given
    finally:
        c.suspended = before
    if before:
        return 0
    h = HostStep.__new__(HostStep)
    h.name = "setitem"
    h.call = write_item
    h.into = True
    h.args = spots_of(c, (x, value), True) + (key,)
    return note_host(h)


cdef object uncaptured_forward(Function f, tuple args, Py_ssize_t n):
    """`forward_value`, in which nothing is noted."""
    cdef Capture c = <Capture>fg_capture
    before = c.suspended
    c.suspended = True
    try:
        return forward_value(f, args, n)
    finally:
        c.suspended = before


def constant_call(str name, call, tuple args):
    """The result of `call(*args)`, in which arrays stand for Tensors: one array or number, as a constant Tensor."""
    return captured_call(name, call, args)


def host_step(str name, call, *, bint effect=True):
    """Run `call()` now and, while a program is captured, at every replay. Returns what it returned now."""
    cdef Capture c
    cdef HostStep h
    if fg_capture == NULL or (<Capture>fg_capture).suspended:
        return call()
    c = <Capture>fg_capture
    c.suspended = True
    try:
        value = call()
    finally:
        c.suspended = False
    h = HostStep.__new__(HostStep)
    h.name = name
    h.call = call
    h.args = ()
    h.effect = effect
    note_host(h)
    return value


def drawn(call):
    """The array that `call()` draws, as a Tensor; a captured program draws again at every replay."""
    cdef Tensor y
    cdef Capture c
    if fg_capture == NULL or (<Capture>fg_capture).suspended:
        return asarray(call())
    c = <Capture>fg_capture
    y = captured_call("draw", call, ())
    c.effects = True
    return y


def can_branch_no_more():
    """Whether a program is captured in this thread that has done what cannot be undone: `guard` would raise."""
    return fg_capture != NULL and (<Capture>fg_capture).effects and not (<Capture>fg_capture).suspended


def is_capturing():
    """Whether a program is captured in this thread."""
    return fg_capture != NULL and not (<Capture>fg_capture).suspended


cdef bint is_constant(Tensor x) noexcept:
    """Whether the value of `x` is the same at every replay."""
    return x.layout.size == 0 or is_constant_at(x.data)


cdef bint stays_tensor(Tensor x) noexcept:
    """Whether code of a built-in rule gets `x` itself where it asks for an array or a number."""
    cdef Capture c = <Capture>fg_capture
    return c.in_rule != 0 and not c.suspended and not is_constant(x)


cdef int leave_program(Tensor x, str door) except -1:
    """Before the value of `x` becomes a plain number or array: raise while a program is captured."""
    cdef Capture c = <Capture>fg_capture
    if c.suspended or is_constant(x):
        return 0
    raise program_errors.left(op_name(x), door)


cdef int run_guard(const Note* s) noexcept:
    """-2 if the truth of the value is not what it was."""
    cdef bint value = False
    for k in range(s.n[0]):
        value = value or s.at[0][k] != 0
    return 0 if value == s.flag else -2


def guard(Tensor x not None):
    """Return the truth of the one element of `x`. A replay in which it differs stops there."""
    cdef Capture c = <Capture>fg_capture
    cdef Note* s
    cdef Tensor y
    cdef bint value
    capture_operand(x)
    y = captured_call("bool", bool_of, (x,))
    value = y.data[0] != 0
    s = begin_note(run_guard, 1)
    if s != NULL:
        s.n[0] = 1
        s.flag = value
        reads(s, 0, y.data)
        c.n_guards += 1
        if c.effects:
            raise program_errors.branch_after_effect()
    return value


def bool_of(a):
    return np.bool_(bool(a))
