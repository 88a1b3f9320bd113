# Calls of a compiled function: the arguments find their program, or one is recorded.

cdef extern from "Python.h":
    PyObject* PyCell_GET(object cell)
    PyObject* PyDict_GetItem(object d, object key)

cdef enum:
    MOST_VARIANTS = 16
    MOST_LEAVES = 64        # arguments that are found without a list


cdef class Program:
    """A function that is recorded once, and replayed."""

    cdef vectorcallfunc vectorcall
    cdef readonly object f
    cdef readonly frozenset static      # positions and names of arguments that are no inputs
    cdef bint check
    cdef list variants
    cdef list around            # what `f` found around it: `program_guards.surroundings`
    cdef bint warned
    cdef Py_ssize_t recorded    # times
    cdef dict __dict__          # what `functools.wraps` sets
    cdef object __weakref__

    def __init__(self, f, static=(), bint check=False):
        self.vectorcall = call_program
        self.f = f
        self.static = frozenset(static)
        self.check = check
        self.variants = []
        self.around = []

    def __call__(self, *args, **kwargs):
        pass    # replaced below

    def __get__(self, instance, owner):
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self):
        raise program_errors.not_pickled(self.f)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __repr__(self):
        return f"<fastgrad.compile of {self.f!r}>"


cdef struct Given:          # the leaves of the arguments of a call
    PyObject* leaves[MOST_LEAVES]
    int n


cdef object as_eager(Program p, PyObject* const* args, size_t nargsf, PyObject* kwnames):
    return PyObject_Vectorcall(p.f, <PyObject**>args, nargsf, kwnames)


cdef object call_program(PyObject* callable, PyObject* const* args, size_t nargsf, PyObject* kwnames):
    """vectorcall of a Program."""
    cdef Program p = <Program>callable
    cdef Py_ssize_t n = PyVectorcall_NARGS(nargsf), k
    cdef Given given
    cdef Variant v
    if fg_depth or fg_levels or fg_watch or fg_capture != NULL:
        return as_eager(p, args, nargsf, kwnames)
    cdef bint off = fg_grad_off
    for k in range(len(p.variants)):
        v = <Variant>p.variants[k]
        if v.grad_off == off and binds(v, args, n, kwnames, &given):
            if v.busy:
                break
            if not is_unchanged(p.around):
                p.variants = []
                return record_program(p, args, n, kwnames, off)
            if v.around is not None and not is_unchanged(v.around):
                del p.variants[k]
                return record_program(p, args, n, kwnames, off)
            if not fits_outside(v):
                continue
            found = replay(p, v, &given)
            if found is not UNBOUND:
                if k:
                    p.variants[0], p.variants[k] = p.variants[k], p.variants[0]
                return found
    else:
        return record_program(p, args, n, kwnames, off)
    return as_eager(p, args, nargsf, kwnames)


cdef bint is_unchanged(list around) except -1:
    """Whether what the function finds around it is what it was."""
    cdef PyObject* now
    for item in around:
        holder, value = (<tuple>item)[0], <PyObject*>(<tuple>item)[2]
        if type(holder) is dict:
            now = PyDict_GetItem(holder, (<tuple>item)[1])
        else:
            now = PyCell_GET(holder)
        if now != value and (now == NULL or not same_number(<object>now, <object>value)):
            return False
    return True


cdef bint same_number(object a, object b) except -1:
    return type(a) is type(b) and (type(a) is float or type(a) is int or type(a) is str) and a == b


# --- arguments

cdef bint binds(Variant v, PyObject* const* args, Py_ssize_t n, PyObject* kwnames, Given* given) except -1:
    """Whether the arguments are those of the variant, whose leaves are then in `given`."""
    cdef Py_ssize_t k, n_names = 0 if kwnames == NULL else PyTuple_GET_SIZE(<object>kwnames)
    cdef tuple templates = <tuple>v.template
    if n + n_names != PyTuple_GET_SIZE(templates):
        return False
    if n_names == 0:
        if v.names is not None:
            return False
    elif v.names is None or v.names != <object>kwnames:
        return False
    given.n = 0
    for k in range(n + n_names):
        if not bind_tree(v, <object>PyTuple_GET_ITEM(templates, k), <object>args[k], given):
            return False
    return True


