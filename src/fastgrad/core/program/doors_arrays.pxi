# The doors of sums, of what moves elements, of cotangents, and of ops along axes and matrix products.

# --- sums, and moving elements

cdef void divide(int dtype, char* y, Py_ssize_t n, double divisor) noexcept nogil:
    for i in range(n):
        if dtype == F64:
            (<double*>y)[i] /= divisor
        else:
            (<float*>y)[i] /= <float>divisor


cdef int run_reduce(const Note* s) noexcept:
    reduce_loop(<BoundLoop*>s.f, s.at[0], <Extents*>s.n, s.n[4], s.at[1])


cdef inline void reduce_door(const BoundLoop* loop, const char* x, const Extents* e, Py_ssize_t itemsize,
                             char* y) noexcept:
    if fg_capturing:
        captured_reduce(loop, x, e, itemsize, y)
    else:
        reduce_loop(loop, x, e, itemsize, y)


cdef void captured_reduce(const BoundLoop* loop, const char* x, const Extents* e, Py_ssize_t itemsize,
                          char* y) noexcept:
    reduce_loop(loop, x, e, itemsize, y)
    if e.outer:
        note_reduce(loop, x, e, itemsize, y)


cdef void note_reduce(const BoundLoop* loop, const char* x, const Extents* e, Py_ssize_t itemsize, char* y) noexcept:
    s = begin_note(run_reduce, 2)
    if s != NULL:
        s.f = loop
        memcpy(s.n, e, sizeof(Extents))
        s.n[4] = itemsize
        reads(s, 0, x)
        writes(s, 1, y)


cdef int run_divide(const Note* s) noexcept:
    divide(s.dtype, s.at[0], s.n[0], s.c)


cdef void divide_door(int dtype, char* y, Py_ssize_t n, double divisor) noexcept:
    divide(dtype, y, n, divisor)
    if fg_capturing and n:
        s = begin_note(run_divide, 1)
        if s != NULL:
            s.dtype = <unsigned char>dtype
            s.n[0] = n
            s.c = divisor
            updates(s, 0, y, True)


cdef struct Strided:
    Layout* shape
    Py_ssize_t[MAX_NDIM] x
    Py_ssize_t[MAX_NDIM] y


cdef int run_copy_strided(const Note* s) noexcept:
    cdef Strided* m = <Strided*>s.more
    copy_strided(<int>s.n[0], m.shape, s.at[0], m.x, s.at[1], m.y)


cdef int run_add_strided(const Note* s) noexcept:
    cdef Strided* m = <Strided*>s.more
    add_strided(<int>s.n[0], m.shape, s.at[0], m.x, s.at[1], m.y)


cdef void note_strided(StepRun run, Py_ssize_t n, const Layout* shape, const char* x, const Py_ssize_t* x_strides,
                       char* y, const Py_ssize_t* y_strides, bint add) noexcept:
    cdef Strided m
    s = begin_note(run, 2)
    if s != NULL:
        m.shape = <Layout*>shape
        memcpy(m.x, x_strides, shape.ndim * sizeof(Py_ssize_t))
        memcpy(m.y, y_strides, shape.ndim * sizeof(Py_ssize_t))
        if note_more(s, &m, sizeof(m)) != NULL:
            keep(m.shape)
        s.n[0] = n
        s.n[1] = shape.itemsize
        reads(s, 0, x)
        updates(s, 1, y, add)


cdef inline void copy_door(int itemsize, const Layout* shape, const char* x, const Py_ssize_t* x_strides, char* y,
                           const Py_ssize_t* y_strides) noexcept:
    copy_strided(itemsize, shape, x, x_strides, y, y_strides)
    if fg_capturing and shape.size:
        note_strided(run_copy_strided, itemsize, shape, x, x_strides, y, y_strides, False)


cdef inline void add_door(int kernel, const Layout* shape, const char* x, const Py_ssize_t* x_strides, char* y,
                          const Py_ssize_t* y_strides) noexcept:
    add_strided(kernel, shape, x, x_strides, y, y_strides)
    if fg_capturing and shape.size:
        note_strided(run_add_strided, kernel, shape, x, x_strides, y, y_strides, True)


