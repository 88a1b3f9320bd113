# The doors of kernels that serve one family of ops each.

cdef int run_triangle_kernel(const Note* s) noexcept:
    typed[s.dtype].triangle(s.at[0], s.at[1], s.n[0], s.n[1], s.n[2], s.n[3], s.flag, s.add)


cdef void triangle_door(int dtype, const void* x, void* y, const Extents* e, Py_ssize_t k, bint upper,
                        bint add) noexcept:
    typed[dtype].triangle(x, y, e.outer, e.n, e.inner, k, upper, add)
    if fg_capturing and e.outer:
        s = begin_note(run_triangle_kernel, 2)
        if s != NULL:
            s.dtype, s.flag, s.add = <unsigned char>dtype, upper, add
            s.n[0], s.n[1], s.n[2], s.n[3] = e.outer, e.n, e.inner, k
            reads(s, 0, x)
            updates(s, 1, y, add)


cdef int run_clip(const Note* s) noexcept:
    typed[s.dtype].clip_forward(s.at[0], s.at[1], s.n[0], s.c, (<double*>s.more)[0])


cdef int run_clip_backward(const Note* s) noexcept:
    typed[s.dtype].clip_backward(s.at[0], s.at[1], s.at[2], s.n[0], s.c, (<double*>s.more)[0], s.add)


cdef void clip_door(int dtype, const void* x, void* y, Py_ssize_t n, double low, double high) noexcept:
    typed[dtype].clip_forward(x, y, n, low, high)
    if fg_capturing and n:
        s = begin_note(run_clip, 2)
        if s != NULL:
            s.dtype, s.n[0], s.c = <unsigned char>dtype, n, low
            note_more(s, &high, sizeof(double))
            reads(s, 0, x)
            writes(s, 1, y)


cdef void clip_backward_door(int dtype, const void* g, const void* x, void* gx, Py_ssize_t n, double low, double high,
                             bint add) noexcept:
    typed[dtype].clip_backward(g, x, gx, n, low, high, add)
    if fg_capturing and n:
        s = begin_note(run_clip_backward, 3)
        if s != NULL:
            s.dtype, s.n[0], s.c, s.add = <unsigned char>dtype, n, low, add
            note_more(s, &high, sizeof(double))
            reads(s, 0, g)
            reads(s, 1, x)
            updates(s, 2, gx, add)


cdef int run_where(const Note* s) noexcept:
    cdef address[3] x = [s.at[1], s.at[2], s.at[3]]
    cdef Broadcast* b = <Broadcast*>s.more
    where_forward(s.dtype, b.out, s.at[0], x, b.layouts)


cdef void where_door(int dtype, Layout* out, char* y, address* x, layout_t* layouts) noexcept:
    """Values may be numbers on the stack."""
    cdef Broadcast b
    cdef int k
    where_forward(dtype, out, y, x, layouts)
    if fg_capturing and out.size:
        s = begin_note(run_where, 4)
        if s != NULL:
            s.dtype = <unsigned char>dtype
            b.out = out
            for k in range(3):
                b.layouts[k] = layouts[k]
                read_number(s, k + 1, x[k], 0 if layouts[k].ndim == 0 and k else 1, item_bytes(dtype))
            note_layouts(s, &b)
            writes(s, 0, y)


cdef int run_where_backward(const Note* s) noexcept:
    cdef Broadcast* b = <Broadcast*>s.more
    where_backward(s.dtype, b.layouts[0], s.at[0], b.out, s.at[1], s.at[2], s.flag)


cdef void where_backward_door(int dtype, Layout* condition, const char* c, Layout* layout, const char* g, char* gx,
                              bint inverted) noexcept:
    cdef Broadcast b
    where_backward(dtype, condition, c, layout, g, gx, inverted)
    if fg_capturing and layout.size:
        s = begin_note(run_where_backward, 3)
        if s != NULL:
            s.dtype, s.flag = <unsigned char>dtype, inverted
            b.out, b.layouts[0] = layout, condition
            b.layouts[1] = b.layouts[2] = NULL
            note_layouts(s, &b)
            reads(s, 0, c)
            reads(s, 1, g)
            writes(s, 2, gx)