cdef bint bind_tree(Variant v, object template, object o, Given* given) except -1:
    cdef Py_ssize_t k
    cdef Leaf leaf
    if type(template) is Leaf:
        leaf = <Leaf>template
        given.leaves[given.n] = <PyObject*>o
        given.n += 1
        if leaf.kind == A_NUMBER:
            return type(o) is float or type(o) is float64_type
        if leaf.kind == AN_ARRAY:
            return PyArray_CheckExact(o) and fits_array(<cnp.ndarray>o, leaf)
        if leaf.kind == A_TENSOR:
            return Py_TYPE(o) == POOLED and (<Tensor>o).layout == leaf.layout and not wants_grad(<Tensor>o)
        if leaf.kind == AN_INTEGER:
            return type(o) is int
        return o is leaf.value or (type(o) is type(leaf.value) and o == leaf.value)
    if type(template) is not type(o):
        return False
    if type(template) is dict:
        if len(<dict>template) != len(<dict>o):
            return False
        for (key, child), other in zip((<dict>template).items(), <dict>o):
            if key != other or not bind_tree(v, child, (<dict>o)[key], given):
                return False
        return True
    if len(template) != len(o):
        return False
    for k in range(len(template)):
        if not bind_tree(v, template[k], o[k], given):
            return False
    return True


cdef bint fits_array(cnp.ndarray a, Leaf leaf) noexcept:
    cdef const Layout* layout = leaf.layout
    cdef int n = layout.ndim
    return (cnp.PyArray_TYPE(a) == layout.typenum and cnp.PyArray_NDIM(a) == n
            and memcmp(cnp.PyArray_DIMS(a), layout.shape, n * sizeof(Py_ssize_t)) == 0
            and memcmp(cnp.PyArray_STRIDES(a), layout.strides, n * sizeof(Py_ssize_t)) == 0
            and PyArray_ISALIGNED(a) and PyArray_ISNOTSWAPPED(a) and PyArray_ISWRITEABLE(a) == leaf.writeable)


cdef object lift_argument_leaf(void* state, object o):
    """The Tensor that the function gets for a leaf of the arguments; its Leaf goes into the list `state`."""
    cdef list leaves = <list>state
    cdef Capture c = <Capture>fg_capture
    cdef Leaf leaf = Leaf.__new__(Leaf)
    cdef Tensor x
    cdef cnp.ndarray a
    cdef long long whole
    cdef int overflow = 0
    cdef int number = <int>len(leaves)
    leaf.argument = number
    leaf.value = o
    leaf.kind = AS_IT_IS
    leaves.append(leaf)
    if type(o) is float or type(o) is float64_type:
        leaf.kind = A_NUMBER
        x = float_tensor(PyFloat_AS_DOUBLE(<PyObject*>o))
    elif type(o) is int:
        whole = PyLong_AsLongLongAndOverflow(o, &overflow)
        if overflow:
            raise program_errors.integer_too_large(o)
        leaf.kind = AN_INTEGER
        x = new_tensor(layout_get(cnp.NPY_LONGLONG if sizeof(long) == 4 else cnp.NPY_LONG, 8, 0, NULL, NULL))
        (<long long*>x.data)[0] = whole
    elif PyArray_CheckExact(o) and supported(cnp.PyArray_TYPE(<cnp.ndarray>o)):
        a = <cnp.ndarray>o
        if not PyArray_ISALIGNED(a) or not PyArray_ISNOTSWAPPED(a):
            raise program_errors.unusual_array()
        leaf.kind = AN_ARRAY
        leaf.writeable = PyArray_ISWRITEABLE(a)
        x = wrap_array(a)
    elif is_tensor(o):
        if Py_TYPE(o) != POOLED:
            raise program_errors.other_class(o)
        leaf.kind = A_TENSOR
        x = <Tensor>o
        if x.storage != NULL and x.storage.version != 0:
            check_written(x)
    else:
        return o
    leaf.value = None
    leaf.layout = keep(x.layout)
    if leaf.kind == A_NUMBER or leaf.kind == AN_INTEGER:
        leaf.place = spot_of(c, x, False, True)
    else:
        enter_argument(c, x, number)
    c.owners.append(x)      # so that its memory is nobody else's while the function runs
    return x