cdef int run_move(const Note* s) noexcept:
    memcpy(s.at[1], s.at[0], s.n[0])


cdef inline void move_door(void* y, const void* x, Py_ssize_t nbytes) noexcept:
    """As `memcpy`."""
    memcpy(y, x, nbytes)
    if fg_capturing and nbytes:
        note_move_bytes(y, x, nbytes)


cdef void note_move_bytes(void* y, const void* x, Py_ssize_t nbytes) noexcept:
    s = begin_note(run_move, 2)
    if s != NULL:
        s.n[0] = nbytes
        reads(s, 0, x)
        writes(s, 1, y)


cdef int run_zero(const Note* s) noexcept:
    memset(s.at[0], 0, s.n[0])


cdef inline void zero_door(void* y, Py_ssize_t nbytes) noexcept:
    memset(y, 0, nbytes)
    if fg_capturing and nbytes:
        note_zero(y, nbytes)


cdef void note_zero(void* y, Py_ssize_t nbytes) noexcept:
    s = begin_note(run_zero, 1)
    if s != NULL:
        s.n[0] = nbytes
        writes(s, 0, y)


# --- cotangents

cdef int run_fill(const Note* s) noexcept:
    typed[s.dtype].fill(s.at[1], s.n[0], share_of(s.dtype, s.at[0], s.c, s.n[1]))


cdef int run_add_number(const Note* s) noexcept:
    typed[s.dtype].add_number(s.at[1], s.n[0], share_of(s.dtype, s.at[0], s.c, s.n[1]))


cdef int run_accumulate(const Note* s) noexcept:
    typed[s.dtype].accumulate(s.at[0], s.at[1], s.n[0])


cdef void note_to(StepRun run, int dtype, const void* x, double times, Py_ssize_t parts, void* y, Py_ssize_t n,
                  bint add) noexcept:
    s = begin_note(run, 2)
    if s != NULL:
        s.dtype, s.c = <unsigned char>dtype, times
        s.n[0], s.n[1] = n, parts
        reads(s, 0, x)
        updates(s, 1, y, add)


cdef inline void fill_door(int dtype, const char* number, double times, Py_ssize_t parts, char* y,
                           Py_ssize_t n) noexcept:
    """y = `share_of` the number at `number`"""
    typed[dtype].fill(y, n, share_of(dtype, number, times, parts))
    if fg_capturing and n:
        note_to(run_fill, dtype, number, times, parts, y, n, False)


cdef inline void add_number_door(int dtype, const char* number, double times, Py_ssize_t parts, char* y,
                                 Py_ssize_t n) noexcept:
    typed[dtype].add_number(y, n, share_of(dtype, number, times, parts))
    if fg_capturing and n:
        note_to(run_add_number, dtype, number, times, parts, y, n, True)


cdef inline void accumulate_door(int dtype, const void* x, void* y, Py_ssize_t n) noexcept:
    """y += x"""
    typed[dtype].accumulate(x, y, n)
    if fg_capturing and n:
        note_to(run_accumulate, dtype, x, 1, 0, y, n, True)


cdef int run_broadcast_backward(const Note* s) noexcept:
    typed[s.dtype].broadcast_backward(s.at[0], s.at[1], <Extents*>s.n, s.c, s.add)


cdef void broadcast_backward_door(int dtype, const void* g, void* gx, const Extents* e, double divisor,
                                  bint add) noexcept:
    typed[dtype].broadcast_backward(g, gx, e, divisor, add)
    if fg_capturing and e.outer:
        s = begin_note(run_broadcast_backward, 2)
        if s != NULL:
            s.dtype, s.add, s.c = <unsigned char>dtype, add, divisor
            memcpy(s.n, e, sizeof(Extents))
            reads(s, 0, g)
            updates(s, 1, gx, add)


# --- along axes

cdef int run_axis_forward(const Note* s) noexcept:
    (<AxisForward>s.f)(s.at[0], s.at[1], s.at[2], <Extents*>s.n)


