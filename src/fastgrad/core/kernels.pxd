# The kernels, and the table of the elementwise ones.
# Kernels know pointers, sizes and constants, and no tensor.

from fastgrad.core.layout cimport Layout
from fastgrad.core.loops cimport BoundLoop, Helpers, address, layout_t

cdef enum Op:               # the order means nothing
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
    RULE                    # any op without a kernel
    FIRST_STRUCTURED        # numbers from here on are given by `register_op` in record/table.pxi

cdef enum Reads:
    READS_X1 = 1
    READS_X2 = 2
    READS_Y = 4

# One local gradient times the upstream gradient: out[i] (+)= g[i] * dy/dx, for at most BLOCK elements. `out` may be `g`
# or `y`; it overlaps no other input. What the kernel does not read may be NULL; `c` is the constant operand where there
# is one.
ctypedef void (*Backward)(const void* g, const void* x1, const void* x2, const void* y, void* out, Py_ssize_t n,
                          double c, const Helpers* h, bint add) noexcept nogil
ctypedef void (*Forward)(const void* x, void* y, Py_ssize_t n, const Helpers* h) noexcept nogil
ctypedef double (*Scalar1)(double x) noexcept nogil
ctypedef double (*Scalar2)(double x1, double x2) noexcept nogil

cdef struct Kernel:
    int nin                 # operands of an elementwise op; 0 for all others
    BoundLoop[2] loop       # forward by KernelDType; run is NULL where `own` is meant
    Forward[2] own
    Scalar1 scalar1         # forward of one float64 element, or NULL: with one operand
    Scalar2 scalar2         # and with two
    Backward[2] x1          # backward to the first operand, by KernelDType; NULL: the rule does it
    Backward[2] x2
    Backward[2] x1_alone    # backward to the first operand where the second is the constant `c`

cdef Kernel[256] kernels

cdef enum:
    BLOCK = 1024            # elements that stay in the first-level cache between two loops

cdef void own_forward(Forward forward, int dtype, const char* x, char* y, Py_ssize_t n) noexcept nogil
cdef void backward_apply(Backward kernel, int dtype, const void* g, const void* x1, const void* x2, const void* y,
                         void* gx, Py_ssize_t n, bint add, double* constant, bint uniform) noexcept nogil

# kernels/matmul.pxi
cdef Py_ssize_t own_product_scratch(int kernel, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p, Py_ssize_t a_row,
                                    Py_ssize_t a_col, Py_ssize_t b_row, Py_ssize_t b_col) noexcept nogil
cdef void own_product(Py_ssize_t m, Py_ssize_t n, Py_ssize_t p, const char* a, Py_ssize_t a_row, Py_ssize_t a_col,
                      const char* b, Py_ssize_t b_row, Py_ssize_t b_col, double* y, double* scratch) noexcept nogil

# kernels/steps.pxi
cdef enum:
    RUN_BLOCK = 512         # elements: half a dozen blocks of float64 fit into the first-level cache together

cdef struct Place:          # where a step finds one of its arrays; a block of scratch stays where it is, step 0
    char* start
    Py_ssize_t step         # bytes per element

cdef struct Step:           # one call of a backward kernel
    Backward kernel
    Place g
    Place x1
    Place x2
    Place y
    Place out
    double c
    bint add

cdef struct StreamedOutput:     # a block of scratch that is written past the cache when its elements are done
    const char* block
    char* y

cdef void run_steps(const Step* steps, int count, const StreamedOutput* outs, int n_outs, int dtype,
                    Py_ssize_t n) noexcept nogil

cdef struct Conv:           # lengths; one axis only has height 1
    Py_ssize_t n            # samples
    Py_ssize_t groups
    Py_ssize_t c            # input channels of a group
    Py_ssize_t o            # output channels of a group
    Py_ssize_t h
    Py_ssize_t w
    Py_ssize_t kh
    Py_ssize_t kw
    Py_ssize_t sh           # stride
    Py_ssize_t sw
    Py_ssize_t dh           # dilation
    Py_ssize_t dw
    Py_ssize_t top          # padding
    Py_ssize_t left
    Py_ssize_t oh           # of the result
    Py_ssize_t ow

