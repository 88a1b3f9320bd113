# Allocating tensors, and releasing what a dead one holds; the pool and the list of dead tensors are in dealloc.pxi.

cdef extern from *:
    """
    /* Zeroed behind its head, as tp_alloc would give it. */
    static PyObject* fg_allocate(PyTypeObject* type) {
        PyObject* o = (PyObject*)PyObject_Malloc(type->tp_basicsize);
        if (o == NULL) return NULL;
        memset((char*)o + sizeof(PyObject), 0, type->tp_basicsize - sizeof(PyObject));
        return PyObject_Init(o, type);
    }
    #define fg_put_item(t, k, o) (Py_INCREF(o), (void)PyTuple_SET_ITEM(t, k, o))
    """
    Tensor fg_owned(PyObject* o)
    tuple PyTuple_New(Py_ssize_t n)
    void put_item "fg_put_item"(tuple t, Py_ssize_t k, object o)     # of a new tuple
    PyObject* fg_allocate(PyTypeObject* t)

cdef PyTypeObject* POOLED = <PyTypeObject*>Tensor      # 112 MiB at most


cdef inline PyObject* new_object() noexcept:
    return fg_allocate(POOLED)


cdef inline bint is_pooled(PyObject* o) noexcept:
    return True


cdef inline void object_taken(PyObject* o) noexcept:
    if fg_capturing:
        capture_object(o)


cdef inline void before_dealloc(PyObject* o) noexcept:
    pass


cdef inline bint is_tensor(object o) noexcept:
    """Whether `o` is a Tensor, perhaps of a class made by `subclass`: only they are deallocated here."""
    return Py_TYPE(o).tp_dealloc == <void*>dealloc


cdef inline void take_class(Tensor y, PyObject* x) noexcept:
    """Give `y`, computed from `x`, the class of `x`. Classes of Tensors are never freed, and not counted."""
    if Py_TYPE(<object>x) != POOLED:
        Py_SET_TYPE(<PyObject*>y, Py_TYPE(<object>x))


cdef inline bint is_small(const Layout* layout) noexcept nogil:
    return layout.nbytes <= 8


cdef inline PyObject* alloc_at() except NULL:
    """A tensor without layout and data, all else zero. Cython's own `__new__` and deallocation cost 8 ns more, and a
    variable of type Tensor that is returned another 2."""
    cdef PyObject* o = take_object()
    if FASTGRAD_DEBUG:
        count_live(1)
    return o


cdef inline Tensor alloc():
    return fg_owned(alloc_at())


cdef void dealloc_now(PyObject* o) noexcept:
    """Release all that a dead tensor holds, and pool its memory."""
    Py_SET_REFCNT(o, 2)     # a reference that is taken and dropped meanwhile must not lead here again
    if ((<Tensor>o).storage != NULL or (<Tensor>o).x1 != NULL or (<Tensor>o).x2 != NULL or (<Tensor>o).extra != NULL
            or (<Tensor>o).grad_ != NULL or (<Tensor>o).flags & <int>(COTANGENT | COTANGENT_TENSOR)):
        release_fields(<Tensor>o)
    if (<Tensor>o).layout != NULL:
        release((<Tensor>o).layout)
    if FASTGRAD_DEBUG:
        count_live(-1)
    if Py_TYPE(<object>o) != POOLED:
        Py_SET_TYPE(o, POOLED)
    if pool_has_room():
        # What `new_tensor` and `adopt` do not set. One `memset` becomes `rep stos`, which is slower.
        (<Tensor>o).storage = NULL
        (<Tensor>o).x1 = NULL
        (<Tensor>o).x2 = NULL
        (<Tensor>o).extra = NULL
        (<Tensor>o).grad_ = NULL
        (<Tensor>o).pending = 0
        (<Tensor>o).sweep = 0
        (<Tensor>o).saved = 0
        (<Tensor>o).gen = 0
        (<Tensor>o).gen1 = 0
        (<Tensor>o).gen2 = 0
        (<Tensor>o).flags = 0
        (<Tensor>o).op = LEAF
        (<Tensor>o).traced = 0
        pool_object(o)
    else:
        free_object(o)


cdef void release_fields(Tensor t) noexcept:
    """Release everything that a dead tensor holds, except its layout."""
    if t.flags & (COTANGENT | COTANGENT_TENSOR):
        free_cotangent(t)
    if t.storage != NULL:
        if t.storage.base == NULL:
            if t.storage.flags & POSTPONED:
                forget_postponed(t.storage)
            storage_release(t.storage)
        else:
            before = enter_python()
            storage_release(t.storage)
            leave_python(before)
    drop_edges(t)
    drop(t.grad_)
    if t.extra != NULL:
        release_python(t.extra)


cdef int count_live(int change) noexcept:
    global live_tensors
    live_tensors += change
    return 0


cdef int expect_order(const Layout* layout) except -1:
    """In debug builds: raise if memory for a kernel is not in C order, as all of them assume."""
    if not layout.flags & C_CONTIGUOUS:
        raise AssertionError("a kernel was given memory that is not in C order")
    return 0


cdef inline int expect_contiguous(Tensor t) except -1:
    if FASTGRAD_DEBUG and t is not None:
        expect_order(t.layout)
    return 0


cdef inline Tensor new_tensor(Layout* layout):
    """A tensor with room for its value, not initialised. `layout` is C-contiguous."""
    cdef Tensor t = alloc()
    if FASTGRAD_DEBUG:
        expect_order(layout)
    t.layout = keep(layout)
    if is_small(layout):
        t.data = t.own.value
    else:
        t.storage = storage_new(layout.nbytes)
        t.data = payload(t.storage)
    return t


cdef inline Tensor adopt(Layout* layout, Storage* storage, char* data):
    """A tensor over existing memory, with its own reference to `storage`."""
    cdef Tensor t = alloc()
    t.layout = keep(layout)
    t.storage = storage_keep(storage)
    t.data = data
    return t


cdef inline NodeExtra extra_of(Tensor t):
    """The tensor's NodeExtra, made if there is none."""
    if t.extra == NULL:
        made = <NodeExtra>NodeExtra.__new__(NodeExtra)
        Py_INCREF(made)
        t.extra = <PyObject*>made
    return <NodeExtra>t.extra


cdef void free_cotangent(Tensor t) noexcept:
    """Release the cotangent. If it is a Tensor, this may run Python code, last."""
    cdef Slot g = t.cotangent
    cdef int flags = t.flags
    t.flags = <unsigned short>(flags & ~<int>(COTANGENT | COTANGENT_TENSOR | UNIFORM | DEFERRED))
    if flags & COTANGENT_TENSOR:
        drop(g.tensor)
    elif flags & COTANGENT and not flags & <int>(UNIFORM | DEFERRED) and not is_small(t.layout):
        storage_release(g.storage)


cdef void free_edges(Tensor t) noexcept:
    """Release what only the backward needs. The rule, which names the op, and the history stay."""
    cdef PyObject* extra = t.extra
    drop_edges(t)
    if extra != NULL:
        clear_extra(<NodeExtra>extra)


cdef void clear_extra(NodeExtra extra) noexcept:
    cdef bint before = enter_python()
    extra.operands = None
    extra.gens = None
    extra.params = None
    extra.values = None
    extra.result = None
    extra.hooks = None
    leave_python(before)
    if extra.kept != NULL:
        storage_release(extra.kept)
        extra.kept = NULL
