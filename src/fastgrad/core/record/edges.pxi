# Recording: what a result keeps of the operands it came from. Never computes a value, never sweeps.

cdef inline bint wants_grad(Tensor x) noexcept:
    return x.flags & REQUIRES_GRAD != 0 and fg_grad_off == 0


cdef inline void join1(Tensor y, int op, Tensor x) noexcept:
    """`y` came from `x` by `op`."""
    y.op = <unsigned char>op
    y.flags |= REQUIRES_GRAD
    Py_INCREF(x)
    y.x1 = <PyObject*>x
    y.gen1 = x.gen
    if table[op].reads & READS_X1:
        y.saved = version_of(x)


cdef inline void join2(Tensor y, int op, Tensor x1, Tensor x2) noexcept:
    cdef unsigned int reads = table[op].reads
    y.op = <unsigned char>op
    y.flags |= REQUIRES_GRAD
    Py_INCREF(x1)
    y.x1 = <PyObject*>x1
    y.gen1 = x1.gen
    Py_INCREF(x2)
    y.x2 = <PyObject*>x2
    y.gen2 = x2.gen
    if reads & READS_X1:
        y.saved = version_of(x1)
    if reads & READS_X2:
        y.saved += version_of(x2)


cdef inline void join_constant(Tensor y, int op, Tensor x, double c, bint first) noexcept:
    """`y = op(x, c)`, or `op(c, x)` where the constant comes first."""
    cdef PyObject* bits
    memcpy(&bits, &c, sizeof(double))
    y.op = <unsigned char>op
    Py_INCREF(x)
    if first:
        y.x1 = bits
        y.x2 = <PyObject*>x
        y.gen2 = x.gen
        y.flags |= REQUIRES_GRAD | CONST1
    else:
        y.x1 = <PyObject*>x
        y.x2 = bits
        y.gen1 = x.gen
        y.flags |= REQUIRES_GRAD | CONST2
    if table[op].reads_alone[first] & (READS_X2 if first else READS_X1):
        y.saved = version_of(x)


cdef inline unsigned int reads_at(Tensor y) noexcept:
    """What the backward of `y`, whose operands are in x1 and x2, reads."""
    cdef OpRow* row = &table[y.op]
    if y.flags & CONST1:
        return row.reads_alone[1]
    return row.reads_alone[0] if y.flags & CONST2 else row.reads


# And a look at the result, where somebody watches.


cdef inline int link1(Tensor y, int op, Tensor x) except -1:
    join1(y, op, x)
    if fg_watch:
        inspect_result(y)
    return 0


cdef inline int link2(Tensor y, int op, Tensor x1, Tensor x2) except -1:
    join2(y, op, x1, x2)
    if fg_watch:
        inspect_result(y)
    return 0


cdef inline int link_constant(Tensor y, int op, Tensor x, double c, bint first) except -1:
    join_constant(y, op, x, c, first)
    if fg_watch:
        inspect_result(y)
    return 0


cdef inline int keep_parameter(Tensor y, object parameter) except -1:
    """Hang the one parameter of a one-operand op in the place of the second operand: no NodeExtra, no dict."""
    Py_INCREF(parameter)
    y.x2 = <PyObject*>parameter
    y.flags |= CONST2 | OBJECT2
    return 0


cdef inline object parameter_of(Tensor y):
    return <object>y.x2 if y.flags & OBJECT2 else None


cdef inline double constant_of(PyObject* bits) noexcept:
    cdef double c
    memcpy(&c, &bits, sizeof(double))
    return c


cdef inline bint nth_bit(unsigned int bits, Py_ssize_t k) noexcept:
    """Of operand `k`; from 31 on all have one."""
    return (bits >> min(k, 31)) & 1


cdef inline unsigned int flows_of(Tensor y) noexcept:
    """To which of its many operands a gradient flows from `y`."""
    return table[y.op].operand_flows if y.op != RULE else (<NodeExtra>y.extra).flows