# --- indexing

cdef int run_index(const Note* s) except -1:
    if not combine_index(<Py_ssize_t*>s.at[0], s.n[0], s.n[1], <Py_ssize_t*>s.at[1], s.flag):
        raise program_errors.index_out_of_range(s.n[1])
    return 0


cdef bint index_door(const Py_ssize_t* index, Py_ssize_t count, Py_ssize_t n, Py_ssize_t* at, bint first) noexcept:
    cdef bint found = combine_index(index, count, n, at, first)
    if fg_capturing and count and found:
        s = begin_note(<StepRun>run_index, 2)
        if s != NULL:
            s.n[0], s.n[1], s.flag = count, n, first
            reads(s, 0, index)
            updates(s, 1, at, not first)
    return found


cdef int run_gather(const Note* s) noexcept:
    gather(s.dtype, s.at[0], <Py_ssize_t*>s.at[1], s.at[2], <Extents*>s.n, s.n[4])


cdef void gather_door(int itemsize, const char* x, const Py_ssize_t* at, char* y, const Extents* e,
                      Py_ssize_t count) noexcept:
    gather(itemsize, x, at, y, e, count)
    if fg_capturing and e.outer and count:
        s = begin_note(run_gather, 3)
        if s != NULL:
            s.dtype = <unsigned char>itemsize
            memcpy(s.n, e, sizeof(Extents))
            s.n[4] = count
            reads(s, 0, x)
            reads(s, 1, at)
            writes(s, 2, y)


cdef int run_gather_kernel(const Note* s) noexcept:
    (<Gather>s.f)(s.at[0], <Py_ssize_t*>s.at[1], s.at[2], <Extents*>s.n, s.n[4])


cdef void gather_kernel_door(Gather f, const void* x, const Py_ssize_t* at, void* y, const Extents* e,
                             Py_ssize_t count) noexcept:
    """`gather_add` and `scatter_add`, which add to `y`."""
    f(x, at, y, e, count)
    if fg_capturing and e.outer and count:
        s = begin_note(run_gather_kernel, 3)
        if s != NULL:
            s.f = <void*>f
            memcpy(s.n, e, sizeof(Extents))
            s.n[4] = count
            reads(s, 0, x)
            reads(s, 1, at)
            updates(s, 2, y, True)


# --- losses

cdef bint copy_labels(const Py_ssize_t* labels, Py_ssize_t n, Py_ssize_t classes, Py_ssize_t* out) noexcept:
    memcpy(out, labels, n * sizeof(Py_ssize_t))
    for k in range(n):
        if out[k] < 0 or out[k] >= classes:
            return False
    return True


cdef int run_labels(const Note* s) except -1:
    if not copy_labels(<Py_ssize_t*>s.at[0], s.n[0], s.n[1], <Py_ssize_t*>s.at[1]):
        raise program_errors.label_out_of_range(s.n[1])
    return 0


cdef bint labels_door(const Py_ssize_t* labels, Py_ssize_t n, Py_ssize_t classes, Py_ssize_t* out) noexcept:
    """Copy labels; False where one is not the number of a class."""
    cdef bint found = copy_labels(labels, n, classes, out)
    if fg_capturing and n and found:
        s = begin_note(<StepRun>run_labels, 2)
        if s != NULL:
            s.n[0], s.n[1] = n, classes
            reads(s, 0, labels)
            writes(s, 1, out)
    return found


cdef int run_cross_entropy(const Note* s) noexcept:
    cdef double total = typed[s.dtype].cross_entropy_forward(
        s.at[0], <Py_ssize_t*>s.at[1], s.at[2] if s.n[2] else NULL, s.at[3], s.at[3] + s.n[3], s.flag, s.n[0], s.n[1])
    if not s.n[2]:
        store_number(s.dtype, s.at[2], total / s.c)


