# The doors: every kernel is called through one of these functions, which run it and, while a program is captured, note
# the call. A door reads its arguments back from the note in the function `run_...` above it. Doors on the path of small
# eager ops do both in a function of their own while capturing, so that otherwise no argument outlives the call.

# --- loops of NumPy, and forwards of our own

cdef int run_loop1(const Note* s) noexcept:
    cdef BoundLoop loop
    loop.run, loop.data = <Loop>s.f, <void*>s.data
    fresh1(&loop, s.at[0], s.at[1], s.n[0], s.n[1])


cdef inline void loop1(const BoundLoop* loop, const void* x, void* y, Py_ssize_t n, Py_ssize_t step) noexcept:
    """y = loop(x), into a block that does not overlap `x`."""
    if fg_capturing:
        captured_loop1(loop, x, y, n, step)
    else:
        fresh1(loop, x, y, n, step)


cdef void captured_loop1(const BoundLoop* loop, const void* x, void* y, Py_ssize_t n, Py_ssize_t step) noexcept:
    fresh1(loop, x, y, n, step)
    if n:
        note_loop1(loop, x, y, n, step)


cdef void note_loop1(const BoundLoop* loop, const void* x, void* y, Py_ssize_t n, Py_ssize_t step) noexcept:
    s = begin_note(run_loop1, 2)
    if s != NULL:
        s.f, s.data = <void*>loop.run, loop.data
        s.n[0], s.n[1] = n, step
        reads(s, 0, x)
        writes(s, 1, y)


cdef int run_loop2(const Note* s) noexcept:
    cdef BoundLoop loop
    loop.run, loop.data = <Loop>s.f, <void*>s.data
    if s.flag:
        apply2(&loop, s.at[0], s.n[1], s.at[1], s.n[2], s.at[2], s.n[0], s.n[3])
    else:
        fresh2(&loop, s.at[0], s.n[1], s.at[1], s.n[2], s.at[2], s.n[0], s.n[3])


cdef inline void loop2(const BoundLoop* loop, const void* x1, Py_ssize_t step1, const void* x2, Py_ssize_t step2,
                       void* y, Py_ssize_t n, Py_ssize_t step) noexcept:
    """y = loop(x1, x2), into a block that does not overlap them. An operand of step 0 that is no buffer is a number."""
    if fg_capturing:
        captured_loop2(loop, x1, step1, x2, step2, y, n, step)
    else:
        fresh2(loop, x1, step1, x2, step2, y, n, step)


cdef void captured_loop2(const BoundLoop* loop, const void* x1, Py_ssize_t step1, const void* x2, Py_ssize_t step2,
                         void* y, Py_ssize_t n, Py_ssize_t step) noexcept:
    fresh2(loop, x1, step1, x2, step2, y, n, step)
    if n:
        note_loop2(loop, x1, step1, x2, step2, y, n, step, False)


cdef inline void update2(const BoundLoop* loop, void* y, const void* x2, Py_ssize_t step2, Py_ssize_t n,
                         Py_ssize_t step) noexcept:
    """y = loop(y, x2), in place."""
    apply2(loop, y, step, x2, step2, y, n, step)
    if fg_capturing and n:
        note_loop2(loop, y, step, x2, step2, y, n, step, True)


cdef void note_loop2(const BoundLoop* loop, const void* x1, Py_ssize_t step1, const void* x2, Py_ssize_t step2,
                     void* y, Py_ssize_t n, Py_ssize_t step, bint in_place) noexcept:
    s = begin_note(run_loop2, 3)
    if s != NULL:
        s.f, s.data = <void*>loop.run, loop.data
        s.n[0], s.n[1], s.n[2], s.n[3] = n, step1, step2, step
        s.flag = in_place
        read_number(s, 0, x1, step1, step)
        read_number(s, 1, x2, step2, step)
        writes(s, 2, y)


cdef void read_number(Note* s, int k, const void* x, Py_ssize_t step, Py_ssize_t size) noexcept:
    """As `reads`; with step 0, of a number on the stack, which is kept."""
    if step != 0:
        reads(s, k, x)
        return
    number = captured_number(x, size)
    if number != NULL:
        reads(s, k, number)


