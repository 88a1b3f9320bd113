# A growable array of references to tensors or Values: of the nodes that a sweep has to visit. Small ones need no
# allocation.

cdef enum:
    INLINE = 128

cdef struct Vector:
    PyObject** items        # `own`, until it is too small
    Py_ssize_t n
    Py_ssize_t room
    PyObject* own[INLINE]


cdef inline void clear_vector(Vector* v) noexcept nogil:
    v.items = v.own
    v.n = 0
    v.room = INLINE


cdef inline int push(Vector* v, PyObject* o) except -1:
    reserve(v, 1)
    v.items[v.n] = o
    v.n += 1
    return 0


cdef inline int reserve(Vector* v, Py_ssize_t n) except -1:
    """Make room for `n` more, so that pushing them cannot fail."""
    if v.n + n > v.room:
        grow_vector(v, n)
    return 0


cdef int grow_vector(Vector* v, Py_ssize_t n) except -1:
    cdef Py_ssize_t room = max(v.room * 2, v.n + n)
    cdef void* bigger = PyMem_RawRealloc(NULL if v.items == v.own else v.items, room * sizeof(PyObject*))
    if bigger == NULL:
        raise MemoryError()
    if v.items == v.own:
        memcpy(bigger, v.own, v.n * sizeof(PyObject*))
    v.items = <PyObject**>bigger
    v.room = room
    return 0


cdef inline int push_owned(Vector* v, object o) except -1:
    push(v, <PyObject*>o)
    Py_INCREF(o)
    return 0


cdef void free_vector(Vector* v) noexcept:
    """Drop the references that it holds; Python code may run where an object dies."""
    while v.n:
        v.n -= 1
        o = v.items[v.n]
        drop(o)
    if v.items != v.own:
        PyMem_RawFree(v.items)
    clear_vector(v)