cdef struct Pool:
    Py_ssize_t planes
    Py_ssize_t h
    Py_ssize_t w
    Py_ssize_t kh
    Py_ssize_t kw
    Py_ssize_t sh
    Py_ssize_t sw
    Py_ssize_t dh
    Py_ssize_t dw
    Py_ssize_t top
    Py_ssize_t left
    Py_ssize_t oh
    Py_ssize_t ow
    bint count_pad

cdef enum Cell:
    CELL_TANH
    CELL_RELU
    CELL_LSTM
    CELL_GRU

cdef struct Recurrent:
    int cell
    Py_ssize_t steps
    Py_ssize_t batch
    Py_ssize_t hidden

ctypedef void (*Scan)(const void* x, void* y, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t inner) noexcept nogil

# The kernels of one dtype, whose elements every `void*` points to; the functions of the same names describe them.
# Numbers arrive as float64 and are rounded to the dtype. Kernels of (outer, n, inner) work along the middle axis, and a
# backward adds to its result if `add`.
cdef struct KernelSet:
    # kernels.pyx
    void (*fill)(void* y, Py_ssize_t n, double c) noexcept nogil
    void (*add_number)(void* y, Py_ssize_t n, double c) noexcept nogil
    void (*accumulate)(const void* x, void* y, Py_ssize_t n) noexcept nogil
    # kernels/reduce.pxi
    void (*broadcast_backward)(const void* g, void* gx, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t inner,
                               double divisor, bint add) noexcept nogil
    void (*extremum_backward)(const void* g, const void* x, const void* y, void* gx, Py_ssize_t outer, Py_ssize_t n,
                              Py_ssize_t inner, bint add) noexcept nogil
    # kernels/softmax.pxi, kernels/logsumexp.pxi, kernels/losses.pxi
    void (*softmax_forward)(const void* x, void* y, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t inner,
                            bint logarithm) noexcept nogil
    void (*softmax_backward)(const void* g, const void* y, void* gx, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t inner,
                             bint add) noexcept nogil
    void (*log_softmax_backward)(const void* g, const void* y, void* gx, Py_ssize_t outer, Py_ssize_t n,
                                 Py_ssize_t inner, bint add) noexcept nogil
    void (*logsumexp_forward)(const void* x, void* y, void* scratch, Py_ssize_t outer, Py_ssize_t n,
                              Py_ssize_t inner) noexcept nogil
    void (*logsumexp_backward)(const void* g, const void* x, const void* y, void* gx, Py_ssize_t outer, Py_ssize_t n,
                               Py_ssize_t inner, bint add) noexcept nogil
    double (*cross_entropy_forward)(const void* logits, const Py_ssize_t* labels, void* losses, void* e, void* inverse,
                                    bint reuse, Py_ssize_t rows, Py_ssize_t n) noexcept nogil
    void (*cross_entropy_backward)(const void* g, bint each, double share, const Py_ssize_t* labels, const void* e,
                                   const void* inverse, void* gx, Py_ssize_t rows, Py_ssize_t n,
                                   bint add) noexcept nogil
    # kernels/scan.pxi
    Scan cumsum_forward
    Scan cumprod_forward
    void (*cumsum_backward)(const void* g, void* gx, void* scratch, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t inner,
                            bint add) noexcept nogil
    void (*cumprod_backward)(const void* g, const void* x, const void* y, void* gx, void* scratch, Py_ssize_t outer,
                             Py_ssize_t n, Py_ssize_t inner, bint add) noexcept nogil
    void (*prod_backward)(const void* g, const void* x, const void* y, void* gx, void* scratch, Py_ssize_t outer,
                          Py_ssize_t n, Py_ssize_t inner, bint add) noexcept nogil
    # kernels/indexing.pxi, kernels/select.pxi
    void (*gather_add)(const void* x, const Py_ssize_t* at, void* y, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t inner,
                       Py_ssize_t count) noexcept nogil
    void (*scatter_add)(const void* g, const Py_ssize_t* at, void* gx, Py_ssize_t outer, Py_ssize_t n,
                        Py_ssize_t inner, Py_ssize_t count) noexcept nogil
    void (*clip_forward)(const void* x, void* y, Py_ssize_t n, double low, double high) noexcept nogil
    void (*clip_backward)(const void* g, const void* x, void* gx, Py_ssize_t n, double low, double high,
                          bint add) noexcept nogil
    # kernels/conv.pxi, kernels/pooling.pxi
    void (*conv_forward)(const void* x, const void* w, const void* bias, void* y, void* kept, void* scratch,
                         const Conv* d) noexcept nogil
    void (*conv_weight_backward)(const void* x, const void* g, void* gw, const void* kept, void* scratch,
                                 const Conv* d, bint add) noexcept nogil
    void (*conv_input_backward)(const void* g, const void* w, void* gx, void* scratch, const Conv* d,
                                bint add) noexcept nogil
    void (*max_pool_forward)(const void* x, void* y, int* at, const Pool* d) noexcept nogil
    void (*max_pool_backward)(const void* g, const int* at, void* gx, const Pool* d) noexcept nogil
    void (*avg_pool)(const void* x, void* y, const Pool* d, bint backward) noexcept nogil
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
    void (*multiply_by)(void* x, Py_ssize_t n, double c) noexcept nogil
    # kernels/normalize.pxi
    void (*layer_norm_forward)(const void* x, const void* w, const void* b, void* y, void* stats, Py_ssize_t rows,
                               Py_ssize_t n, double eps) noexcept nogil
    void (*layer_norm_backward)(const void* g, const void* x, const void* w, const void* stats, void* gx,
                                Py_ssize_t rows, Py_ssize_t n, bint add) noexcept nogil
    void (*accumulate_rows)(const void* g, const void* x, const void* stats, void* gw, Py_ssize_t rows,
                            Py_ssize_t n) noexcept nogil
    void (*batch_norm_forward)(const void* x, const void* w, const void* b, void* y, void* stats, Py_ssize_t outer,
                               Py_ssize_t channels, Py_ssize_t inner, double eps) noexcept nogil
    void (*batch_norm_sums)(const void* g, const void* x, const void* stats, void* sums, Py_ssize_t outer,
                            Py_ssize_t channels, Py_ssize_t inner) noexcept nogil
    void (*batch_norm_backward)(const void* g, const void* x, const void* stats, void* sums, void* gx,
                                Py_ssize_t outer, Py_ssize_t channels, Py_ssize_t inner, bint add) noexcept nogil
    void (*batch_norm_parameter_backward)(const void* sums, const void* scale, void* gp, Py_ssize_t channels,
                                          bint add) noexcept nogil

