# Recording a function for arguments of one structure, and what a call returns.

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
    args_given = given_tuple(args, n + n_names)
    usual = program_guards.usual_arrays(args_given)
    if usual is not args_given:
        return PyObject_Vectorcall(p, PySequence_Fast_ITEMS(usual), n, kwnames)
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
                leaf.argument = <int>len(leaves)
                leaves.append(leaf)
                given.append(kept_as_it_is(leaf, o))
                trees.append(None)
            else:
                given.append(lift_tree(o, leaves))
                trees.append(o)
        if len(leaves) > MOST_LEAVES:
            raise program_errors.too_many_leaves(len(leaves), MOST_LEAVES)
        out = PyObject_Vectorcall(p.f, PySequence_Fast_ITEMS(given), n, kwnames)
        for leaf in leaves:
            check_argument(leaf, c.lifted[leaf.argument])
        results = []
        tensors = returns_tensors(leaves)
        made = result_tree(out, results, c.lifted, tensors)
        if c.failed:
            raise capture_error(c)
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
        raise program_errors.not_captured("an argument of a class whose objects are not made from their elements")
    value = built(v, made, &first, leaves)
    p.variants = [v] + p.variants
    return value


cdef bint any_wants_grad(PyObject* const* args, Py_ssize_t n) except -1:
    cdef Py_ssize_t k
    for k in range(n):
        if walk_tree(<object>args[k], wants_grad_leaf, NULL):
            return True
    return False


cdef int wants_grad_leaf(void* state, object leaf) except -1:
    return is_tensor(leaf) and (has_grad(<Tensor>leaf) or Py_TYPE(leaf) != POOLED)


cdef inline bint has_grad(Tensor x) noexcept:
    """Whether `x` as an argument is differentiated, or brings a `.grad`, which a program would not find."""
    return wants_grad(x) or x.grad_ != NULL


cdef int check_argument(Leaf leaf, object x) except -1:
    """Raise if the function did to its argument what no replay would do to that of the caller."""
    if leaf.kind == A_NUMBER or leaf.kind == AN_INTEGER:
        if version_of(<Tensor>x) != leaf.saved:
            raise program_errors.number_written()
    elif leaf.kind == A_TENSOR and ((<Tensor>x).flags & REQUIRES_GRAD or (<Tensor>x).grad_ != NULL):
        raise program_errors.argument_recorded()
    return 0


cdef bint returns_tensors(list leaves):
    """Whether results are Tensors: an argument is one."""
    cdef Leaf leaf
    for leaf in leaves:
        if leaf.kind == A_TENSOR:
            return True
    return False


cdef object result_tree(object tree, list results, list lifted, bint tensors):
    """The result with Leafs in place of its Tensors."""
    if is_container(tree):
        enter_recursion(" in nested results")
        try:
            made = []
            for child in children_of(tree):
                made.append(result_tree(child, results, lifted, tensors))
            return container_like(tree, made)
        finally:
            Py_LeaveRecursiveCall()
    if not is_tensor(tree):
        program_guards.check_result(tree, lifted)
        return tree
    cdef Tensor x = <Tensor>tree
    cdef Capture c = <Capture>fg_capture
    cdef Leaf leaf = Leaf.__new__(Leaf)
    cdef Py_ssize_t k
    leaf.argument = -1
    for k in range(len(lifted)):
        if lifted[k] is tree:
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
        if is_small(x.layout):
            copy_strided(x.layout.itemsize, x.layout, x.data, x.layout.strides, leaf.first,
                         layout_contiguous(x.layout).strides)
        leaf.kind = A_TENSOR if tensors else AN_ARRAY if x.layout.ndim else A_NUMBER
    results.append(leaf)
    return leaf


cdef int first_cells(Variant v, list results) except -1:
    """Put the small results of the recorded call where a replay would have put them."""
    cdef Leaf leaf
    for leaf in results:
        if leaf.place is not None and leaf.place.buffer >= 0 and is_small(leaf.layout):
            if v.c.buffers[leaf.place.buffer].kind in (IN_CELL, OWN, IN_ARENA):
                copy_strided(leaf.layout.itemsize, leaf.layout, leaf.first, layout_contiguous(leaf.layout).strides,
                             leaf.place.at, leaf.layout.strides)
    return 0


# --- replay

cdef object replay(Program p, Variant v, Given* given):
    """The result for these arguments; UNBOUND if a branch would go another way."""
    global replays
    cdef Py_ssize_t k
    cdef Leaf leaf
    cdef int status = 0
    if v.busy:      # in another thread, or in this one, since the caller looked
        return UNBOUND
    v.busy = True
    v.given = given.leaves
    try:
        held = held_objects(v, given) if v.holds else None
        for k in range(given.n):
            leaf = <Leaf>PyList_GET_ITEM(v.leaves, k)
            if leaf.kind == A_NUMBER:
                (<double*>leaf.place.at)[0] = PyFloat_AS_DOUBLE(given.leaves[k])
            elif leaf.kind == AN_INTEGER:
                (<long long*>leaf.place.at)[0] = <object>given.leaves[k]
        ready_all()
        locate_all(v, given.leaves)
        replays += 1
        try:
            status = run_timed(v) if p.timing else run_notes(v)
        finally:
            replays -= 1
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
    if is_container(made):
        items = []
        for child in children_of(made):
            items.append(built(v, child, given, leaves))
        return _tree.like(made, items)
    return PyArray_NewCopy(<cnp.ndarray>made, cnp.NPY_KEEPORDER) if PyArray_CheckExact(made) else made


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
