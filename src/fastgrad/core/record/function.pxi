# The public function of a rule: reads a call, then takes the kernel, or the rule. Computes nothing itself.

cdef extern from "Python.h":
    object PyVectorcall_Call(object callable, object args, object kwargs)


cdef class Function:
    """An op: callable on Tensors, arrays and numbers. Records where a gradient may be wanted."""

    cdef vectorcallfunc vectorcall
    cdef readonly object rule
    cdef int op                 # its number in the table; RULE where there is no kernel
    cdef bint built_in          # whether it runs no user code
    cdef bint view, together, holomorphic, linear, multilinear
    cdef tuple vjps
    cdef object forward
    cdef int n_params
    cdef Py_ssize_t n_positional    # parameters that the forward takes by position
    cdef PyObject* keywords         # the names of the others, a tuple, or NULL; borrowed from `kept`
    cdef list facts             # of at most three operands, by which of them are Tensors: bit k of the index
    cdef dict facts_of_many
    cdef list readers           # what each vjp reads, or None where that was not needed yet
    cdef Signature signature
    cdef list kept              # what the signature borrows
    cdef bint prepares          # whether the rule prepares parameters
    cdef list plain             # by parameter, the types that `prepare` leaves as they are, or None: all of them
    cdef dict __dict__          # `op_functions.names`

    __signature__ = op_functions.signature
    __reduce__ = op_functions.reduce
    __copy__ = __deepcopy__ = made_functions.itself
    _carrier = made_functions.carrier

    def __init__(self, rule):
        self.rule = rule
        self.vectorcall = call
        rule.function = self
        self.kept = []
        self.facts = [None] * 8
        self.facts_of_many = {}
        self.readers = [None] * len(rule.vjps)
        self.forward = rule.forward
        self.view = rule.view
        self.together = rule.together
        self.holomorphic = rule.holomorphic
        self.linear = rule.jvp == "linear" and not rule.variadic
        self.multilinear = rule.jvp == "multilinear" and not rule.variadic
        self.vjps = rule.vjps
        self.n_params = len(rule.param_names)
        self.n_positional = rule.n_positional
        if self.n_params > self.n_positional:
            self.kept.append(rule.param_names[self.n_positional:])
            self.keywords = <PyObject*>self.kept[0]
        self.prepares = rule.prepare is not None or rule.takes_dtype
        self.plain = rule.plain_types()
        read_signature(rule, self.kept, &self.signature)
        for name, value in op_functions.names(rule).items():
            setattr(self, name, value)
        # A user-defined op may have the name of a built-in one.
        self.built_in = op_functions.is_built_in(rule)
        self.op = number_of_op(rule.name) if self.built_in else RULE
        if rule_of[self.op] is not None:
            self.op = RULE
        if self.op != RULE:
            bind_rule(rule)
        if self.op != RULE or rule.name not in functions:
            functions[rule.name] = self

    def __call__(self, *args, **kwargs):
        return call_bound(self, args, kwargs)

    def __repr__(self):
        return op_functions.text(self)


cdef object call(PyObject* callable, PyObject* const* args, size_t nargsf, PyObject* kwnames):
    """vectorcall of a Function."""
    cdef Function f = <Function>callable
    cdef Py_ssize_t n = PyVectorcall_NARGS(nargsf)
    cdef PyObject* given[MOST_GIVEN]
    if kwnames == NULL and n == 1 and kernels[f.op].nin == 1 and is_tensor(<object>args[0]):
        return unary(f.op, <Tensor>args[0])
    if fg_levels and has_batched(args, n + (len(<tuple>kwnames) if kwnames != NULL else 0)):
        return batching.call(f.rule, given_tuple(args, n), given_keywords(args + n, kwnames))
    if bind_call(&f.signature, args, n, kwnames, given):
        if not f.signature.variadic:
            return call_given(f, given)
        operands = given_tuple(args, n)
        given[0] = <PyObject*>operands
        return call_given(f, given)
    return call_bound(f, given_tuple(args, n), given_keywords(args + n, kwnames))