cdef void cross_entropy_door(int dtype, const void* x, const Py_ssize_t* labels, void* y, char* e, Py_ssize_t inverse,
                             bint reuse, Py_ssize_t rows, Py_ssize_t n, bint each, double share) noexcept:
    """One loss per row, or their sum over `share`. The inverse sums are `inverse` bytes behind the exponentials."""
    cdef Note s
    s.dtype, s.flag, s.c = <unsigned char>dtype, reuse, share
    s.n[0], s.n[1], s.n[2], s.n[3] = rows, n, each, inverse
    s.at[0], s.at[1], s.at[2], s.at[3] = <char*>x, <char*>labels, <char*>y, e
    run_cross_entropy(&s)
    if fg_capturing:
        noted = begin_note(run_cross_entropy, 4)
        if noted != NULL:
            noted.dtype, noted.flag, noted.c = s.dtype, s.flag, share
            memcpy(noted.n, s.n, sizeof(s.n))
            reads(noted, 0, x)
            reads(noted, 1, labels)
            writes(noted, 2, y)
            writes(noted, 3, e)


cdef int run_cross_entropy_backward(const Note* s) noexcept:
    typed[s.dtype].cross_entropy_backward(s.at[0], s.flag, s.c, <Py_ssize_t*>s.at[1], s.at[2], s.at[2] + s.n[2],
                                          s.at[3], s.n[0], s.n[1], s.add)


cdef void cross_entropy_backward_door(int dtype, const void* g, bint each, double share, const Py_ssize_t* labels,
                                      const char* e, Py_ssize_t inverse, void* gx, Py_ssize_t rows, Py_ssize_t n,
                                      bint add) noexcept:
    typed[dtype].cross_entropy_backward(g, each, share, labels, e, e + inverse, gx, rows, n, add)
    if fg_capturing:
        s = begin_note(run_cross_entropy_backward, 4)
        if s != NULL:
            s.dtype, s.flag, s.c, s.add = <unsigned char>dtype, each, share, add
            s.n[0], s.n[1], s.n[2] = rows, n, inverse
            reads(s, 0, g)
            reads(s, 1, labels)
            reads(s, 2, e)
            updates(s, 3, gx, add)


# --- convolutions, pooling, recurrent networks

cdef int run_conv(const Note* s) noexcept:
    typed[s.dtype].conv_forward(s.at[0], s.at[1], s.at[2], s.at[3], s.at[4], s.at[5], <Windows*>s.more)


cdef void conv_door(int dtype, const void* x, const void* w, const void* bias, void* y, void* kept, void* scratch,
                    const Windows* d) noexcept:
    typed[dtype].conv_forward(x, w, bias, y, kept, scratch, d)
    if fg_capturing:
        s = begin_note(run_conv, 6)
        if s != NULL:
            s.dtype = <unsigned char>dtype
            note_more(s, d, sizeof(Windows))
            reads(s, 0, x)
            reads(s, 1, w)
            reads(s, 2, bias)
            writes(s, 3, y)
            writes(s, 4, kept)
            writes(s, 5, scratch)


cdef int run_conv_weight(const Note* s) noexcept:
    typed[s.dtype].conv_weight_backward(s.at[0], s.at[1], s.at[2], s.at[3], s.at[4], <Windows*>s.more, s.add)


cdef void conv_weight_door(int dtype, const void* x, const void* g, void* gw, const void* kept, void* scratch,
                           const Windows* d, bint add) noexcept:
    typed[dtype].conv_weight_backward(x, g, gw, kept, scratch, d, add)
    if fg_capturing:
        s = begin_note(run_conv_weight, 5)
        if s != NULL:
            s.dtype, s.add = <unsigned char>dtype, add
            note_more(s, d, sizeof(Windows))
            reads(s, 0, x)
            reads(s, 1, g)
            updates(s, 2, gw, add)
            reads(s, 3, kept)
            writes(s, 4, scratch)


