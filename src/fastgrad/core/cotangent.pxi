# Where gradients gather. A tensor of a kernel dtype gathers its cotangent in a raw C-contiguous block of its own shape (in its
# slot where it fits); any other, and every tensor under create_graph, as a Tensor.

cdef int cotangent_room(Tensor x, char** where, bint* add) except -1:
    """Memory for the cotangent of `x`; `add` tells whether something has gathered there already."""
    cdef Storage* own
    if is_small(x.layout):
        where[0] = x.cotangent.value
        add[0] = x.flags & COTANGENT != 0
        x.flags |= COTANGENT
        return 0
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
    where[0] = payload(x.cotangent.storage)
    return 0


cdef int give(Tensor x, const char* g, Storage* storage) except -1:
    """Add a whole cotangent; the first one is shared instead of copied where it is a block (`storage` may be NULL)."""
    cdef char* where
    cdef bint add
    if storage != NULL and not x.flags & COTANGENT:
        x.cotangent.storage = storage_keep(storage)
        x.flags |= COTANGENT
        return 0
    cotangent_room(x, &where, &add)
    if add:
        accumulate(x.layout.kernel, g, where, x.layout.size)
    else:
        memcpy(where, g, x.layout.nbytes)
    return 0


cdef int give_tensor(Tensor x, Tensor gx, bint record) except -1:
    """Add a cotangent that a rule has made."""
    cdef char* where
    cdef bint add
    if not same_shape(x.layout, gx.layout) or x.layout.typenum != gx.layout.typenum:
        raise errors.bad_cotangent(shape_tuple(gx.layout), dtype_of(gx), shape_tuple(x.layout), dtype_of(x))
    if record or x.layout.kernel == NO_KERNEL:
        if x.flags & COTANGENT_TENSOR:
            total = functions["add"](<Tensor>x.cotangent.tensor, gx)
            Py_INCREF(total)
            drop(x.cotangent.tensor)
            x.cotangent.tensor = <PyObject*>total
        else:
            Py_INCREF(gx)
            x.cotangent.tensor = <PyObject*>gx
            x.flags |= COTANGENT | COTANGENT_TENSOR
        return 0
    if gx.layout.flags & C_CONTIGUOUS:
        # A block that the rule's result alone holds can be handed over as it is.
        if gx.storage != NULL and gx.storage.capacity and gx.data == payload(gx.storage) and not gx.flags & VIEW and not is_small(x.layout):
            return give(x, gx.data, gx.storage)
        return give(x, gx.data, NULL)
    cotangent_room(x, &where, &add)
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
    if x.flags & COTANGENT_TENSOR:
        return <Tensor>x.cotangent.tensor
    layout = layout_contiguous(x.layout)
    if is_small(layout):
        t = new_tensor(layout)
        t.own = x.cotangent
        return t
    return adopt(layout, x.cotangent.storage, payload(x.cotangent.storage))
