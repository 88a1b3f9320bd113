# Making Values, and dropping graphs of any depth without recursion. The same ideas as for tensors
# (object/lifetime.pxi); other objects.
#
# All that lets go of something may run Python code, which may initialise the same Value anew, or sweep or drop it. So a
# Value is made a consistent one first, and let go of what it had afterwards.

cdef extern from "Python.h":
    ctypedef int (*visitproc)(PyObject* o, void* arg) noexcept
    ctypedef struct TypeObject "PyTypeObject":
        Py_ssize_t tp_dictoffset
        Py_ssize_t tp_weaklistoffset
        void* tp_dealloc
        void* tp_traverse
        void* tp_clear
        void* tp_new
        void* tp_vectorcall
        void* tp_call
        void* tp_setattro
        void* tp_as_number
        PyObject* tp_dict
        PyObject* (*tp_alloc)(PyTypeObject* t, Py_ssize_t n) noexcept
        void (*tp_free)(void* o) noexcept
    ctypedef struct PyNumberMethods:
        void* nb_add
        void* nb_subtract
        void* nb_multiply
        void* nb_true_divide
        void* nb_power
    PyTypeObject* Py_TYPE(PyObject* o)
    Py_ssize_t Py_REFCNT(PyObject* o)
    void Py_SET_REFCNT(PyObject* o, Py_ssize_t n)
    bint PyObject_TypeCheck(PyObject* o, PyTypeObject* t)
    void PyObject_GC_Track(PyObject* o)
    void PyObject_GC_UnTrack(PyObject* o)
    bint PyObject_GC_IsTracked(PyObject* o)
    void PyObject_ClearWeakRefs(PyObject* o)
    int PyObject_GenericSetAttr(PyObject* o, PyObject* name, PyObject* value) except -1

cdef extern from *:
    """
    /* Zeroed behind its head, and not tracked: as tp_alloc would give it but for that. */
    static PyObject* fg_new_value(PyTypeObject* type) {
        PyObject* o = (PyObject*)_PyObject_GC_New(type);
        if (o != NULL) memset((char*)o + sizeof(PyObject), 0, type->tp_basicsize - sizeof(PyObject));
        return o;
    }
    #ifdef Py_GIL_DISABLED
    #define fg_revive(o) ((void)PyObject_Init((o), Py_TYPE(o)))
    #else
    #define fg_revive(o) Py_SET_REFCNT((o), 1)
    #endif
    #define fg_owned(o) ((void*)(o))
    static FG_THREAD_LOCAL struct { PyObject* doomed; int releasing, nested; } fg_dying = {0};
    #define fg_doomed fg_dying.doomed
    #define fg_releasing fg_dying.releasing
    #define fg_nested fg_dying.nested
    """
    # Values of this thread that wait for their release, linked through `data_`; only this list knows them
    PyObject* fg_doomed
    bint fg_releasing           # they will be released right after what is being released now
    int fg_nested               # Python's own deallocations running below ours, one below the other
    PyObject* fg_new_value(PyTypeObject* t)
    void fg_revive(PyObject* o)
    Value fg_owned(PyObject* o)


cdef PyTypeObject* VALUE = <PyTypeObject*>Value
cdef Py_ssize_t dict_offset = (<TypeObject*>VALUE).tp_dictoffset    # of subclasses too; Cython gives no access to it

cdef Py_ssize_t weak_offset = (<TypeObject*>VALUE).tp_weaklistoffset

cdef enum:
    POOL = 1048576              # dead Values kept for the next ones: 96 MiB at most, what a graph of that many had used
    NESTED = 20                 # so many deallocations of Python's below one another release what dies in them at once

cdef PyObject* pool = NULL      # linked through x1
cdef Py_ssize_t pooled = 0