cdef int run_conv_input(const Note* s) noexcept:
    typed[s.dtype].conv_input_backward(s.at[0], s.at[1], s.at[2], s.at[3], <Windows*>s.more, s.add)


cdef void conv_input_door(int dtype, const void* g, const void* w, void* gx, void* scratch, const Windows* d,
                          bint add) noexcept:
    typed[dtype].conv_input_backward(g, w, gx, scratch, d, add)
    if fg_capturing:
        s = begin_note(run_conv_input, 4)
        if s != NULL:
            s.dtype, s.add = <unsigned char>dtype, add
            note_more(s, d, sizeof(Windows))
            reads(s, 0, g)
            reads(s, 1, w)
            updates(s, 2, gx, add)
            writes(s, 3, scratch)


cdef int run_max_pool(const Note* s) noexcept:
    typed[s.dtype].max_pool_forward(s.at[0], s.at[1], <int*>s.at[2], <Windows*>s.more)


cdef int run_max_pool_backward(const Note* s) noexcept:
    typed[s.dtype].max_pool_backward(s.at[0], <int*>s.at[2], s.at[1], <Windows*>s.more)


cdef int run_avg_pool(const Note* s) noexcept:
    typed[s.dtype].avg_pool(s.at[0], s.at[1], <Windows*>s.more, s.flag)


cdef void max_pool_door(int dtype, const void* x, void* y, int* at, const Windows* d, bint backward) noexcept:
    """The maxima and their places; or, `backward`, the cotangents `x` added to `y` at the places."""
    if backward:
        typed[dtype].max_pool_backward(x, at, y, d)
    else:
        typed[dtype].max_pool_forward(x, y, at, d)
    if fg_capturing:
        s = begin_note(run_max_pool_backward if backward else run_max_pool, 3)
        if s != NULL:
            s.dtype = <unsigned char>dtype
            note_more(s, d, sizeof(Windows))
            reads(s, 0, x)
            updates(s, 1, y, backward)
            note_place(s, 2, at, backward, not backward)


cdef void avg_pool_door(int dtype, const void* x, void* y, const Windows* d, bint backward) noexcept:
    typed[dtype].avg_pool(x, y, d, backward)
    if fg_capturing:
        s = begin_note(run_avg_pool, 2)
        if s != NULL:
            s.dtype, s.flag = <unsigned char>dtype, backward
            note_more(s, d, sizeof(Windows))
            reads(s, 0, x)
            updates(s, 1, y, backward)


cdef int run_recurrent(const Note* s) noexcept:
    typed[s.dtype].recurrent_forward(s.at[0], s.at[1], s.at[2], s.at[3], s.at[4], s.at[5], s.at[6], <Recurrent*>s.more)


cdef void recurrent_door(int dtype, const void* u, const void* w, const void* b, const void* bv, void* states,
                         void* kept, void* scratch, const Recurrent* d) noexcept:
    typed[dtype].recurrent_forward(u, w, b, bv, states, kept, scratch, d)
    if fg_capturing:
        s = begin_note(run_recurrent, 7)
        if s != NULL:
            s.dtype = <unsigned char>dtype
            note_more(s, d, sizeof(Recurrent))
            reads(s, 0, u)
            reads(s, 1, w)
            reads(s, 2, b)
            reads(s, 3, bv)
            updates(s, 4, states, True)
            writes(s, 5, kept)
            writes(s, 6, scratch)


cdef struct RecurrentBackward:
    Recurrent d
    Py_ssize_t gc           # bytes behind `gh`


cdef int run_recurrent_backward(const Note* s) noexcept:
    cdef RecurrentBackward* m = <RecurrentBackward*>s.more
    typed[s.dtype].recurrent_backward(s.at[0], s.at[1], s.at[2], s.at[3], s.at[4], s.at[5], s.at[6],
                                      s.at[6] + m.gc, s.at[7], &m.d)