cdef int enter_argument(Capture c, Tensor x, int number) except -1:
    cdef char* low = x.data
    cdef char* high = low + 8
    if x.layout.size == 0:
        return 0
    if x.storage != NULL:
        extent(x.data, x.layout.ndim, x.layout.shape, x.layout.strides, x.layout.itemsize, &low, &high)
        if find_block(c, low) != NULL or find_block(c, high - 1) != NULL:
            raise program_errors.shared_memory()
    if find_cell(c, x.cotangent.value) == NULL:
        add_cell(c, x.cotangent.value)
    return enter_owned(c, ARGUMENT, number, x, low, high - low)


cdef object template_of(object tree, list leaves, int* at):
    """The tree with the Leafs, in order, in place of its leaves."""
    cdef Py_ssize_t k
    if type(tree) is dict:
        return {key: template_of(child, leaves, at) for key, child in (<dict>tree).items()}
    if type(tree) is tuple or type(tree) is list:
        made = []
        for child in tree:
            made.append(template_of(child, leaves, at))
        return tuple(made) if type(tree) is tuple else made
    at[0] += 1
    return leaves[at[0] - 1]


cdef object lift_tree(object tree, list leaves):
    if type(tree) is dict:
        return {key: lift_tree(child, leaves) for key, child in (<dict>tree).items()}
    if type(tree) is tuple or type(tree) is list:
        made = []
        for child in tree:
            made.append(lift_tree(child, leaves))
        return tuple(made) if type(tree) is tuple else made
    return lift_argument_leaf(<void*>leaves, tree)


# --- recording

cdef object record_program(Program p, PyObject* const* args, Py_ssize_t n, PyObject* kwnames, bint off):
    """Run the function, and keep what it did."""
    cdef Py_ssize_t k, n_names = 0 if kwnames == NULL else PyTuple_GET_SIZE(<object>kwnames)
    cdef list leaves = [], given = [], trees = []
    cdef Capture c
    cdef Variant v
    cdef Leaf leaf
    cdef Given first
    cdef int at = 0
    if any_wants_grad(args, n + n_names):
        return PyObject_Vectorcall(p.f, <PyObject**>args, n, kwnames)
    if p.recorded >= MOST_VARIANTS:
        if not p.warned:
            p.warned = True
            program_errors.warn_many(p.f, MOST_VARIANTS)
        return PyObject_Vectorcall(p.f, <PyObject**>args, n, kwnames)
    p.recorded += 1
    if not p.variants:
        p.around = program_guards.surroundings(p.f)
    c = begin_capture()
    try:
        for k in range(n + n_names):
            o = <object>args[k]
            if k in p.static if k < n else (<tuple><object>kwnames)[k - n] in p.static:
                leaf = Leaf.__new__(Leaf)
                leaf.kind = AS_IT_IS
                leaf.value = o
                leaf.argument = <int>len(leaves)
                leaves.append(leaf)
                given.append(o)
                trees.append(None)
            else:
                given.append(lift_tree(o, leaves))
                trees.append(o)
        if len(leaves) > MOST_LEAVES:
            raise program_errors.too_many_leaves(len(leaves), MOST_LEAVES)
        out = PyObject_Vectorcall(p.f, PySequence_Fast_ITEMS(given), n, kwnames)
        results = []
        tensors = returns_tensors(leaves)
        made = result_tree(out, results, leaves, given, tensors)
        if c.failed:
            raise program_errors.not_captured(c.problem)
    finally:
        end_capture(c)
    templates = []
    for k in range(n + n_names):
        templates.append(template_of(trees[k], leaves, &at))
    v = finished(c, leaves, results)
    for leaf in leaves:
        if leaf.kind == AS_IT_IS and type(leaf.value) not in program_guards.PLAIN:
            v.around = (v.around or []) + program_guards.surroundings(leaf.value)
    v.template = tuple(templates)
    v.names = <tuple><object>kwnames if n_names else None
    v.leaves = leaves
    v.results = results
    v.made = made
    v.grad_off = off
    v.tensors = tensors
    first_cells(v, results)
    if not binds(v, args, n, kwnames, &first):
        raise AssertionError("a program does not take the arguments that it was recorded with")
    value = built(v, made, &first, leaves)
    p.variants.insert(0, v)
    return value


