# Elementwise kernels over whole arrays: block by block, and by several threads where arrays are large.

cdef struct ForwardJob:
    Forward forward
    int dtype
    const char* x
    char* y
    bint stream


cdef void forward_part(const void* job, Py_ssize_t first, Py_ssize_t last, int who) noexcept nogil:
    cdef const ForwardJob* j = <const ForwardJob*>job
    cdef char[STREAM_BLOCK + 64] buffer
    cdef char* block = <char*>((<size_t>buffer + 63) & ~<size_t>63)
    cdef Py_ssize_t item = item_bytes(j.dtype), n = last - first, m
    cdef const char* x = j.x + first * item
    cdef char* y = j.y + first * item
    while n > 0:
        m = min(n, <Py_ssize_t>STREAM_BLOCK // item if j.stream else <Py_ssize_t>BLOCK)
        j.forward(x, block if j.stream else y, m, &helpers[j.dtype])
        x += m * item
        if j.stream:
            fg_stream(block, y, m * item, x, NULL)
        y += m * item
        n -= m
    if j.stream:
        fg_stream_end()


cdef void own_forward(Forward forward, int dtype, const char* x, char* y, Py_ssize_t n) noexcept nogil:
    """y = forward(x), into a fresh block; a large one is written past the cache."""
    cdef Py_ssize_t nbytes = n * item_bytes(dtype)
    cdef ForwardJob job = [forward, dtype, x, y, FG_BYPASS and nbytes >= FG_STREAM]
    if nbytes >= split_from:
        split_work(forward_part, &job, n, LANES)
    else:
        forward_part(&job, 0, n, 0)


cdef struct BackwardJob:
    Backward kernel
    int dtype
    const char* g
    const char* x1
    const char* x2
    const char* y
    char* gx
    bint add
    const double* constant
    bint uniform


cdef inline char* moved(const char* x, Py_ssize_t nbytes) noexcept nogil:
    return NULL if x == NULL else <char*>x + nbytes


cdef void backward_part(const void* job, Py_ssize_t start, Py_ssize_t last, int who) noexcept nogil:
    cdef const BackwardJob* j = <const BackwardJob*>job
    cdef char[BLOCK * 8] filled
    cdef char[BLOCK * 8] upstream
    cdef Py_ssize_t itemsize = item_bytes(j.dtype)
    cdef Py_ssize_t at = start * itemsize, n = last - start, m = min(n, <Py_ssize_t>BLOCK)
    cdef const char* first = moved(j.x1, at)
    cdef const char* second = moved(j.x2, at)
    cdef const char* g = j.g
    cdef double c = 0
    if j.constant != NULL:
        c = j.constant[0]
        typed[j.dtype].fill(filled, m, c)
        if j.x1 == NULL:
            first = filled
        else:
            second = filled
    if j.uniform:
        typed[j.dtype].fill(upstream, m, (<const double*>g)[0] if j.dtype == F64 else <double>(<const float*>g)[0])
    while n > 0:
        m = min(n, <Py_ssize_t>BLOCK)
        j.kernel(<char*>upstream if j.uniform else <char*>g + at, first, second, moved(j.y, at), j.gx + at, m, c,
                 &helpers[j.dtype], j.add)
        at += m * itemsize
        n -= m
        if first != NULL and first != filled:
            first += m * itemsize
        if second != NULL and second != filled:
            second += m * itemsize


cdef void backward_apply(Backward kernel, int dtype, const void* g, const void* x1, const void* x2, const void* y,
                         void* gx, Py_ssize_t n, bint add, double* constant, bint uniform) noexcept nogil:
    """gx (+)= kernel(g, ...) over n elements; `gx` may be `g`. `constant`, if not NULL, is an operand that is one
    number. If `uniform`, `g` is one number."""
    cdef BackwardJob job = [kernel, dtype, <const char*>g, <const char*>x1, <const char*>x2, <const char*>y, <char*>gx,
                            add, constant, uniform]
    if n * item_bytes(dtype) >= split_from:
        split_work(backward_part, &job, n, LANES)
    else:
        backward_part(&job, 0, n, 0)
