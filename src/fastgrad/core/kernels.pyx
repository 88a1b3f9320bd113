# The table of hot ops. A row: the op's name, NumPy's name for its forward loop (or an own forward), the forward of a
# single float64, and the backward kernels. An op without backward kernels takes its rule.

from libc.float cimport DBL_MIN, FLT_MIN
from libc.math cimport acos, acosh, asin, asinh, atan, atanh, cos, cosh, exp, exp2, expm1, fabs, fabsf, log
from libc.math cimport log10, log1p, log2, pow, powf, sin, sinh, sqrt, sqrtf, tan, tanh
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset
from numpy cimport npy_intp
from fastgrad.core.layout cimport F32, F64, Layout
from fastgrad.core.loops cimport FG_STREAM, STREAM_BLOCK, fg_stream, fg_stream_end
from fastgrad.core.loops cimport BoundLoop, Helpers, address, apply1, broadcast_apply, helpers, layout_t
from fastgrad.core.loops cimport matmul_strided, numpy_loop, steps_t, walk

cdef extern from *:
    """
    #if defined(__AVX512F__)
    #define FG_INSTRUCTION_SET "avx512"
    #elif defined(__AVX2__)
    #define FG_INSTRUCTION_SET "avx2"
    #else
    #define FG_INSTRUCTION_SET "base"
    #endif
    """
    const char* FG_INSTRUCTION_SET

instruction_set = FG_INSTRUCTION_SET.decode("ascii")    # what this module was compiled for

ctypedef fused floating:
    double
    float


cdef inline floating fabs_(floating x) noexcept nogil:
    if floating is double:
        return fabs(x)
    else:
        return fabsf(x)


cdef inline floating pow_(floating x, floating e) noexcept nogil:
    if floating is double:
        return pow(x, e)
    else:
        return powf(x, e)


cdef inline void put(floating* y, floating value, bint add) noexcept nogil:
    if add:
        y[0] += value
    else:
        y[0] = value


include "kernels/elementwise.pxi"
include "kernels/reduce.pxi"
include "kernels/softmax.pxi"
include "kernels/logsumexp.pxi"
include "kernels/losses.pxi"
include "kernels/scan.pxi"
include "kernels/select.pxi"
include "kernels/indexing.pxi"
include "kernels/matmul_batched.pxi"
include "kernels/steps.pxi"
include "kernels/matmul.pxi"
include "kernels/conv.pxi"
include "kernels/pooling.pxi"
include "kernels/recurrent.pxi"
include "kernels/optimizers.pxi"
include "kernels/normalize.pxi"


