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
