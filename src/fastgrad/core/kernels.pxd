# Elementwise kernels and the table that says, for each hot op, which of its operands and result its backward reads.
# Kernels know pointers, sizes and constants, and no tensor.

from fastgrad.core.loops cimport BoundLoop, Helpers

cdef enum Op:           
    LEAF
    # elementwise, one operand
    NEGATIVE
    ABS
    SIGN
    SQRT
    SQUARE
    RECIPROCAL
    EXP
    EXPM1
    EXP2
    LOG
    LOG1P
    LOG2
    LOG10
    SIN
    COS
    TAN
    ARCSIN
    ARCCOS
    ARCTAN
    SINH
    COSH
    TANH
    ARCSINH
    ARCCOSH
    ARCTANH
    SIGMOID
    LOGSIGMOID
    SOFTPLUS
    RELU
    SILU
    # elementwise, two operands
    ADD
    SUBTRACT
    MULTIPLY
    DIVIDE
    POWER
    MAXIMUM
    MINIMUM
    ARCTAN2
    HYPOT
    LOGADDEXP
    END_ELEMENTWISE
    # the others: each has its own file
    WHERE
    CLIP
    SUM
    MEAN
    MAX
    MIN
    PROD
    LOGSUMEXP
    SOFTMAX
    LOG_SOFTMAX
    CROSS_ENTROPY
    SUM_TO
    BROADCAST_TO
    MATMUL
    RESHAPE
    PERMUTE_DIMS
    GETITEM
    GATHER
    RULE                    # any op without a kernel
    END_OPS

cdef enum Reads:
    READS_X1 = 1
    READS_X2 = 2
    READS_Y = 4

# One local gradient times the upstream gradient: out[i] = g[i] * dy/dx. `out` overlaps no input; what the kernel does not
# read may be NULL; `c` is the constant operand where there is one.
ctypedef void (*Backward)(const void* g, const void* x1, const void* x2, const void* y, void* out, Py_ssize_t n, double c, const Helpers* h) noexcept nogil
ctypedef void (*Forward)(const void* x, void* y, Py_ssize_t n, const Helpers* h) noexcept nogil
ctypedef double (*Scalar)(double x1, double x2) noexcept nogil
ctypedef float (*ScalarF)(float x1, float x2) noexcept nogil

cdef struct Kernel:
    int nin
    unsigned int reads      # Reads of all backward kernels together
    BoundLoop[2] loop       # forward by KernelDType; run is NULL where `own` is meant
    Forward[2] own
    Scalar scalar           # forward of one float64 element, or NULL
    Backward[2] x1          # backward to the first operand, by KernelDType; NULL: the rule does it
    Backward[2] x2

cdef Kernel[<int>END_OPS] kernels
cdef Backward[2] power_constant

cdef enum:
    BLOCK = 1024            # elements that stay in the first-level cache between two loops

cdef void accumulate(int dtype, const void* x, void* y, Py_ssize_t n) noexcept nogil
cdef void backward_apply(Backward kernel, int dtype, const void* g, const void* x1, const void* x2, const void* y,
                         void* gx, Py_ssize_t n, bint add, double* constant) noexcept nogil
