# What `jvp` and `hvp` do with a function: tangents come in beside the arguments, and are pushed along its graph.

cdef list start_directional(Run run, str verb, object primals, object tangents, object dialect):
    """Lift the arguments, and return the tangents as Tensors, one per input."""
    cdef list found
    if not (PyTuple_CheckExact(primals) and PyTuple_CheckExact(tangents)):
        transform_arguments.require_tuples(verb, primals, tangents)
    cdef tuple given = tuple(primals)
    prepare_run(run, verb, PySequence_Fast_ITEMS(given), len(given), None, None, dialect)
    found = []
    if not fits_inputs(run, primals, tangents, found):
        found = run.match("tangents", tangents, primals, run.inputs)
    for t in found:
        if run.recording and is_recorded(t):
            run.tracked = True
    return found


cdef bint fits_inputs(Run run, object template, object tree, list found) except -1:
    """Append the leaves of `tree` to `found` if it is nested as `template`. Returns False where others have to look at
    them: at dicts, numbers of other types, and all that does not fit."""
    cdef Tensor t, x
    cdef Py_ssize_t k
    if template is None or tree is None:
        return template is tree
    if not is_container(template):
        if is_tensor(tree):
            t = <Tensor>tree
            run.tensors = run.tensors or Py_TYPE(tree) == POOLED
        elif PyArray_CheckExact(tree):
            t = shared(tree)
        elif type(tree) is float or type(tree) is float64_type:
            t = float_tensor(PyFloat_AS_DOUBLE(<PyObject*>tree))
        else:
            return False
        if len(found) == len(run.inputs):
            return False
        x = <Tensor>run.inputs[len(found)]
        if not same_shape(t.layout, x.layout) or t.layout.typenum != x.layout.typenum:
            return False
        found.append(t)
        return True
    if type(tree) is not type(template) or not (PyTuple_CheckExact(tree) or PyList_CheckExact(tree)):
        return False
    cdef tuple children = tuple(template), others = tuple(tree)     # lists may change meanwhile
    if PyTuple_GET_SIZE(children) != PyTuple_GET_SIZE(others):
        return False
    enter_recursion(" in nested tangents")
    try:
        for k in range(PyTuple_GET_SIZE(children)):
            if not fits_inputs(run, children[k], others[k], found):
                return False
        return True
    finally:
        Py_LeaveRecursiveCall()


cdef struct Pushing:
    PyObject* run
    PyObject* tensors       # a list: the recorded results
    PyObject* tangents      # a tuple: theirs, or None
    Py_ssize_t at


cdef int collect_output(void* state, object leaf) except -1:
    cdef Pushing* p = <Pushing*>state
    if not is_tensor(leaf):
        transform_arguments.require_output((<Run>p.run).verb, leaf, Tensor)
    elif is_recorded(leaf):
        (<list>p.tensors).append(leaf)
    return 0


cdef object tangent_leaf(void* state, object leaf):
    """The tangent of a leaf of the result."""
    cdef Pushing* p = <Pushing*>state
    cdef Py_ssize_t k = p.at
    t = None
    if is_tensor(leaf) and k < len(<list>p.tensors) and (<list>p.tensors)[k] is leaf:
        p.at += 1
        t = (<tuple>p.tangents)[k]
    if t is None:
        t = transform_arguments.zeros_like(leaf, Tensor, asarray)
    return value_leaf(p.run, t)


def directional_derivative(f, primals, tangents, dialect=None):
    """Return the value of `f` and its derivative along the tangents."""
    cdef Run run = <Run>Run.__new__(Run)
    cdef list vs = start_directional(run, "jvp", primals, tangents, dialect)
    cdef list live = []
    cdef tuple ts = ()
    cdef Pushing p
    out = call_lifted(run, f)
    p.run = <PyObject*>run
    p.tensors = <PyObject*>live
    p.at = 0
    walk_tree(out, collect_output, &p)
    if live:
        ts = pushed(recorded_sequence(live), recorded_sequence(run.inputs), vs, SINGLE, run.tracked)
    p.tangents = <PyObject*>ts
    for t in ts:
        if t is not None:
            break
    else:
        transform_arguments.warn_unreached(run, (None,), False)
    return map_tree(out, value_leaf, <void*>run), map_tree(out, tangent_leaf, &p)


def hessian_product(f, primals, tangents, dialect=None):
    """Return the derivative of the gradient of `f` along the tangents."""
    cdef Run run = <Run>Run.__new__(Run)
    cdef list vs = start_directional(run, "hvp", primals, tangents, dialect)
    cdef list live = [], gs, results = []
    cdef Py_ssize_t k
    run.single = run.n == 1
    y = call_lifted(run, f)
    check_scalar(run, y)
    gs = run_gradients(run, y, True)
    warn_unreached(run, gs, False)
    for g in gs:
        if is_recorded(g):
            live.append(g)
    cdef tuple ts = ()
    if live:
        ts = pushed(recorded_sequence(live), recorded_sequence(run.inputs), vs, SINGLE, run.tracked)
    k = 0
    for g in gs:
        t = None
        if k < len(live) and live[k] is g:
            t = ts[k]
            k += 1
        # Two inputs may have the same gradient, and then the same tangent.
        results.append(t if t is None or run.tracked else private_copy(<Tensor>t))
    return packed(run, results)
