# Recording: what a result keeps of the operands it came from.

cdef inline bint wants_grad(Tensor x) noexcept:
    return x.flags & REQUIRES_GRAD != 0 and fg_grad_off == 0


cdef inline int check_fresh(Tensor x) except -1:
    """Refuse a value that was written behind the back of its graph."""
    if x.storage != NULL and x.storage.version != 0:
        check_written(x)
    return 0


cdef int check_written(Tensor x) except -1:
    cdef Tensor owner = x
    cdef unsigned int version = x.storage.version
    if x.op == LEAF:
        # A constant view made before a recorded value was written into its memory knows nothing of that record.
        if x.flags & VIEW and x.saved < x.storage.taken:
            raise errors.stale(None)
        return 0
    while owner.flags & VIEW and owner.op != LEAF:
        if owner.extra != NULL and (<Extra>owner.extra).operands is not None:
            owner = nth_operand(<Extra>owner.extra, 0)
        elif owner.x1 != NULL:
            owner = resolve(owner.x1, owner.gen1)
        else:
            break
    if owner.op != LEAF and (x.storage.taken != version or (x.flags & VIEW and x.saved != version)):
        raise errors.stale(op_name(x))
    return 0


cdef inline int link1(Tensor y, int op, Tensor x) except -1:
    """`y` came from `x` by `op`."""
    y.op = <unsigned char>op
    y.flags |= REQUIRES_GRAD
    Py_INCREF(x)
    y.x1 = <PyObject*>x
    y.gen1 = x.gen
    if kernels[op].reads & READS_X1:
        y.saved = version_of(x)
    if fg_anomaly:
        look_at(y)
    return 0


cdef inline int link2(Tensor y, int op, Tensor x1, Tensor x2) except -1:
    y.op = <unsigned char>op
    y.flags |= REQUIRES_GRAD
    Py_INCREF(x1)
    y.x1 = <PyObject*>x1
    y.gen1 = x1.gen
    Py_INCREF(x2)
    y.x2 = <PyObject*>x2
    y.gen2 = x2.gen
    if kernels[op].reads & READS_X1:
        y.saved = version_of(x1)
    if kernels[op].reads & READS_X2:
        y.saved += version_of(x2)
    if fg_anomaly:
        look_at(y)
    return 0


cdef inline int link_constant(Tensor y, int op, Tensor x, double c, bint first) except -1:
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
    if kernels[op].reads & (READS_X2 if first else READS_X1):
        y.saved = version_of(x)
    if fg_anomaly:
        look_at(y)
    return 0


cdef inline double constant_of(PyObject* bits) noexcept:
    cdef double c
    memcpy(&c, &bits, sizeof(double))
    return c


cdef Tensor resolve(PyObject* edge, unsigned int gen):
    """The tensor an edge meant: where it was written in place since, the node it stood for at the time."""
    cdef Tensor x = <Tensor>edge
    if x.gen == gen or x.extra == NULL:
        return x
    history = (<Extra>x.extra).history
    if history is not None:
        for until, old in history:
            if gen <= <unsigned int>until:
                return <Tensor>old
    return x


cdef int check_versions(Tensor y) except -1:
    """Raise where a value that the backward of `y` reads was overwritten since."""
    cdef unsigned int now = 0, reads
    cdef Extra extra
    cdef Py_ssize_t k
    if y.flags & VIEW:
        return 0        # reads nothing; `saved` is the version that the view was taken of
    if y.extra != NULL and (<Extra>y.extra).operands is not None:
        extra = <Extra>y.extra
        rule = extra.rule if y.op == RULE else rule_of[y.op]
        for k in range(len(extra.operands)):
            if type(extra.operands[k]) is Tensor and rule.reads(k):
                now += version_of(nth_operand(extra, k))
        if rule.reads_result:
            now += version_of(y)
    else:
        reads = kernels[y.op].reads
        if reads & READS_X1 and not y.flags & CONST1:
            now += version_of(resolve(y.x1, y.gen1))
        if reads & READS_X2 and not y.flags & CONST2 and y.x2 != NULL:
            now += version_of(resolve(y.x2, y.gen2))
        if reads & READS_Y:
            now += version_of(y)
    if now != y.saved:
        raise errors.mutated(op_name(y), "a value it reads", y.saved, now)
    return 0


cdef Tensor nth_operand(Extra extra, Py_ssize_t k):
    """Operand number `k`, which is a Tensor, as it was recorded."""
    o = extra.operands[k]
    return <Tensor>o if extra.gens is None else resolve(<PyObject*>o, extra.gens[k])


cdef int link_many(Tensor y, object rule, tuple operands, dict params, int op=RULE) except -1:
    """`y` came from any number of operands by `rule`."""
    cdef Extra extra = extra_of(y)
    cdef Py_ssize_t k
    cdef bint moved = False
    y.op = <unsigned char>op
    y.flags |= REQUIRES_GRAD
    extra.rule = rule
    extra.operands = operands
    extra.params = params
    for k in range(len(operands)):
        o = operands[k]
        if type(o) is Tensor:
            moved = moved or (<Tensor>o).gen != 0
            if not y.flags & VIEW and rule.reads(k):
                y.saved += version_of(<Tensor>o)
    if moved:
        extra.gens = [(<Tensor>o).gen if type(o) is Tensor else 0 for o in operands]
    if not y.flags & VIEW and rule.reads_result:
        y.saved += version_of(y)
    if fg_anomaly:
        look_at(y)
    return 0