cdef void own_forward(Forward forward, int dtype, const char* x, char* y, Py_ssize_t n) noexcept nogil:
    """`y = forward(x)` into a block of ours; a large one is written past the cache."""
    cdef char[STREAM_BLOCK + 64] room
    cdef char* block = <char*>((<size_t>room + 63) & ~<size_t>63)
    cdef Py_ssize_t item = 8 if dtype == F64 else 4, m
    if n * item < FG_STREAM:
        forward(x, y, n, &helpers[dtype])
        return
    while n > 0:
        m = min(n, <Py_ssize_t>STREAM_BLOCK // item)
        forward(x, block, m, &helpers[dtype])
        x += m * item
        fg_stream(block, y, m * item, x, NULL)
        y += m * item
        n -= m
    fg_stream_end()


cdef void backward_apply(Backward kernel, int dtype, const void* g, const void* x1, const void* x2, const void* y,
                         void* gx, Py_ssize_t n, bint add, double* constant, bint uniform) noexcept nogil:
    """`gx (+)= kernel(g, ...)` over n elements; `gx` may be `g` itself. `constant` stands for an operand that is one
    number, and if `uniform`, `g` is one number too: both are spread over a block."""
    cdef char[BLOCK * 8] filled
    cdef char[BLOCK * 8] upstream
    cdef const char* first = <const char*>x1
    cdef const char* second = <const char*>x2
    cdef Py_ssize_t itemsize = 8 if dtype == F64 else 4
    cdef Py_ssize_t at = 0, m = min(n, <Py_ssize_t>BLOCK)
    cdef double c = 0
    if constant != NULL:
        c = constant[0]
        fill_same(dtype, filled, m, c)
        if x1 == NULL:
            first = filled
        else:
            second = filled
    if uniform:
        fill_same(dtype, upstream, m, (<const double*>g)[0] if dtype == F64 else <double>(<const float*>g)[0])
    while n > 0:
        m = min(n, <Py_ssize_t>BLOCK)
        kernel(<char*>upstream if uniform else <char*>g + at, first, second, NULL if y == NULL else <char*>y + at,
               <char*>gx + at, m, c, &helpers[dtype], add)
        at += m * itemsize
        n -= m
        if first != NULL and first != filled:
            first += m * itemsize
        if second != NULL and second != filled:
            second += m * itemsize


cdef void fill_same(int dtype, void* y, Py_ssize_t n, double c) noexcept nogil:
    """y = c"""
    cdef Py_ssize_t i
    if dtype == F64:
        for i in range(n):
            (<double*>y)[i] = c
    else:
        for i in range(n):
            (<float*>y)[i] = <float>c


cdef void add_same(int dtype, void* y, Py_ssize_t n, double c) noexcept nogil:
    """y += c"""
    cdef Py_ssize_t i
    if dtype == F64:
        for i in range(n):
            (<double*>y)[i] += c
    else:
        for i in range(n):
            (<float*>y)[i] += <float>c


cdef void add_into(int dtype, const void* x, void* y, Py_ssize_t n) noexcept nogil:
    """y += x"""
    cdef Py_ssize_t i
    if dtype == F64:
        for i in range(n):
            (<double*>y)[i] += (<const double*>x)[i]
    else:
        for i in range(n):
            (<float*>y)[i] += (<const float*>x)[i]


# Forward of one float64, straight to libm: at one element NumPy's SIMD loops cost 3x as much.

cdef double s_negative(double a, double b) noexcept nogil: return -a
cdef double s_abs(double a, double b) noexcept nogil: return fabs(a)
cdef double s_sqrt(double a, double b) noexcept nogil: return sqrt(a)
cdef double s_square(double a, double b) noexcept nogil: return a * a
cdef double s_reciprocal(double a, double b) noexcept nogil: return 1 / a
cdef double s_exp(double a, double b) noexcept nogil: return exp(a)
cdef double s_expm1(double a, double b) noexcept nogil: return expm1(a)
cdef double s_exp2(double a, double b) noexcept nogil: return exp2(a)
cdef double s_log(double a, double b) noexcept nogil: return log(a)
cdef double s_log1p(double a, double b) noexcept nogil: return log1p(a)
cdef double s_log2(double a, double b) noexcept nogil: return log2(a)
cdef double s_log10(double a, double b) noexcept nogil: return log10(a)
cdef double s_sin(double a, double b) noexcept nogil: return sin(a)
cdef double s_cos(double a, double b) noexcept nogil: return cos(a)
cdef double s_tan(double a, double b) noexcept nogil: return tan(a)
cdef double s_arcsin(double a, double b) noexcept nogil: return asin(a)
cdef double s_arccos(double a, double b) noexcept nogil: return acos(a)
cdef double s_arctan(double a, double b) noexcept nogil: return atan(a)
cdef double s_sinh(double a, double b) noexcept nogil: return sinh(a)
cdef double s_cosh(double a, double b) noexcept nogil: return cosh(a)
cdef double s_tanh(double a, double b) noexcept nogil: return tanh(a)
cdef double s_arcsinh(double a, double b) noexcept nogil: return asinh(a)
cdef double s_arccosh(double a, double b) noexcept nogil: return acosh(a)
cdef double s_arctanh(double a, double b) noexcept nogil: return atanh(a)
cdef double s_relu(double a, double b) noexcept nogil: return 0 if a < 0 else a
cdef double s_add(double a, double b) noexcept nogil: return a + b
cdef double s_subtract(double a, double b) noexcept nogil: return a - b
cdef double s_multiply(double a, double b) noexcept nogil: return a * b
cdef double s_divide(double a, double b) noexcept nogil: return a / b
cdef double s_power(double a, double b) noexcept nogil: return a * a if b == 2 else pow(a, b)


cdef double s_sigmoid(double a, double b) noexcept nogil:
    cdef double z = exp(-fabs(a))
    return (1 if a >= 0 else z) / (1 + z)


cdef dict rows = {}


cdef int row(int op, str name, int nin, str loop, void* own64, void* own32, void* scalar,
             void* x1_64, void* x1_32, void* x2_64, void* x2_32) except -1:
    cdef Kernel* k = &kernels[op]
    memset(k, 0, sizeof(Kernel))
    k.nin = nin
    if loop is not None:
        k.loop[<int>F64] = numpy_loop(loop, F64)
        k.loop[<int>F32] = numpy_loop(loop, F32)
    k.own[<int>F64] = <Forward>own64
    k.own[<int>F32] = <Forward>own32
    k.scalar = <Scalar>scalar
    k.x1[<int>F64] = <Backward>x1_64
    k.x1[<int>F32] = <Backward>x1_32
    k.x2[<int>F64] = <Backward>x2_64
    k.x2[<int>F32] = <Backward>x2_32
    k.x1_alone = k.x1
    rows[name] = op
    return 0


cdef int unary(int op, str name, str loop, void* scalar, void* b64, void* b32) except -1:
    return row(op, name, 1, loop, NULL, NULL, scalar, b64, b32, NULL, NULL)


cdef int own(int op, str name, void* f64, void* f32, void* scalar, void* b64, void* b32) except -1:
    return row(op, name, 1, None, f64, f32, scalar, b64, b32, NULL, NULL)


cdef int fill() except -1:
    unary(NEGATIVE, "negative", "negative", <void*>s_negative, <void*>negative_backward[double],
          <void*>negative_backward[float])
    unary(ABS, "abs", "absolute", <void*>s_abs, <void*>abs_backward[double], <void*>abs_backward[float])
    unary(SIGN, "sign", "sign", NULL, <void*>zero_backward[double], <void*>zero_backward[float])
    unary(SQRT, "sqrt", "sqrt", <void*>s_sqrt, <void*>sqrt_backward[double], <void*>sqrt_backward[float])
    unary(SQUARE, "square", "square", <void*>s_square, <void*>square_backward[double], <void*>square_backward[float])
    unary(RECIPROCAL, "reciprocal", "reciprocal", <void*>s_reciprocal, <void*>reciprocal_backward[double],
          <void*>reciprocal_backward[float])
    unary(EXP, "exp", "exp", <void*>s_exp, <void*>exp_backward[double], <void*>exp_backward[float])
    unary(EXPM1, "expm1", "expm1", <void*>s_expm1, <void*>expm1_backward[double], <void*>expm1_backward[float])
    unary(EXP2, "exp2", "exp2", <void*>s_exp2, <void*>exp2_backward[double], <void*>exp2_backward[float])
    unary(LOG, "log", "log", <void*>s_log, <void*>log_backward[double], <void*>log_backward[float])
    unary(LOG1P, "log1p", "log1p", <void*>s_log1p, <void*>log1p_backward[double], <void*>log1p_backward[float])
    unary(LOG2, "log2", "log2", <void*>s_log2, <void*>log2_backward[double], <void*>log2_backward[float])
    unary(LOG10, "log10", "log10", <void*>s_log10, <void*>log10_backward[double], <void*>log10_backward[float])
    unary(SIN, "sin", "sin", <void*>s_sin, <void*>sin_backward[double], <void*>sin_backward[float])
    unary(COS, "cos", "cos", <void*>s_cos, <void*>cos_backward[double], <void*>cos_backward[float])
    unary(TAN, "tan", "tan", <void*>s_tan, <void*>tan_backward[double], <void*>tan_backward[float])
    unary(TANH, "tanh", "tanh", <void*>s_tanh, <void*>tanh_backward[double], <void*>tanh_backward[float])
    # No backward kernel: the rule does it. What the rule reads is asked of the rule.
    unary(ARCSIN, "arcsin", "arcsin", <void*>s_arcsin, NULL, NULL)
    unary(ARCCOS, "arccos", "arccos", <void*>s_arccos, NULL, NULL)
    unary(ARCTAN, "arctan", "arctan", <void*>s_arctan, NULL, NULL)
    unary(SINH, "sinh", "sinh", <void*>s_sinh, NULL, NULL)
    unary(COSH, "cosh", "cosh", <void*>s_cosh, NULL, NULL)
    unary(ARCSINH, "arcsinh", "arcsinh", <void*>s_arcsinh, NULL, NULL)
    unary(ARCCOSH, "arccosh", "arccosh", <void*>s_arccosh, NULL, NULL)
    unary(ARCTANH, "arctanh", "arctanh", <void*>s_arctanh, NULL, NULL)

    own(SIGMOID, "sigmoid", <void*>sigmoid_forward[double], <void*>sigmoid_forward[float], <void*>s_sigmoid,
        <void*>sigmoid_backward[double], <void*>sigmoid_backward[float])
    own(LOGSIGMOID, "logsigmoid", <void*>logsigmoid_forward[double], <void*>logsigmoid_forward[float], NULL,
        <void*>logsigmoid_backward[double], <void*>logsigmoid_backward[float])
    own(SOFTPLUS, "softplus", <void*>softplus_forward[double], <void*>softplus_forward[float], NULL,
        <void*>softplus_backward[double], <void*>softplus_backward[float])
    own(RELU, "relu", <void*>relu_forward[double], <void*>relu_forward[float], <void*>s_relu,
        <void*>relu_backward[double], <void*>relu_backward[float])
    own(SILU, "silu", <void*>silu_forward[double], <void*>silu_forward[float], NULL,
        <void*>silu_backward[double], <void*>silu_backward[float])

    row(ADD, "add", 2, "add", NULL, NULL, <void*>s_add,
        <void*>copy_backward[double], <void*>copy_backward[float], <void*>copy_backward[double],
        <void*>copy_backward[float])
    row(SUBTRACT, "subtract", 2, "subtract", NULL, NULL, <void*>s_subtract,
        <void*>copy_backward[double], <void*>copy_backward[float], <void*>negative_backward[double],
        <void*>negative_backward[float])
    row(MULTIPLY, "multiply", 2, "multiply", NULL, NULL, <void*>s_multiply,
        <void*>multiply_backward1[double], <void*>multiply_backward1[float], <void*>multiply_backward2[double],
        <void*>multiply_backward2[float])
    row(DIVIDE, "divide", 2, "divide", NULL, NULL, <void*>s_divide,
        <void*>divide_backward1[double], <void*>divide_backward1[float], <void*>divide_backward2[double],
        <void*>divide_backward2[float])
    # A tensor exponent takes the rule; a constant one has a kernel of its own (`x1_alone`).
    row(POWER, "power", 2, "power", NULL, NULL, <void*>s_power, NULL, NULL, NULL, NULL)
    row(MAXIMUM, "maximum", 2, "maximum", NULL, NULL, NULL,
        <void*>maximum_backward1[double], <void*>maximum_backward1[float], <void*>maximum_backward2[double],
        <void*>maximum_backward2[float])
    row(MINIMUM, "minimum", 2, "minimum", NULL, NULL, NULL,
        <void*>maximum_backward2[double], <void*>maximum_backward2[float], <void*>maximum_backward1[double],
        <void*>maximum_backward1[float])
    row(ARCTAN2, "arctan2", 2, "arctan2", NULL, NULL, NULL, NULL, NULL, NULL, NULL)
    row(HYPOT, "hypot", 2, "hypot", NULL, NULL, NULL, NULL, NULL, NULL, NULL)
    row(LOGADDEXP, "logaddexp", 2, "logaddexp", NULL, NULL, NULL, NULL, NULL, NULL, NULL)
    return 0


fill()
kernel_rows = dict(rows)        # op name -> number, for the functions that are made from rules
kernels[<int>POWER].x1_alone[<int>F64] = <Backward>power_constant_backward[double]
kernels[<int>POWER].x1_alone[<int>F32] = <Backward>power_constant_backward[float]
