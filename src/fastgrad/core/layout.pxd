# Layouts: dtype, shape and strides of an array, interned: equal layouts are equal pointers, so that the fast path
# compares shapes by `x1.layout == x2.layout`. Knows nothing of tensors.

cdef enum:
    MAX_NDIM = 64           # NumPy's own limit

cdef enum LayoutFlags:
    C_CONTIGUOUS = 1
    SCALAR = 2              # ndim == 0 and a kernel dtype: the fastest path
    IDLE = 4                # no tensor held it at the last tidying, and it was not looked up since

cdef enum KernelDType:      # indexes every kernel table
    F64 = 0
    F32 = 1
    NO_KERNEL = -1

cdef struct Layout:
    Py_ssize_t refs         # tensors that hold it; one that none holds stays in the table until the second tidying
    Py_ssize_t size         # elements
    Py_ssize_t nbytes       # size * itemsize
    int ndim
    int typenum             # NPY_DOUBLE, ...
    int itemsize            # bytes
    int kernel              # KernelDType
    unsigned int flags      # LayoutFlags
    size_t hash
    Layout* next            # chain of the hash table
    Py_ssize_t* shape       # both point behind the struct
    Py_ssize_t* strides     # bytes

cdef Layout* scalar_f64

cdef Layout* layout_get(int typenum, int itemsize, int ndim, const Py_ssize_t* shape,
                        const Py_ssize_t* strides) except NULL
cdef Layout* layout_contiguous(Layout* like) except NULL
cdef Py_ssize_t layouts_alive() noexcept
cdef bint same_shape(const Layout* a, const Layout* b) noexcept nogil

cdef inline Py_ssize_t item_bytes(int kernel) noexcept nogil:
    return 8 if kernel == F64 else 4

cdef inline Layout* keep(Layout* layout) noexcept nogil:
    layout.refs += 1
    return layout

cdef inline void release(Layout* layout) noexcept nogil:
    layout.refs -= 1
