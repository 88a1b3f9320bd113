# Kernels that run without the GIL, so that threads compute independent graphs at the same time.
#
# `go_outside` stands right before the door of a kernel and `come_back` right after it, and nothing else between: doors
# run no Python code, and note nothing in a thread that captures nothing. Meanwhile other threads run any code, as at a
# call into Python: the caller holds references to the Tensors, `go_outside` keeps the blocks that the kernel reads or
# adds to, and afterwards the caller looks again at everything else. Sweeps of other threads wait for one that is
# outside, however long that takes, since it will go on by itself.
#
# Kernels that write to memory that others know, of in-place writes and optimizers, keep the GIL: nobody sees half of a
# write.

cdef extern from "Python.h":
    ctypedef struct PyInterpreterState
    ctypedef struct PyThreadState
    PyInterpreterState* PyInterpreterState_Get() noexcept
    PyThreadState* PyInterpreterState_ThreadHead(PyInterpreterState* state) noexcept
    PyThreadState* PyThreadState_Next(PyThreadState* state) noexcept
    PyThreadState* PyEval_SaveThread() noexcept
    void PyEval_RestoreThread(PyThreadState* state) noexcept

cdef extern from *:
    """
    /* Far from the code of small arrays. */
    FG_COLD static void fg_leave_for_kernel(void* o, PyObject* a, PyObject* b, PyObject* c, void* s, void* t);
    FG_COLD static int fg_check_after_kernel(const void* o, int op, PyObject* a, PyObject* b, PyObject* c);
    """

cdef enum:
    LEAVES_GIL = 4194304        # multiplications of a product: 0.1 ms. To take the GIL back may take 5 ms
    LEAVES_BYTES = 524288       # that other kernels read or write: likewise

cdef struct Sweep
cdef struct Sweeps

cdef struct Outside:            # one call of a kernel
    PyThreadState* state        # NULL: with the GIL
    Sweep* here                 # the sweep of this thread, or NULL
    bint left
    unsigned int versions       # the sum of those of the operands
    Storage* memory[5]


cdef inline bint has_other_threads() noexcept:
    return PyThreadState_Next(PyInterpreterState_ThreadHead(PyInterpreterState_Get())) != NULL


cdef inline bint can_leave_gil() noexcept:
    """Not while a program is captured, nor with native threads, which use the cores already; and not without others."""
    return fg_captures == 0 and threads_wanted() == 1 and has_other_threads()


cdef inline unsigned int versions_of(Tensor a, Tensor b, Tensor c) noexcept:
    return ((version_of(a) if a is not None else 0) + (version_of(b) if b is not None else 0)
            + (version_of(c) if c is not None else 0))


cdef inline void go_outside(Outside* o, Py_ssize_t nbytes, Tensor a, Tensor b, Tensor c, Storage* s,
                            Storage* t) noexcept:
    """Give up the GIL for a kernel of `nbytes` that reads the Tensors, and reads or adds to the blocks; may be None and
    NULL."""
    o.state, o.left = NULL, False
    if nbytes >= LEAVES_BYTES:
        leave_for_kernel(o, <PyObject*>a, <PyObject*>b, <PyObject*>c, s, t)


cdef void leave_for_kernel "fg_leave_for_kernel"(void* o, PyObject* a, PyObject* b, PyObject* c, void* s,
                                                 void* t) noexcept:
    if can_leave_gil():
        leave_gil(<Outside*>o, <Tensor>a, <Tensor>b, <Tensor>c, <Storage*>s, <Storage*>t)


cdef void leave_gil(Outside* o, Tensor a, Tensor b, Tensor c, Storage* s, Storage* t) noexcept:
    cdef Sweeps* own = <Sweeps*>fg_sweeps
    cdef int k
    o.here = own.running if own != NULL else NULL
    o.left = True
    o.versions = versions_of(a, b, c)
    o.memory[0] = a.storage if a is not None else NULL
    o.memory[1] = b.storage if b is not None else NULL
    o.memory[2] = c.storage if c is not None else NULL
    o.memory[3], o.memory[4] = s, t
    for k in range(5):
        if o.memory[k] != NULL:
            storage_keep(o.memory[k])
    if o.here != NULL:
        o.here.outside = o.here.interleaved = o.here.left = True
    o.state = PyEval_SaveThread()


cdef inline void come_back(Outside* o) noexcept:
    """May run Python code."""
    if o.state != NULL:
        take_gil(o)


cdef void take_gil(Outside* o) noexcept:
    cdef int k
    PyEval_RestoreThread(o.state)
    o.state = NULL
    if o.here != NULL:
        o.here.outside = False
    for k in range(5):
        if o.memory[k] != NULL:
            storage_release(o.memory[k])


cdef inline int check_unwritten(const Outside* o, int op, Tensor a, Tensor b, Tensor c) except -1:
    """Before `op` is recorded: raise if another thread has written to an operand meanwhile."""
    return check_after_kernel(o, op, <PyObject*>a, <PyObject*>b, <PyObject*>c) if o.left else 0


cdef int check_after_kernel "fg_check_after_kernel"(const void* o, int op, PyObject* a, PyObject* b,
                                                    PyObject* c) except -1:
    if versions_of(<Tensor>a, <Tensor>b, <Tensor>c) != (<const Outside*>o).versions:
        raise errors.written_meanwhile(op_names[op])
    return 0


cdef inline Py_ssize_t bytes_of(Py_ssize_t multiplications) noexcept nogil:
    """For `go_outside`: as many bytes take as long."""
    return multiplications // (LEAVES_GIL // LEAVES_BYTES)


cdef inline void keep_memory(Storage* a, Storage* b, Storage* c) noexcept:
    if a != NULL:
        storage_keep(a)
    if b != NULL:
        storage_keep(b)
    if c != NULL:
        storage_keep(c)


cdef inline void release_memory(Storage* a, Storage* b, Storage* c) noexcept:
    """May run Python code: the memory of others."""
    if a != NULL:
        storage_release(a)
    if b != NULL:
        storage_release(b)
    if c != NULL:
        storage_release(c)
