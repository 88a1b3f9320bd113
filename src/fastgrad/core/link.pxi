# Recording: what a result keeps of the operands it came from. Never computes a value, never sweeps.

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


cdef inline void join1(Tensor y, int op, Tensor x) noexcept:
    """`y` came from `x` by `op`."""
    y.op = <unsigned char>op
    y.flags |= REQUIRES_GRAD
    Py_INCREF(x)
    y.x1 = <PyObject*>x
    y.gen1 = x.gen
    if kernels[op].reads & READS_X1:
        y.saved = version_of(x)


cdef inline void join2(Tensor y, int op, Tensor x1, Tensor x2) noexcept:
    cdef unsigned int reads = kernels[op].reads
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
    if kernels[op].reads_alone[first] & (READS_X2 if first else READS_X1):
        y.saved = version_of(x)


cdef inline unsigned int reads_at(Tensor y) noexcept:
    """What the backward of `y`, whose operands are in x1 and x2, reads."""
    cdef Kernel* k = &kernels[y.op]
    if y.flags & CONST1:
        return k.reads_alone[1]
    return k.reads_alone[0] if y.flags & CONST2 else k.reads


# And a look at the result, where somebody watches.

cdef inline int link1(Tensor y, int op, Tensor x) except -1:
    join1(y, op, x)
    if fg_watch:
        look_at(y)
    return 0


cdef inline int link2(Tensor y, int op, Tensor x1, Tensor x2) except -1:
    join2(y, op, x1, x2)
    if fg_watch:
        look_at(y)
    return 0


cdef inline int link_constant(Tensor y, int op, Tensor x, double c, bint first) except -1:
    join_constant(y, op, x, c, first)
    if fg_watch:
        look_at(y)
    return 0


cdef inline int keep_parameter(Tensor y, object parameter) except -1:
    """Hang the one parameter of a one-operand op in the place of the second operand: no Extra, no dict."""
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


cdef PyObject* resolve_at(PyObject* edge, unsigned int gen) noexcept:
    """Borrowed: the tensor an edge meant. Where it was written in place since, the node it stood for at the time."""
    if (<Tensor>edge).gen == gen or (<Tensor>edge).extra == NULL or (<Extra>(<Tensor>edge).extra).history is None:
        return edge
    return former(edge, (<Extra>(<Tensor>edge).extra).history, gen)


cdef PyObject* former(PyObject* x, list history, unsigned int gen) noexcept:
    """The first of the history, whose generations ascend, that is as young as `gen`; `x` itself where none is. By halving: a
    chain of writes, each with a consumer, asks once for every write."""
    cdef Py_ssize_t low = 0, high = len(history), middle
    while low < high:
        middle = (low + high) // 2
        if <unsigned int>(<tuple>history[middle])[0] < gen:
            low = middle + 1
        else:
            high = middle
    return <PyObject*>(<tuple>history[low])[1] if low < len(history) else x


cdef inline Tensor resolve(PyObject* edge, unsigned int gen):
    return <Tensor>resolve_at(edge, gen)


cdef int check_versions(Tensor y) except -1:
    """Raise where a value that the backward of `y` reads was overwritten since."""
    cdef unsigned int now = 0, reads
    cdef Extra extra
    cdef Py_ssize_t k
    if y.flags & VIEW:
        return 0        # reads nothing; `saved` is the version that the view was taken of
    if y.extra != NULL and (<Extra>y.extra).operands is not None:
        extra = <Extra>y.extra
        for k in range(len(extra.operands)):
            if type(extra.operands[k]) is Tensor and nth_bit(extra.reads, k):
                now += version_of(nth_operand(extra, k))
        if extra.reads_y:
            now += version_of(y)
    else:
        reads = reads_at(y)
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
    return resolve(<PyObject*>o, 0 if extra.gens is None else extra.gens[k])


cdef unsigned int[<int>END_OPS] op_reads        # by op number: bit k, whether the rule reads operand k, from 31 on all alike
cdef unsigned int[<int>END_OPS] op_flows        # whether a gradient flows to it


cdef int note_facts(int op, object rule) except -1:
    """Ask a built-in rule once for what every node of it would ask."""
    cdef unsigned int k
    op_reads[op] = op_flows[op] = 0
    for k in range(32):
        if rule.variadic or k < <unsigned int>rule.n_operands:
            op_reads[op] |= <unsigned int>bool(rule.reads(k)) << k
            op_flows[op] |= <unsigned int>bool(rule.differentiable(k)) << k
    return 0


cdef list among_of(int op, tuple operands):
    """The numbers of the operands to which a gradient may flow; None where those that are constants make no difference."""
    cdef list among = []
    cdef Py_ssize_t k
    if op != RULE and op >= END_ELEMENTWISE:
        return None
    for k in range(len(operands)):
        if type(operands[k]) is Tensor:
            among.append(k)
    return among if len(among) < len(operands) else None


cdef inline bint reads_nth(int op, object rule, Py_ssize_t k, object among) except -1:
    return (op_reads[op] >> min(k, 31)) & 1 if op != RULE and among is None else rule.reads(k, among)


cdef inline bint nth_bit(unsigned int bits, Py_ssize_t k) noexcept:
    """Of operand `k`; from 31 on all have one."""
    return (bits >> min(k, 31)) & 1


cdef inline unsigned int flows_of(Tensor y) noexcept:
    """To which of its many operands a gradient flows from `y`."""
    return op_flows[y.op] if y.op != RULE else (<Extra>y.extra).flows


cdef unsigned int versions_in(object operands) except? 0xFFFFFFFF:
    """The sum of the versions of all that are Tensors: another one once Python code has written to any of them."""
    cdef unsigned int total = 0
    for o in operands:
        if type(o) is Tensor:
            total += version_of(<Tensor>o)
    return total


cdef int link_many(Tensor y, object rule, tuple operands, dict params, int op=RULE) except -1:
    """`y` came from any number of operands by `rule`."""
    link_unseen(y, rule, operands, params, op)
    if fg_watch:
        look_at(y)
    return 0


cdef int link_unseen(Tensor y, object rule, tuple operands, dict params, int op) except -1:
    """As `link_many`, of a value that is not there yet. The rule is asked here, once for all: a sweep does not ask
    it."""
    cdef Extra extra = extra_of(y)
    cdef Py_ssize_t k
    cdef bint moved = False
    cdef unsigned int versions = versions_in(operands)
    among = among_of(op, operands)
    extra.reads = extra.flows = 0
    extra.reads_y = rule.reads_y(among)
    for k in range(len(operands)):
        if type(operands[k]) is Tensor:
            extra.reads |= <unsigned int>reads_nth(op, rule, k, among) << min(k, 31)
            if op == RULE:
                extra.flows |= <unsigned int>bool(rule.differentiable(k)) << min(k, 31)
    extra.rule = rule
    extra.operands = operands
    extra.params = params
    for k in range(len(operands)):
        moved = moved or (type(operands[k]) is Tensor and (<Tensor>operands[k]).gen != 0)
    if moved:
        extra.gens = [0] * len(operands)
        for k in range(len(operands)):
            if type(operands[k]) is Tensor:
                extra.gens[k] = (<Tensor>operands[k]).gen
    if versions_in(operands) != versions:
        raise errors.written_meanwhile(rule.name)
    y.op = <unsigned char>op
    y.flags |= REQUIRES_GRAD
    if not y.flags & VIEW:
        for k in range(len(operands)):
            if type(operands[k]) is Tensor and nth_bit(extra.reads, k):
                y.saved += version_of(<Tensor>operands[k])
        if extra.reads_y:
            y.saved += version_of(y)
    return 0
