# The public function of a rule: parses a call, tries the kernel, takes the rule otherwise. Computes nothing itself.

cdef extern from "Python.h":
    object PyVectorcall_Call(object callable, object args, object kwargs)
    void PyType_Modified(PyTypeObject* t)


cdef class SignatureOnDemand:
    """`__signature__` of a Function, made when somebody asks. The class has none: `inspect` would stumble over it."""

    def __get__(self, function, kind):
        if function is None:
            raise AttributeError("__signature__")
        return function.rule.signature()


cdef class Function:
    """An op: callable on Tensors, arrays and numbers. Records where a gradient may be wanted."""

    cdef vectorcallfunc vectorcall
    cdef readonly object rule
    cdef int op                 # Op, RULE where there is no kernel
    cdef object doc             # made when somebody asks

    def __init__(self, rule):
        cdef int k
        self.rule = rule
        self.vectorcall = call
        # A user's op may bear the name of a built-in one that has not been read yet.
        self.op = op_numbers.get(rule.name, RULE) if (rule.forward.__module__ or "").startswith("fastgrad.rules.") else RULE
        if self.op != RULE and rule_of[self.op] is None:
            rule_of[self.op] = rule
            kernels[self.op].reads |= reads_of(rule, None)
            for k in range(2):
                kernels[self.op].reads_alone[k] = reads_of(rule, (k,)) if ADD <= self.op < END_ELEMENTWISE else kernels[self.op].reads
            note_facts(self.op, rule)
            if self.op == GETITEM:
                rule_of[GATHER] = rule
                op_flows[<int>GATHER] = op_flows[<int>GETITEM]
        elif self.op != RULE:
            self.op = RULE      # a user's op that bears the name of a built-in one
        if self.op != RULE or rule.name not in functions:
            functions[rule.name] = self

    def __call__(self, *args, **kwargs):
        return call_bound(self, args, kwargs)

    @property
    def __name__(self):
        return self.rule.name

    @property
    def __qualname__(self):
        return self.rule.name

    @property
    def __module__(self):
        return "fastgrad"

    @property
    def __doc__(self):
        if self.doc is None:
            self.doc = self.rule.docstring()
        return self.doc

    __signature__ = SignatureOnDemand()

    @property
    def __wrapped__(self):
        return self.rule.forward

    def __repr__(self):
        return f"<fastgrad function {self.rule.name}{self.__signature__}>"

    def __reduce__(self):
        return find_function, (self.rule.name, self.rule.forward.__module__)


def find_function(name, module="fastgrad.rules"):
    """The function of an op, for pickle, which notes the module that defines it."""
    if name not in functions:
        __import__(module)
    return functions[name]


cdef dict op_numbers = dict(kernel_rows)
op_numbers.update(
    sum=SUM, mean=MEAN, max=MAX, min=MIN, sum_to=SUM_TO, broadcast_to=BROADCAST_TO, matmul=MATMUL, reshape=RESHAPE,
    permute_dims=PERMUTE_DIMS, getitem=GETITEM, softmax=SOFTMAX, log_softmax=LOG_SOFTMAX, logsumexp=LOGSUMEXP, prod=PROD, cumsum=CUMSUM,
    cross_entropy=CROSS_ENTROPY, layer_norm=LAYER_NORM, batch_norm=BATCH_NORM, where=WHERE, clip=CLIP, scatter_add=SCATTER_ADD, concat=CONCAT, stack=STACK,
    conv1d=CONV1D, conv2d=CONV2D, conv_input=CONV_INPUT, conv_weight=CONV_WEIGHT, max_pool2d=MAX_POOL2D, avg_pool2d=AVG_POOL2D,
    avg_unpool2d=AVG_UNPOOL2D, rnn=RNN, lstm=LSTM, gru=GRU,
)
for _name, _number in op_numbers.items():
    op_names[_number] = _name
op_names[GATHER] = "getitem"
kernels[<int>MATMUL].reads = READS_X1 | READS_X2
kernels[<int>MAX].reads = READS_X1 | READS_Y
kernels[<int>MIN].reads = READS_X1 | READS_Y


cdef unsigned int reads_of(object rule, object among) except? 0xFFFF:
    """What the rule reads, so that what a kernel may do without is kept for higher orders as well."""
    cdef unsigned int reads = READS_Y if rule.reads_y(among) else 0
    if not rule.variadic:
        if rule.reads(0, among):
            reads |= READS_X1
        if rule.n_operands > 1 and rule.reads(1, among):
            reads |= READS_X2
    return reads


cdef object call(PyObject* callable, PyObject* const* args, size_t nargsf, PyObject* kwnames):
    """vectorcall: the common calls straight to the kernel."""
    cdef Function f = <Function>callable
    cdef Py_ssize_t n = PyVectorcall_NARGS(nargsf), k
    cdef Tensor y
    if kwnames == NULL:
        if n == 1 and type(<object>args[0]) is Tensor:
            if f.op < ADD:
                return unary(f.op, <Tensor>args[0])
        elif n == 2 and (type(<object>args[0]) is Tensor or type(<object>args[1]) is Tensor):
            if ADD <= f.op < END_ELEMENTWISE:
                result = binary_any(f.op, <object>args[0], <object>args[1])
                if result is not NotImplemented:
                    return result
            elif f.op == MATMUL and type(<object>args[0]) is Tensor and type(<object>args[1]) is Tensor:
                return matmul(<Tensor>args[0], <Tensor>args[1])
    if WHERE <= f.op < CONV1D:
        y = call_directly(f.op, args, n, None if kwnames == NULL else <object>kwnames)
        if y is not None:
            return y
    cdef dict kwargs = {}
    if kwnames != NULL:
        names = <tuple><object>kwnames
        for k in range(len(names)):
            kwargs[names[k]] = <object>args[n + k]
    return call_bound(f, given_tuple(args, n), kwargs)


