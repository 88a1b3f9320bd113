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


cdef list grad_operands(int op, tuple operands):
    """The numbers of the operands to which a gradient may flow; None where those that are constants make no
    difference."""
    cdef list among = []
    cdef Py_ssize_t k
    if op != RULE and kernels[op].nin == 0:
        return None
    for k in range(len(operands)):
        if type(operands[k]) is Tensor:
            among.append(k)
    return among if len(among) < len(operands) else None


cdef inline bint reads_nth(int op, object rule, Py_ssize_t k, object among) except -1:
    return (table[op].operand_reads >> min(k, 31)) & 1 if op != RULE and among is None else rule.reads(k, among)


cdef inline bint nth_bit(unsigned int bits, Py_ssize_t k) noexcept:
    """Of operand `k`; from 31 on all have one."""
    return (bits >> min(k, 31)) & 1


cdef inline unsigned int flows_of(Tensor y) noexcept:
    """To which of its many operands a gradient flows from `y`."""
    return table[y.op].operand_flows if y.op != RULE else (<NodeExtra>y.extra).flows


cdef int link_many(Tensor y, object rule, tuple operands, dict params, int op=RULE) except -1:
    """`y` came from any number of operands by `rule`."""
    link_unseen(y, rule, operands, params, op)
    if fg_watch:
        inspect_result(y)
    return 0


cdef class RuleFacts:
    """What a rule reads, and where gradients flow, for given operands that are Tensors."""
    cdef unsigned int reads     # bit k: whether the backward reads operand k; operands from 31 on share a bit
    cdef unsigned int flows     # of op RULE: whether a gradient flows to it
    cdef bint reads_y


cdef RuleFacts facts_for(object rule, int op, tuple operands):
    """The facts are kept with the rule, by which of the operands are Tensors."""
    cdef Py_ssize_t k, n = len(operands)
    cdef unsigned long long tensors = 0
    cdef RuleFacts facts
    cdef dict known = rule.facts
    if n > 31:
        return ask_rule(rule, op, operands)
    for k in range(n):
        tensors |= <unsigned long long>(type(operands[k]) is Tensor) << k
    key = tensors << 8 | op
    facts = known.get(key)
    if facts is None:
        facts = ask_rule(rule, op, operands)
        known[key] = facts
    return facts


cdef RuleFacts ask_rule(object rule, int op, tuple operands):
    cdef RuleFacts facts = RuleFacts.__new__(RuleFacts)
    cdef Py_ssize_t k
    among = grad_operands(op, operands)
    facts.reads_y = rule.reads_y(among)
    for k in range(len(operands)):
        if type(operands[k]) is Tensor:
            facts.reads |= <unsigned int>reads_nth(op, rule, k, among) << min(k, 31)
            if op == RULE:
                facts.flows |= <unsigned int>bool(rule.differentiable(k)) << min(k, 31)
    return facts


cdef int link_unseen(Tensor y, object rule, tuple operands, dict params, int op) except -1:
    """As `link_many`, of a value that is not there yet. The rule is asked here, once for all: a sweep does not ask
    it."""
    cdef NodeExtra extra = extra_of(y)
    cdef Py_ssize_t k
    cdef bint moved = False
    cdef unsigned int versions = versions_in(operands)
    cdef RuleFacts facts = facts_for(rule, op, operands)
    extra.reads = facts.reads
    extra.flows = facts.flows
    extra.reads_y = facts.reads_y
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
