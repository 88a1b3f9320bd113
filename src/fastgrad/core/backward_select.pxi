# Backward of where and clip. Which elements were chosen is asked of the operands again, never kept.

cdef int backward_where(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Extra extra = <Extra>y.extra
    cdef Tensor mask = condition_of(nth_operand(extra, 0)), x
    cdef Layout* layout = layout_contiguous(y.layout)
    cdef int k
    cdef bint add, turn, whole
    cdef char* where
    cdef Storage* part
    for k in range(1, 3):
        if type(extra.operands[k]) is not Tensor:
            continue
        x = nth_operand(extra, k)
        if not takes(x, only_wanted):
            continue
        turn = k == 2
        whole = same_shape(x.layout, layout)
        if whole and k == 2 and gs != NULL and gs.refs == 1 and not x.flags & COTANGENT:
            room_for(x, g, gs, &where, &add)
        else:
            cotangent_room(x, &where, &add)
        if whole and not add:
            where_backward(layout.kernel, mask.layout, mask.data, layout, g, where, turn)
            continue
        part = storage_new(layout.nbytes)
        try:
            where_backward(layout.kernel, mask.layout, mask.data, layout, g, payload(part), turn)
            if whole:
                accumulate(layout.kernel, payload(part), where, layout.size)
            else:
                sum_into(layout, payload(part), x.layout, where, add)
        finally:
            storage_release(part)
    return 0


cdef int backward_clip(Tensor y, char* g, Storage* gs) except -1:
    cdef Extra extra = <Extra>y.extra
    cdef Tensor x = nth_operand(extra, 0), source
    cdef double high
    cdef char* where
    cdef bint add
    memcpy(&high, extra.numbers, sizeof(double))
    source = contiguous(x)
    room_for(x, g, gs, &where, &add)
    clip_backward(x.layout.kernel, g, source.data, where, x.layout.size, extra.number, high, add)
    return 0
