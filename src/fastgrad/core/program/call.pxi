# Calls of a compiled function: the program for the arguments is looked up, or recorded.

cdef extern from "Python.h":
    PyObject* PyCell_GET(object cell)
    PyObject* PyDict_GetItem(object d, object key)

cdef enum:
    MOST_VARIANTS = 16
    MOST_SPARES = 8         # further programs, for calls of several threads at once
    MOST_LEAVES = 64        # among the arguments; with more of them a function is refused

cdef object LENGTH = program_guards.LENGTH


cdef class Program:
    """A function that is recorded once, and replayed."""

    cdef vectorcallfunc vectorcall
    cdef readonly object f
    cdef readonly frozenset static      # positions and names of arguments that are no inputs
    cdef bint check
    cdef bint timing            # steps are timed
    cdef list variants
    cdef list around            # what `f` found around it: `program_guards.surroundings`
    cdef bint warned
    cdef Py_ssize_t recorded    # times, without the spares
    cdef int spares
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

    __reduce__ = made_functions.reduced
    __copy__ = __deepcopy__ = made_functions.itself
    _carrier = made_functions.carrier

    def __repr__(self):
        return f"<fastgrad.compile of {self.f!r}>"

    def timed(self, *args, **kwargs):
        """Return what a call returns, and keep the time of each step for `fg.explain`. A call that records has none."""
        self.timing = True
        try:
            return self(*args, **kwargs)
        finally:
            self.timing = False

    def steps(self):
        """One list per program that was recorded: (op, buffers read, buffers written, elements, group, seconds) of each
        step.

        Steps of one group are run block by block; those of the group "numbers" work on single float64 numbers. The time
        is that of the last call of `timed`, of steps that ran together that of all, at the first; or None.
        """
        cdef list found = []
        for v in self.variants:
            found.append(listed_steps(<Variant>v))
        return found

    def buffers(self):
        """One list per program that was recorded: (kind, bytes) of each buffer."""
        cdef list found = []
        for v in self.variants:
            found.append(listed_buffers(<Variant>v))
        return found

    def arenas(self):
        """For each program that was recorded the bytes of its arena."""
        cdef list found = []
        for v in self.variants:
            found.append((<Variant>v).arena_bytes)
        return found


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
    cdef Variant v, busy = None
    if fg_depth or fg_levels or fg_watch or fg_capture != NULL:
        return as_eager(p, args, nargsf, kwnames)
    cdef bint off = fg_grad_off
    cdef list variants = p.variants
    for k in range(len(variants)):
        v = <Variant>variants[k]
        if v.grad_off == off and binds(v, args, n, kwnames, &given):
            if not is_unchanged(p.around):
                p.variants = []
                return record_program(p, args, n, kwnames, off)
            if v.around is not None and not is_unchanged(v.around):
                p.variants = variants[:k] + variants[k + 1:]
                return record_program(p, args, n, kwnames, off)
            if not fits_outside(v, given.leaves):
                continue
            if v.overwrites and overwrites_another(v, given.leaves):
                break
            if v.busy:
                busy = v
                continue
            found = replay(p, v, &given) if not p.check else checked_replay(p, v, &given, args, n, kwnames)
            if found is not UNBOUND:
                if k and p.variants is variants:
                    p.variants = [v] + variants[:k] + variants[k + 1:]
                return found
    else:
        if busy is None:
            return record_program(p, args, n, kwnames, off)
        if can_spare(p, busy):
            try:
                return record_program(p, args, n, kwnames, off)
            except errors.CompileError:     # of arguments that a program takes and a recording does not
                p.spares = MOST_SPARES
    return as_eager(p, args, nargsf, kwnames)


cdef bint can_spare(Program p, Variant busy) noexcept:
    """Whether to record one more program for a call during another one: where that is made without the GIL by another
    thread, and changes nothing but results."""
    if p.spares == MOST_SPARES or fg_captures != 0 or busy.c.effects or not busy.outside:
        return False
    p.spares += 1
    p.recorded -= 1
    return True


