# Interning of layouts. Sizes are multiplied with overflow checks.

cimport numpy as cnp
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc, PyMem_RawCalloc
from libc.string cimport memcmp, memcpy
from fastgrad.core.build cimport FASTGRAD_NO_POOLS
from fastgrad.core.tracebacks cimport *

from fastgrad.errors import ShapeError

cdef extern from "Python.h":
    Py_ssize_t PY_SSIZE_T_MAX

cdef Layout** table = NULL
cdef size_t buckets = 0
cdef size_t entries = 0
cdef size_t room = 0            # entries at which the table is tidied next

cdef enum:
    # layouts made between two tidyings, at least: no one is borrowed for that long
    SPARED = 64

cdef Layout* scalar_f64 = NULL
cdef Layout* scalar_f32 = NULL


cdef inline size_t mix(size_t h, size_t word) noexcept nogil:
    # Multiply and fold: shapes are small integers, all their entropy is in the low bits.
    h = (h ^ word) * <size_t>0x9E3779B97F4A7C15ULL
    return h ^ (h >> 29)


cdef void contiguous_strides(int itemsize, int ndim, const Py_ssize_t* shape, Py_ssize_t* strides) noexcept nogil:
    cdef Py_ssize_t step = itemsize
    cdef int k
    for k in range(ndim - 1, -1, -1):
        strides[k] = step
        if shape[k] > 1:
            step *= shape[k]


cdef bint is_contiguous(int itemsize, int ndim, const Py_ssize_t* shape, const Py_ssize_t* strides) noexcept nogil:
    cdef Py_ssize_t step = itemsize
    cdef int k
    for k in range(ndim - 1, -1, -1):
        if shape[k] > 1:
            if strides[k] != step:
                return False
            step *= shape[k]
    return True


cdef int raise_too_many_axes(int ndim) except -1:
    raise ShapeError(f"an array of {ndim} dimensions; NumPy and fastgrad take at most {MAX_NDIM}")


cdef void drop_idle() noexcept:
    """Free the layouts that were idle at the last tidying too. Those that have become idle since may be borrowed, and
    about to be given to a tensor."""
    global entries
    cdef size_t b
    cdef Layout* item
    for b in range(buckets):
        at = &table[b]
        while at[0] != NULL:
            item = at[0]
            if item.refs == 0 and item.flags & IDLE:
                at[0] = item.next
                PyMem_RawFree(item)
                entries -= 1
                continue
            if item.refs == 0:
                item.flags |= IDLE
            at = &item.next


cdef int tidy() except -1:
    """Make room in a full table: free idle layouts, and double the table if those were less than a quarter."""
    global table, buckets, room
    cdef size_t wanted, b
    drop_idle()
    room = entries + SPARED if FASTGRAD_NO_POOLS else buckets
    if entries * 4 <= buckets * 3 and buckets:
        return 0
    wanted = 256 if buckets == 0 else buckets * 2
    cdef Layout** bigger = <Layout**>PyMem_RawCalloc(wanted, sizeof(Layout*))
    if bigger == NULL:
        if buckets == 0:
            raise MemoryError()
        room = entries + SPARED
        return 0        # a crowded table is only slower
    for b in range(buckets):
        item = table[b]
        while item != NULL:
            following = item.next
            item.next = bigger[item.hash & (wanted - 1)]
            bigger[item.hash & (wanted - 1)] = item
            item = following
    PyMem_RawFree(table)
    table = bigger
    buckets = wanted
    if not FASTGRAD_NO_POOLS:
        room = buckets
    return 0


