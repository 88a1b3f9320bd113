# One call of a transformed function: arguments in, gradients and values out.

cdef extern from *:
    """
    #define fg_put_list_item(list, k, o) (Py_INCREF(o), (void)PyList_SET_ITEM(list, k, o))
    static FG_THREAD_LOCAL int fg_depth = 0;
    static inline void fg_set_depth(int depth) { fg_depth = depth; }
    """
    long PyLong_AsLongAndOverflow(object o, int* overflow) except? -1
    list PyList_New(Py_ssize_t n)
    void put_list_item "fg_put_list_item"(list made, Py_ssize_t k, object o)      # of a new list
    int fg_depth                # number of transforms that are running their function in this thread
    void fg_set_depth(int depth) noexcept


def transform_depth():
    """The number of transforms that are running their function in this thread."""
    return fg_depth


def set_transform_depth(int depth):
    fg_set_depth(depth)


@cython.final
@cython.freelist(8)
cdef class Run:
    cdef readonly object verb
    cdef readonly list inputs       # Tensors, one per differentiated leaf
    cdef tuple passed               # the arguments by position, as the caller passed them
    cdef list given                 # all arguments as the function gets them, those by keyword last
    cdef object names               # of those by keyword, a tuple, or None
    cdef object argnums             # None: all arguments
    cdef object f
    cdef readonly object dialect    # what differs for another package's names, or None: see `transform_arguments`
    cdef Py_ssize_t n               # arguments by position
    cdef Py_ssize_t n_trees         # arguments that are lifted, or being lifted
    cdef public bint single, tensors, tracked
    cdef public bint adapts         # whether the dialect converts the gradients
    cdef readonly bint recording
    cdef bint private               # differentiated Tensors are those of the caller of `Run`, who gives them up

    def __init__(self, verb, args, argnums=None, kwargs=None, dialect=None, bint private=False):
        self.private = private
        cdef tuple names = tuple(kwargs) if kwargs else None
        cdef tuple every = (*args, *kwargs.values()) if kwargs else tuple(args)
        prepare_run(self, verb, PySequence_Fast_ITEMS(every), len(args), names, argnums, dialect)

    @property
    def args(self):
        return self.given[:self.n]

    @property
    def numbers(self):
        return range(self.n) if self.argnums is None else positions_of(self)

    @property
    def trees(self):
        """The differentiated arguments, as the caller passed them."""
        cdef list found = []
        cdef Py_ssize_t k
        for k in range(self.n_trees):
            found.append(self.passed[position_at(self, k)])
        return found

    @property
    def originals(self):
        """Their leaves."""
        cdef list found = []
        for tree in self.trees:
            walk_tree(tree, collect_leaf, <void*>found)
        return found

    @property
    def higher(self):
        return transform_arguments.is_derivative(self.f)

    def call(self, f):
        return call_lifted(self, f)

    def gradients(self, outputs, cotangents=None, *, bint retain_graph=False, tracked=None):
        cdef bint record = self.tracked if tracked is None else tracked
        return swept_gradients(outputs, self.inputs, cotangents, record or retain_graph, record, True, False)

    def warn_unreached(self, gs, each=True):
        warn_unreached(self, list(gs), each)

    def pack(self, results):
        return packed(self, list(results))

    def value(self, tree):
        return map_tree(tree, value_leaf, <void*>self)

    def match(self, word, tree, template, targets):
        found, tensors = transform_arguments.matched(self, word, tree, template, targets, Tensor, asarray)
        self.tensors = self.tensors or tensors
        return found


cdef int prepare_run(Run run, object verb, PyObject* const* args, Py_ssize_t n, object names,
                     object argnums, object dialect) except -1:
    """Read the arguments of a vectorcall, and lift those that are differentiated."""
    cdef Py_ssize_t k, n_lifted, total = n + (0 if names is None else PyTuple_GET_SIZE(names))
    run.verb = verb
    run.dialect = dialect
    run.passed = given_tuple(args, n)
    run.given = given_list(args, total)
    run.inputs = []
    run.names = names
    run.n = n
    run.argnums = argnums
    run.single = type(argnums) is int
    run.recording = fg_grad_off == 0
    for k in range(total):
        if not run.tensors:
            run.tensors = walk_tree(run.given[k], is_tensor_leaf, NULL)
    n_lifted = n if argnums is None else 1 if run.single else check_argnums(run, <tuple>argnums)
    for k in range(n_lifted):
        run.n_trees = k + 1
        lift_argument(run, position_at(run, k))
    if not run.inputs and dialect is None:
        raise transform_arguments.nothing_to_differentiate(run)
    return 0


cdef list given_list(PyObject* const* args, Py_ssize_t n):
    """Borrowed references as a list."""
    cdef list made = PyList_New(n)
    cdef Py_ssize_t k
    for k in range(n):
        put_list_item(made, k, <object>args[k])
    return made


cdef list positions_of(Run run):
    return transform_arguments.positions(run.verb, run.argnums, run.n)


cdef Py_ssize_t position_of(Run run, object number) except -1:
    """The argument that `number`, which may be negative, selects."""
    cdef int overflow = 0
    cdef Py_ssize_t k = PyLong_AsLongAndOverflow(number, &overflow)
    if overflow or not -run.n <= k < run.n:
        positions_of(run)       # raises
    return k + run.n if k < 0 else k


cdef inline Py_ssize_t position_at(Run run, Py_ssize_t k) except -1:
    """The place of differentiated argument number `k`."""
    if run.argnums is None:
        return k
    return position_of(run, run.argnums if run.single else (<tuple>run.argnums)[k])


