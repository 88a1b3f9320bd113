# NumPy's functions in NumPy's signature: fastgrad's where a Tensor is among the arguments, NumPy's otherwise.

cdef enum:
    MOST_NAMES = 24         # parameters that are read here; `general` reads calls of functions with more
    DEEPEST = 32            # lists within each other that are searched for Tensors

cdef object NO_VALUE = np._NoValue
cdef object VALUES = op_functions.VALUES
cdef object UNBOUND = object()      # in place of a result: `general` handles the call, or refuses it


cdef class NumPyFunction:
    """A function of NumPy that calls fastgrad's where a Tensor is among the arguments. See `call_plans`."""

    cdef vectorcallfunc vectorcall
    cdef readonly object function, counterpart, plan, general   # `general` handles the calls that are not handled here
    cdef public object override     # what is called instead, or None: derivatives that a user has defined
    # Where the function is another package's: what converts results that are not recorded; otherwise None. Such a
    # function becomes a method as an attribute of a class, as Python functions do, and `general`, not NumPy's dispatch,
    # decides what to do with arrays of other classes.
    cdef readonly object finish
    cdef int depth              # of nested lists and tuples of arrays that are not taken for arrays themselves
    cdef bint many              # whether positional arguments are passed on as they are
    cdef bint direct            # whether the counterpart is a Function whose arguments are put in place here
    cdef int n, n_only, n_positional    # parameters of NumPy's function; positional-only; by position
    cdef int n_required         # arguments that every call needs
    cdef int n_straight         # calls with so many arguments, or fewer, pass them on as they are
    cdef PyObject* names[MOST_NAMES]
    cdef PyObject* defaults[MOST_NAMES]     # NULL: required
    cdef PyObject* keywords[MOST_NAMES]     # in the counterpart; NULL: by position alone, or not at all
    cdef int places[MOST_NAMES]             # in the counterpart: in its signature if `direct`, or by position; or -1
    cdef bint forced[MOST_NAMES]            # whether NumPy's default is passed on
    cdef list kept              # what the pointers borrow
    cdef dict __dict__          # `op_functions.numpy_names`

    __reduce__ = op_functions.numpy_reduce

    def __init__(self, function, counterpart, plan, general, dict names, finish=None):
        self.function = function
        self.counterpart = counterpart
        self.plan = plan
        self.general = general
        self.finish = finish
        self.vectorcall = call_numpy
        self.kept = []
        if plan is not None and len(plan.names) <= MOST_NAMES:
            read_plan(self, plan)
        for name, value in names.items():
            setattr(self, name, value)

    def __call__(self, *args, **kwargs):
        return self.general(self, args, kwargs)

    def __get__(self, instance, owner):
        return MethodType(self, instance) if self.finish is not None and instance is not None else self

    def __getattr__(self, name):
        return getattr(self.function, name)

    def __repr__(self):
        return op_functions.numpy_text(self)


cdef int read_plan(NumPyFunction f, object plan) except -1:
    """Read the plan of a function; `f.kept` takes what the pointers borrow."""
    cdef int k
    cdef Signature* s = NULL
    if type(f.counterpart) is Function:
        s = &(<Function>f.counterpart).signature
    f.direct = s != NULL and s.n > 0 and not s.variadic
    f.depth = plan.depth
    f.many = plan.many
    f.n_only = plan.n_only
    f.n_positional = plan.n_positional
    straight = not f.many
    for k, (name, default, (place, keyword), forced) in enumerate(
            zip(plan.names, plan.defaults, plan.places, plan.forced, strict=True)):
        name = sys.intern(name)
        keyword = None if keyword is None else sys.intern(keyword)
        f.kept += [name, default, keyword]
        f.names[k] = <PyObject*>name
        f.defaults[k] = NULL if default is REQUIRED else <PyObject*>default
        f.keywords[k] = NULL if keyword is None else <PyObject*>keyword
        f.places[k] = -1 if place is None else place
        f.forced[k] = forced
        if f.direct and place is None and keyword is not None:
            f.places[k] = place_of(s, keyword)
        straight = straight and place == k and (f.direct and k < s.n_operands or default is REQUIRED)
        f.n_straight += straight
        if forced:
            f.n_straight = 0
            straight = False
        f.n_required += k < f.n_positional and default is REQUIRED
    f.n = len(plan.names)
    return 0