cdef void axis_forward_door(AxisForward f, const void* x, void* y, void* scratch, const Extents* e) noexcept:
    f(x, y, scratch, e)
    if fg_capturing and e.outer:
        s = begin_note(run_axis_forward, 3)
        if s != NULL:
            s.f = <void*>f
            memcpy(s.n, e, sizeof(Extents))
            reads(s, 0, x)
            writes(s, 1, y)
            writes(s, 2, scratch)


cdef int run_axis_backward(const Note* s) noexcept:
    (<AxisBackward>s.f)(s.at[0], s.at[1], s.at[2], s.at[3], s.at[4], <Extents*>s.n, s.add)


cdef void axis_backward_door(AxisBackward f, const void* g, const void* x, const void* y, void* gx, void* scratch,
                             const Extents* e, bint add) noexcept:
    f(g, x, y, gx, scratch, e, add)
    if fg_capturing and e.outer:
        s = begin_note(run_axis_backward, 5)
        if s != NULL:
            s.f = <void*>f
            s.add = add
            memcpy(s.n, e, sizeof(Extents))
            reads(s, 0, g)
            reads(s, 1, x)
            reads(s, 2, y)
            updates(s, 3, gx, add)
            writes(s, 4, scratch)


# --- matrix products

cdef struct Product:
    Factor a, b


cdef int run_product(const Note* s) noexcept:
    cdef Product p = (<Product*>s.more)[0]
    p.a.x, p.b.x = s.at[0], s.at[1]
    if s.at[3] == NULL:
        matmul_strided(s.dtype, s.n[0], s.n[1], s.n[2], &p.a, &p.b, s.at[2])
    else:
        own_product(s.dtype, s.n[0], s.n[1], s.n[2], &p.a, &p.b, s.at[2], s.at[3])


cdef void product_door(int kernel, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p, const Factor* a, const Factor* b,
                       char* y, char* scratch) noexcept:
    """The product by NumPy's BLAS, or with `scratch` by our own kernel."""
    cdef Product both
    if scratch == NULL:
        matmul_strided(kernel, m, n, p, a, b, y)
    else:
        own_product(kernel, m, n, p, a, b, y, scratch)
    if fg_capturing:
        s = begin_note(run_product, 4)
        if s != NULL:
            both.a, both.b = a[0], b[0]
            note_more(s, &both, sizeof(both))
            s.dtype = <unsigned char>kernel
            s.n[0], s.n[1], s.n[2] = m, n, p
            reads(s, 0, a.x)
            reads(s, 1, b.x)
            writes(s, 2, y)
            writes(s, 3, scratch)


cdef struct Stacked:
    Factor a, b
    int ndim
    Py_ssize_t[MAX_NDIM] shape, a_steps, b_steps, y_steps


cdef int run_stacked(const Note* s) noexcept:
    cdef Stacked* m = <Stacked*>s.more
    m.a.x, m.b.x = s.at[0], s.at[1]
    m.a.steps, m.b.steps = m.a_steps, m.b_steps
    matmul_stacked(s.dtype, m.ndim, m.shape, s.n[0], s.n[1], s.n[2], &m.a, &m.b, s.at[2], m.y_steps)


cdef void stacked_door(int kernel, int ndim, const Py_ssize_t* shape, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p,
                       const Factor* a, const Factor* b, char* y, const Py_ssize_t* y_steps) noexcept:
    cdef Stacked both
    cdef int k
    matmul_stacked(kernel, ndim, shape, m, n, p, a, b, y, y_steps)
    if fg_capturing:
        s = begin_note(run_stacked, 3)
        if s != NULL:
            both.a, both.b, both.ndim = a[0], b[0], ndim
            for k in range(ndim):
                both.shape[k], both.y_steps[k] = shape[k], y_steps[k]
                both.a_steps[k], both.b_steps[k] = a.steps[k], b.steps[k]
            note_more(s, &both, sizeof(both))
            s.dtype = <unsigned char>kernel
            s.n[0], s.n[1], s.n[2] = m, n, p
            reads(s, 0, a.x)
            reads(s, 1, b.x)
            writes(s, 2, y)
