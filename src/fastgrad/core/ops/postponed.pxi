# Large elementwise values, postponed (object/postponed.pxi) or computed together with operands that are.

cdef enum:
    MOST_STEPS = 2 * MOST_POSTPONED + 1     # of an op on two postponed values


# --- recording

cdef inline bint can_wait(Tensor x) noexcept:
    """Whether nothing but a write that is counted changes the value of `x`."""
    return x.storage != NULL and x.storage.base == NULL and not x.storage.flags & FOREIGN_WRITABLE


cdef inline bint is_cheap(int op) noexcept:
    return op == ADD or op == SUBTRACT or op == MULTIPLY or op == NEGATIVE


cdef bint can_postpone() noexcept:
    """Whether values may be postponed here. While another thread records a program, which may read them, none is."""
    if fg_grad_off or replays or fg_watch & ~<int>CAPTURED:
        return False
    return fg_capture != NULL and not (<Capture>fg_capture).suspended if fg_capturing else True


cdef inline bint is_noted(Tensor x) noexcept:
    """Whether the capture of this thread, if there is one, knows how the postponed `x` is computed."""
    if not fg_capturing:
        return True
    block = postponed_at(x.storage).block
    return fg_capture != NULL and block != NULL and find_block(<Capture>fg_capture, payload(block)) != NULL


cdef int check_term(Tensor x) except -1:
    """`check_fresh`, except of a value that stays postponed."""
    if is_postponed(x) and not is_noted(x):
        compute(x)
    return 0 if is_postponed(x) else check_fresh(x)


cdef void note_op(int op, Tensor a, Tensor b, double c, bint first, char* y) noexcept:
    """Note `op` of `a` and `b`, or of `a` and the constant `c`, which may be the `first`, with its result at `y`."""
    cdef Kernel* k = &kernels[op]
    cdef int dtype = a.layout.kernel
    cdef Py_ssize_t item = a.layout.itemsize, n = a.layout.size
    cdef float narrow = <float>c
    cdef void* number = &c if dtype == F64 else <void*>&narrow
    if b is not None:
        note_loop2(&k.loop[dtype], noted_at(a), item, noted_at(b), item, y, n, item, False)
    elif k.nin == 2 and first:
        note_loop2(&k.loop[dtype], number, 0, noted_at(a), item, y, n, item, False)
    elif k.nin == 2:
        note_loop2(&k.loop[dtype], noted_at(a), item, number, 0, y, n, item, False)
    elif k.own[dtype] != NULL:
        note_forward(k.own[dtype], dtype, noted_at(a), y, n)
    else:
        note_loop1(&k.loop[dtype], noted_at(a), y, n, item)


cdef Tensor postpone(Layout* layout, int ops, unsigned int versions):
    global postponed_values
    cdef Tensor y = alloc()
    y.layout = keep(layout)
    y.data = <char*>NO_MEMORY
    y.storage = storage_new(sizeof(Postponed))
    cdef Storage* block = storage_new(layout.nbytes) if fg_capturing else NULL
    cdef Storage* storage = y.storage
    cdef Postponed* p = postponed_at(storage)
    storage.flags = POSTPONED       # from here on nothing fails
    storage.version = storage.taken = 1
    p.block = block
    p.y = <PyObject*>y
    p.versions = versions
    p.ops = ops
    p.uses = 0
    p.before = NULL
    p.after = postponed_values
    if postponed_values != NULL:
        postponed_at(postponed_values).before = storage
    postponed_values = storage
    return y


cdef Tensor large_elementwise(int op, Tensor a, Tensor b, double c, bint first):
    """`op(a)`, `op(a, b)`, or of `a` and the constant `c`, which may be the `first`, recorded: postponed, or computed
    together with operands that are. None where neither is possible."""
    cdef Layout* layout = a.layout
    cdef bint constant = kernels[op].nin == 2 and b is None
    cdef Tensor y
    if (not layout.flags & C_CONTIGUOUS or (b is not None and b.layout != layout) or not has_forward(op, layout.kernel)
            or not can_postpone() or not (a.flags | (b.flags if b is not None else 0)) & REQUIRES_GRAD):
        return None
    cheap = is_cheap(op) and can_wait(a) and (b is None or can_wait(b))
    if not cheap and ((not is_postponed(a) and (b is None or not is_postponed(b))) or (constant and op != DIVIDE)):
        return None
    check_term(a)
    if b is not None:
        check_term(b)
    if cheap:
        while ops_of(a) + ops_of(b) >= MOST_POSTPONED:
            compute(a if ops_of(a) >= ops_of(b) else b)
        y = postpone(layout, 1 + ops_of(a) + ops_of(b), version_of(a) + (version_of(b) if b is not None else 0))
        if fg_capturing:
            note_op(op, a, b, c, first, noted_at(y))
    else:
        y = computed_with(op, a, b, c, first)
    if constant:
        link_constant(y, op, guarded_alone(a, op, first), c, first)
    elif b is None:
        link1(y, op, guarded(a, op, READS_X1))
    else:
        link2(y, op, guarded(a, op, READS_X1), guarded(b, op, READS_X2))
    return y


# --- computing

cdef inline Place place_at(const char* start, Py_ssize_t step) noexcept:
    cdef Place place
    place.start = <char*>start
    place.step = step
    return place


cdef struct Evaluation:
    int dtype
    Py_ssize_t nbytes           # of a value
    Py_ssize_t width            # of a block of scratch
    int count
    int n_values
    int n_outs
    char* free                  # scratch that is not used yet
    Storage* scratch
    Step[MOST_STEPS] steps
    PyObject* values[MOST_STEPS]
    Place[MOST_STEPS] places
    Storage* blocks[MOST_STEPS]         # memory of values that are kept; NULL of others
    StreamedOutput[MOST_STEPS] outs


