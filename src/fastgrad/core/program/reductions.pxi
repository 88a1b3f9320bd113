# Reductions over the middle axis of (outer, n, inner), by one or several threads.

cdef struct ReduceJob:
    const BoundLoop* loop
    const char* x
    const Extents* e
    Py_ssize_t itemsize
    char* y


cdef inline void start_run(const ReduceJob* j, const char** x, char* y, npy_intp* n) noexcept nogil:
    """A sum starts from -0.0, as NumPy's does, so that the pairs are the same; an extremum starts from its first
    element."""
    if j.loop == &helpers[<int>F64].add:
        (<double*>y)[0] = -0.0
    elif j.loop == &helpers[<int>F32].add:
        (<float*>y)[0] = -0.0
    else:
        memcpy(y, x[0], j.itemsize)
        x[0] += j.itemsize
        n[0] -= 1


cdef inline void reduce_run(const ReduceJob* j, const char* x, char* y, npy_intp n) noexcept nogil:
    cdef npy_intp[3] steps = [0, j.itemsize, 0]
    cdef address[3] args
    start_run(j, &x, y, &n)
    args = [y, <char*>x, y]
    if n > 0:
        j.loop.run(args, &n, steps, j.loop.data)


cdef void reduce_rows(const void* job, Py_ssize_t first, Py_ssize_t last, int who) noexcept nogil:
    """From o = `first` to `last`."""
    j = <const ReduceJob*>job
    cdef Py_ssize_t row = j.e.inner * j.itemsize, o, r
    x = j.x + first * j.e.n * row
    y = j.y + first * row
    for o in range(first, last):
        if j.e.inner == 1:
            reduce_run(j, x, y, j.e.n)
            x += j.e.n * row
        else:
            memcpy(y, x, row)
            x += row
            for r in range(1, j.e.n):
                apply2(j.loop, y, j.itemsize, x, j.itemsize, y, j.e.inner, j.itemsize)
                x += row
        y += row


cdef void reduce_columns(const void* job, Py_ssize_t first, Py_ssize_t last, int who) noexcept nogil:
    """From i = `first` to `last`."""
    j = <const ReduceJob*>job
    cdef Py_ssize_t row = j.e.inner * j.itemsize, at = first * j.itemsize, o, r
    x = j.x + at
    y = j.y + at
    for o in range(j.e.outer):
        memcpy(y, x, (last - first) * j.itemsize)
        x += row
        for r in range(1, j.e.n):
            apply2(j.loop, y, j.itemsize, x, j.itemsize, y, last - first, j.itemsize)
            x += row
        y += row


cdef enum:
    TREE = 64               # nodes of NumPy's pairwise sum that threads share
    NODE = 16384            # elements that a node has at least

cdef struct TreeJob:
    const ReduceJob* run
    Py_ssize_t[TREE] first
    Py_ssize_t[TREE] n
    char[512] total         # an element every 8 bytes
    int nodes


cdef void tree_part(const void* job, Py_ssize_t first, Py_ssize_t last, int who) noexcept nogil:
    cdef TreeJob* j = <TreeJob*>job
    cdef Py_ssize_t k
    for k in range(first, last):
        reduce_run(j.run, j.run.x + j.first[k] * j.run.itemsize, j.total + 8 * k, j.n[k])


cdef void plant(TreeJob* j, Py_ssize_t first, Py_ssize_t n, int depth) noexcept nogil:
    """List the nodes at `depth` below that of `n` elements."""
    cdef Py_ssize_t half = n // 2 - n // 2 % 8
    if depth == 0:
        j.first[j.nodes] = first
        j.n[j.nodes] = n
        j.nodes += 1
    else:
        plant(j, first, half, depth - 1)
        plant(j, first + half, n - half, depth - 1)


cdef void plant_tree(TreeJob* j, Py_ssize_t n) noexcept nogil:
    """List nodes for several threads: those at one depth of the tree by which NumPy sums `n` elements by pairs."""
    cdef int depth = 0
    while (2 << depth) <= TREE and n >> (depth + 1) >= NODE:
        depth += 1
    j.nodes = 0
    plant(j, 0, n, depth)


cdef void join_tree(TreeJob* j, char* y) noexcept nogil:
    """Sum the totals of the nodes by their pairs: the same additions."""
    cdef int k
    while j.nodes > 1:
        j.nodes //= 2
        for k in range(j.nodes):
            apply2(j.run.loop, j.total + 16 * k, 8, j.total + 16 * k + 8, 8, j.total + 8 * k, 1, 8)
    memcpy(y, j.total, j.run.itemsize)


cdef void sum_tree(const ReduceJob* run, char* y) noexcept nogil:
    """The sum of one long run, by several threads."""
    cdef TreeJob j
    j.run = run
    plant_tree(&j, run.e.n)
    split_work(tree_part, &j, j.nodes, 1)
    join_tree(&j, y)


cdef void reduce_loop(const BoundLoop* loop, const char* x, const Extents* e, Py_ssize_t itemsize,
                      char* y) noexcept nogil:
    """y[o, i] = loop over r of x[o, r, i]. NumPy's loop sums a run pairwise, so that errors grow as log n."""
    cdef ReduceJob job = [loop, x, e, itemsize, y]
    if e.outer * e.n * e.inner * itemsize < split_from:
        if e.outer == 1 and e.inner == 1:
            reduce_run(&job, x, y, e.n)
        else:
            reduce_rows(&job, 0, e.outer, 0)
    elif e.outer == 1 and e.inner == 1 and (loop == &helpers[<int>F64].add or loop == &helpers[<int>F32].add):
        sum_tree(&job, y)
    elif e.inner > LANES and e.outer < LANES:
        split_work(reduce_columns, &job, e.inner, LANES)
    else:
        split_work(reduce_rows, &job, e.outer, 1)
