# Backward of the structured ops that have a few lines of it, and the way to the others.

cdef int backward_structured(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef int op = y.op
    if op != RULE:
        expect_contiguous(y)
    if op == SOFTMAX or op == LOG_SOFTMAX or op == LOGSUMEXP or op == CUMSUM or op == PROD:
        return backward_along(y, resolve(y.x1, y.gen1), g, gs)
    if op == CROSS_ENTROPY:
        return backward_cross_entropy(y, resolve(y.x1, y.gen1), g)
    if op == LAYER_NORM:
        return backward_layer_norm(y, g, gs, only_wanted)
    if op == BATCH_NORM:
        return backward_batch_norm(y, g, gs, only_wanted)
    if op == GATHER:
        return backward_gather(y, resolve(y.x1, y.gen1), g)
    if op == SCATTER_ADD:
        return backward_scatter_add(y, resolve(y.x1, y.gen1), g)
    if op == WHERE:
        return backward_where(y, g, gs, only_wanted)
    if op == CLIP:
        return backward_clip(y, g, gs)
    if op == CONCAT or op == STACK:
        return backward_join(y, g, only_wanted)
    if op == CONV1D or op == CONV2D:
        return backward_convolution(y, g, only_wanted)
    if op == MAX_POOL2D or op == AVG_POOL2D or op == AVG_UNPOOL2D:
        return backward_pool(y, resolve(y.x1, y.gen1), g)
    if op == RNN or op == LSTM or op == GRU:
        return backward_recurrent(y, g, only_wanted)
    return backward_rule(y, g, gs, only_wanted)


cdef int backward_join(Tensor y, char* g, bint only_wanted) except -1:
    cdef Extra extra = <Extra>y.extra
    cdef Py_ssize_t[64] strides
    cdef Py_ssize_t axis = extra.numbers[0], at = 0, k
    cdef int op = y.op
    cdef Layout* layout = y.layout
    cdef Layout* whole
    cdef Tensor x
    cdef char* where
    cdef bint add
    part_strides(op, layout, axis, strides)
    for k in range(len(extra.operands)):
        x = nth_operand(extra, k)
        if takes(x, only_wanted):
            whole = layout_contiguous(x.layout)
            cotangent_room(x, &where, &add)
            if add:
                add_strided(layout.kernel, whole, g + at * layout.strides[axis], strides, where, whole.strides)
            else:
                copy_strided(layout.itemsize, whole, g + at * layout.strides[axis], strides, where, whole.strides)
        at += 1 if op == STACK else x.layout.shape[axis]
    return 0