cdef int begin_evaluation(Evaluation* e, const Layout* layout) except -1:
    e.dtype = layout.kernel
    e.nbytes = layout.nbytes
    e.width = RUN_BLOCK * item_bytes(e.dtype)
    e.count = e.n_values = e.n_outs = 0
    e.scratch = storage_new(2 * MOST_STEPS * e.width)       # values and constants
    e.free = payload(e.scratch)
    return 0


cdef void end_evaluation(Evaluation* e, bint done) noexcept:
    """Give the values that are kept their memory, unless something has failed."""
    cdef Tensor x
    cdef int k
    storage_release(e.scratch)
    for k in range(e.n_values):
        if e.blocks[k] != NULL:
            if not done:
                storage_release(e.blocks[k])
                continue
            x = <Tensor>e.values[k]
            forget_postponed(x.storage)
            storage_release(x.storage)
            x.storage = e.blocks[k]
            x.storage.version = x.storage.taken = 1
            x.data = payload(x.storage)


cdef Steps steps_in(Evaluation* e) noexcept:
    cdef Steps s
    s.steps, s.count, s.outs, s.n_outs, s.dtype, s.last = e.steps, e.count, e.outs, e.n_outs, e.dtype, NULL
    return s


cdef inline Place new_scratch(Evaluation* e) noexcept:
    e.free += e.width
    return place_at(e.free - e.width, 0)


cdef Place filled_scratch(Evaluation* e, double c) noexcept:
    cdef Place place = new_scratch(e)
    typed[e.dtype].fill(place.start, RUN_BLOCK, c)
    return place


cdef Place place_of_output(Evaluation* e, Storage* block) noexcept:
    """Where a step writes what is to be in `block`: there, or past the cache."""
    cdef Place place
    if e.nbytes < FG_STREAM:
        return place_at(payload(block), item_bytes(e.dtype))
    place = new_scratch(e)
    e.outs[e.n_outs].block = place.start
    e.outs[e.n_outs].y = payload(block)
    e.n_outs += 1
    return place


cdef void add_forward(Evaluation* e, int op, Place x1, Place x2, Place out) noexcept:
    cdef Step* s = &e.steps[e.count]
    e.count += 1
    s.kernel = NULL
    s.op = &kernels[op]
    s.g = s.y = place_at(NULL, 0)
    s.x1, s.x2, s.out = x1, x2, out


cdef int evaluate(Evaluation* e, Tensor x, bint kept, Place* place) except -1:
    """Add the steps that compute `x`; `place` is where its value is then found."""
    cdef Postponed* p
    cdef Place x1, x2
    cdef int k
    if not is_postponed(x):
        place[0] = place_at(x.data, item_bytes(e.dtype))
        return 0
    for k in range(e.n_values):
        if e.values[k] == <PyObject*>x:
            place[0] = e.places[k]
            return 0
    p = postponed_at(x.storage)
    evaluate_operands(e, x, &x1, &x2)
    k = e.n_values
    e.values[k] = <PyObject*>x
    e.blocks[k] = NULL
    if kept or p.uses:
        e.blocks[k] = storage_keep(p.block) if p.block != NULL else storage_new(e.nbytes)
        e.places[k] = place_of_output(e, e.blocks[k])
    else:
        e.places[k] = new_scratch(e)
    p.uses += 1
    e.n_values += 1
    add_forward(e, x.op, x1, x2, e.places[k])
    place[0] = e.places[k]
    return 0


cdef int evaluate_operands(Evaluation* e, Tensor x, Place* x1, Place* x2) except -1:
    cdef PyObject* a = edge1(x)
    cdef PyObject* b = edge2(x)
    cdef unsigned int now = (version_at(a) if a != NULL else 0) + (version_at(b) if b != NULL else 0)
    if now != postponed_at(x.storage).versions:
        raise errors.mutated(op_name(x), "a value it reads", postponed_at(x.storage).versions, now)
    x1[0] = x2[0] = place_at(NULL, 0)
    if a != NULL:
        evaluate(e, <Tensor>a, False, x1)
    elif x.flags & CONST1:
        x1[0] = filled_scratch(e, constant_of(x.x1))
    if b != NULL:
        evaluate(e, <Tensor>b, False, x2)
    elif x.flags & CONST2:
        x2[0] = filled_scratch(e, constant_of(x.x2))
    return 0


cdef int compute(Tensor x) except -1:
    """Compute a postponed value into memory. Runs no Python code."""
    cdef Evaluation e
    cdef Place place
    cdef bint done = False
    begin_evaluation(&e, x.layout)
    try:
        evaluate(&e, x, True, &place)
        steps = steps_in(&e)
        run_steps(&steps, x.layout.size)
        done = True
    finally:
        end_evaluation(&e, done)
    return 0


cdef Tensor computed_with(int op, Tensor a, Tensor b, double c, bint first):
    """`op` of postponed values, which are not kept."""
    cdef Tensor y = new_tensor(a.layout)
    cdef Evaluation e
    cdef Place x1, x2 = place_at(NULL, 0)
    cdef bint done = False
    begin_evaluation(&e, a.layout)
    try:
        evaluate(&e, a, False, &x1)
        if b is not None:
            evaluate(&e, b, False, &x2)
        elif kernels[op].nin == 2:
            x2 = filled_scratch(&e, c)
        if first:
            x1, x2 = x2, x1
        add_forward(&e, op, x1, x2, place_of_output(&e, y.storage))
        steps = steps_in(&e)
        run_steps(&steps, a.layout.size)
        done = True
    finally:
        end_evaluation(&e, done)
    if fg_capturing:
        note_op(op, a, b, c, first, y.data)
    return y