cdef Layout* insert(size_t h, int typenum, int itemsize, int ndim, const Py_ssize_t* shape,
                    const Py_ssize_t* strides) except NULL:
    cdef Py_ssize_t size = 1, nbytes
    cdef int k
    cdef bint empty = False
    for k in range(ndim):
        if shape[k] == 0:
            empty = True
    # As NumPy: the product of the non-zero lengths must fit, also where the array is empty.
    nbytes = itemsize
    for k in range(ndim):
        if shape[k] > 0:
            if nbytes > PY_SSIZE_T_MAX // shape[k]:
                raise ShapeError(f"an array of {ndim} dimensions whose size in bytes does not fit in "
                                 f"{8 * sizeof(Py_ssize_t)} bits: use a smaller shape")
            nbytes *= shape[k]
            size *= shape[k]
    if empty:
        size = nbytes = 0
    cdef Layout* made = <Layout*>PyMem_RawMalloc(sizeof(Layout) + 2 * <size_t>ndim * sizeof(Py_ssize_t))
    if made == NULL:
        raise MemoryError()
    made.refs = 0
    made.size = size
    made.nbytes = nbytes
    made.ndim = ndim
    made.typenum = typenum
    made.itemsize = itemsize
    made.kernel = F64 if typenum == cnp.NPY_DOUBLE else F32 if typenum == cnp.NPY_FLOAT else NO_KERNEL
    made.hash = h
    made.shape = <Py_ssize_t*>(made + 1)
    made.strides = made.shape + ndim
    if ndim:
        memcpy(made.shape, shape, ndim * sizeof(Py_ssize_t))
        memcpy(made.strides, strides, ndim * sizeof(Py_ssize_t))
    made.flags = 0
    if empty or is_contiguous(itemsize, ndim, shape, strides):
        made.flags |= C_CONTIGUOUS
    if ndim == 0 and made.kernel != NO_KERNEL:
        made.flags |= SCALAR
    if entries >= room:
        tidy()
    made.next = table[h & (buckets - 1)]
    table[h & (buckets - 1)] = made
    global entries
    entries += 1
    return made


cdef Layout* layout_get(int typenum, int itemsize, int ndim, const Py_ssize_t* shape,
                        const Py_ssize_t* strides) except NULL:
    """The one layout of this dtype, shape and strides (C-contiguous where NULL). Borrowed: `keep` it to hold it."""
    cdef Layout* scalar = NULL
    if ndim == 0:
        scalar = scalar_f64 if typenum == cnp.NPY_DOUBLE else scalar_f32 if typenum == cnp.NPY_FLOAT else NULL
    return scalar if scalar != NULL else look_up(typenum, itemsize, ndim, shape, strides)


cdef Layout* look_up(int typenum, int itemsize, int ndim, const Py_ssize_t* shape,
                     const Py_ssize_t* strides) except NULL:
    """As `layout_get`, in the table."""
    cdef Py_ssize_t[64] own
    cdef size_t h = mix(<size_t>typenum, <size_t>ndim)
    cdef size_t length = <size_t>ndim * sizeof(Py_ssize_t)
    cdef int k
    if ndim > MAX_NDIM:
        raise_too_many_axes(ndim)
    if strides == NULL:
        contiguous_strides(itemsize, ndim, shape, own)
        strides = own
    for k in range(ndim):
        h = mix(h, <size_t>shape[k])
        h = mix(h, <size_t>strides[k])
    if buckets != 0:
        found = table[h & (buckets - 1)]
        while found != NULL:
            if (found.hash == h and found.typenum == typenum and found.ndim == ndim and (ndim == 0
                    or memcmp(found.shape, shape, length) == 0 and memcmp(found.strides, strides, length) == 0)):
                if found.flags & IDLE:
                    found.flags &= ~<unsigned int>IDLE
                return found
            found = found.next
    return insert(h, typenum, itemsize, ndim, shape, strides)


cdef Layout* layout_contiguous(Layout* like) except NULL:
    """The C-contiguous layout of the same shape and dtype."""
    if like.flags & C_CONTIGUOUS and like.size != 0:
        return like
    return layout_get(like.typenum, like.itemsize, like.ndim, like.shape, NULL)


cdef bint same_shape(const Layout* a, const Layout* b) noexcept nogil:
    if a == b:
        return True
    return a.ndim == b.ndim and (a.ndim == 0 or memcmp(a.shape, b.shape, a.ndim * sizeof(Py_ssize_t)) == 0)


cdef Py_ssize_t layouts_alive() noexcept:
    return <Py_ssize_t>entries


scalar_f64 = keep(layout_get(cnp.NPY_DOUBLE, 8, 0, NULL, NULL))
scalar_f32 = keep(layout_get(cnp.NPY_FLOAT, 4, 0, NULL, NULL))
