# The kernels and their tables. Kernels take pointers, sizes and constants, and never a tensor.

from fastgrad.core.layout cimport Layout
from fastgrad.core.loops cimport BoundLoop, Helpers, address, layout_t
from fastgrad.core.workers cimport Part

cdef enum Op:               # the order means nothing
    LEAF
    # elementwise, one operand
    NEGATIVE, ABS, SIGN, SQRT, SQUARE, RECIPROCAL
    EXP, EXPM1, EXP2, LOG, LOG1P, LOG2, LOG10
    SIN, COS, TAN, ARCSIN, ARCCOS, ARCTAN
    SINH, COSH, TANH, ARCSINH, ARCCOSH, ARCTANH
    SIGMOID, LOGSIGMOID, SOFTPLUS, RELU, SILU
    ERF, ERFC, GELU
    # elementwise, two operands
    ADD, SUBTRACT, MULTIPLY, DIVIDE, POWER
    MAXIMUM, MINIMUM, ARCTAN2, HYPOT, LOGADDEXP
    RULE                    # any op without a kernel
    FIRST_STRUCTURED        # `register_op` in record/table.pxi assigns the numbers from here on

cdef extern from *:
    """
    /* What is to be had for x**e: the square of x, its root, its reciprocal, or none of them. */
    #define FG_EASY_POWER(e, square, root, reciprocal, none)                                            \\
        ((e) == 2.0 ? (square) : (e) == 0.5 ? (root) : (e) == -1.0 ? (reciprocal) : (none))
    """
    int FG_EASY_POWER(double e, int square, int root, int reciprocal, int none) noexcept nogil

cdef enum Reads:
    READS_X1 = 1
    READS_X2 = 2
    READS_Y = 4

# out[i] (+)= g[i] * dy/dx for at most BLOCK elements. `out` may be `g` or `y` and overlaps no other input. Arrays that
# a kernel does not read may be NULL. `c` is the constant operand of an op that has one.
ctypedef void (*Backward)(const void* g, const void* x1, const void* x2, const void* y, void* out, Py_ssize_t n,
                          double c, const Helpers* h, bint add) noexcept nogil
# y = forward(x) for at most BLOCK elements.
ctypedef void (*Forward)(const void* x, void* y, Py_ssize_t n, const Helpers* h) noexcept nogil
ctypedef double (*Scalar1)(double x) noexcept nogil
ctypedef double (*Scalar2)(double x1, double x2) noexcept nogil

cdef struct Kernel:         # an elementwise op; arrays are indexed by KernelDType
    int nin                 # operands; 0 for all other ops
    BoundLoop[2] loop       # NumPy's forward; its `run` is NULL where `own` is used
    Forward[2] own
    Scalar1 scalar1         # forward of one float64 of a one-operand op, or NULL
    Scalar2 scalar2         # forward of one float64 of a two-operand op, or NULL
    Backward[2] x1          # backward to the first operand, or NULL: the rule does it
    Backward[2] x2
    Backward[2] x1_alone    # backward to the first operand where the second is the constant `c`

cdef Kernel[256] kernels

cdef enum:
    BLOCK = 1024            # elements that stay in the first-level cache between two loops
    MOST_SORTED = 64        # elements that the kernels of `sort` accept along the axis

cdef void own_forward(Forward forward, int dtype, const char* x, char* y, Py_ssize_t n) noexcept nogil
cdef void backward_apply(Backward kernel, int dtype, const void* g, const void* x1, const void* x2, const void* y,
                         void* gx, Py_ssize_t n, bint add, double* constant, bint uniform) noexcept nogil

# kernels/matmul.pxi, kernels/matmul_batched.pxi, kernels/skinny.pxi
cdef struct Factor:         # a matrix, or a stack of them; strides in bytes
    const char* x
    Py_ssize_t row, col
    const Py_ssize_t* steps     # of the leading axes

cdef inline Factor factor(const char* x, Py_ssize_t row, Py_ssize_t col, const Py_ssize_t* steps=NULL) noexcept nogil:
    cdef Factor made
    made.x, made.row, made.col, made.steps = x, row, col, steps
    return made

cdef Py_ssize_t own_product_scratch(int kernel, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p, const Factor* a,
                                    const Factor* b) noexcept nogil
cdef void own_product(int kernel, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p, const Factor* a, const Factor* b, char* y,
                      char* scratch) noexcept nogil
cdef void matmul_strided(int kernel, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p, const Factor* a, const Factor* b,
                         char* y) noexcept nogil
