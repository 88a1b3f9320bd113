# The second pass over leaves, and over elementwise nodes of one float64 number. The same kernels and bookkeeping as in
# `process_node`, without its general cases.

cdef enum:
    SPECIAL = HOOKED | RETAIN | INPUT | FREED | COTANGENT_TENSOR | UNIFORM      # handled by `process_node` alone


cdef inline void accumulate_scalar(PyObject* x, double g) noexcept:
    if (<Tensor>x).flags & COTANGENT:
        (<double*>(<Tensor>x).cotangent.value)[0] += g
    else:
        (<double*>(<Tensor>x).cotangent.value)[0] = g
        (<Tensor>x).flags = (<Tensor>x).flags | <unsigned short>COTANGENT


cdef inline bint propagate(PyObject* edge, Sweep* here) noexcept:
    """Release an edge of a node that is being freed, or kept. If it was the last one, `ready`, which has room, gets the
    reference. Returns whether the caller has to drop the reference."""
    if (<Tensor>edge).flags & here.mask:
        (<Tensor>edge).pending = (<Tensor>edge).pending - 1
        if (<Tensor>edge).pending == 0:
            if here.retain:
                Py_INCREF(<object>edge)
            here.ready.items[here.ready.n] = edge
            here.ready.n += 1
            return False
    return not here.retain


cdef inline bint process_scalar(PyObject* y, Sweep* here) except -1:
    """Process the last tensor in `ready` if it is a leaf or scalar of the common kind. Returns whether it was."""
    cdef int flags = (<Tensor>y).flags
    if is_leaf(<Tensor>y):
        if here.gradients != NULL or flags & <int>(HOOKED | INPUT | COTANGENT) != COTANGENT:
            return False
        reserve(&here.leaves, 1)
        here.ready.n -= 1
        here.leaves.items[here.leaves.n] = y
        here.leaves.n += 1
        return True
    if (flags & <int>(SPECIAL | COTANGENT) != COTANGENT or kernels[(<Tensor>y).op].nin == 0
            or (<Tensor>y).layout != number_layout or (<Tensor>y).extra != NULL or here.interleaved
            or here.watched or here.captured):
        return False
    return backward_scalar(<Tensor>y, here)


cdef bint backward_scalar(Tensor y, Sweep* here) except -1:
    """Process `y`. Returns False, having done nothing, where that is left to `process_node`."""
    cdef Kernel* k = &kernels[y.op]
    cdef double g = (<double*>y.cotangent.value)[0]
    cdef double c = 0
    cdef PyObject* x1 = NULL
    cdef PyObject* x2 = NULL
    cdef const void* d1 = &y.x1
    cdef const void* d2 = &y.x2
    cdef Backward b1 = k.x1[<int>F64], b2 = k.x2[<int>F64]
    cdef unsigned int now = 0, reads = reads_at(y)
    if not y.flags & CONST1:
        x1 = y.x1
        if (<Tensor>x1).gen != y.gen1:
            return False
        d1 = (<Tensor>x1).data
        if reads & READS_X1:
            now += version_at(x1)
    if y.flags & CONST2:
        b1 = k.x1_alone[<int>F64]
        c = constant_of(y.x2)
    elif y.x2 != NULL:
        x2 = y.x2
        if (<Tensor>x2).gen != y.gen2:
            return False
        d2 = (<Tensor>x2).data
        if reads & READS_X2:
            now += version_at(x2)
    if reads & READS_Y:
        now += version_at(<PyObject*>y)
    if now != y.saved or (b1 == NULL and x1 != NULL) or (b2 == NULL and x2 != NULL):
        return False
    if FASTGRAD_DEBUG:
        check_cotangent(y, here)
    check_counted(x1, here)
    check_counted(x2, here)
    reserve(&here.ready, 1)     # for two operands in place of `y`: nothing fails from here on
    here.ready.n -= 1
    y.sweep = 0
    if y.op == ADD:     # the most common op needs no kernel
        if x1 != NULL and (<Tensor>x1).flags & here.mask:
            accumulate_scalar(x1, g)
        if x2 != NULL and (<Tensor>x2).flags & here.mask:
            accumulate_scalar(x2, g)
    else:
        if x1 != NULL and (<Tensor>x1).flags & here.mask:
            b1(&g, d1, d2, y.data, (<Tensor>x1).cotangent.value, 1, c, &helpers[<int>F64],
               (<Tensor>x1).flags & COTANGENT != 0)
            (<Tensor>x1).flags = (<Tensor>x1).flags | <unsigned short>COTANGENT
        if x2 != NULL and (<Tensor>x2).flags & here.mask:
            b2(&g, d1, d2, y.data, (<Tensor>x2).cotangent.value, 1, c, &helpers[<int>F64],
               (<Tensor>x2).flags & COTANGENT != 0)
            (<Tensor>x2).flags = (<Tensor>x2).flags | <unsigned short>COTANGENT
    if here.retain:
        y.flags = y.flags & ~<int>COTANGENT
    else:
        y.x1 = NULL
        y.x2 = NULL
        y.flags = <unsigned short>((y.flags & ~<int>(COTANGENT | CONST1 | CONST2)) | FREED)
    # Both edges first: dropping may run Python code.
    cdef bint drop1 = x1 != NULL and propagate(x1, here)
    cdef bint drop2 = x2 != NULL and propagate(x2, here)
    if drop1:
        drop(x1)
    if drop2:
        drop(x2)
    drop_swept(<PyObject*>y)
    return True


cdef inline void drop_swept(PyObject* item) noexcept:
    """As `drop`. A tensor that holds no other tensor is deallocated directly."""
    if (Py_REFCNT(item) == 1 and (<Tensor>item).grad_ == NULL and (<Tensor>item).x1 == NULL
            and (<Tensor>item).x2 == NULL):
        dealloc(item)
    else:
        drop(item)