cdef char* captured_number(const void* x, Py_ssize_t size) noexcept:
    """Where the program keeps the number of `size` bytes at `x`; `x` itself if it is in a buffer."""
    cdef Capture c = <Capture>fg_capture
    cdef char* at = NULL
    cdef int number = -1
    if find_block(c, <char*>x) != NULL or find_cell(c, <char*>x) != NULL:
        return <char*>x
    try:
        kept = bytearray(16)
        number = owner_number(c, kept)
        at = <char*>((<size_t><char*>kept + 7) & ~<size_t>7)
    except MemoryError:
        fail(c, None)
    if at != NULL:
        enter_block(c, at, 8, enter_buffer(c, HELD, number, NULL, at, 8), True)
        memcpy(at, x, size)
    return at


cdef int run_own_forward(const Note* s) noexcept:
    own_forward(<Forward>s.f, s.dtype, s.at[0], s.at[1], s.n[0])


cdef inline void forward_door(Forward forward, int dtype, const char* x, char* y, Py_ssize_t n) noexcept:
    if fg_capturing:
        captured_forward(forward, dtype, x, y, n)
    else:
        own_forward(forward, dtype, x, y, n)


cdef void captured_forward(Forward forward, int dtype, const char* x, char* y, Py_ssize_t n) noexcept:
    own_forward(forward, dtype, x, y, n)
    if n:
        note_forward(forward, dtype, x, y, n)


cdef void note_forward(Forward forward, int dtype, const char* x, char* y, Py_ssize_t n) noexcept:
    s = begin_note(run_own_forward, 2)
    if s != NULL:
        s.f = <void*>forward
        s.dtype = <unsigned char>dtype
        s.n[0] = n
        reads(s, 0, x)
        writes(s, 1, y)


cdef struct Broadcast:
    Layout* out
    layout_t[3] layouts


cdef int run_broadcast(const Note* s) noexcept:
    cdef BoundLoop loop
    cdef address[3] x = [s.at[1], s.at[2], s.at[3]]
    cdef Broadcast* b = <Broadcast*>s.more
    loop.run, loop.data = <Loop>s.f, <void*>s.data
    broadcast_apply(&loop, <int>s.n[0], b.out, s.at[0], x, b.layouts)


cdef void note_layouts(Note* s, const Broadcast* b) noexcept:
    """A copy of `b` that belongs to the note, and keeps its layouts."""
    cdef int k
    if note_more(s, b, sizeof(Broadcast)) != NULL:
        keep(b.out)
        for k in range(3):
            if b.layouts[k] != NULL:
                keep(<Layout*>b.layouts[k])


cdef void broadcast_door(const BoundLoop* loop, int nin, Layout* out, char* y, address* x, layout_t* layouts) noexcept:
    cdef Broadcast b
    cdef int k
    broadcast_apply(loop, nin, out, y, x, layouts)
    if fg_capturing and out.size:
        s = begin_note(run_broadcast, nin + 1)
        if s != NULL:
            s.f, s.data = <void*>loop.run, loop.data
            s.n[0] = nin
            b.out = out
            b.layouts[0] = b.layouts[1] = b.layouts[2] = NULL
            for k in range(nin):
                b.layouts[k] = layouts[k]
                reads(s, k + 1, x[k])
            note_layouts(s, &b)
            writes(s, 0, y)


# --- one number

cdef inline double load_number(int kernel, const char* at) noexcept nogil:
    return (<const double*>at)[0] if kernel == F64 else <double>(<const float*>at)[0]


cdef inline void store_number(int kernel, char* at, double value) noexcept nogil:
    if kernel == F64:
        (<double*>at)[0] = value
    else:
        (<float*>at)[0] = <float>value


cdef inline double share_of(int dtype, const char* at, double times, Py_ssize_t parts) noexcept nogil:
    """The number at `at`, times `times`, and divided by `parts` if that is not 0."""
    cdef double value = load_number(dtype, at) * times
    return value / <double>parts if parts else value


cdef int run_scalar1(const Note* s) noexcept:
    (<double*>s.at[1])[0] = (<Scalar1>s.f)((<double*>s.at[0])[0])


cdef inline void scalar1_door(Scalar1 f, const char* x, char* y) noexcept:
    if fg_capturing:
        captured_scalar1(f, x, y)
    else:
        (<double*>y)[0] = f((<const double*>x)[0])


cdef void captured_scalar1(Scalar1 f, const char* x, char* y) noexcept:
    (<double*>y)[0] = f((<const double*>x)[0])
    s = begin_note(run_scalar1, 2)
    if s != NULL:
        s.f = <void*>f
        reads(s, 0, x)
        writes(s, 1, y)


