# Reading a call: operands and parameters in the order of the rule's signature, with its defaults.

cdef extern from "Python.h":
    ctypedef object (*vectorcallfunc)(PyObject* callable, PyObject* const* args, size_t nargsf, PyObject* kwnames)
    const unsigned long Py_TPFLAGS_HAVE_VECTORCALL

cdef enum:
    MOST_GIVEN = 16         # arguments that are read here; calls of rules with more are bound by the rule

cdef struct Signature:      # borrowed from the rule
    int n                   # operands and parameters; 0: calls are bound by the rule
    int n_operands          # 1 where they are variadic
    int n_positional        # operands and parameters that may be given by position
    bint variadic
    PyObject* names[MOST_GIVEN]
    PyObject* defaults[MOST_GIVEN]      # NULL: required
    PyObject* synonyms                  # other keywords, a dict: "dim" -> "axis"


cdef int read_signature(object rule, list kept, Signature* s) except -1:
    """Read the signature of a rule; `kept` takes what `s` borrows."""
    cdef int k
    cdef list names = []
    for name in rule.operand_names + rule.param_names:
        names.append(sys.intern(name))
    kept.append(names)
    s.n = 0 if len(names) > MOST_GIVEN else <int>len(names)
    s.variadic = rule.variadic
    s.n_operands = 1 if rule.variadic else rule.n_operands
    s.n_positional = s.n_operands + <int>rule.n_positional
    synonyms = rule.synonyms
    if rule.name in parameters.PYTORCH_CALLS:   # PyTorch's keywords select another function
        synonyms = {key: name for key, name in synonyms.items() if key not in parameters.PYTORCH_KEYWORDS}
        kept.append(synonyms)
    s.synonyms = <PyObject*>synonyms
    for k in range(s.n):
        s.names[k] = <PyObject*>names[k]
        s.defaults[k] = NULL
        if names[k] in rule.defaults:
            kept.append(rule.defaults[names[k]])
            s.defaults[k] = <PyObject*>rule.defaults[names[k]]
    return 0


cdef Py_ssize_t synonym_at(const Signature* s, str keyword, Py_ssize_t first) except -2:
    """The place of the parameter that another keyword stands for, or -1."""
    name = (<dict>s.synonyms).get(keyword)
    for at in range(first, s.n):
        if <object>s.names[at] == name:
            return at
    return -1


cdef bint bind_call(const Signature* s, PyObject* const* args, Py_ssize_t n, PyObject* kwnames,
                    PyObject** given) except -1:
    """Put the arguments of a vectorcall into `given`, borrowed. Return False where only `Rule.bind` handles the call,
    or refuses it. The operands of a variadic rule are left to the caller."""
    cdef Py_ssize_t k, at, first = 0
    if s.n == 0:
        return False
    if s.variadic:
        first = 1
    elif n > s.n_positional:
        return False
    else:
        first = n
        memcpy(given, args, n * sizeof(PyObject*))
    for k in range(first, s.n):
        given[k] = NULL
    if kwnames != NULL:
        for k in range(len(<tuple>kwnames)):
            for at in range(first, s.n):
                if s.names[at] == <PyObject*>(<tuple>kwnames)[k]:
                    break
            else:
                at = synonym_at(s, <object>(<tuple>kwnames)[k], first)
                if at < 0:
                    return False
            if given[at] != NULL:
                return False
            given[at] = args[n + k]
    for k in range(first, s.n):
        if given[k] == NULL:
            given[k] = <PyObject*>s.defaults[k]
            if given[k] == NULL:
                return False
    return True


cdef inline PyObject* either(object value, object alias, object default) except NULL:
    """A parameter, or what was passed for it under PyTorch's name; borrowed."""
    if alias is not None and value is not default:
        raise parameters.two_names()
    return <PyObject*>(value if alias is None else alias)


cdef tuple given_tuple(PyObject* const* args, Py_ssize_t n):
    """Borrowed references as a tuple."""
    cdef tuple made = PyTuple_New(n)
    cdef Py_ssize_t k
    for k in range(n):
        put_item(made, k, <object>args[k])
    return made


cdef dict given_keywords(PyObject* const* values, PyObject* kwnames):
    """The keyword arguments of a vectorcall as a dict."""
    if kwnames == NULL:
        return {}
    return dict(zip(<tuple>kwnames, given_tuple(values, len(<tuple>kwnames)), strict=True))


cdef vectorcallfunc parse_tensor        # how `tensor` is called in general
cdef object REQUIRES_GRAD_NAME = sys.intern("requires_grad")     # as the names in a call are


cdef object call_tensor(PyObject* callable, PyObject* const* args, size_t nargsf, PyObject* names):
    """`tensor(0.5)` and `tensor(0.5, requires_grad=True)`: leaves of scalar graphs, where parsing takes most of the
    time."""
    if PyVectorcall_NARGS(nargsf) == 1 and type(<object>args[0]) is float and fg_capture == NULL:
        if names == NULL:
            return fg_owned(number_at(PyFloat_AS_DOUBLE(args[0])))
        if (len(<tuple>names) == 1 and <PyObject*>(<tuple>names)[0] == <PyObject*>REQUIRES_GRAD_NAME
                and <object>args[1] is True):
            t = number_at(PyFloat_AS_DOUBLE(args[0]))
            (<Tensor>t).flags = REQUIRES_GRAD
            return fg_owned(t)
    return parse_tensor(callable, args, nargsf, names)


# A function object holds the pointer that calls go to: it is replaced by ours, which leaves the other calls to it.
cdef vectorcallfunc* tensor_call = NULL
if Py_TYPE(tensor).tp_flags & Py_TPFLAGS_HAVE_VECTORCALL and Py_TYPE(tensor).tp_vectorcall_offset > 0:
    tensor_call = <vectorcallfunc*>(<char*><PyObject*>tensor + Py_TYPE(tensor).tp_vectorcall_offset)
    if tensor_call[0] != NULL:
        parse_tensor = tensor_call[0]
        tensor_call[0] = call_tensor