# In-place writes. An object that stood for one node of the graph comes to stand for another; edges recorded before keep the
# old one, which moves to a tensor of its own.

cdef int check_writable(Tensor x, bint recording) except -1:
    if x.storage != NULL and x.storage.flags & READ_ONLY:
        raise errors.read_only()
    if fg_grad_off:
        return 0
    if x.flags & REQUIRES_GRAD:
        if x.op == LEAF:
            raise errors.leaf_written()
        if x.flags & VIEW:
            raise errors.view_written()
    elif recording and x.flags & VIEW:
        raise errors.view_written()
    return 0


cdef int write_version(Tensor x) except -1:
    move_out(x)
    x.storage.version += 1
    return 0


cdef inline int bump_version(Tensor x) except -1:
    if x.storage != NULL:
        x.storage.version += 1
    elif x.op != LEAF:
        # A recorded inline value: from here on its writes are counted where its views can see them.
        write_version(x)
    elif x.gen == 65535:
        write_version(x)
    else:
        x.gen += 1
    return 0


cdef Tensor step_aside(Tensor x, bint keep_value):
    """A tensor that takes over the node `x` stands for, so that `x` can stand for the next one."""
    cdef Tensor old
    cdef Extra extra
    move_out(x)
    if x.gen == 65535:
        raise errors.too_many_writes()
    if keep_value:
        old = private_copy(x)
        move_out(old)
        old.storage.version = x.storage.version
        old.storage.taken = x.storage.version
    else:
        old = adopt(x.layout, x.storage, x.data)
    old.op = x.op
    old.x1 = x.x1
    old.x2 = x.x2
    old.gen = x.gen
    old.gen1 = x.gen1
    old.gen2 = x.gen2
    old.saved = x.saved
    old.flags = x.flags & <int>(REQUIRES_GRAD | FREED | CONST1 | CONST2 | VIEW)
    x.x1 = NULL
    x.x2 = NULL
    history = None
    if x.extra != NULL:
        history = (<Extra>x.extra).history
        (<Extra>x.extra).history = None
        old.extra = x.extra
        x.extra = NULL
    extra = extra_of(x)
    extra.history = history or []
    extra.history.append((x.gen, old))
    x.flags &= ~<int>(CONST1 | CONST2 | VIEW | FREED | REQUIRES_GRAD)
    x.op = LEAF
    x.saved = 0
    x.gen += 1
    return old


cdef object write_inplace(Tensor x, Tensor z, str name):
    """`x` takes the value and the node of `z`, a result computed from `x`; returns `x`."""
    cdef Tensor old
    cdef bint reads_x, z_recorded
    check_writable(x, z.flags & REQUIRES_GRAD != 0)
    if not same_shape(x.layout, z.layout):
        raise errors.inplace_shape(name, shape_tuple(z.layout), shape_tuple(x.layout))
    if x.layout.typenum != z.layout.typenum:
        if not np.can_cast(dtype_of(z), dtype_of(x), "same_kind"):
            raise errors.inplace_dtype(name, dtype_of(z), dtype_of(x))
        z = functions["astype"](z, dtype_of(x))
    z_recorded = z.flags & REQUIRES_GRAD != 0
    if z_recorded:
        reads_x = True if z.extra != NULL else kernels[z.op].reads & (READS_X1 | READS_X2) != 0
        old = step_aside(x, reads_x)
        x.op = z.op
        x.flags |= z.flags & <int>(REQUIRES_GRAD | CONST1 | CONST2)
        x.x1 = redirect(z.x1, x, old, z.flags & CONST1 != 0)
        x.x2 = redirect(z.x2, x, old, z.flags & CONST2 != 0)
        x.gen1 = z.gen1
        x.gen2 = z.gen2
        x.saved = z.saved
        z.x1 = NULL
        z.x2 = NULL
        z.flags &= ~<int>(CONST1 | CONST2)
        if z.extra != NULL:
            take_extra(x, <Extra>z.extra, old)
    copy_strided(x.layout.itemsize, x.layout, z.data, z.layout.strides, x.data, x.layout.strides)
    bump_version(x)
    if z_recorded:
        x.storage.taken = x.storage.version
        if (rule_for(x).reads_result if x.op == RULE else kernels[x.op].reads & READS_Y):
            x.saved += version_of(x) - version_of(z)
    return x


cdef PyObject* redirect(PyObject* edge, Tensor x, Tensor old, bint constant) noexcept:
    """Hand over one edge of a result; an edge to `x` becomes one to the node it stood for."""
    if constant or edge != <PyObject*>x:
        return edge
    Py_INCREF(old)
    Py_DECREF(x)
    return <PyObject*>old


cdef int take_extra(Tensor x, Extra given, Tensor old) except -1:
    cdef Extra extra = extra_of(x)
    extra.rule = given.rule
    extra.params = given.params
    extra.where = given.where
    extra.number = given.number
    extra.numbers = given.numbers
    extra.kept = given.kept
    given.kept = NULL
    if given.operands is not None:
        extra.operands = tuple([old if o is x else o for o in given.operands])
        extra.gens = given.gens
    return 0