cdef object call_bound(Function f, tuple args, dict kwargs):
    cdef Tensor y
    operands, params = f.rule.bind(args, kwargs)
    if f.op != RULE:
        y = by_kernel(f.op, operands, params)
        if y is not None:
            return y
    return apply_rule(f.rule, operands, params)


cdef Tensor by_kernel(int op, tuple operands, dict params):
    """The result by the op's kernel; None where it does not take these operands."""
    cdef Tensor x, y
    if op == CONCAT or op == STACK:
        return join(op, operands, params["axis"])
    first = operands[0]
    if type(first) is not Tensor:
        if ADD <= op < END_ELEMENTWISE and type(operands[1]) is Tensor:
            result = binary_any(op, first, operands[1])
            return None if result is NotImplemented else result
        if not (PyArray_Check(first)):
            return None
        first = as_tensor(first)
    x = <Tensor>first
    if op >= CONV1D:
        return networks_kernel(op, x, operands, params)
    if op == SOFTMAX or op == LOG_SOFTMAX:
        return softmax(op, x, params["axis"])
    if op == LOGSUMEXP:
        return logsumexp(x, params["axis"], params["keepdims"])
    if op == CUMSUM:
        return cumsum(x, params["axis"]) if params["dtype"] is None else None
    if op == CROSS_ENTROPY:
        return cross_entropy(x, as_tensor(operands[1]), params["reduction"])
    if op == LAYER_NORM:
        return layer_norm(x, given_operand(operands[1]), given_operand(operands[2]), params["axes"], params["eps"])
    if op == BATCH_NORM:
        return batch_norm(x, given_operand(operands[1]), given_operand(operands[2]), params["eps"])
    if op == WHERE:
        return where(x, tensor_or_number(operands[1]), tensor_or_number(operands[2]))
    if op == CLIP:
        return clip(x, operands[1], operands[2])
    if op == SCATTER_ADD:
        return scatter_add(x, params["key"], params["shape"])
    if op < ADD:
        return unary(op, x)
    if op < END_ELEMENTWISE:
        result = binary_any(op, x, operands[1])
        return None if result is NotImplemented else result
    if op == SUM or op == MEAN or op == MAX or op == MIN or op == PROD:
        if params.get("dtype") is not None:
            return None
        return reduce(op, x, params["axis"], params["keepdims"])
    if op == MATMUL:
        return matmul(x, as_tensor(operands[1]))
    if op == SUM_TO:
        return sum_to(x, params["shape"])
    if op == BROADCAST_TO:
        return broadcast_to(x, params["shape"])
    if op == RESHAPE:
        return reshape(x, params["shape"])
    if op == PERMUTE_DIMS:
        return permute_dims(x, params["axes"])
    if op == GETITEM:
        y = getitem_basic(x, params["key"])
        return y if y is not None else getitem_array(x, params["key"])
    return None


cdef object given_operand(object o):
    """An operand that may be left out, as None."""
    return o if o is None else as_tensor(o)


cdef Tensor networks_kernel(int op, Tensor x, tuple operands, dict params):
    """Those that read their parameters from the dict."""
    if op == CONV1D or op == CONV2D:
        return convolution(op, x, as_tensor(operands[1]), operands[2], params)
    if op == CONV_INPUT or op == CONV_WEIGHT:
        return convolution_transposed(op, x, as_tensor(operands[1]), params)
    if op == RNN or op == LSTM or op == GRU:
        return recurrent(op, operands, params)
    return pooled_windows(op, x, params)


cdef object reduce_or_rule(int op, Tensor x, object axis, object keepdims, object dtype):
    """A reduction as a method: straight to the kernel where it takes the call."""
    cdef Tensor y
    if dtype is None and type(keepdims) is bool:
        y = reduce(op, x, axis, keepdims)
        if y is not None:
            return y
    if dtype is None:
        return functions[op_names[op]](x, axis=axis, keepdims=keepdims)
    return functions[op_names[op]](x, axis=axis, keepdims=keepdims, dtype=dtype)


cdef int install_vectorcall() except -1:
    """Cython has no spelling for a vectorcall slot: set it on the finished type."""
    cdef PyTypeObject* t = <PyTypeObject*>Function
    cdef Function probe = Function.__new__(Function)
    t.tp_vectorcall_offset = <char*>&probe.vectorcall - <char*><PyObject*>probe
    t.tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL
    t.tp_call = <void*>PyVectorcall_Call
    PyType_Modified(t)
    return 0


install_vectorcall()


def install_methods(dict members):
    """Put attributes on the Tensor type, under all names that it does not define itself, and its docstring."""
    cdef PyTypeObject* t = <PyTypeObject*>Tensor
    METHODS.update(members)
    for name, member in members.items():
        if name not in Tensor.__dict__ or name == "__doc__":
            (<dict><object>t.tp_dict)[name] = member
    PyType_Modified(t)
