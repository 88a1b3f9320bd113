# The table of ops with a kernel. The file of an op's family registers its row. The rule says what a backward reads and
# where gradients flow. Nothing else decides by the name or number of an op.

# Returns the result of a call, or None where only the rule handles it. `given` holds operands and parameters, borrowed,
# in the order of the rule's signature.
ctypedef Tensor (*Record)(int op, PyObject** given)
# Adds to the cotangents of the operands. The cotangent of `y` is at `g`, in the block `gs` unless that is NULL.
ctypedef int (*BackwardOp)(Tensor y, char* g, Storage* gs, bint only_wanted) except -1
# Returns the parameters of a recorded node, as the rule names them.
ctypedef dict (*NodeParams)(Tensor y)

# Returns the tangent of `y`, an op that is linear in its one operand with tangent `t`; None: left to the rule.
ctypedef Tensor (*PushOp)(Tensor y, Tensor t, Py_ssize_t batch)
# Returns the cotangents of its operand for a batch of cotangents `g` of such a `y`.
ctypedef Tensor (*PullOp)(Tensor y, Tensor g, Py_ssize_t batch)

cdef struct OpRow:
    Record record               # NULL: calls go to the rule
    BackwardOp backward
    PushOp push                 # NULL: forward mode by the rule
    PullOp pull                 # NULL: batches of cotangents by the rule
    NodeParams params           # NULL: those in the NodeExtra, or the defaults
    bint prepared               # `record` takes parameters only after the rule's `prepare`
    unsigned int reads          # Reads of the first two operands and of the result
    unsigned int[2] reads_alone     # the same where the second, or the first, operand is a constant
    unsigned int operand_reads  # bit k: whether the rule reads operand k; operands from 31 on share a bit
    unsigned int operand_flows  # bit k: whether a gradient flows to operand k

cdef OpRow[256] table           # by the number in Tensor.op
cdef int n_ops = FIRST_STRUCTURED
cdef dict NO_PARAMS = {}
cdef list rule_of = [None] * 256
cdef list op_names = [None] * 256
cdef list signature_of = [None] * 256
cdef dict functions = op_functions.functions


cdef int set_row(int op, str name, str signature, Record record, BackwardOp backward, NodeParams params,
                 bint prepared) except -1:
    table[op].record = record
    table[op].backward = backward
    table[op].params = params
    table[op].prepared = prepared
    op_names[op] = name
    signature_of[op] = signature
    return 0


cdef int register_op(str name, str signature, Record record, BackwardOp backward, NodeParams params=NULL,
                     bint prepared=False) except -1:
    """Add a row; return the number of the op. Several rows may share a rule: calls go to the first one."""
    global n_ops
    if n_ops == 256:
        raise RuntimeError("the table of ops is full: Tensor.op is one byte")
    n_ops += 1
    set_row(n_ops - 1, name, signature, record, backward, params, prepared)
    return n_ops - 1


cdef int number_of_op(str name) except -1:
    """The number of the op's first row, or RULE."""
    return op_names.index(name) if name in op_names else RULE


cdef int bind_rule(object rule) except -1:
    """Fill in what the rule decides, in all rows of its op."""
    cdef int op, k
    for op in range(n_ops):
        if op_names[op] != rule.name:
            continue
        names = " ".join(rule.operand_names + rule.param_names)
        if signature_of[op] is not None and signature_of[op] != names:
            raise RuntimeError(f"the row of {rule.name!r} reads ({signature_of[op]}), its rule takes ({names})")
        row = &table[op]
        rule_of[op] = rule
        row.reads = reads_of(rule, None)
        for k in range(2):
            row.reads_alone[k] = reads_of(rule, (k,)) if kernels[op].nin == 2 else row.reads
        row.operand_reads, row.operand_flows, _ = rule.facts(range(32 if rule.variadic else rule.n_operands))
    return 0


cdef unsigned int reads_of(object rule, object among) except? 0xFFFF:
    """Which of the first two operands and the result the vjps of the operands `among` (None: of all) read."""
    reads, _, reads_y = rule.facts(range(0 if rule.variadic else min(rule.n_operands, 2)), among)
    return reads | (READS_Y if reads_y else 0)      # READS_X1 and READS_X2 are the bits of the operands


cdef inline bint is_leaf(Tensor y) noexcept:
    """Whether `y` was not recorded as the result of an op."""
    return y.op == LEAF


cdef object rule_for(Tensor y):
    return (<NodeExtra>y.extra).rule if y.op == RULE else rule_of[y.op]


cdef object op_name(Tensor y):
    return None if is_leaf(y) else rule_for(y).name


def ops_with_kernels():
    """Return the names of the ops that have a kernel."""
    return sorted({name for name in op_names if name is not None})


# What `record` functions read from `given`.

cdef inline Tensor given_tensor(PyObject* o):
    """A Tensor, or an ndarray as a Tensor; None for anything else."""
    if is_tensor(<object>o):
        return <Tensor>o
    return as_tensor(<object>o) if PyArray_Check(<object>o) else None


cdef inline Tensor given_optional(PyObject* o):
    """An operand that may be None, as a Tensor."""
    return None if <object>o is None else as_tensor(<object>o)


cdef dict given_params(int op, PyObject** given):
    """Parameters as the rule names them, for nodes that keep them in a dict."""
    return named_params(<Function>rule_of[op].function, given + <int>rule_of[op].n_operands)
