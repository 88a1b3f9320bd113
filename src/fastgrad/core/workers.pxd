# Native threads for kernels on large arrays: `split_work` runs a kernel on parts of an array, some of them on workers.

ctypedef void (*Part)(const void* job, Py_ssize_t first, Py_ssize_t last, int who) noexcept nogil

# Bytes of a result from which kernels split their work; PY_SSIZE_T_MAX while one thread is wanted, so that this is one
# comparison and nothing else.
cdef Py_ssize_t split_from
cdef bint blas_is_serial        # NumPy's BLAS starts no threads of its own

cdef enum:
    LANES = 1024                # elements that parts are multiples of: groups of lanes are those of the whole array

cdef int threads_wanted() noexcept nogil
cdef void split_work(Part run, const void* job, Py_ssize_t n, Py_ssize_t grain) noexcept nogil
# Of a job with room for as many threads: without the GIL, the number that is wanted may change at any time.
cdef void split_among(int threads, Part run, const void* job, Py_ssize_t n, Py_ssize_t grain) noexcept nogil
