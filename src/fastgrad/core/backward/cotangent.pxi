# Where gradients gather. A tensor of a kernel dtype gathers its cotangent in a raw C-contiguous block of its own shape
# (in its slot where it fits); any other, and every tensor under create_graph, as a Tensor.

cdef char* cotangent_buffer(Tensor x, bint* add) except NULL:
    """Memory for the cotangent of `x`; `add` tells whether something has gathered there already."""
    cdef Storage* own
    if x.flags & UNIFORM:
        spread_uniform(x)
    if is_small(x.layout):
        add[0] = x.flags & COTANGENT != 0
        x.flags |= COTANGENT
        return x.cotangent.value
    if x.flags & COTANGENT:
        add[0] = True
        if x.cotangent.storage.refs > 1:
            own = storage_new(x.layout.nbytes)
            memcpy(payload(own), payload(x.cotangent.storage), x.layout.nbytes)
            storage_release(x.cotangent.storage)
            x.cotangent.storage = own
    else:
        add[0] = False
        x.cotangent.storage = storage_new(x.layout.nbytes)
        x.flags |= COTANGENT
    return payload(x.cotangent.storage)


cdef int accumulate(Tensor x, const char* g, Storage* storage) except -1:
    """Add a whole cotangent; the first one is shared instead of copied where it is a block (`storage` may be NULL)."""
    cdef char* where
    cdef bint add
    if storage != NULL and not x.flags & COTANGENT:
        x.cotangent.storage = storage_keep(storage)
        x.flags |= COTANGENT
        return 0
    where = cotangent_buffer(x, &add)
    if add:
        typed[x.layout.kernel].accumulate(g, where, x.layout.size)
    else:
        memcpy(where, g, x.layout.nbytes)
    return 0


# The gradient of a sum is one number, copied to every summand. It stays one number through additions, and elementwise
# kernels spread it block by block: for arrays that leave the cache, a pass over memory less for each of them.

cdef inline double uniform_value(Tensor x) noexcept nogil:
    return (<double*>x.cotangent.value)[0] if x.layout.kernel == F64 else <double>(<float*>x.cotangent.value)[0]


cdef inline void set_uniform(Tensor x, double value) noexcept nogil:
    if x.layout.kernel == F64:
        (<double*>x.cotangent.value)[0] = value
    else:
        (<float*>x.cotangent.value)[0] = <float>value


cdef int accumulate_uniform(Tensor x, double value) except -1:
    """Add one number to every element of the cotangent."""
    cdef char* where
    cdef bint add
    if not is_small(x.layout) and (x.flags & UNIFORM or not x.flags & COTANGENT):
        set_uniform(x, uniform_value(x) + value if x.flags & UNIFORM else value)
        x.flags |= COTANGENT | UNIFORM
        return 0
    where = cotangent_buffer(x, &add)
    if not add:
        typed[x.layout.kernel].fill(where, x.layout.size, value)
    else:
        typed[x.layout.kernel].add_number(where, x.layout.size, value)
    return 0


cdef inline int accumulate_same(Tensor x, Tensor y, const char* g, Storage* storage) except -1:
    """Add the whole cotangent of `y`, at `g`, to that of `x`, of the same shape."""
    return accumulate_uniform(x, uniform_value(y)) if y.flags & UNIFORM else accumulate(x, g, storage)


cdef int spread_uniform(Tensor x) except -1:
    """Make the one number an array after all."""
    cdef Storage* room = storage_new(x.layout.nbytes)
    typed[x.layout.kernel].fill(payload(room), x.layout.size, uniform_value(x))
    x.cotangent.storage = room
    x.flags &= ~<int>UNIFORM
    return 0


cdef int accumulate_tensor(Tensor x, Tensor gx, bint record) except -1:
    """Add a cotangent that a rule has made."""
    cdef char* where
    cdef bint add
    cdef PyObject* before
    cdef unsigned int number = x.sweep
    if FASTGRAD_DEBUG and (not same_shape(x.layout, gx.layout) or x.layout.typenum != gx.layout.typenum):
        # whoever made it was asked before: here it is memory
        raise AssertionError("a cotangent of another shape or dtype")
    if record or x.layout.kernel == NO_KERNEL:
        if x.flags & COTANGENT_TENSOR:
            before = x.cotangent.tensor
            total = functions["add"](<Tensor>before, gx)
            if x.sweep != number or not x.flags & COTANGENT_TENSOR or x.cotangent.tensor != before:
                raise errors.graph_changed()    # by code that ran in the middle of the sum
            Py_INCREF(total)
            x.cotangent.tensor = <PyObject*>total
            drop(before)
        else:
            Py_INCREF(gx)
            x.cotangent.tensor = <PyObject*>gx
            x.flags |= COTANGENT | COTANGENT_TENSOR
        return 0
    if gx.layout.flags & C_CONTIGUOUS:
        # A block that the rule's result alone holds can be handed over as it is.
        if (gx.storage != NULL and gx.storage.capacity and gx.data == payload(gx.storage) and not gx.flags & VIEW
                and not is_small(x.layout)):
            return accumulate(x, gx.data, gx.storage)
        return accumulate(x, gx.data, NULL)
    where = cotangent_buffer(x, &add)
    layout = <size_t>layout_contiguous(x.layout)
    if add:
        add_strided(x.layout.kernel, x.layout, gx.data, gx.layout.strides, where, (<Layout*>layout).strides)
    else:
        copy_strided(x.layout.itemsize, x.layout, gx.data, gx.layout.strides, where, (<Layout*>layout).strides)
    return 0


cdef Tensor cotangent_tensor(Tensor x):
    """What has gathered, as a Tensor that shares the block."""
    cdef Layout* layout
    cdef Tensor t
    if x.flags & UNIFORM:
        spread_uniform(x)
    if x.flags & COTANGENT_TENSOR:
        return <Tensor>x.cotangent.tensor
    layout = layout_contiguous(x.layout)
    if is_small(layout):
        t = new_tensor(layout)
        t.own = x.cotangent
        return t
    return adopt(layout, x.cotangent.storage, payload(x.cotangent.storage))


cdef inline bint takes(Tensor x, bint only_wanted) noexcept:
    """Whether a gradient flows to `x`; `gradients` goes only where what it was asked for lies."""
    return x.flags & (REACHES_INPUT if only_wanted else REQUIRES_GRAD) != 0


cdef inline bint owns_value(Tensor y) noexcept:
    """Whether `y` alone holds its value, in a block of ours."""
    cdef Storage* s = y.storage
    return s != NULL and s.refs == 1 and s.base == NULL and s.flags == 0 and y.data == payload(s)


cdef inline char* cotangent_buffer_or_reuse(Tensor x, char* g, Storage* gs, bint* add) except NULL:
    """As `cotangent_buffer`; where nobody else reads the block at `g`, of the size of `x`, that becomes the buffer."""
    if gs != NULL and gs.refs == 1 and not x.flags & COTANGENT:
        x.cotangent.storage = storage_keep(gs)
        x.flags |= COTANGENT
        add[0] = False
        return g
    return cotangent_buffer(x, add)