cdef bint any_wants_grad(PyObject* const* args, Py_ssize_t n) except -1:
    cdef Py_ssize_t k
    for k in range(n):
        if walk_tree(<object>args[k], wants_grad_leaf, NULL):
            return True
    return False


cdef int wants_grad_leaf(void* state, object leaf) except -1:
    return is_tensor(leaf) and (is_recorded(leaf) and fg_grad_off == 0 or Py_TYPE(leaf) != POOLED)


cdef bint returns_tensors(list leaves):
    """Whether results are Tensors: an argument is one."""
    cdef Leaf leaf
    for leaf in leaves:
        if leaf.kind == A_TENSOR:
            return True
    return False


cdef object result_tree(object tree, list results, list leaves, list given, bint tensors):
    """The result with Leafs in place of its Tensors."""
    if type(tree) is dict:
        return {key: result_tree(child, results, leaves, given, tensors) for key, child in (<dict>tree).items()}
    if type(tree) is tuple or type(tree) is list:
        made = []
        for child in tree:
            made.append(result_tree(child, results, leaves, given, tensors))
        return tuple(made) if type(tree) is tuple else made
    if not is_tensor(tree):
        return tree
    cdef Tensor x = <Tensor>tree
    cdef Capture c = <Capture>fg_capture
    cdef Leaf leaf = Leaf.__new__(Leaf), argument
    cdef list lifted_ = []
    cdef Py_ssize_t k
    collect_tensors(given, lifted_)
    leaf.argument = -1
    for k in range(len(lifted_)):
        if lifted_[k] is tree:
            leaf.argument = <int>k
    if leaf.argument < 0:
        if is_recorded(x) and not x.flags & FREED:
            raise program_errors.result_recorded(op_name(x))
        capture_operand(x)
        if not made_here(c, x):
            return tree         # a Tensor from outside: the same object each time
        block = find_block(c, x.data)
        if block != NULL and c.buffers[block.buffer].kind != OWN:
            x = private_copy(x)     # memory of others
            c.owners.append(x)
        leaf.place = spot_of(c, x, True, False)
        leaf.layout = keep(x.layout)
        leaf.kind = A_TENSOR if tensors else AN_ARRAY if x.layout.ndim else A_NUMBER
    results.append(leaf)
    return leaf


cdef int collect_tensors(object tree, list found) except -1:
    """All leaves of the lifted arguments, in order."""
    if type(tree) is dict:
        for child in (<dict>tree).values():
            collect_tensors(child, found)
    elif type(tree) is tuple or type(tree) is list:
        for child in tree:
            collect_tensors(child, found)
    else:
        found.append(tree)
    return 0


