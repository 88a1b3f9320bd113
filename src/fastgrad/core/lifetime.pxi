# Making tensors, and dropping graphs of any depth without recursion.

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject* o)

cdef PyObject* doomed = NULL    # tensors whose last reference was an edge of a dying tensor, linked through `pending`
cdef bint dropping = False


cdef inline PyObject** doomed_link(PyObject* o) noexcept:
    return <PyObject**>&(<Tensor>o).pending


cdef void drop(PyObject* o) noexcept:
    """Release one edge. A tensor that dies while another one is dying waits in the list: the stack stays flat."""
    global doomed, dropping
    cdef PyObject* next
    if o == NULL:
        return
    if Py_REFCNT(o) > 1:
        Py_DECREF(<object>o)
        return
    if dropping:
        doomed_link(o)[0] = doomed
        doomed = o
        return
    dropping = True
    Py_DECREF(<object>o)
    while doomed != NULL:
        next = doomed_link(doomed)[0]
        o = doomed
        doomed = next
        Py_DECREF(<object>o)
    dropping = False


cdef inline bint is_small(const Layout* layout) noexcept nogil:
    return layout.nbytes <= 8


cdef inline Tensor new_tensor(Layout* layout):
    """A tensor with room for its value, not initialised. `layout` is C-contiguous."""
    cdef Tensor t = Tensor.__new__(Tensor)
    t.layout = keep(layout)
    if is_small(layout):
        t.data = t.own.value
    else:
        t.storage = storage_new(layout.nbytes)
        t.data = payload(t.storage)
    return t


cdef inline Tensor adopt(Layout* layout, Storage* storage, char* data):
    """A tensor over memory that exists; takes a reference of its own to `storage`."""
    cdef Tensor t = Tensor.__new__(Tensor)
    t.layout = keep(layout)
    t.storage = storage_keep(storage)
    t.data = data
    return t


cdef inline Extra extra_of(Tensor t):
    """The tensor's Extra, made where there is none."""
    cdef Extra made
    if t.extra == NULL:
        made = Extra.__new__(Extra)
        Py_INCREF(made)
        t.extra = <PyObject*>made
    return <Extra>t.extra


cdef inline unsigned int version_of(Tensor t) noexcept:
    return t.storage.version if t.storage != NULL else t.gen


cdef int move_out(Tensor t) except -1:
    """Move an inline value to a block of its own, so that views can share it."""
    cdef Storage* storage
    if t.storage == NULL:
        storage = storage_new(8)
        memcpy(payload(storage), t.own.value, 8)
        storage.version = t.gen
        t.storage = storage
        t.data = payload(storage)
    return 0


cdef void free_cotangent(Tensor t) noexcept:
    if t.flags & COTANGENT_TENSOR:
        drop(t.cotangent.tensor)
    elif t.flags & COTANGENT and not is_small(t.layout):
        storage_release(t.cotangent.storage)
    t.flags &= ~<int>(COTANGENT | COTANGENT_TENSOR)


cdef void free_edges(Tensor t) noexcept:
    """Let go of operands and of what the op kept; the tensor stays."""
    cdef PyObject* x1 = t.x1
    cdef PyObject* x2 = t.x2
    cdef PyObject* extra = t.extra
    cdef int flags = t.flags
    t.x1 = NULL
    t.x2 = NULL
    t.flags = <unsigned short>(flags & ~<int>(CONST1 | CONST2))
    if not flags & CONST1:
        drop(x1)
    if not flags & CONST2:
        drop(x2)
    if extra != NULL:
        forget(<Extra>extra)


cdef void forget(Extra extra) noexcept:
    """Drop what only the backward needed. The rule stays, it names the op; the history stays for consumers not yet swept."""
    extra.operands = None
    extra.gens = None
    extra.params = None
    extra.hooks = None
    if extra.kept != NULL:
        storage_release(extra.kept)
        extra.kept = NULL