cdef object checked_replay(Program p, Variant v, Given* given, PyObject* const* args, Py_ssize_t n, PyObject* kwnames):
    """`replay`, compared with the function itself."""
    cdef list arrays = []
    cdef list leaves = []
    cdef Move* m
    cdef HostStep h
    cdef Tensor x
    cdef int k
    name = getattr(p.f, "__qualname__", repr(p.f))
    for h in v.c.hosts:
        if h.effect:
            raise program_errors.not_checked(name, h.name)
    for k in range(v.n_moves):
        m = &v.moves[k]
        if m.kind == OUTSIDE and m.writes:
            x = <Tensor>PyList_GET_ITEM(v.c.owners, m.number)
            arrays.append(to_numpy(x, True))
        elif m.kind == ARGUMENT and m.writes:
            o = <object>given.leaves[m.number]
            arrays.append(to_numpy(<Tensor>o, True) if is_tensor(o) else o)
    for first in v.firsts:
        leaves.append(first[0])
    names = 0 if kwnames == NULL else PyTuple_GET_SIZE(<object>kwnames)
    kept = given_tuple(args, n + names)
    cdef Held held = Held.__new__(Held)
    held.p, held.v, held.given, held.args, held.n, held.kwnames = p, v, given, PySequence_Fast_ITEMS(kept), n, kwnames
    found = program_checks.checked(name, held.replay, held.eager, arrays, leaves)
    return UNBOUND if found is NotImplemented else found


@cython.final
cdef class Held:
    """The two ways to compute one call, for the duration of the call."""
    cdef Program p
    cdef Variant v
    cdef Given* given
    cdef PyObject** args
    cdef Py_ssize_t n
    cdef PyObject* kwnames

    def replay(self):
        found = replay(self.p, self.v, self.given)
        return NotImplemented if found is UNBOUND else found

    def eager(self):
        return PyObject_Vectorcall(self.p.f, self.args, self.n, self.kwnames)


cdef bint is_unchanged(list around) except -1:
    """Whether what the function finds around it is what it was."""
    cdef PyObject* now
    cdef Py_ssize_t k
    for item in around:
        holder, value = (<tuple>item)[0], <PyObject*>(<tuple>item)[2]
        if PyDict_Check(holder):
            if (<tuple>item)[1] is LENGTH:
                if len(<dict>holder) != <object>value:
                    return False
                continue
            now = PyDict_GetItem(holder, (<tuple>item)[1])
        elif PyList_Check(holder):
            k = (<tuple>item)[1]
            now = PyList_GET_ITEM(holder, k) if k < len(<list>holder) else NULL
        elif type(holder) is CellType:
            now = PyCell_GET(holder)
        else:
            found = getattr(holder, (<tuple>item)[1], None)     # of a class, or in a slot
            now = <PyObject*>found
        if now != value and (now == NULL or not same_number(<object>now, <object>value)):
            return False
    return True


cdef bint same_number(object a, object b) except -1:
    """Whether they are equal numbers or strings; 0.0 and -0.0 are not."""
    cdef double x, y
    if type(a) is not type(b):
        return False
    if type(a) is float:
        x, y = a, b
        return memcmp(&x, &y, 8) == 0
    return (type(a) is int or type(a) is str) and a == b


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
    cdef int overflow = 0
    if type(template) is Leaf:
        leaf = <Leaf>template
        given.leaves[given.n] = <PyObject*>o
        given.n += 1
        if leaf.kind == A_NUMBER:
            return type(o) is float or type(o) is float64_type
        if leaf.kind == AN_ARRAY:
            return PyArray_CheckExact(o) and fits_array(<cnp.ndarray>o, leaf)
        if leaf.kind == A_TENSOR:
            return Py_TYPE(o) == POOLED and (<Tensor>o).layout == leaf.layout and not has_grad(<Tensor>o)
        if leaf.kind == AN_INTEGER:
            if type(o) is int:
                PyLong_AsLongLongAndOverflow(o, &overflow)
            return type(o) is int and overflow == 0
        if leaf.key is None:
            return o is leaf.value or same_number(o, leaf.value)
        return type(o) is type(leaf.value) and program_guards.key_of(o) == leaf.key
    if type(template) is not type(o) or len(template) != len(o):
        return False
    if PyDict_Check(template):
        for (key, child), other in zip(template.items(), o):
            if key != other or not bind_tree(v, child, o[key], given):
                return False
        return True
    for k in range(len(template)):
        if not bind_tree(v, template[k], o[k], given):
            return False
    return True


