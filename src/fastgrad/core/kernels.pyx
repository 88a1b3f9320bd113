# cython: infer_types=True
# The kernels, and the tables that hold them: `kernels` has a row for each elementwise op, `typed` the kernels of the
# other families by dtype. Local variables have the type of what they are assigned; where arithmetic would make that
# wider than `floating`, they are declared.

from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from libc.float cimport DBL_EPSILON, DBL_MIN, FLT_EPSILON, FLT_MIN
from libc.math cimport acos, acosh, asin, asinh, atan, atanh, cos, cosh, exp, exp2, expm1, fabs, fabsf, log
from libc.math cimport log10, log1p, log2, pow, sin, sinh, sqrt, sqrtf, tan, tanh
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset
from numpy cimport npy_intp
from fastgrad.core.layout cimport F32, F64, Layout, item_bytes
from fastgrad.core.loops cimport FG_BYPASS, FG_STREAM, STREAM_BLOCK, fg_stream, fg_stream_end
from fastgrad.core.loops cimport BoundLoop, Helpers, Loop, address, apply1, apply2, broadcast_apply, helpers, layout_t
from fastgrad.core.loops cimport numpy_loop, steps_t, walk
from fastgrad.core.loops import instruction_sets
from fastgrad.core.workers cimport LANES, Part, blas_is_serial, split_among, split_from, split_work, threads_wanted
from fastgrad.core.loops import numpy_is_wide, own_loops, own_loops_allowed

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
    return fabs(x) if floating is double else fabsf(x)


cdef inline floating sqrt_(floating x) noexcept nogil:
    return sqrt(x) if floating is double else sqrtf(x)


cdef inline const Helpers* helpers_of(const floating* unused) noexcept nogil:
    """NumPy's loops for the dtype."""
    return &helpers[<int>F64 if floating is double else <int>F32]


cdef inline void store_or_add(floating* y, floating value, bint add) noexcept nogil:
    if add:
        y[0] += value
    else:
        y[0] = value


include "kernels/elementwise.pxi"
include "kernels/erf.pxi"
include "kernels/sums.pxi"
include "kernels/reduce.pxi"
include "kernels/softmax.pxi"
include "kernels/logsumexp.pxi"
include "kernels/losses.pxi"
include "kernels/scan.pxi"
include "kernels/spread.pxi"
include "kernels/sort.pxi"
include "kernels/triangles.pxi"
include "kernels/select.pxi"
include "kernels/indexing.pxi"
include "kernels/matmul_batched.pxi"
include "kernels/steps.pxi"
include "kernels/skinny.pxi"
include "kernels/matmul.pxi"
include "kernels/conv.pxi"
include "kernels/pooling.pxi"
include "kernels/recurrent.pxi"
include "kernels/optimizers.pxi"
include "kernels/normalize.pxi"
include "kernels/apply.pxi"
include "kernels/own_vectors.pxi"
include "kernels/own_exp.pxi"
include "kernels/own_log.pxi"
include "kernels/own_sin.pxi"
include "kernels/own_rows.pxi"
include "kernels/own_power.pxi"
include "kernels/own_math.pxi"


cdef void fill(floating* y, Py_ssize_t n, double c) noexcept nogil:
    """y = c"""
    cdef floating value = <floating>c
    for i in range(n):
        y[i] = value


cdef void add_number(floating* y, Py_ssize_t n, double c) noexcept nogil:
    """y += c"""
    cdef floating value = <floating>c
    for i in range(n):
        y[i] += value


cdef void accumulate(const floating* x, floating* y, Py_ssize_t n) noexcept nogil:
    """y += x"""
    for i in range(n):
        y[i] += x[i]


# Forward of one float64: at one element NumPy's SIMD loops cost 3x as much as libm.

cdef double s_negative(double x) noexcept nogil: return -x
cdef double s_square(double x) noexcept nogil: return x * x
cdef double s_reciprocal(double x) noexcept nogil: return 1 / x
cdef double s_relu(double x) noexcept nogil: return 0 if x < 0 else x
cdef double s_add(double x1, double x2) noexcept nogil: return x1 + x2
cdef double s_subtract(double x1, double x2) noexcept nogil: return x1 - x2
cdef double s_multiply(double x1, double x2) noexcept nogil: return x1 * x2
cdef double s_divide(double x1, double x2) noexcept nogil: return x1 / x2
cdef double s_power(double x1, double x2) noexcept nogil: return x1 * x1 if x2 == 2 else pow(x1, x2)


cdef double s_sigmoid(double x) noexcept nogil:
    cdef double z = exp(-fabs(x))
    return (1 if x >= 0 else z) / (1 + z)


kernel_rows = {}        # op name -> number, for the functions that are made from rules