cdef inline PyObject* alloc_at() except NULL:
    """A leaf that holds 0.0."""
    global pool, pooled
    cdef PyObject* o = pool
    if o != NULL:
        pool = (<Value>o).x1
        (<Value>o).x1 = NULL
        pooled -= 1
        fg_revive(o)
    else:
        o = fg_new_value(VALUE)
        if o == NULL:
            raise MemoryError()
    (<Value>o).grad_kind = INT
    return o


cdef inline bint is_exact(PyObject* o) noexcept:
    return Py_TYPE(o) == VALUE


cdef inline bint is_value(PyObject* o) noexcept:
    return Py_TYPE(o) == VALUE or PyObject_TypeCheck(o, VALUE)


cdef inline PyObject** dict_at(PyObject* o) noexcept:
    return <PyObject**>(<char*>o + dict_offset)


cdef inline dict dict_in(PyObject* o):
    """None where there is none."""
    return <dict>dict_at(o)[0] if dict_at(o)[0] != NULL else None


cdef inline PyObject** weak_at(PyObject* o) noexcept:
    return <PyObject**>(<char*>o + weak_offset)


cdef inline PyObject** dealloc_link(PyObject* o) noexcept:
    return <PyObject**>&(<Value>o).data_


cdef inline void drop(PyObject* o) noexcept:
    if Py_REFCNT(o) > 1:
        Py_DECREF(<object>o)
    else:
        drop_last(o)


cdef void drop_last(PyObject* o) noexcept:
    if is_exact(o):
        defer_dealloc(o)
        if not fg_releasing and fg_nested < NESTED:
            run_deallocs()
    else:
        let_go(o)


cdef inline void defer_dealloc(PyObject* o) noexcept:
    global fg_doomed
    if (<Value>o).flags & TRACKED:
        PyObject_GC_UnTrack(o)
    if weak_at(o)[0] != NULL:
        forget_weakly(o)
    dealloc_link(o)[0] = fg_doomed
    fg_doomed = o


cdef void forget_weakly(PyObject* o) noexcept:
    """Clear the weak references to a dead Value, before anything else can find it by them. Their callbacks are
    called."""
    global fg_releasing, fg_nested
    cdef bint before = fg_releasing
    cdef Py_ssize_t count = Py_REFCNT(o)
    fg_releasing = False
    fg_nested += 1
    Py_SET_REFCNT(o, 0)
    PyObject_ClearWeakRefs(o)
    Py_SET_REFCNT(o, count)
    fg_nested -= 1
    fg_releasing = before
    if not before and fg_doomed != NULL:
        run_deallocs()


cdef void run_deallocs() noexcept:
    """Release those that wait, and those that come to wait meanwhile."""
    global fg_doomed, fg_releasing
    cdef PyObject* o
    fg_releasing = True
    while fg_doomed != NULL:
        o = fg_doomed
        fg_doomed = dealloc_link(o)[0]
        dealloc_now(o)
    fg_releasing = False


cdef void let_go(PyObject* o) noexcept:
    """Release a Python object that may hold Values. See `enter_python` in object/lifetime.pxi."""
    global fg_releasing, fg_nested
    cdef bint before = fg_releasing
    fg_releasing = False
    fg_nested += 1
    Py_DECREF(<object>o)
    fg_nested -= 1
    fg_releasing = before
    if not before and fg_doomed != NULL:
        run_deallocs()


cdef void release_all(PyObject* o) noexcept:
    """Make it a leaf without attributes, then let go of operands and dict."""
    cdef PyObject* d = dict_at(o)[0]
    (<Value>o).flags = (<Value>o).flags & <unsigned char>~SHOWN
    dict_at(o)[0] = NULL
    release_operands(o)
    if d != NULL:
        let_go(d)


cdef void release_operands(PyObject* o) noexcept:
    """Make it a leaf, then let go of its operands."""
    cdef PyObject* x1 = (<Value>o).x1
    cdef PyObject* x2 = (<Value>o).x2
    cdef bint number = (<Value>o).op == POWER
    (<Value>o).x1 = NULL
    (<Value>o).x2 = NULL
    (<Value>o).op = LEAF
    (<Value>o).flags = (<Value>o).flags & <unsigned char>~GIVEN
    if x1 != NULL:
        drop(x1)
    if x2 != NULL:
        if not number:
            drop(x2)
        elif Py_REFCNT(x2) > 1:
            Py_DECREF(<object>x2)
        else:
            let_go(x2)


