# The pool of dead objects, kept for the next ones, for Tensors and Values: each module includes this and has a pool of
# its own, which belongs to the process and relies on the GIL. The including module defines `POOLED`, its class, and
# `new_object()`, which allocates one that holds nothing, or returns NULL.
#
# The objects of a graph die in another order than they were made in, and the next graph is made in the order of the
# pool. After some steps of training, neighbours in a graph would lie far apart, and most accesses miss the caches. So
# objects that come back out of order are sorted by address: step 20 of micrograd's demo takes 8 ms instead of 23
# (2026-11-26).

cdef extern from *:
    """
    #ifdef Py_GIL_DISABLED
    #define fg_revive(o) ((void)PyObject_Init((o), Py_TYPE(o)))
    #else
    #define fg_revive(o) Py_SET_REFCNT((o), 1)
    #endif
    /* What Cython takes for a new reference: hands over the one that `o` is. */
    #define fg_owned(o) ((void*)(o))
    /* The first field of a dead object links it to the next one, in the pool and in the list of dealloc.pxi. */
    static inline PyObject* fg_next(PyObject* o) {
        PyObject* next;
        memcpy(&next, (char*)o + sizeof(PyObject), sizeof(next));
        return next;
    }
    static inline void fg_set_next(PyObject* o, PyObject* next) {
        memcpy((char*)o + sizeof(PyObject), &next, sizeof(next));
    }
    """
    void fg_revive(PyObject* o)
    PyObject* fg_next(PyObject* o)
    void fg_set_next(PyObject* o, PyObject* next)

cdef enum:
    POOL = 1048576              # objects at most; their memory is what a graph of that many nodes had used
    BINS = 4096                 # of the sort, a power of two; so many objects are sorted at least
    NEAR = 4096                 # bytes between objects that follow one another in order

cdef PyObject* pool = NULL
cdef Py_ssize_t pooled = 0
cdef Py_ssize_t ordered = 0     # objects at the bottom that need no sorting
cdef Py_ssize_t pool_mask = BINS - 1    # 0: `object_taken`, which the including module defines, sees every object


cdef inline PyObject* take_object() except NULL:
    """Return an object that holds nothing, from the pool or new."""
    return take_pooled() if pooled & pool_mask else take_checked()


cdef inline PyObject* take_pooled() noexcept:
    global pool, pooled
    cdef PyObject* o = pool
    pool = fg_next(o)
    fg_set_next(o, NULL)
    pooled -= 1
    fg_revive(o)
    return o


cdef PyObject* take_checked() except NULL:
    """Called when a multiple of BINS objects are left, or none, or while all objects are watched."""
    global ordered
    cdef PyObject* o
    if pooled % BINS == 0:
        if pooled > ordered and out_of_order():
            sort_pool(pooled - ordered)
        ordered = pooled
    o = take_pooled() if pooled else new_object()
    if o == NULL:
        raise MemoryError()
    object_taken(o)
    return o


cdef inline bint pool_has_room() noexcept:
    return not FASTGRAD_NO_POOLS and pooled < POOL


cdef inline void pool_object(PyObject* o) noexcept:
    global pool, pooled
    fg_set_next(o, pool)
    pool = o
    pooled += 1


cdef inline void free_object(PyObject* o) noexcept:
    Py_TYPE(<object>o).tp_free(o)


cdef bint out_of_order() noexcept:
    """Whether many of the next objects lie far from those before them."""
    cdef PyObject* o = pool
    cdef int k, jumps = 0
    for k in range(BINS - 1):
        next = fg_next(o)
        jumps += <size_t>next - <size_t>o + NEAR > 2 * NEAR
        o = next
    return jumps > BINS // 8


cdef void sort_pool(Py_ssize_t n) noexcept:
    """Sort the next `n` objects by address, to within the width of a bin."""
    global pool
    cdef PyObject** unsorted = <PyObject**>PyMem_RawMalloc(2 * n * sizeof(PyObject*) + BINS * sizeof(Py_ssize_t))
    cdef PyObject* o = pool
    cdef Py_ssize_t k
    cdef size_t low = <size_t>o, high = low, bin
    cdef int shift = 0
    if unsorted == NULL:
        return
    objects = unsorted + n
    cdef Py_ssize_t* ends = <Py_ssize_t*>(objects + n)
    for k in range(n):
        unsorted[k] = o
        low = min(low, <size_t>o)
        high = max(high, <size_t>o)
        o = fg_next(o)
    pool = o
    while (high - low) >> shift >= BINS:
        shift += 1
    memset(ends, 0, BINS * sizeof(Py_ssize_t))
    for k in range(n):
        ends[(high - <size_t>unsorted[k]) >> shift] += 1
    for k in range(1, BINS):
        ends[k] += ends[k - 1]
    for k in range(n):
        bin = (high - <size_t>unsorted[k]) >> shift
        ends[bin] -= 1
        objects[ends[bin]] = unsorted[k]
    for k in range(n):
        fg_set_next(objects[k], pool)
        pool = objects[k]
    PyMem_RawFree(unsorted)


def clear_pool():
    """Free the pooled objects; return their size in bytes."""
    global pool, pooled, ordered
    cdef Py_ssize_t nbytes = pooled * POOLED.tp_basicsize
    while pool != NULL:
        o = pool
        pool = fg_next(o)
        free_object(o)
    pooled = ordered = 0
    return nbytes
