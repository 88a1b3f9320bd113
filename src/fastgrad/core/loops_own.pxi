# Loops of our own in place of NumPy's, where those are missing, not trusted or not wanted. Plain and slow, a call per element,
# and sums run from the first element to the last instead of in pairs. Never used where NumPy's loop is.

from libc.math cimport cos, exp, log, log1p, sin, tanh

ctypedef double (*Math1)(double) noexcept nogil
ctypedef double (*Math2)(double, double) noexcept nogil

ctypedef fused floating:
    double
    float


cdef double plus(double a, double b) noexcept nogil: return a + b
cdef double times(double a, double b) noexcept nogil: return a * b
cdef double larger(double a, double b) noexcept nogil: return a if a >= b or a != a else b      # a NaN passes, whichever it is
cdef double smaller(double a, double b) noexcept nogil: return a if a <= b or a != a else b


cdef void each1(char** args, const npy_intp* dims, const npy_intp* steps, void* data, floating* unused) noexcept nogil:
    cdef npy_intp i
    cdef char* x = args[0]
    cdef char* y = args[1]
    for i in range(dims[0]):
        (<floating*>y)[0] = <floating>(<Math1>data)((<floating*>x)[0])
        x += steps[0]
        y += steps[1]


cdef void each2(char** args, const npy_intp* dims, const npy_intp* steps, void* data, floating* unused) noexcept nogil:
    cdef npy_intp i
    cdef char* x1 = args[0]
    cdef char* x2 = args[1]
    cdef char* y = args[2]
    for i in range(dims[0]):
        (<floating*>y)[0] = <floating>(<Math2>data)((<floating*>x1)[0], (<floating*>x2)[0])
        x1 += steps[0]
        x2 += steps[1]
        y += steps[2]


cdef void each1_f64(char** args, const npy_intp* dims, const npy_intp* steps, void* data) noexcept nogil:
    each1(args, dims, steps, data, <double*>NULL)


cdef void each1_f32(char** args, const npy_intp* dims, const npy_intp* steps, void* data) noexcept nogil:
    each1(args, dims, steps, data, <float*>NULL)


cdef void each2_f64(char** args, const npy_intp* dims, const npy_intp* steps, void* data) noexcept nogil:
    each2(args, dims, steps, data, <double*>NULL)


cdef void each2_f32(char** args, const npy_intp* dims, const npy_intp* steps, void* data) noexcept nogil:
    each2(args, dims, steps, data, <float*>NULL)


cdef BoundLoop of_one(Math1 f, int kernel) noexcept:
    cdef BoundLoop loop
    loop.run = each1_f64 if kernel == F64 else each1_f32
    loop.data = <void*>f
    return loop


cdef BoundLoop of_two(Math2 f, int kernel) noexcept:
    cdef BoundLoop loop
    loop.run = each2_f64 if kernel == F64 else each2_f32
    loop.data = <void*>f
    return loop