cdef void dealloc(PyObject* o) noexcept:
    """tp_dealloc."""
    if fg_nested < NESTED or not is_exact(o):
        dealloc_now(o)
    else:
        Py_SET_REFCNT(o, 1)
        defer_dealloc(o)


cdef void dealloc_now(PyObject* o) noexcept:
    """Let go of everything, keep the memory for the next one."""
    global pool, pooled
    if (<Value>o).flags & TRACKED:
        PyObject_GC_UnTrack(o)
    if weak_at(o)[0] != NULL:
        forget_weakly(o)
    Py_SET_REFCNT(o, 2)     # what borrows it for a moment gives it back: keep that from coming here again
    if (<Value>o).x1 != NULL or (<Value>o).x2 != NULL or dict_at(o)[0] != NULL:
        release_all(o)
    if not FASTGRAD_NO_POOLS and pooled < POOL and is_exact(o):
        (<Value>o).data_ = 0
        (<Value>o).grad_ = 0
        (<Value>o).mark = 0
        (<Value>o).op = LEAF
        (<Value>o).data_kind = FLOAT
        (<Value>o).flags = 0
        (<Value>o).x1 = pool
        pool = o
        pooled += 1
    else:
        Py_SET_REFCNT(o, 0)
        (<TypeObject*>Py_TYPE(o)).tp_free(o)


def clear_pool():
    """Give the memory of dead Values back; returns how many bytes that was."""
    global pool, pooled
    cdef PyObject* o
    cdef Py_ssize_t given = pooled * <Py_ssize_t>VALUE.tp_basicsize
    while pool != NULL:
        o = pool
        pool = (<Value>o).x1
        (<Value>o).x1 = NULL
        (<TypeObject*>VALUE).tp_free(o)
    pooled = 0
    return given


cdef object new_value(PyTypeObject* cls, object args, PyObject* kwargs):
    """tp_new."""
    cdef PyObject* o
    if cls == VALUE:
        return fg_owned(alloc_at())
    o = (<TypeObject*>cls).tp_alloc(cls, 0)
    if o == NULL:
        raise MemoryError()
    (<Value>o).grad_kind = INT
    (<Value>o).flags = TRACKED
    return fg_owned(o)


cdef int traverse(PyObject* o, visitproc visit, void* arg) noexcept:
    cdef int stop = 0
    if (<Value>o).x1 != NULL:
        stop = visit((<Value>o).x1, arg)
    if stop == 0 and (<Value>o).x2 != NULL:
        stop = visit((<Value>o).x2, arg)
    if stop == 0 and dict_at(o)[0] != NULL:
        stop = visit(dict_at(o)[0], arg)
    return stop


cdef int clear(PyObject* o) noexcept:
    release_all(o)
    return 0


cdef inline void track(PyObject* o) noexcept:
    if not (<Value>o).flags & TRACKED:
        (<Value>o).flags = (<Value>o).flags | <unsigned char>TRACKED
        PyObject_GC_Track(o)


cdef inline PyObject* node_at(int op, PyObject* x1, PyObject* x2) except NULL:
    """A Value that came from `x1` and, where there is one, `x2`. What a tracked one leads to is tracked: it may be a
    cycle."""
    cdef PyObject* y = alloc_at()
    cdef unsigned char flags = (<Value>x1).flags
    (<Value>y).op = <unsigned char>op
    Py_INCREF(<object>x1)
    (<Value>y).x1 = x1
    if x2 != NULL:
        Py_INCREF(<object>x2)
        (<Value>y).x2 = x2
        if op != POWER:
            flags |= (<Value>x2).flags
    if flags & TRACKED:
        track(y)
    return y