cdef int run_scalar2(const Note* s) noexcept:
    (<double*>s.at[2])[0] = (<Scalar2>s.f)((<double*>s.at[0])[0], (<double*>s.at[1])[0])


cdef inline void scalar2_door(Scalar2 f, const void* x1, const void* x2, char* y) noexcept:
    """Operands may be numbers on the stack."""
    if fg_capturing:
        captured_scalar2(f, x1, x2, y)
    else:
        (<double*>y)[0] = f((<const double*>x1)[0], (<const double*>x2)[0])


cdef void captured_scalar2(Scalar2 f, const void* x1, const void* x2, char* y) noexcept:
    (<double*>y)[0] = f((<const double*>x1)[0], (<const double*>x2)[0])
    s = begin_note(run_scalar2, 3)
    if s != NULL:
        s.f = <void*>f
        read_number(s, 0, x1, 0, 8)
        read_number(s, 1, x2, 0, 8)
        writes(s, 2, y)


cdef int run_store(const Note* s) noexcept:
    store_number(s.dtype, s.at[0], s.c)


cdef inline void store_door(int dtype, char* y, double value) noexcept:
    """Store a number that is the same at every replay."""
    store_number(dtype, y, value)
    if fg_capturing:
        note_store(dtype, y, value)


cdef void note_store(int dtype, char* y, double value) noexcept:
    s = begin_note(run_store, 1)
    if s != NULL:
        s.dtype = <unsigned char>dtype
        s.c = value
        writes(s, 0, y)


cdef int run_share(const Note* s) noexcept:
    cdef double value = share_of(s.dtype, s.at[0], s.c, s.n[0])
    store_number(s.dtype, s.at[1], load_number(s.dtype, s.at[1]) + value if s.add else value)


cdef void share_door(int dtype, const char* x, double times, Py_ssize_t parts, char* y, bint add) noexcept:
    """y (+)= `share_of` the number at `x`."""
    cdef Note s
    s.dtype, s.add, s.c, s.n[0] = <unsigned char>dtype, add, times, parts
    s.at[0], s.at[1] = <char*>x, y
    run_share(&s)
    if fg_capturing:
        noted = begin_note(run_share, 2)
        if noted != NULL:
            noted.dtype, noted.add, noted.c, noted.n[0] = <unsigned char>dtype, add, times, parts
            reads(noted, 0, x)
            updates(noted, 1, y, add)


# --- backward of elementwise ops

cdef int run_backward(const Note* s) noexcept:
    cdef double c = s.c
    backward_apply(<Backward>s.f, s.dtype, s.at[0], s.at[1], s.at[2], s.at[3], s.at[4], s.n[0], s.add,
                   &c if s.n[1] else NULL, s.flag)


cdef inline void backward_door(Backward kernel, int dtype, const void* g, const void* x1, const void* x2,
                               const void* y, void* gx, Py_ssize_t n, bint add, double* constant,
                               bint uniform) noexcept:
    if fg_capturing:
        captured_gradient(kernel, dtype, g, x1, x2, y, gx, n, add, constant, uniform)
    else:
        backward_apply(kernel, dtype, g, x1, x2, y, gx, n, add, constant, uniform)


cdef void captured_gradient(Backward kernel, int dtype, const void* g, const void* x1, const void* x2, const void* y,
                            void* gx, Py_ssize_t n, bint add, double* constant, bint uniform) noexcept:
    backward_apply(kernel, dtype, g, x1, x2, y, gx, n, add, constant, uniform)
    s = begin_note(run_backward, 5) if n else NULL
    if s != NULL:
        s.f = <void*>kernel
        s.dtype = <unsigned char>dtype
        s.n[0] = n
        s.n[1] = constant != NULL
        s.add = add
        s.flag = uniform
        s.c = 0 if constant == NULL else constant[0]
        reads(s, 0, g)
        reads(s, 1, x1)
        reads(s, 2, x2)
        note_place(s, 3, y, y != NULL and is_ready(<char*>y), False)    # kernels that do not read it get it as well
        updates(s, 4, gx, add)


cdef bint is_ready(const char* p) noexcept:
    cdef Capture c = <Capture>fg_capture
    cdef Block* block = find_block(c, p)
    cdef SmallCell* cell
    if block != NULL:
        return block.ready
    cell = find_cell(c, p)
    return cell != NULL and cell.ready
