# Values that are not computed when they are recorded. The sum, difference, product or negative of large tensors needs
# no memory if only elementwise ops and full sums read it: these compute it together with their own value, block by
# block (ops/postponed.pxi), and so does the sweep. Everything else that reads a value comes through `check_fresh` or
# `ready`, which compute it into memory; so does a second reader, a write to an operand, and a sweep that frees the
# graph of a value that somebody holds. The same loops on the same elements, and so the same bits.
#
# Until then, the storage has no memory: its payload is a Postponed, and its version is 1, of a recorded write, so that
# `check_fresh` looks twice. Code that reads the value anyway would fault at once, at the address NO_MEMORY.
#
# While a program is recorded, the op is noted when it is postponed, as if it wrote to a block that nobody touches until
# the value is computed into it: a program has no postponed values, since its runs never reach memory anyway.

cdef enum:
    MOST_POSTPONED = 8      # ops between a postponed value and memory
    NO_MEMORY = 64          # not NULL, which kernels take for a constant

cdef struct Postponed:
    PyObject* y             # the tensor, borrowed
    Storage* before         # in the list of all
    Storage* after
    unsigned int versions   # the sum of those of the operands, which must not change
    int ops                 # that compute it
    int uses                # how often others have computed it without keeping it
    Storage* block          # the memory that the note of a recorded program says; otherwise NULL

cdef Storage* postponed_values = NULL
cdef int replays = 0            # of programs, which count their writes at the end: meanwhile nothing is postponed
cdef Py_ssize_t postponed_from = 8388608        # bytes of a value: four times what a second-level cache holds


cdef Py_ssize_t large_from = LEAVES_BYTES       # below, a value is neither postponed nor computed without the GIL


def set_postponed_from(Py_ssize_t nbytes):
    """Set from how many bytes on values are postponed; returns what it was."""
    global postponed_from, large_from
    before = postponed_from
    postponed_from = max(nbytes, 9)
    large_from = min(postponed_from, <Py_ssize_t>LEAVES_BYTES)
    return before


cdef inline Postponed* postponed_at(Storage* storage) noexcept:
    return <Postponed*>payload(storage)


cdef inline bint is_postponed(Tensor x) noexcept:
    return x.storage != NULL and x.storage.flags & POSTPONED != 0


cdef inline char* value_at(Tensor x) noexcept:
    """Where the value of `x` is; NULL if it is postponed."""
    return NULL if is_postponed(x) else x.data


cdef inline char* noted_at(Tensor x) noexcept:
    """Where the value of `x` is for a program that is recorded."""
    cdef Storage* block = postponed_at(x.storage).block if is_postponed(x) else NULL
    return x.data if block == NULL else payload(block)


cdef inline int ops_of(Tensor x) noexcept:
    return postponed_at(x.storage).ops if x is not None and is_postponed(x) else 0


cdef inline int ready(Tensor x) except -1:
    """Compute the value of `x` if it is postponed."""
    return compute(x) if postponed_values != NULL and is_postponed(x) else 0


cdef int ready_operands(Tensor y) except -1:
    """Compute what the backward of `y` reads."""
    cdef unsigned int reads = operand_reads(y)
    cdef Py_ssize_t k
    for k in range(edge_count(y)):
        if nth_bit(reads, k):
            x = edge_at(y, k)
            if x != NULL:
                ready(<Tensor>x)
    return 0


cdef int ready_all() except -1:
    """Compute all postponed values, before a program reads and writes memory by its address."""
    while postponed_values != NULL:
        compute(<Tensor>postponed_at(postponed_values).y)
    return 0


cdef int before_write(Tensor x) except -1:
    """Compute all postponed values that read the memory of `x`, and that of `x`."""
    cdef Storage* at
    cdef PyObject* y
    cdef PyObject* x1
    cdef PyObject* x2
    ready(x)        # which takes `x` off the list, and frees its entry
    at = postponed_values
    while at != NULL:
        y = postponed_at(at).y
        x1 = edge1(<Tensor>y)
        x2 = edge2(<Tensor>y)
        if (x1 != NULL and (<Tensor>x1).storage == x.storage) or (x2 != NULL and (<Tensor>x2).storage == x.storage):
            compute(<Tensor>y)
            at = postponed_values       # others may have been computed with it
        else:
            at = postponed_at(at).after
    return 0


cdef void forget_postponed(Storage* storage) noexcept:
    """Take it off the list."""
    global postponed_values
    cdef Postponed* p = postponed_at(storage)
    if p.block != NULL:
        storage_release(p.block)
    if p.before != NULL:
        postponed_at(p.before).after = p.after
    else:
        postponed_values = p.after
    if p.after != NULL:
        postponed_at(p.after).before = p.before
