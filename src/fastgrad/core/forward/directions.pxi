# A tangent or cotangent of one direction, or of a batch of directions: then it has an additional axis 0.

cdef enum:
    SINGLE = -1             # the size of a batch that is none


cdef Layout* batched_layout(const Layout* layout, Py_ssize_t batch) except NULL:
    """The C-contiguous layout of `batch` arrays of a layout, of one if that is SINGLE."""
    cdef Py_ssize_t[65] shape
    if batch == SINGLE:
        return layout_contiguous(<Layout*>layout)
    if layout.ndim == MAX_NDIM:
        raise direction_errors.too_many_axes()
    shape[0] = batch
    memcpy(shape + 1, layout.shape, layout.ndim * sizeof(Py_ssize_t))
    return layout_get(layout.typenum, layout.itemsize, layout.ndim + 1, shape, NULL)


cdef object size_or_none(Py_ssize_t batch):
    return None if batch == SINGLE else batch


cdef bint fits_batch(Tensor t, Tensor x, Py_ssize_t batch) noexcept:
    """Whether `t` has the dtype of `x`, and its shape behind the axis of the batch."""
    cdef int more = 0 if batch == SINGLE else 1
    return (t.layout.typenum == x.layout.typenum and t.layout.ndim == x.layout.ndim + more
            and (more == 0 or t.layout.shape[0] == batch)
            and memcmp(t.layout.shape + more, x.layout.shape, x.layout.ndim * sizeof(Py_ssize_t)) == 0)


cdef Tensor rearranged(Tensor y, Tensor t, Py_ssize_t batch, Py_ssize_t row, Py_ssize_t offset,
                       const Py_ssize_t* strides):
    """A direction of `y` that `strides` and an offset in bytes find in `t`, in which a direction takes `row` bytes."""
    cdef Py_ssize_t[65] steps
    cdef Tensor source = contiguous(t)
    cdef Tensor out = new_tensor(batched_layout(y.layout, batch))
    copy_door(y.layout.itemsize, out.layout, source.data + offset,
              batched_strides(steps, y.layout, batch, row, strides), out.data, out.layout.strides)
    return out


cdef const Py_ssize_t* batched_strides(Py_ssize_t* steps, const Layout* layout, Py_ssize_t batch, Py_ssize_t row,
                                       const Py_ssize_t* strides) noexcept:
    """Strides of an array of a layout, in `steps` behind that of the batch if there is one."""
    if batch == SINGLE:
        return strides
    steps[0] = row
    memcpy(steps + 1, strides, layout.ndim * sizeof(Py_ssize_t))
    return steps


cdef Tensor placed(Tensor y, const Layout* part, Tensor t, Py_ssize_t batch, Py_ssize_t offset,
                   const Py_ssize_t* strides):
    """The opposite: a direction of `y` that is zero but for the elements of `t`, each of the layout `part`."""
    cdef Py_ssize_t[65] steps
    cdef Tensor source = contiguous(t)
    cdef Tensor out = new_tensor(batched_layout(y.layout, batch))
    cdef Layout* parts = batched_layout(part, batch)
    if out.layout.size != parts.size:
        zero_door(out.data, out.layout.nbytes)
    copy_door(part.itemsize, parts, source.data, parts.strides, out.data + offset,
              batched_strides(steps, part, batch, y.layout.nbytes, strides))
    return out


cdef Tensor reshaped(Tensor y, Tensor t, Py_ssize_t batch):
    """The elements of `t` as a direction of `y`."""
    cdef Tensor source = contiguous(t)
    move_out(source)
    return adopt(batched_layout(y.layout, batch), source.storage, source.data)