cdef int place_of(const Signature* s, str keyword) except -2:
    """The place of a parameter in the signature of a rule, by its name or another keyword, or -1."""
    cdef int at
    for at in range(s.n):
        if s.names[at] == <PyObject*>keyword:
            return at
    return <int>synonym_at(s, keyword, 0)


cdef object call_counterpart(NumPyFunction f, PyObject* const* args, Py_ssize_t n, PyObject* const* names,
                             PyObject* const* values, Py_ssize_t n_names):
    """The result of fastgrad's function for a call in NumPy's signature, or UNBOUND."""
    cdef PyObject* given[MOST_NAMES]
    cdef Py_ssize_t k, at
    if n_names == 0 and f.n_required <= n <= f.n_straight:
        if f.direct:
            return call(<PyObject*>f.counterpart, args, n, NULL)
        return PyObject_Vectorcall(f.counterpart, <PyObject**>args, n, NULL)
    if f.n == 0 or (n > f.n_positional and not f.many):
        return UNBOUND
    for k in range(f.n):
        given[k] = args[k] if k < n and not f.many else NULL
    for k in range(n_names):
        for at in range(f.n_only, f.n):
            if f.names[at] == names[k]:
                break
        else:
            return UNBOUND
        if given[at] != NULL or (f.many and at < f.n_positional):
            return UNBOUND
        given[at] = values[k]
    if f.direct:
        return call_direct(f, given)
    return call_by_keyword(f, given, args, n if f.many else 0)


cdef inline int settle(NumPyFunction f, Py_ssize_t k, PyObject** value) except -1:
    """Replace an omitted argument by NumPy's default where that is passed on. Return 0: nothing to pass; 1: the value
    is passed; 2: only `general` handles the call."""
    if value[0] == NULL or value[0] == f.defaults[k] or value[0] == <PyObject*>NO_VALUE:
        if f.defaults[k] == NULL and not (f.many and k < f.n_positional):
            return 2
        if not f.forced[k]:
            return 0
        value[0] = f.defaults[k]
    return 1 if f.places[k] >= 0 or f.keywords[k] != NULL else 2


cdef object call_direct(NumPyFunction f, PyObject** values):
    """The result of the Function of a rule."""
    cdef Function target = <Function>f.counterpart
    cdef PyObject* given[MOST_GIVEN]
    cdef Py_ssize_t k
    cdef int passed
    memcpy(given, target.signature.defaults, target.signature.n * sizeof(PyObject*))
    for k in range(f.n):
        passed = settle(f, k, &values[k])
        if passed == 2 or (passed == 1 and f.places[k] < 0):
            return UNBOUND
        if passed:
            given[f.places[k]] = values[k]
    for k in range(target.signature.n):
        if given[k] == NULL:
            return UNBOUND
    return call_given(target, given)


cdef object call_by_keyword(NumPyFunction f, PyObject** values, PyObject* const* args, Py_ssize_t n):
    """The result of a Python function, with `n` positional arguments passed on as they are."""
    cdef PyObject* keywords[MOST_NAMES]
    cdef PyObject* named[MOST_NAMES]
    cdef PyObject* given[2 * MOST_NAMES]
    cdef Py_ssize_t k, n_named = 0
    cdef int passed
    if n > MOST_NAMES:
        return UNBOUND
    memcpy(given, args, n * sizeof(PyObject*))
    for k in range(f.n):
        if f.many and k < f.n_positional:
            continue
        passed = settle(f, k, &values[k])
        if passed == 2:
            return UNBOUND
        if not passed:
            continue
        if f.places[k] == n and n_named == 0 and not f.many:
            given[n] = values[k]
            n += 1
        elif f.keywords[k] != NULL:
            keywords[n_named] = f.keywords[k]
            named[n_named] = values[k]
            n_named += 1
        else:
            return UNBOUND
    if n_named == 0:
        return PyObject_Vectorcall(f.counterpart, given, n, NULL)
    memcpy(given + n, named, n_named * sizeof(PyObject*))
    words = given_tuple(keywords, n_named)
    return PyObject_Vectorcall(f.counterpart, given, n, <PyObject*>words)


cdef str ARRAY_UFUNC = sys.intern("__array_ufunc__")