cdef int first_cells(Variant v, list results) except -1:
    """Copy the small results of the recorded call to their cells."""
    cdef Leaf leaf
    cdef Memory* b
    for leaf in results:
        if leaf.place is not None and leaf.place.buffer >= 0:
            b = &v.c.buffers[leaf.place.buffer]
            if b.kind == IN_CELL:
                memcpy(v.cells + b.owner, b.low, 8)
    return 0


# --- replay

cdef object replay(Program p, Variant v, Given* given):
    """The result for these arguments; UNBOUND if a branch would go another way."""
    cdef Py_ssize_t k
    cdef Leaf leaf
    cdef int status = 0
    v.busy = True
    try:
        for k in range(given.n):
            leaf = <Leaf>PyList_GET_ITEM(v.leaves, k)
            if leaf.kind == A_NUMBER:
                (<double*>leaf.place.at)[0] = PyFloat_AS_DOUBLE(given.leaves[k])
            elif leaf.kind == AN_INTEGER:
                (<long long*>leaf.place.at)[0] = <object>given.leaves[k]
        locate_all(v, given.leaves)
        try:
            status = run_notes(v)
        finally:
            count_writes(v, given.leaves)
        if status < 0:
            return UNBOUND
        return built(v, v.made, given, None)
    finally:
        v.busy = False


cdef object built(Variant v, object made, Given* given, list leaves):
    """The result for the caller."""
    cdef Leaf leaf
    cdef Tensor x
    cdef Py_ssize_t k
    if type(made) is Leaf:
        leaf = <Leaf>made
        if leaf.argument >= 0:
            return <object>given.leaves[leaf.argument]
        if leaf.kind == A_NUMBER:
            return number_at_place(leaf)
        x = tensor_at_place(v, leaf)
        return x if leaf.kind == A_TENSOR else array_view(x, x, True)
    if type(made) is tuple:
        found = PyTuple_New(PyTuple_GET_SIZE(made))
        for k in range(PyTuple_GET_SIZE(made)):
            put_item(<tuple>found, k, built(v, <object>PyTuple_GET_ITEM(made, k), given, leaves))
        return found
    if type(made) is list:
        items = []
        for child in made:
            items.append(built(v, child, given, leaves))
        return items
    if type(made) is dict:
        return {key: built(v, child, given, leaves) for key, child in (<dict>made).items()}
    return made


cdef object number_at_place(Leaf leaf):
    cdef PyTypeObject* kind = <PyTypeObject*>float64_type
    if leaf.layout != number_layout:
        return PyArray_Scalar(leaf.place.at, PyArray_DescrFromType(leaf.layout.typenum), None)
    o = kind.tp_alloc(kind, 0)
    if o == NULL:
        raise MemoryError()
    (<PyDoubleScalarObject*>o).obval = (<double*>leaf.place.at)[0]
    return fg_result(o)


cdef Tensor tensor_at_place(Variant v, Leaf leaf):
    """A Tensor with the value: in the block of the program, which gets another one, or a copy of a small one."""
    cdef Tensor x
    cdef Memory* b = &v.c.buffers[leaf.place.buffer] if leaf.place.buffer >= 0 else NULL
    if b != NULL and b.kind == OWN and not is_small(leaf.layout):
        return adopt(leaf.layout, v.c.own[b.owner], leaf.place.at)
    x = new_tensor(layout_contiguous(leaf.layout))
    copy_strided(leaf.layout.itemsize, leaf.layout, leaf.place.at, leaf.layout.strides, x.data, x.layout.strides)
    move_out(x)
    return x


cdef PyTypeObject* PROGRAM = <PyTypeObject*>Program
cdef Program program_probe = Program.__new__(Program)
PROGRAM.tp_vectorcall_offset = <char*>&program_probe.vectorcall - <char*><PyObject*>program_probe
PROGRAM.tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL
PROGRAM.tp_call = <void*>PyVectorcall_Call
PyType_Modified(PROGRAM)