cdef bint fits_array(cnp.ndarray a, Leaf leaf) noexcept:
    cdef const Layout* layout = leaf.layout
    cdef int n = layout.ndim
    return (cnp.PyArray_TYPE(a) == layout.typenum and cnp.PyArray_NDIM(a) == n
            and (n == 0 or memcmp(cnp.PyArray_DIMS(a), layout.shape, n * sizeof(Py_ssize_t)) == 0)
            and (n == 0 or memcmp(cnp.PyArray_STRIDES(a), layout.strides, n * sizeof(Py_ssize_t)) == 0)
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
        x = alias_of(x)         # another object, so that `o` itself is a Tensor from outside
        x.flags = (x.flags & ~<int>VIEW) | ((<Tensor>o).flags & VIEW)
    else:
        return kept_as_it_is(leaf, o)
    c.lifted.append(x)
    leaf.layout = keep(x.layout)
    if leaf.kind == A_NUMBER or leaf.kind == AN_INTEGER:
        leaf.place = spot_of(c, x, False, True)
        leaf.saved = version_of(x)
        c.numbers.append(x)
        c.number_places.add(leaf.place.buffer)
    else:
        enter_argument(c, x, number)
    c.owners.append(x)      # so that its memory is nobody else's while the function runs
    return x


cdef object kept_as_it_is(Leaf leaf, object o):
    """`o`, which is a part of what the program is recorded for."""
    leaf.kind = AS_IT_IS
    leaf.value = o
    leaf.key = program_guards.key_of(o)
    (<Capture>fg_capture).lifted.append(o)
    return o


cdef inline bint is_number_argument(PyObject* x) except -1:
    """Whether `x` stands for a number that is passed to a function that is being recorded."""
    for one in (<Capture>fg_capture).numbers:
        if <PyObject*>one == x:
            return True
    return False


cdef int enter_argument(Capture c, Tensor x, int number) except -1:
    cdef char* low = x.data
    cdef char* high = low + 8
    if x.layout.size == 0:
        return 0
    if x.storage != NULL:
        extent(x.data, x.layout.ndim, x.layout.shape, x.layout.strides, x.layout.itemsize, &low, &high)
        check_apart(c, low, high)
    if find_cell(c, x.cotangent.value) == NULL:
        add_cell(c, x.cotangent.value)
    return enter_owned(c, ARGUMENT, number, x, low, high - low)


cdef inline object children_of(object tree):
    return tree.values() if PyDict_Check(tree) else tree


cdef object container_like(object tree, list children):
    """A container of the kind of `tree`, with its keys, and these children."""
    cdef Py_ssize_t k = 0
    if type(tree) is tuple:
        return tuple(children)
    if type(tree) is not dict:
        return _tree.like(tree, children)
    made = {}
    for key in <dict>tree:
        made[key] = children[k]
        k += 1
    return made


cdef object template_of(object tree, list leaves, int* at):
    """The tree with the Leafs, in order, in place of its leaves."""
    if is_container(tree):
        made = []
        for child in children_of(tree):
            made.append(template_of(child, leaves, at))
        return container_like(tree, made)
    at[0] += 1
    return leaves[at[0] - 1]


cdef object lift_tree(object tree, list leaves):
    if is_container(tree):
        made = []
        for child in children_of(tree):
            made.append(lift_tree(child, leaves))
        return container_like(tree, made)
    return lift_argument_leaf(<void*>leaves, tree)


cdef PyTypeObject* PROGRAM = <PyTypeObject*>Program
cdef Program program_probe = Program.__new__(Program)
PROGRAM.tp_vectorcall_offset = <char*>&program_probe.vectorcall - <char*><PyObject*>program_probe
PROGRAM.tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL
PROGRAM.tp_call = <void*>PyVectorcall_Call
PyType_Modified(PROGRAM)