cdef int deepest_tensor(PyObject* const* objects, Py_ssize_t n, int depth, bint foreign, bint* others) noexcept:
    """How many lists and tuples are around the Tensor that most are around; -1 without a Tensor. `others` becomes True
    if there is an array of a subclass of ndarray, or, if `foreign`, any object that handles calls of ufuncs. Runs no
    Python code."""
    cdef Py_ssize_t k
    cdef int found = -1, inside
    cdef PyObject* o
    for k in range(n):
        o = objects[k]
        if is_tensor(<object>o):
            found = max(found, depth)
        elif PyList_CheckExact(<object>o) or PyTuple_CheckExact(<object>o):
            if depth < DEEPEST:
                inside = deepest_tensor(PySequence_Fast_ITEMS(<object>o), Py_SIZE(<object>o), depth + 1, foreign,
                                        others)
                found = max(found, inside)
        elif depth == 0 and not PyArray_CheckExact(<object>o):
            if PyArray_Check(<object>o) or foreign and _PyType_Lookup(Py_TYPE(<object>o), ARRAY_UFUNC) != NULL:
                others[0] = True
    return found


cdef object call_on_values(NumPyFunction f, PyObject* const* args, Py_ssize_t n, PyObject* kwnames):
    """NumPy's result for the values of Tensors among the arguments: numbers, or arrays that share their memory."""
    cdef PyObject* given[MOST_NAMES]
    cdef Py_ssize_t k, n_all = n + (0 if kwnames == NULL else PyTuple_GET_SIZE(<object>kwnames))
    cdef Tensor x
    if n_all > MOST_NAMES:
        return UNBOUND
    kept = []
    for k in range(n_all):
        given[k] = args[k]
        if is_tensor(<object>args[k]):
            x = <Tensor>args[k]
            check_fresh(x)
            value = number_of(x) if x.layout.ndim == 0 else array_view(x, x, False)
            kept.append(value)
            given[k] = <PyObject*>value
    return PyObject_Vectorcall(f.function, given, n, kwnames)


cdef object call_numpy(PyObject* callable, PyObject* const* args, size_t nargsf, PyObject* kwnames):
    """vectorcall of a NumPyFunction."""
    cdef NumPyFunction f = <NumPyFunction>callable
    cdef Py_ssize_t n = PyVectorcall_NARGS(nargsf)
    cdef Py_ssize_t n_names = 0 if kwnames == NULL else PyTuple_GET_SIZE(<object>kwnames)
    cdef bint others = False
    if f.override is not None:
        return PyObject_Vectorcall(f.override, <PyObject**>args, nargsf, kwnames)
    cdef int depth = deepest_tensor(args, n + n_names, 0, f.finish is not None, &others)
    if fg_levels and not others and has_batched(args, n + n_names):
        return f.general(f, given_tuple(args, n), given_keywords(args + n, kwnames))
    if depth < 0 or (others and f.finish is None):  # NumPy's dispatch decides among arrays of other classes
        return PyObject_Vectorcall(f.function, <PyObject**>args, nargsf, kwnames)
    if f.counterpart is VALUES and depth == 0 and not others:
        y = call_on_values(f, args, n, kwnames)
        if y is not UNBOUND:
            return y
    elif depth <= f.depth and not others:
        y = call_counterpart(f, args, n, PySequence_Fast_ITEMS(<object>kwnames) if n_names else NULL, args + n, n_names)
        if f.finish is not None and not (is_tensor(y) and (<Tensor>y).flags & REQUIRES_GRAD) and y is not UNBOUND:
            return f.finish(y)
        if y is not UNBOUND:
            return y
    return f.general(f, given_tuple(args, n), given_keywords(args + n, kwnames))


cdef PyTypeObject* NUMPY_FUNCTION = <PyTypeObject*>NumPyFunction
cdef NumPyFunction numpy_probe = NumPyFunction.__new__(NumPyFunction)
NUMPY_FUNCTION.tp_vectorcall_offset = <char*>&numpy_probe.vectorcall - <char*><PyObject*>numpy_probe
NUMPY_FUNCTION.tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL
NUMPY_FUNCTION.tp_call = <void*>PyVectorcall_Call
PyType_Modified(NUMPY_FUNCTION)