cdef void recurrent_backward_door(int dtype, const void* g, const void* w, const void* states, const void* kept,
                                  void* gu, void* gv, char* gh, Py_ssize_t gc, void* scratch,
                                  const Recurrent* d) noexcept:
    """The cotangent of the second state is `gc` bytes behind that of the first."""
    cdef RecurrentBackward m
    typed[dtype].recurrent_backward(g, w, states, kept, gu, gv, gh, gh + gc, scratch, d)
    if fg_capturing:
        s = begin_note(run_recurrent_backward, 8)
        if s != NULL:
            s.dtype = <unsigned char>dtype
            m.d, m.gc = d[0], gc
            note_more(s, &m, sizeof(m))
            reads(s, 0, g)
            reads(s, 1, w)
            reads(s, 2, states)
            reads(s, 3, kept)
            writes(s, 4, gu)
            writes(s, 5, gv)
            writes(s, 6, gh)
            writes(s, 7, scratch)


# --- normalisation

cdef int run_norm(const Note* s) noexcept:
    (<NormForward>s.f)(s.at[0], s.at[1], s.at[2], s.at[3], s.at[4], <Extents*>s.n, s.c)


cdef void norm_door(NormForward f, const void* x, const void* w, const void* b, void* y, void* stats,
                    const Extents* e, double eps) noexcept:
    f(x, w, b, y, stats, e, eps)
    if fg_capturing:
        s = begin_note(run_norm, 5)
        if s != NULL:
            s.f, s.c = <void*>f, eps
            memcpy(s.n, e, sizeof(Extents))
            reads(s, 0, x)
            reads(s, 1, w)
            reads(s, 2, b)
            writes(s, 3, y)
            writes(s, 4, stats)


cdef int run_accumulate_rows(const Note* s) noexcept:
    typed[s.dtype].accumulate_rows(s.at[0], s.at[1], s.at[2], s.at[3], s.n[0], s.n[1])


cdef void accumulate_rows_door(int dtype, const void* g, const void* x, const void* stats, void* gw, Py_ssize_t rows,
                               Py_ssize_t n) noexcept:
    typed[dtype].accumulate_rows(g, x, stats, gw, rows, n)
    if fg_capturing and rows and n:
        s = begin_note(run_accumulate_rows, 4)
        if s != NULL:
            s.dtype, s.n[0], s.n[1] = <unsigned char>dtype, rows, n
            reads(s, 0, g)
            reads(s, 1, x)
            reads(s, 2, stats)
            updates(s, 3, gw, True)


cdef int run_batch_norm_sums(const Note* s) noexcept:
    typed[s.dtype].batch_norm_sums(s.at[0], s.at[1], s.at[2], s.at[3], <Extents*>s.n)


cdef void batch_norm_sums_door(int dtype, const void* g, const void* x, const void* stats, void* sums,
                               const Extents* e) noexcept:
    typed[dtype].batch_norm_sums(g, x, stats, sums, e)
    if fg_capturing:
        s = begin_note(run_batch_norm_sums, 4)
        if s != NULL:
            s.dtype = <unsigned char>dtype
            memcpy(s.n, e, sizeof(Extents))
            reads(s, 0, g)
            reads(s, 1, x)
            reads(s, 2, stats)
            writes(s, 3, sums)


cdef int run_norm_backward(const Note* s) noexcept:
    (<AxisBackward>s.f)(s.at[0], s.at[1], s.at[2], s.at[3], s.at[4], <Extents*>s.n, s.add)


cdef void norm_backward_door(AxisBackward f, const void* g, const void* x, const void* y, void* gx, void* other,
                             const Extents* e, bint add) noexcept:
    """As `axis_backward_door`; `other` is read as well."""
    f(g, x, y, gx, other, e, add)
    if fg_capturing:
        s = begin_note(run_norm_backward, 5)
        if s != NULL:
            s.f, s.add = <void*>f, add
            memcpy(s.n, e, sizeof(Extents))
            reads(s, 0, g)
            reads(s, 1, x)
            reads(s, 2, y)
            updates(s, 3, gx, add)
            updates(s, 4, other, True)
