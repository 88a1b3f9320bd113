# Allocating Values, releasing what a dead one holds, and the cyclic collector. The pool and the list of dead Values are
# in object/dealloc.pxi.
#
# Releasing an object may run Python code, which may initialise, sweep or drop the same Value. So a Value is put into a
# consistent state first, and what it held is released last.

cdef enum Flags:
    TRACKED = 1     # by the cyclic collector
    GIVEN = 2       # `_prev` is in the dict: the program has read or assigned it
    SHOWN = 4       # the program has seen the dict: it holds all of micrograd's attributes, and nothing else does

cdef extern from "Python.h":
    ctypedef int (*visitproc)(PyObject* o, void* arg) noexcept
    void PyObject_GC_Track(PyObject* o)
    void PyObject_GC_UnTrack(PyObject* o)
    bint PyObject_IS_GC(object o)
    void PyObject_ClearWeakRefs(PyObject* o)

cdef extern from *:
    """
    /* Zeroed behind its head, and not tracked: as tp_alloc would give it but for that. */
    static PyObject* fg_new_value(PyTypeObject* type) {
        PyObject* o = (PyObject*)_PyObject_GC_New(type);
        if (o != NULL) memset((char*)o + sizeof(PyObject), 0, type->tp_basicsize - sizeof(PyObject));
        return o;
    }
    /* The fields to which Cython gives no access. */
    #define fg_dict_at(x) (&(x)->__dict__)
    #define fg_weak_at(x) (&(x)->__weakref__)
    """
    PyObject* fg_new_value(PyTypeObject* t) noexcept
    PyObject** fg_dict_at(Value x)
    PyObject** fg_weak_at(Value x)
    Value fg_owned(PyObject* o)

cdef PyTypeObject* POOLED = <PyTypeObject*>Value       # 96 MiB at most


cdef inline PyObject* new_object() noexcept:
    cdef PyObject* o = fg_new_value(POOLED)
    if o != NULL:
        (<Value>o).grad_kind = INT
    return o


cdef inline bint is_exact(object o) noexcept:
    return Py_TYPE(o) == POOLED


cdef inline bint is_value(object o) noexcept:
    return Py_TYPE(o) == POOLED or PyObject_TypeCheck(o, POOLED)


cdef inline bint is_pooled(PyObject* o) noexcept:
    return Py_TYPE(<object>o) == POOLED


cdef inline void object_taken(PyObject* o) noexcept:
    pass


cdef inline void before_dealloc(PyObject* o) noexcept:
    if (<Value>o).flags & TRACKED:
        PyObject_GC_UnTrack(o)
    if fg_weak_at(<Value>o)[0] != NULL:
        clear_weak_references(o)


cdef void clear_weak_references(PyObject* o) noexcept:
    """Clear the weak references to a dead Value before anything else can find it through them, and call their
    callbacks."""
    cdef bint before = enter_python()
    cdef Py_ssize_t count = Py_REFCNT(o)
    Py_SET_REFCNT(o, 0)
    PyObject_ClearWeakRefs(o)
    Py_SET_REFCNT(o, count)
    leave_python(before)


cdef void dealloc_now(PyObject* o) noexcept:
    """Release all that a dead Value holds, and pool its memory."""
    before_dealloc(o)
    Py_SET_REFCNT(o, 2)     # a reference that is taken and dropped meanwhile must not lead here again
    if (<Value>o).x1 != NULL or (<Value>o).x2 != NULL or fg_dict_at(<Value>o)[0] != NULL:
        release_fields(<Value>o)
    if pool_has_room() and is_pooled(o):
        (<Value>o).grad_ = 0
        (<Value>o).mark = 0
        (<Value>o).op = LEAF
        (<Value>o).data_kind = FLOAT
        (<Value>o).grad_kind = INT
        (<Value>o).flags = 0
        pool_object(o)
    else:
        Py_SET_REFCNT(o, 0)
        free_object(o)


cdef void release_fields(Value x) noexcept:
    """Make `x` a leaf without attributes."""
    cdef PyObject* kept = fg_dict_at(x)[0]
    x.flags = x.flags & <unsigned char>~SHOWN
    fg_dict_at(x)[0] = NULL
    release_operands(x)
    drop(kept)


cdef void release_operands(Value x) noexcept:
    """Make `x` a leaf."""
    cdef PyObject* x1 = x.x1
    cdef PyObject* x2 = x.x2
    x.x1 = NULL
    x.x2 = NULL
    x.op = LEAF
    x.flags = x.flags & <unsigned char>~GIVEN
    drop(x1)
    drop(x2)


cdef object new_value(PyTypeObject* cls, object args, PyObject* kwargs):
    """tp_new."""
    if cls == POOLED:
        return fg_owned(take_object())
    cdef PyObject* o = cls.tp_alloc(cls, 0)
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
    if stop == 0 and fg_dict_at(<Value>o)[0] != NULL:
        stop = visit(fg_dict_at(<Value>o)[0], arg)
    return stop


cdef int clear(PyObject* o) noexcept:
    release_fields(<Value>o)
    return 0


cdef inline void track(Value x) noexcept:
    if not x.flags & TRACKED:
        x.flags = x.flags | <unsigned char>TRACKED
        PyObject_GC_Track(<PyObject*>x)


cdef inline Value leaf(object o):
    cdef Value x = fg_owned(take_object())
    set_data(x, o)
    return x


cdef inline Value node(int op, PyObject* x1, PyObject* x2, Number n):
    """A result of `x1` and, unless it is NULL, `x2`. It is tracked where an operand is, which may be part of a
    cycle."""
    cdef PyObject* y = take_object()
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
        track(<Value>y)
    (<Value>y).data_ = n.value
    (<Value>y).data_kind = <unsigned char>n.kind
    return fg_owned(y)


cdef Value node_object(int op, PyObject* x1, PyObject* x2, object data):
    cdef Value y = node(op, x1, x2, number_of(data))
    if y.data_kind == OBJECT:
        store_object(y, "data", data)
    return y
