# Recording: what a result keeps of its operands, and how it is read again. Never computes a value, never sweeps.
#
# A node with up to two operands keeps them in x1 and x2. A Python number sits in its operand's slot (CONST1, CONST2),
# the parameter of a one-operand op in the second slot (CONST2 | OBJECT2). All other nodes keep a tuple in their
# NodeExtra (record/rule_node.pxi). An edge carries the generation of its operand, which finds the node that the operand
# was at the time.

cdef inline bint wants_grad(Tensor x) noexcept:
    return x.flags & REQUIRES_GRAD != 0 and fg_grad_off == 0


# --- reading edges

cdef inline bint has_many(Tensor y) noexcept:
    """Whether the operands of `y` are in its NodeExtra."""
    return y.extra != NULL and (<NodeExtra>y.extra).operands is not None


cdef inline PyObject* edge1(Tensor y) noexcept:
    """Borrowed: the first operand as it was recorded; NULL where it is no Tensor."""
    return NULL if y.x1 == NULL or y.flags & CONST1 else resolve_at(y.x1, y.gen1)


cdef inline PyObject* edge2(Tensor y) noexcept:
    return NULL if y.x2 == NULL or y.flags & CONST2 else resolve_at(y.x2, y.gen2)


cdef PyObject* many_at(NodeExtra extra, Py_ssize_t k) noexcept:
    cdef PyObject* x = PyTuple_GET_ITEM(extra.operands, k)
    if not is_tensor(<object>x):
        return NULL
    return resolve_at(x, 0 if extra.gens is None else <unsigned int>extra.gens[k])


cdef inline Py_ssize_t edge_count(Tensor y) noexcept:
    return PyTuple_GET_SIZE((<NodeExtra>y.extra).operands) if has_many(y) else 2


cdef inline PyObject* edge_at(Tensor y, Py_ssize_t k) noexcept:
    """Borrowed: operand `k` as it was recorded; NULL where it is no Tensor."""
    if has_many(y):
        return many_at(<NodeExtra>y.extra, k)
    return edge1(y) if k == 0 else edge2(y)


cdef inline bint nth_bit(unsigned int bits, Py_ssize_t k) noexcept:
    """The bit of operand `k`; operands from 31 on share one."""
    return (bits >> min(k, 31)) & 1


cdef inline unsigned int flows_of(Tensor y) noexcept:
    """Bit k: whether a gradient flows from `y` to operand k."""
    return table[y.op].operand_flows if y.op != RULE else (<NodeExtra>y.extra).flows


cdef inline bint flows_along(Tensor y, Py_ssize_t k) noexcept:
    """Whether a gradient flows from `y` along edge `k`, if its operand requires one."""
    return not has_many(y) or nth_bit(flows_of(y), k)


cdef inline unsigned int reads_at(Tensor y) noexcept:
    """The Reads of `y`, whose operands are in x1 and x2."""
    cdef OpRow* row = &table[y.op]
    if y.flags & CONST1:
        return row.reads_alone[1]
    return row.reads_alone[0] if y.flags & CONST2 else row.reads


cdef inline unsigned int operand_reads(Tensor y) noexcept:
    """Bit k: whether the backward of `y` reads operand k."""
    return (<NodeExtra>y.extra).reads if has_many(y) else reads_at(y)


cdef inline bint reads_result(Tensor y) noexcept:
    """Whether the backward of `y` reads its value."""
    return (<NodeExtra>y.extra).reads_y if has_many(y) else reads_at(y) & READS_Y != 0


cdef inline object parameter_of(Tensor y):
    return <object>y.x2 if y.flags & OBJECT2 else None


cdef inline double constant_of(PyObject* bits) noexcept:
    cdef double c
    memcpy(&c, &bits, sizeof(double))
    return c


cdef inline void drop_edges(Tensor y) noexcept:
    """Release what x1 and x2 hold. May run Python code."""
    cdef PyObject* x1 = y.x1
    cdef PyObject* x2 = y.x2
    cdef int flags = y.flags
    y.x1 = NULL
    y.x2 = NULL
    y.flags = <unsigned short>(flags & ~<int>(CONST1 | CONST2 | OBJECT2))
    if not flags & CONST1:
        drop(x1)
    if flags & OBJECT2:
        Py_DECREF(<object>x2)
    elif not flags & CONST2:
        drop(x2)


# --- recording edges: `join` fills the slots, `link` also shows the result to the watchers

cdef inline void join1(Tensor y, int op, Tensor x) noexcept:
    """Record `y = op(x)`."""
    y.op = <unsigned char>op
    y.flags |= REQUIRES_GRAD
    Py_INCREF(x)
    y.x1 = <PyObject*>x
    y.gen1 = x.gen
    take_class(y, <PyObject*>x)
    if table[op].reads & READS_X1:
        y.saved = version_of(x)


cdef inline void join2(Tensor y, int op, Tensor x1, Tensor x2) noexcept:
    join1(y, op, x1)
    Py_INCREF(x2)
    y.x2 = <PyObject*>x2
    y.gen2 = x2.gen
    take_class(y, <PyObject*>x2)
    if table[op].reads & READS_X2:
        y.saved += version_of(x2)


cdef inline void join_constant(Tensor y, int op, Tensor x, double c, bint first) noexcept:
    """Record `y = op(x, c)`, or `op(c, x)` if the constant comes `first`."""
    cdef PyObject* bits
    memcpy(&bits, &c, sizeof(double))
    y.op = <unsigned char>op
    Py_INCREF(x)
    take_class(y, <PyObject*>x)
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


cdef inline int link1(Tensor y, int op, Tensor x) except -1:
    join1(y, op, x)
    return inspect_result(y) if fg_watch else 0


cdef inline int link2(Tensor y, int op, Tensor x1, Tensor x2) except -1:
    join2(y, op, x1, x2)
    return inspect_result(y) if fg_watch else 0


cdef inline int link_constant(Tensor y, int op, Tensor x, double c, bint first) except -1:
    join_constant(y, op, x, c, first)
    return inspect_result(y) if fg_watch else 0


cdef inline int keep_parameter(Tensor y, object parameter) except -1:
    """Keep the parameter of a one-operand op in the second slot, without a NodeExtra."""
    Py_INCREF(parameter)
    y.x2 = <PyObject*>parameter
    y.flags |= CONST2 | OBJECT2
    return 0
