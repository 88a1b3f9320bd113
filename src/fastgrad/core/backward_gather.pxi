# Backward of indexing by arrays, and of its transpose. Reads the places that were kept, never the arrays again.

cdef int backward_gather(Tensor y, Tensor x, char* g) except -1:
    """What was read at a place adds up there."""
    cdef Places p
    cdef char* where
    cdef bint add
    kept_places(y, x.layout, &p)
    cotangent_room(x, &where, &add)
    if not add:
        memset(where, 0, x.layout.nbytes)
    scatter(x.layout.kernel, g, <Py_ssize_t*>payload(p.at), where, p.outer, p.n, p.inner, p.count)
    return 0


cdef int backward_scatter_add(Tensor y, Tensor x, char* g) except -1:
    """What was added to a place gets its cotangent."""
    cdef Places p
    cdef Py_ssize_t[64] shape
    cdef Py_ssize_t[64] strides
    cdef Py_ssize_t offset
    cdef char* where
    cdef bint add
    cdef Layout* layout = layout_contiguous(x.layout)
    cdef Extra extra = <Extra>y.extra
    if extra.kept == NULL:
        parse_key(y.layout, extra.params["key"], shape, strides, &offset)
    cotangent_room(x, &where, &add)
    if extra.kept == NULL:
        if add:
            add_strided(layout.kernel, layout, g + offset, strides, where, layout.strides)
        else:
            copy_strided(layout.itemsize, layout, g + offset, strides, where, layout.strides)
        return 0
    kept_places(y, y.layout, &p)
    if add:
        gather_add(layout.kernel, g, <Py_ssize_t*>payload(p.at), where, p.outer, p.n, p.inner, p.count)
    else:
        gather(layout.itemsize, g, <Py_ssize_t*>payload(p.at), where, p.outer, p.n, p.inner, p.count)
    return 0