cdef Py_ssize_t check_argnums(Run run, tuple argnums) except -1:
    """Raise if an argument is selected twice. Return the number of selected ones."""
    cdef Py_ssize_t k, at, n = PyTuple_GET_SIZE(argnums)
    for k in range(n):
        for at in range(k):
            if position_of(run, argnums[at]) == position_of(run, argnums[k]):
                positions_of(run)       # raises
    return n


cdef int is_tensor_leaf(void* state, object leaf) except -1:
    return Py_TYPE(leaf) == POOLED


cdef int collect_leaf(void* found, object leaf) except -1:
    (<list>found).append(leaf)
    return 0


def leaves(tree):
    """Return the leaves of a tree, in order."""
    cdef list found = []
    walk_tree(tree, collect_leaf, <void*>found)
    return found


cdef inline int lift_argument(Run run, Py_ssize_t k) except -1:
    run.given[k] = map_tree(run.passed[k], lift_leaf, <void*>run)
    return 0


cdef object lift_leaf(void* state, object leaf):
    x = lifted(<Run>state, leaf)
    (<Run>state).inputs.append(x)
    return x


# --- the call

cdef object call_lifted(Run run, object f):
    """Call `f` on the lifted arguments, with recording enabled."""
    global transforms_running
    cdef Scope block = None if run.recording else switched(True)
    cdef PyObject* names = NULL if run.names is None else <PyObject*>run.names
    cdef int depth = fg_depth
    run.f = f
    mark_inputs(run.inputs, 1)
    fg_set_depth(depth + 1)
    y = fg_call(<PyObject*>f, PySequence_Fast_ITEMS(run.given), run.n, names)
    fg_set_depth(depth)
    mark_inputs(run.inputs, -1)
    close_scope(block)
    if y == NULL:
        function_failed()
    out = fg_result(y)
    if run.recording and not run.tracked:
        if depth or run.tensors:
            run.tracked = walk_tree(out, reaches_outside, <void*>run)
        elif transforms_running:    # a transform in another thread may run around this one
            run.tracked = walk_tree(out, is_traced_leaf, NULL)
    return out


cdef void mark_inputs(list inputs, int change) noexcept:
    """As `trace` and `untrace`."""
    global transforms_running
    cdef Py_ssize_t k
    transforms_running += change
    for k in range(len(inputs)):
        x = PySequence_Fast_ITEMS(inputs)[k]
        if 0 < (<Tensor>x).traced + change < 256:
            (<Tensor>x).traced += change
        elif change < 0:
            (<Tensor>x).traced = 0


cdef int reraise() except -1:
    return -1       # with the exception that is set


cdef int function_failed() except -1:
    """Raise the error of the function, or the one that code in C has replaced by it."""
    try:
        reraise()
    except Exception as error:
        refusal = leaving.unwrapped(error)
        if refusal is not None:
            raise refusal from None
        raise


cdef int is_traced_leaf(void* state, object leaf) except -1:
    return is_tensor(leaf) and traced_from(<Tensor>leaf) is not None


cdef int reaches_outside(void* state, object leaf) except -1:
    """Whether the graph of a result has leaves other than the inputs: closed-over Tensors or other arguments."""
    cdef Py_ssize_t k
    cdef list stack = [leaf]
    cdef set seen = set()
    if not is_recorded(leaf):
        return 0
    for x in (<Run>state).inputs:
        seen.add(<size_t><PyObject*>x)
    while stack:
        t = <Tensor>stack.pop()
        if <size_t><PyObject*>t in seen:
            continue
        if is_leaf(t):
            return 1
        seen.add(<size_t><PyObject*>t)
        if t.flags & FREED:
            continue
        for k in range(edge_count(t)):
            edge = edge_at(t, k)
            if edge != NULL and (<Tensor>edge).flags & REQUIRES_GRAD and flows_along(t, k):
                stack.append(<Tensor>edge)
    return 0


# --- handing back

cdef inline int warn_unreached(Run run, list gs, bint each) except -1:
    for g in gs:
        if g is None:
            transform_arguments.warn_unreached(run, gs, each)
            break
    return 0


cdef struct Packing:
    PyObject* run
    PyObject* results       # a list
    Py_ssize_t at


cdef object pack_leaf(void* state, object leaf):
    cdef Packing* p = <Packing*>state
    cdef Py_ssize_t k = p.at
    cdef list inputs = (<Run>p.run).inputs
    if k >= len(inputs):
        raise transform_arguments.changed_meanwhile((<Run>p.run).verb)
    p.at += 1
    return handed_back(<Tensor>inputs[k], (<list>p.results)[k], leaf)


cdef object packed(Run run, list results):
    """The gradients, one per input, with the types and nesting of the differentiated arguments."""
    cdef Packing p
    cdef Py_ssize_t k
    cdef list trees
    p.run = <PyObject*>run
    p.results = <PyObject*>results
    p.at = 0
    if run.single:
        tree = map_tree(run.passed[position_at(run, 0)], pack_leaf, &p)
    else:
        trees = []
        for k in range(run.n_trees):
            trees.append(map_tree(run.passed[position_at(run, k)], pack_leaf, &p))
        tree = tuple(trees)
    if p.at != len(run.inputs):
        raise transform_arguments.changed_meanwhile(run.verb)
    return run.dialect.adapt(run, tree) if run.adapts else tree