cdef Kernel* row(int dtype, int op, str name, int nin, str loop, void* x1, void* x2) except NULL:
    """Enter an elementwise op of one dtype: NumPy's forward loop of that name and the backward kernels."""
    cdef Kernel* k = &kernels[op]
    k.nin = nin
    if loop is not None:
        k.loop[dtype] = numpy_loop(loop, dtype)
    k.x1[dtype] = k.x1_alone[dtype] = <Backward>x1
    k.x2[dtype] = <Backward>x2
    kernel_rows[name] = op
    return k


cdef int unary(int dtype, int op, str name, Scalar1 scalar, void* backward) except -1:
    """One operand; NumPy has the forward, of the same name. Without a backward kernel the rule does it."""
    row(dtype, op, name, 1, "absolute" if op == ABS else name, backward, NULL).scalar1 = scalar
    return 0


cdef int own(int dtype, int op, str name, void* forward, Scalar1 scalar, void* backward) except -1:
    """One operand, and a forward of our own."""
    cdef Kernel* k = row(dtype, op, name, 1, None, backward, NULL)
    k.own[dtype] = <Forward>forward
    k.scalar1 = scalar
    return 0


cdef int binary(int dtype, int op, str name, Scalar2 scalar, void* x1, void* x2) except -1:
    """Two operands; NumPy has the forward, of the same name."""
    row(dtype, op, name, 2, name, x1, x2).scalar2 = scalar
    return 0


cdef int fill_kernels(floating* unused, int dtype) except -1:
    """Enter the elementwise ops of one dtype."""
    unary(dtype, NEGATIVE, "negative", s_negative, <void*>negative_backward[floating])
    unary(dtype, ABS, "abs", fabs, <void*>abs_backward[floating])
    unary(dtype, SIGN, "sign", NULL, <void*>zero_backward[floating])
    unary(dtype, SQRT, "sqrt", sqrt, <void*>sqrt_backward[floating])
    unary(dtype, SQUARE, "square", s_square, <void*>square_backward[floating])
    unary(dtype, RECIPROCAL, "reciprocal", s_reciprocal, <void*>reciprocal_backward[floating])
    unary(dtype, EXP, "exp", exp, <void*>exp_backward[floating])
    unary(dtype, EXPM1, "expm1", expm1, <void*>expm1_backward[floating])
    unary(dtype, EXP2, "exp2", exp2, <void*>exp2_backward[floating])
    unary(dtype, LOG, "log", log, <void*>log_backward[floating])
    unary(dtype, LOG1P, "log1p", log1p, <void*>log1p_backward[floating])
    unary(dtype, LOG2, "log2", log2, <void*>log2_backward[floating])
    unary(dtype, LOG10, "log10", log10, <void*>log10_backward[floating])
    unary(dtype, SIN, "sin", sin, <void*>sin_backward[floating])
    unary(dtype, COS, "cos", cos, <void*>cos_backward[floating])
    unary(dtype, TAN, "tan", tan, <void*>tan_backward[floating])
    unary(dtype, TANH, "tanh", tanh, <void*>tanh_backward[floating])
    unary(dtype, ARCSIN, "arcsin", asin, NULL)
    unary(dtype, ARCCOS, "arccos", acos, NULL)
    unary(dtype, ARCTAN, "arctan", atan, NULL)
    unary(dtype, SINH, "sinh", sinh, NULL)
    unary(dtype, COSH, "cosh", cosh, NULL)
    unary(dtype, ARCSINH, "arcsinh", asinh, NULL)
    unary(dtype, ARCCOSH, "arccosh", acosh, NULL)
    unary(dtype, ARCTANH, "arctanh", atanh, NULL)

    own(dtype, SIGMOID, "sigmoid", <void*>sigmoid_forward[floating], s_sigmoid, <void*>sigmoid_backward[floating])
    own(dtype, LOGSIGMOID, "logsigmoid", <void*>logsigmoid_forward[floating], NULL,
        <void*>logsigmoid_backward[floating])
    own(dtype, SOFTPLUS, "softplus", <void*>softplus_forward[floating], NULL, <void*>softplus_backward[floating])
    own(dtype, RELU, "relu", <void*>relu_forward[floating], s_relu, <void*>relu_backward[floating])
    own(dtype, SILU, "silu", <void*>silu_forward[floating], NULL, <void*>silu_backward[floating])
    own(dtype, ERF, "erf", <void*>erf_forward[floating], erf, <void*>erf_backward[floating])
    own(dtype, ERFC, "erfc", <void*>erfc_forward[floating], erfc, <void*>erfc_backward[floating])
    own(dtype, GELU, "gelu", <void*>gelu_forward[floating], NULL, <void*>gelu_backward[floating])

    binary(dtype, ADD, "add", s_add, <void*>copy_backward[floating], <void*>copy_backward[floating])
    binary(dtype, SUBTRACT, "subtract", s_subtract, <void*>copy_backward[floating], <void*>negative_backward[floating])
    binary(dtype, MULTIPLY, "multiply", s_multiply, <void*>multiply_backward1[floating],
           <void*>multiply_backward2[floating])
    binary(dtype, DIVIDE, "divide", s_divide, <void*>divide_backward1[floating], <void*>divide_backward2[floating])
    binary(dtype, MAXIMUM, "maximum", NULL, <void*>maximum_backward1[floating], <void*>maximum_backward2[floating])
    binary(dtype, MINIMUM, "minimum", NULL, <void*>maximum_backward2[floating], <void*>maximum_backward1[floating])
    binary(dtype, ARCTAN2, "arctan2", NULL, NULL, NULL)
    binary(dtype, HYPOT, "hypot", NULL, NULL, NULL)
    binary(dtype, LOGADDEXP, "logaddexp", NULL, NULL, NULL)
    # A tensor exponent takes the rule; a constant one has a kernel of its own.
    binary(dtype, POWER, "power", s_power, NULL, NULL)
    kernels[<int>POWER].x1_alone[dtype] = <Backward><void*>power_constant_backward[floating]
    return 0


