# Nodes with any number of operands: these, the parameters and the rule are in a NodeExtra.

cdef class RuleFacts:
    """What a rule reads, and where gradients flow, for given operands that are Tensors."""
    cdef unsigned int reads     # bit k: whether the backward reads operand k; operands from 31 on share a bit
    cdef unsigned int flows     # bit k: whether a gradient flows to operand k
    cdef bint reads_y


cdef RuleFacts facts_for(Function f, PyObject** operands, Py_ssize_t n):
    """The facts are kept with the function, by which of the operands are Tensors."""
    cdef Py_ssize_t k, bits = 0
    if n > 63:
        return ask_rule(f.rule, operands, n)
    if n > 3:
        for k in range(n):
            bits |= <Py_ssize_t>(is_tensor(<object>operands[k])) << k
        if (n, bits) not in f.facts_of_many:
            f.facts_of_many[n, bits] = ask_rule(f.rule, operands, n)
        return f.facts_of_many[n, bits]
    for k in range(n):
        bits |= <Py_ssize_t>(is_tensor(<object>operands[k])) << k
    if f.facts[bits] is None:
        f.facts[bits] = ask_rule(f.rule, operands, n)
    return f.facts[bits]


cdef RuleFacts ask_rule(object rule, PyObject** operands, Py_ssize_t n):
    cdef RuleFacts facts = RuleFacts.__new__(RuleFacts)
    cdef Py_ssize_t k
    # The vjps of constants are never called: what they read does not count.
    cdef list among = []
    for k in range(n):
        if is_tensor(<object>operands[k]):
            among.append(k)
    facts.reads, facts.flows, facts.reads_y = rule.facts(among, among if len(among) < n else None)
    return facts


cdef list generations(tuple operands):
    cdef list found = []
    for o in operands:
        found.append((<Tensor>o).gen if is_tensor(o) else 0)
    return found


cdef int link_node(Tensor y, object rule, int op, RuleFacts facts, tuple operands, dict params) except -1:
    """Record `y` as the result of `rule`, and do not inspect it. `facts` are None where `op` has a kernel."""
    cdef NodeExtra extra = extra_of(y)
    cdef Py_ssize_t k, n = len(operands)
    cdef bint written = False
    extra.rule = rule
    extra.operands = operands
    extra.params = params
    extra.reads = table[op].operand_reads if facts is None else facts.reads
    extra.reads_y = table[op].reads & READS_Y if facts is None else facts.reads_y
    extra.flows = 0 if facts is None else facts.flows
    for k in range(n):
        if is_tensor(operands[k]):
            take_class(y, PyTuple_GET_ITEM(operands, k))
            if (<Tensor>operands[k]).gen != 0 and not written:
                written = True
                extra.gens = generations(operands)
    y.op = <unsigned char>op
    y.flags |= REQUIRES_GRAD
    if not y.flags & VIEW:
        for k in range(n):
            if is_tensor(operands[k]) and nth_bit(extra.reads, k):
                y.saved += version_of(<Tensor>operands[k])
        if extra.reads_y:
            y.saved += version_of(y)
    return 0


cdef int link_unseen(Tensor y, object rule, tuple operands, dict params, int op) except -1:
    """As `link_many`, for a value that is not computed yet."""
    cdef unsigned int versions = versions_in(operands)
    cdef RuleFacts facts = None
    if op == RULE:
        facts = facts_for(<Function?>rule.function, PySequence_Fast_ITEMS(operands), len(operands))
    link_node(y, rule, op, facts, operands, params)
    if versions_in(operands) != versions:       # by code that the garbage collector ran
        raise errors.written_meanwhile(rule.name)
    return 0


cdef int link_many(Tensor y, object rule, tuple operands, dict params, int op=RULE) except -1:
    """Record `y` as the result of `rule` of any number of operands."""
    link_unseen(y, rule, operands, params, op)
    if fg_watch:
        inspect_result(y)
    return 0