cdef KernelSet[2] typed     # by KernelDType

# kernels/indexing.pxi, kernels/select.pxi, kernels/matmul_batched.pxi: kernels that move elements of any type
cdef bint combine_index(const Py_ssize_t* index, Py_ssize_t count, Py_ssize_t n, Py_ssize_t* at,
                        bint first) noexcept nogil
cdef void gather(int itemsize, const char* x, const Py_ssize_t* at, char* y, Py_ssize_t outer, Py_ssize_t n,
                 Py_ssize_t inner, Py_ssize_t count) noexcept nogil
cdef void where_forward(int dtype, const Layout* out, char* y, address* x, layout_t* layouts) noexcept nogil
cdef void where_backward(int dtype, const Layout* condition, const char* c, const Layout* layout, const char* g,
                         char* gx, bint turned) noexcept nogil
cdef void matmul_stacked(int kernel, int ndim, const Py_ssize_t* shape, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p,
                         const char* a, const Py_ssize_t* a_batch, Py_ssize_t a_row, Py_ssize_t a_col,
                         const char* b, const Py_ssize_t* b_batch, Py_ssize_t b_row, Py_ssize_t b_col,
                         char* y, const Py_ssize_t* y_batch, Py_ssize_t y_row, Py_ssize_t y_col) noexcept nogil

# scratch, in elements unless the function says bytes
cdef Py_ssize_t logsumexp_scratch(Py_ssize_t n, Py_ssize_t inner) noexcept nogil
cdef Py_ssize_t conv_scratch(const Conv* d, int itemsize) noexcept nogil
cdef Py_ssize_t conv_columns(const Conv* d, int itemsize) noexcept nogil
cdef Py_ssize_t recurrent_kept(const Recurrent* d) noexcept nogil
cdef Py_ssize_t recurrent_scratch(const Recurrent* d) noexcept nogil