cdef void store(void* field, void* kernel) noexcept:
    """Set a field of a `KernelSet` to a kernel, whose pointers are typed."""
    memcpy(field, &kernel, sizeof(kernel))


cdef void fill_typed(floating* unused, KernelSet* k) noexcept:
    """Enter the kernels of one dtype."""
    store(&k.fill, <void*>fill[floating])
    store(&k.add_number, <void*>add_number[floating])
    store(&k.accumulate, <void*>accumulate[floating])
    store(&k.softmax_forward, <void*>softmax_forward[floating])
    store(&k.log_softmax_forward, <void*>log_softmax_forward[floating])
    store(&k.logsumexp_forward, <void*>logsumexp_forward[floating])
    store(&k.cumsum_forward, <void*>cumsum_forward[floating])
    store(&k.cumprod_forward, <void*>cumprod_forward[floating])
    store(&k.extremum_backward, <void*>extremum_backward[floating])
    store(&k.softmax_backward, <void*>softmax_backward[floating])
    store(&k.log_softmax_backward, <void*>log_softmax_backward[floating])
    store(&k.logsumexp_backward, <void*>logsumexp_backward[floating])
    store(&k.cumsum_backward, <void*>cumsum_backward[floating])
    store(&k.cumprod_backward, <void*>cumprod_backward[floating])
    store(&k.var_forward, <void*>var_forward[floating])
    store(&k.std_forward, <void*>std_forward[floating])
    store(&k.norm_forward, <void*>norm_forward[floating])
    store(&k.sort_forward, <void*>sort_forward[floating])
    store(&k.var_backward, <void*>var_backward[floating])
    store(&k.std_backward, <void*>std_backward[floating])
    store(&k.norm_backward, <void*>norm_backward[floating])
    store(&k.sort_backward, <void*>sort_backward[floating])
    store(&k.triangle, <void*>triangle[floating])
    store(&k.prod_backward, <void*>prod_backward[floating])
    store(&k.gather_add, <void*>gather_add[floating])
    store(&k.scatter_add, <void*>scatter_add[floating])
    store(&k.broadcast_backward, <void*>broadcast_backward[floating])
    store(&k.cross_entropy_forward, <void*>cross_entropy_forward[floating])
    store(&k.cross_entropy_backward, <void*>cross_entropy_backward[floating])
    store(&k.clip_forward, <void*>clip_forward[floating])
    store(&k.clip_backward, <void*>clip_backward[floating])
    store(&k.conv_forward, <void*>conv_forward[floating])
    store(&k.conv_weight_backward, <void*>conv_weight_backward[floating])
    store(&k.conv_input_backward, <void*>conv_input_backward[floating])
    store(&k.max_pool_forward, <void*>max_pool_forward[floating])
    store(&k.max_pool_backward, <void*>max_pool_backward[floating])
    store(&k.avg_pool, <void*>avg_pool[floating])
    store(&k.recurrent_forward, <void*>recurrent_forward[floating])
    store(&k.recurrent_backward, <void*>recurrent_backward[floating])
    store(&k.sgd_update, <void*>sgd_update[floating])
    store(&k.adam_update, <void*>adam_update[floating])
    store(&k.rmsprop_update, <void*>rmsprop_update[floating])
    store(&k.sum_of_squares, <void*>sum_of_squares[floating])
    store(&k.layer_norm_forward, <void*>layer_norm_forward[floating])
    store(&k.layer_norm_backward, <void*>layer_norm_backward[floating])
    store(&k.accumulate_rows, <void*>accumulate_rows[floating])
    store(&k.batch_norm_forward, <void*>batch_norm_forward[floating])
    store(&k.batch_norm_sums, <void*>batch_norm_sums[floating])
    store(&k.batch_norm_backward, <void*>batch_norm_backward[floating])


fill_kernels(<double*>NULL, F64)
fill_kernels(<float*>NULL, F32)
fill_own()
fill_typed(<double*>NULL, &typed[<int>F64])
fill_typed(<float*>NULL, &typed[<int>F32])
