# Accumulating cotangents. A tensor of a kernel dtype has its cotangent in a C-contiguous block of its shape, or inline
# in its slot if it is small; any other, and every tensor under create_graph, as a Tensor.

cdef char* cotangent_buffer(Tensor x, bint* add) except NULL:
    """Memory for the cotangent of `x`. Sets `add` if it holds a cotangent already, to which the next one is added."""
    if x.flags & UNIFORM:
        spread_uniform(x)
    add[0] = x.flags & COTANGENT != 0
    if is_small(x.layout):
        x.flags |= COTANGENT
        return x.cotangent.value
    if not add[0]:
        x.cotangent.storage = storage_new(x.layout.nbytes)
        x.flags |= COTANGENT
    elif x.cotangent.storage.refs > 1:
        own = storage_new(x.layout.nbytes)
        move_door(payload(own), payload(x.cotangent.storage), x.layout.nbytes)
        storage_release(x.cotangent.storage)
        x.cotangent.storage = own
    return payload(x.cotangent.storage)


cdef inline Storage* cotangent_block(Tensor x) noexcept:
    """The block with the cotangent of `x`; NULL if it is inline."""
    return NULL if is_small(x.layout) or x.flags & UNIFORM else x.cotangent.storage


cdef inline char* cotangent_buffer_or_reuse(Tensor x, char* g, Storage* gs, bint* add) except NULL:
    """As `cotangent_buffer`. If nobody else holds the block `gs`, of the size of `x`, its memory `g` is the buffer."""
    if gs != NULL and gs.refs == 1 and not x.flags & COTANGENT:
        x.cotangent.storage = storage_keep(gs)
        x.flags |= COTANGENT
        add[0] = False
        return g
    return cotangent_buffer(x, add)


cdef int accumulate(Tensor x, const char* g, Storage* storage) except -1:
    """Add the cotangent at `g`. The first one is not copied but shared if it is in a block, `storage`, else NULL."""
    cdef bint add
    cdef Outside o
    if storage != NULL and not x.flags & COTANGENT:
        x.cotangent.storage = storage_keep(storage)
        x.flags |= COTANGENT
        return 0
    cdef char* where = cotangent_buffer(x, &add)
    if add:     # without the GIL only if the caller says in which block `g` is
        go_outside(&o, 0 if storage == NULL else x.layout.nbytes, None, None, None, storage, cotangent_block(x))
        accumulate_door(x.layout.kernel, g, where, x.layout.size)
        come_back(&o)
    else:
        move_door(where, g, x.layout.nbytes)
    return 0


# The cotangent of a full sum is one number for all elements. It stays one number through additions, and elementwise
# kernels spread it block by block, which saves a pass over memory for arrays larger than the cache.

cdef inline double uniform_value(Tensor x) noexcept nogil:
    return load_number(x.layout.kernel, x.cotangent.value)


cdef int accumulate_uniform(Tensor x, const char* g, double times, Py_ssize_t parts) except -1:
    """Add the number at `g`, times `times`, and divided by `parts` if that is not 0, to every element of the
    cotangent."""
    cdef bint add
    if not is_small(x.layout) and (x.flags & UNIFORM or not x.flags & COTANGENT):
        share_door(x.layout.kernel, g, times, parts, x.cotangent.value, x.flags & UNIFORM != 0)
        x.flags |= COTANGENT | UNIFORM
        return 0
    cdef char* where = cotangent_buffer(x, &add)
    if not add:
        fill_door(x.layout.kernel, g, times, parts, where, x.layout.size)
    else:
        add_number_door(x.layout.kernel, g, times, parts, where, x.layout.size)
    return 0


cdef inline int accumulate_same(Tensor x, Tensor y, const char* g, Storage* storage) except -1:
    """Add the cotangent of `y`, at `g`, to that of `x`, of the same shape."""
    return accumulate_uniform(x, y.cotangent.value, 1, 0) if y.flags & UNIFORM else accumulate(x, g, storage)


cdef int spread_uniform(Tensor x) except -1:
    """Replace the one number by an array."""
    cdef Storage* block = storage_new(x.layout.nbytes)
    fill_door(x.layout.kernel, x.cotangent.value, 1, 0, payload(block), x.layout.size)
    x.cotangent.storage = block
    x.flags &= ~<int>UNIFORM
    return 0


cdef inline void set_cotangent_tensor(Tensor x, Tensor g) noexcept:
    Py_INCREF(g)
    x.cotangent.tensor = <PyObject*>g
    x.flags |= COTANGENT | COTANGENT_TENSOR


cdef int accumulate_tensor(Tensor x, Tensor gx, bint record) except -1:
    """Add a cotangent that a rule has returned."""
    cdef bint add
    cdef unsigned int number = x.sweep
    if fg_capture != NULL:
        capture_operand(gx)
    if FASTGRAD_DEBUG and (not same_shape(x.layout, gx.layout) or x.layout.typenum != gx.layout.typenum):
        raise AssertionError("a cotangent of another shape or dtype")       # its rule's result was checked before
    if not record:
        ready(gx)
    if record or x.layout.kernel == NO_KERNEL:
        if not x.flags & COTANGENT_TENSOR:
            set_cotangent_tensor(x, gx)
            return 0
        before = x.cotangent.tensor
        total = functions["add"](<Tensor>before, gx)
        if x.sweep != number or not x.flags & COTANGENT_TENSOR or x.cotangent.tensor != before:
            raise errors.graph_changed()    # by code that ran during the addition
        set_cotangent_tensor(x, <Tensor>total)
        drop(before)
        return 0
    if gx.layout.flags & C_CONTIGUOUS:
        # The block of a result is shared, but not memory of others.
        return accumulate(x, gx.data, gx.storage if gx.storage != NULL and gx.storage.capacity and not gx.flags & VIEW
                          and gx.data == payload(gx.storage) and not is_small(x.layout) else NULL)
    cdef char* where = cotangent_buffer(x, &add)
    cdef Layout* layout = layout_contiguous(x.layout)
    if add:
        add_door(x.layout.kernel, x.layout, gx.data, gx.layout.strides, where, layout.strides)
    else:
        copy_door(x.layout.itemsize, x.layout, gx.data, gx.layout.strides, where, layout.strides)
    return 0


cdef Tensor cotangent_tensor(Tensor x):
    """The cotangent of `x` as a Tensor that shares its block."""
    if x.flags & UNIFORM:
        spread_uniform(x)
    if x.flags & COTANGENT_TENSOR:
        return <Tensor>x.cotangent.tensor
    cdef Layout* layout = layout_contiguous(x.layout)
    if is_small(layout):
        t = new_tensor(layout)
        move_door(t.own.value, x.cotangent.value, layout.nbytes)
        return t
    return adopt(layout, x.cotangent.storage, payload(x.cotangent.storage))


cdef inline bint takes(Tensor x, bint only_wanted) noexcept:
    """Whether the sweep goes to `x`: that of `gradients` only if `x` leads to an input."""
    return x.flags & (REACHES_INPUT if only_wanted else REQUIRES_GRAD) != 0


cdef inline bint owns_value(Tensor y) noexcept:
    """Whether nothing else holds the value of `y`, and its block is ours."""
    cdef Storage* s = y.storage
    return s != NULL and s.refs == 1 and s.base == NULL and s.flags == 0 and y.data == payload(s)
