# NumPy's inner loops, called on raw pointers: its SIMD dispatch and its BLAS without its call. Knows no tensors, no gradients.

from numpy cimport npy_intp
from fastgrad.core.layout cimport Layout

ctypedef char* address
ctypedef const Py_ssize_t* steps_t
ctypedef const Layout* layout_t
ctypedef void (*Loop)(char** args, const npy_intp* dims, const npy_intp* steps, void* data) noexcept nogil

cdef struct BoundLoop:      # a loop and what NumPy wants to be handed with it
    Loop run
    void* data

cdef struct Helpers:        # loops that kernels call on blocks, one set per dtype
    BoundLoop exp
    BoundLoop log
    BoundLoop log1p
    BoundLoop sin
    BoundLoop cos
    BoundLoop tanh
    BoundLoop add
    BoundLoop multiply
    BoundLoop maximum
    BoundLoop minimum
    BoundLoop matmul

cdef Helpers[2] helpers     # by KernelDType

cdef BoundLoop numpy_loop(str name, int kernel) except *

cdef inline void apply1(const BoundLoop* loop, const void* x, void* y, npy_intp n, npy_intp step) noexcept nogil:
    cdef address[2] args = [<char*>x, <char*>y]
    cdef npy_intp[2] steps = [step, step]
    if n > 0:
        loop.run(args, &n, steps, loop.data)

cdef inline void apply2(const BoundLoop* loop, const void* x1, npy_intp step1, const void* x2, npy_intp step2, void* y,
                        npy_intp n, npy_intp step) noexcept nogil:
    cdef address[3] args = [<char*>x1, <char*>x2, <char*>y]
    cdef npy_intp[3] steps = [step1, step2, step]
    if n > 0:
        loop.run(args, &n, steps, loop.data)

cdef void walk(const BoundLoop* loop, int count, int ndim, const Py_ssize_t* shape, steps_t* strides,
               address* base) noexcept nogil
cdef void broadcast_apply(const BoundLoop* loop, int nin, const Layout* out, char* y, address* x,
                          layout_t* layouts) noexcept nogil
cdef void matmul_strided(int kernel, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p,
                         const char* a, Py_ssize_t a_row, Py_ssize_t a_col, const char* b, Py_ssize_t b_row, Py_ssize_t b_col,
                         char* y, Py_ssize_t y_row, Py_ssize_t y_col) noexcept nogil
cdef void copy_strided(int itemsize, const Layout* shape, const char* x, const Py_ssize_t* x_strides, char* y,
                       const Py_ssize_t* y_strides) noexcept nogil
cdef void add_strided(int kernel, const Layout* shape, const char* x, const Py_ssize_t* x_strides, char* y,
                      const Py_ssize_t* y_strides) noexcept nogil