cdef void matmul_stacked(int kernel, int ndim, const Py_ssize_t* shape, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p,
                         const Factor* a, const Factor* b, char* y, const Py_ssize_t* y_steps) noexcept nogil

# kernels/steps.pxi
cdef enum:
    RUN_BLOCK = 512         # elements: half a dozen blocks of float64 fit into the first-level cache together

cdef struct Place:          # an array that a step reads or writes
    char* start
    Py_ssize_t step         # bytes per element; 0 for a block of scratch, which every block of elements reuses

cdef struct Step:           # one call of a backward kernel; where that is NULL, out = op(x1, x2)
    Backward kernel
    const Kernel* op
    Place g, x1, x2, y, out
    double c
    bint add

cdef struct StreamedOutput:     # a block of scratch that is written past the cache when its elements are done
    const char* block
    char* y

cdef struct Steps:
    const Step* steps
    int count
    const StreamedOutput* outs
    int n_outs
    int dtype
    const char* last            # a block of scratch that is read when the steps are done, or NULL
    # of several threads
    char* copies                # of scratch and steps, for each thread but the first
    Py_ssize_t copy             # bytes of each
    const char* scratch         # where it begins
    Py_ssize_t n_scratch        # bytes

cdef void run_steps(Steps* s, Py_ssize_t n) noexcept nogil
cdef void run_step_blocks(const Steps* s, Py_ssize_t at, Py_ssize_t end) noexcept nogil
cdef Steps steps_of(const Steps* s, int who) noexcept nogil
cdef bint share_steps(Steps* s, Part run, const void* job, Py_ssize_t n, Py_ssize_t grain) noexcept nogil

cdef struct Windows:        # lengths of a convolution, or of pooling; with one axis the heights are 1
    Py_ssize_t n            # samples, or planes of pooling
    Py_ssize_t groups
    Py_ssize_t c, o         # input and output channels of a group
    Py_ssize_t h, w         # input
    Py_ssize_t hp, wp       # padded input
    Py_ssize_t kh, kw       # kernel
    Py_ssize_t sh, sw       # stride
    Py_ssize_t dh, dw       # dilation
    Py_ssize_t top, left    # padding
    Py_ssize_t oh, ow       # result
    bint count_pad          # averages count the padding

cdef enum Cell:
    CELL_TANH, CELL_RELU, CELL_LSTM, CELL_GRU

cdef struct Recurrent:
    int cell
    Py_ssize_t steps, batch, hidden

cdef struct Extents:        # elements before, along and after the axes that a kernel works along
    Py_ssize_t outer, n, inner
    double number           # a parameter of some ops, such as `ddof`

# Pointers that a kernel does not use may be NULL.
ctypedef void (*AxisForward)(const void* x, void* y, void* scratch, const Extents* e) noexcept nogil
ctypedef void (*AxisBackward)(const void* g, const void* x, const void* y, void* gx, void* scratch, const Extents* e,
                              bint add) noexcept nogil
ctypedef void (*NormForward)(const void* x, const void* w, const void* b, void* y, void* stats, const Extents* e,
                             double eps) noexcept nogil
ctypedef void (*Gather)(const void* x, const Py_ssize_t* at, void* y, const Extents* e,
                        Py_ssize_t count) noexcept nogil