cdef object call_given(Function f, PyObject** given):
    """The result for bound arguments: by the kernel, or by the rule."""
    cdef OpRow* row = &table[f.op]
    cdef Signature* s = &f.signature
    if row.record != NULL and not (row.prepared and f.prepares):
        y = row.record(f.op, given)
        if y is not None:
            return y
    if f.prepares and not is_prepared(f, given + s.n_operands):
        operands = <tuple><object>given[0] if s.variadic else given_tuple(given, s.n_operands)
        operands, params = f.rule.prepared(operands, named_params(f, given + s.n_operands))
        return call_prepared(f, operands, params)
    if s.variadic:
        return apply_rule(f, PySequence_Fast_ITEMS(<tuple><object>given[0]), len(<tuple><object>given[0]), given + 1)
    return apply_rule(f, given, s.n_operands, given + s.n_operands)


cdef bint is_prepared(Function f, PyObject** values) except -1:
    """Whether the rule's `prepare` would leave all parameters as they are."""
    cdef int k
    if f.plain is None:
        return False
    for k in range(f.n_params):
        if f.plain[k] is not None and type(<object>values[k]) not in <tuple>f.plain[k]:
            return False
    return True


cdef object call_prepared(Function f, tuple operands, dict params):
    """The result for operands and parameters as the rule prepares them."""
    cdef list read = []
    for name in f.rule.param_names:
        read.append(params[name])
    cdef tuple values = tuple(read)
    if table[f.op].record != NULL and f.signature.n:
        given = ((operands,) if f.signature.variadic else operands) + values
        y = table[f.op].record(f.op, PySequence_Fast_ITEMS(given))
        if y is not None:
            return y
    return apply_rule(f, PySequence_Fast_ITEMS(operands), len(operands), PySequence_Fast_ITEMS(values))


cdef object call_bound(Function f, tuple args, dict kwargs):
    meant = f.rule.other_call(kwargs) if kwargs else None
    if meant is not None:
        return meant(*args, **kwargs)
    operands, params = f.rule.bind(args, kwargs)
    return call_prepared(f, operands, params)


cdef object call_batched_method(Function f, PyObject** given):
    """The op of a method of a Tensor with a Batched operand."""
    return batching.call(f.rule, given_tuple(given, f.signature.n_operands),
                         named_params(f, given + f.signature.n_operands))


cdef object call_method(int op, PyObject** given):
    """The op of a method, whose arguments are all given."""
    cdef Signature* s
    if fg_levels:
        s = &(<Function>functions[op_names[op]]).signature
        if has_batched(given, s.n_operands):
            return call_batched_method(<Function>functions[op_names[op]], given)
    cdef Tensor y = table[op].record(op, given)
    return y if y is not None else call_given(<Function>functions[op_names[op]], given)


# Cython has no spelling for a vectorcall slot: it is set on the finished type.
cdef PyTypeObject* FUNCTION = <PyTypeObject*>Function
cdef Function probe = Function.__new__(Function)
FUNCTION.tp_vectorcall_offset = <char*>&probe.vectorcall - <char*><PyObject*>probe
FUNCTION.tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL
FUNCTION.tp_call = <void*>PyVectorcall_Call
(<dict><object>FUNCTION.tp_dict)["__doc__"] = op_functions.docstring
PyType_Modified(FUNCTION)


cdef void fill_slots(void* own, void* others, size_t nbytes) noexcept:
    """Copy the functions in `others`, an array of pointers, to where `own` has none."""
    cdef size_t k
    for k in range(nbytes // sizeof(void*)):
        if (<void**>own)[k] == NULL:
            (<void**>own)[k] = (<void**>others)[k]


def install_methods(dict members, *, bint replace=False):
    """Put attributes on the Tensor type, and its docstring; under names that it defines only if `replace` is set."""
    METHODS.update(members)
    for name, member in members.items():
        if replace or name not in Tensor.__dict__ or name == "__doc__":
            (<dict><object>POOLED.tp_dict)[name] = member
    PyType_Modified(POOLED)
    if "__iter__" not in members:       # methods alone
        return
    # Python fills the slots of a class from its attributes only if the class is written in Python.
    filled = type("Methods", (), members)
    cdef PyTypeObject* f = <PyTypeObject*>filled
    fill_slots(POOLED.tp_as_number, f.tp_as_number, sizeof(PyNumberMethods))
    fill_slots(POOLED.tp_as_sequence, f.tp_as_sequence, sizeof(PySequenceMethods))
    fill_slots(POOLED.tp_as_mapping, f.tp_as_mapping, sizeof(PyMappingMethods))
    POOLED.tp_iter = f.tp_iter
    POOLED.tp_repr = f.tp_repr
    PyType_Modified(POOLED)