# The kernels of one dtype, whose elements every `void*` points to. The functions of the same names describe them.
# Numbers arrive as float64 and are rounded to the dtype. A backward adds to its result if `add`.
cdef struct KernelSet:
    # kernels.pyx
    void (*fill)(void* y, Py_ssize_t n, double c) noexcept nogil
    void (*add_number)(void* y, Py_ssize_t n, double c) noexcept nogil
    void (*accumulate)(const void* x, void* y, Py_ssize_t n) noexcept nogil
    # along an axis: kernels/reduce.pxi, softmax.pxi, logsumexp.pxi, scan.pxi, spread.pxi, sort.pxi, indexing.pxi
    AxisForward softmax_forward, log_softmax_forward, logsumexp_forward, cumsum_forward, cumprod_forward
    AxisBackward extremum_backward, softmax_backward, log_softmax_backward, logsumexp_backward
    AxisBackward cumsum_backward, cumprod_backward, prod_backward
    AxisForward var_forward, std_forward, norm_forward, sort_forward
    AxisBackward var_backward, std_backward, norm_backward, sort_backward
    Gather gather_add, scatter_add
    void (*broadcast_backward)(const void* g, void* gx, const Extents* e, double divisor, bint add) noexcept nogil
    # kernels/losses.pxi
    double (*cross_entropy_forward)(const void* logits, const Py_ssize_t* labels, void* losses, void* e, void* inverse,
                                    bint reuse, Py_ssize_t rows, Py_ssize_t n) noexcept nogil
    void (*cross_entropy_backward)(const void* g, bint each, double share, const Py_ssize_t* labels, const void* e,
                                   const void* inverse, void* gx, Py_ssize_t rows, Py_ssize_t n,
                                   bint add) noexcept nogil
    # kernels/triangles.pxi
    void (*triangle)(const void* x, void* y, Py_ssize_t count, Py_ssize_t rows, Py_ssize_t cols, Py_ssize_t k,
                     bint upper, bint add) noexcept nogil
    # kernels/select.pxi
    void (*clip_forward)(const void* x, void* y, Py_ssize_t n, double low, double high) noexcept nogil
    void (*clip_backward)(const void* g, const void* x, void* gx, Py_ssize_t n, double low, double high,
                          bint add) noexcept nogil
    # kernels/conv.pxi, kernels/pooling.pxi
    void (*conv_forward)(const void* x, const void* w, const void* bias, void* y, void* kept, void* scratch,
                         const Windows* d) noexcept nogil
    void (*conv_weight_backward)(const void* x, const void* g, void* gw, const void* kept, void* scratch,
                                 const Windows* d, bint add) noexcept nogil
    void (*conv_input_backward)(const void* g, const void* w, void* gx, void* scratch, const Windows* d,
                                bint add) noexcept nogil
    void (*max_pool_forward)(const void* x, void* y, int* at, const Windows* d) noexcept nogil
    void (*max_pool_backward)(const void* g, const int* at, void* gx, const Windows* d) noexcept nogil
    void (*avg_pool)(const void* x, void* y, const Windows* d, bint backward) noexcept nogil
    # kernels/recurrent.pxi
    void (*recurrent_forward)(const void* u, const void* w, const void* b, const void* bv, void* states, void* kept,
                              void* scratch, const Recurrent* d) noexcept nogil
    void (*recurrent_backward)(const void* g, const void* w, const void* states, const void* kept, void* gu, void* gv,
                               void* gh, void* gc, void* scratch, const Recurrent* d) noexcept nogil
    # kernels/optimizers.pxi
    void (*sgd_update)(const void* g, void* p, void* b, Py_ssize_t n, double lr, double momentum, double dampening,
                       double decay, bint nesterov, bint first) noexcept nogil
    void (*adam_update)(const void* g, void* p, void* m, void* v, Py_ssize_t n, double rate, double beta1,
                        double beta2, double root, double eps, double keep, double decay) noexcept nogil
    void (*rmsprop_update)(const void* g, void* p, void* v, void* m, void* b, Py_ssize_t n, double lr, double alpha,
                           double eps, double momentum, double decay) noexcept nogil
    double (*sum_of_squares)(const void* x, Py_ssize_t n) noexcept nogil
    # kernels/normalize.pxi
    NormForward layer_norm_forward, batch_norm_forward
    AxisBackward layer_norm_backward, batch_norm_backward
    void (*accumulate_rows)(const void* g, const void* x, const void* stats, void* gw, Py_ssize_t rows,
                            Py_ssize_t n) noexcept nogil
    void (*batch_norm_sums)(const void* g, const void* x, const void* stats, void* sums,
                            const Extents* e) noexcept nogil

cdef KernelSet[2] typed     # by KernelDType

# kernels/indexing.pxi, kernels/select.pxi: kernels that move elements of any type
cdef bint combine_index(const Py_ssize_t* index, Py_ssize_t count, Py_ssize_t n, Py_ssize_t* at,
                        bint first) noexcept nogil
cdef void gather(int itemsize, const char* x, const Py_ssize_t* at, char* y, const Extents* e,
                 Py_ssize_t count) noexcept nogil
cdef void where_forward(int dtype, const Layout* out, char* y, address* x, layout_t* layouts) noexcept nogil
cdef void where_backward(int dtype, const Layout* condition, const char* c, const Layout* layout, const char* g,
                         char* gx, bint inverted) noexcept nogil

# elements of scratch, or kept for the backward
cdef Py_ssize_t logsumexp_scratch(Py_ssize_t n, Py_ssize_t inner) noexcept nogil
cdef Py_ssize_t conv_scratch(const Windows* d, int itemsize) noexcept nogil
cdef Py_ssize_t conv_columns(const Windows* d, int itemsize) noexcept nogil
cdef Py_ssize_t recurrent_kept(const Recurrent* d) noexcept nogil
cdef Py_ssize_t recurrent_scratch(const Recurrent* d) noexcept nogil
