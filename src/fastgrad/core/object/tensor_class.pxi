# The class. Each method is a short call of the function that does the work. Methods written in Python on top of the
# public functions are in fastgrad/tensor_methods.py, for both engines; those with a fast path here are called from it.

cdef dict METHODS = {}      # filled by `install_methods`
cdef tuple COMPARISONS = ("__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__")     # by Py_LT to Py_GE


cdef inline object operate(int op, object a, object b):
    if is_tensor(a) and is_tensor(b):
        return binary(op, <Tensor>a, <Tensor>b)
    return binary_any(op, a, b)


cdef inline int set_grad(Tensor x, PyObject* g) except -1:
    if fg_capture != NULL:
        capture_first_grad(x)
        capture_set_gradient(x, g)
    replace_grad(x, g)
    return 0


cdef inline void replace_grad(Tensor x, PyObject* g) noexcept:
    cdef PyObject* old = x.grad_
    x.grad_ = g
    drop(old)


# Binary operators are called as C slots, with the Tensor on either side: Cython's own slots would find out which side
# it is first, and then call the method.
cdef object masked(str op, Tensor x, axis, keepdims, dim, keepdim, initial, where, dict more):
    """A reduction of the elements that `where` selects, or from `initial`."""
    for key, value in (("dim", dim), ("keepdim", keepdim), ("initial", initial), ("where", where)):
        if value is not None:
            more[key] = value
    return parameters.MASKED_CALLS[op](x, axis, keepdims, **more)


@cython.final
@cython.c_api_binop_methods(True)
@cython.binding(False)      # methods as those of built-in types, which the interpreter calls directly
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class Tensor:
    # --- the array

    @property
    def shape(self):
        return shape_tuple(self.layout)

    @property
    def ndim(self):
        return self.layout.ndim

    @property
    def size(self):
        return self.layout.size

    @property
    def strides(self):
        return numbers_tuple(self.layout.strides, self.layout.ndim)

    @property
    def dtype(self):
        return dtype_of(self)

    def numpy(self, *, bint writable=False):
        if fg_capture != NULL and stays_tensor(self):
            return detached(self)       # NumPy's functions hand it to ours, which are captured
        check_door(self, "x.numpy()", False)
        move_out(self)
        if writable:
            if self.storage.flags & READ_ONLY or overlaps_itself(self.layout):
                raise errors.read_only()
            before_write(self)
            self.storage.version += 1
            self.storage.flags |= FOREIGN_WRITABLE
        return to_numpy(self, writable)

    def detach(self):
        return detached(self)

    # --- the graph

    @property
    def is_leaf(self):
        refresh_view(self)
        return is_leaf(self)

    @property
    def op(self):
        refresh_view(self)
        return op_name(self)

    @property
    def operands(self):
        """The Tensors this one was computed from; none for a leaf or if the graph was freed."""
        cdef list found = []
        refresh_view(self)
        if not is_leaf(self) and not self.flags & FREED:
            for o in node_operands(self):
                if is_tensor(o):
                    found.append(o)
        return tuple(found)

    @property
    def requires_grad(self):
        return is_recorded(self)

    @requires_grad.setter
    def requires_grad(self, value):
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad=True):
        recorded = is_recorded(self)
        if requires_grad:
            require(self)
        elif recorded:
            if not is_leaf(self):
                raise errors.grad_off_for_interior(op_name(self))
            self.flags &= ~<int>REQUIRES_GRAD
        return self

    @property
    def grad(self):
        if fg_capture != NULL:
            capture_first_grad(self)
        if self.grad_ != NULL:
            return <Tensor>self.grad_
        if not is_leaf(self) and not self.flags & RETAIN:
            leaving.warn_no_grad(op_name(self))
        return None

    @grad.setter
    def grad(self, value):
        if value is not None:
            value = sweep_arguments.checked_gradient(value, self, asarray)      # may set `.grad` itself
            Py_INCREF(value)
        set_grad(self, <PyObject*>value if value is not None else NULL)

    def zero_grad(self):
        set_grad(self, NULL)

    def retain_grad(self):
        if not is_recorded(self):
            raise errors.hook_needs_grad("retain_grad")
        self.flags |= RETAIN

    def register_hook(self, hook):
        if not is_recorded(self):
            raise errors.hook_needs_grad("register_hook")
        if not callable(hook):
            raise errors.not_a_hook(hook)
        cdef NodeExtra extra = extra_of(self)
        if extra.hooks is None:
            extra.hooks = {}
        self.flags |= HOOKED
        return HookHandle(extra.hooks, hook)

    def backward(self, cotangent=None, *, bint retain_graph=False, bint create_graph=False, gradient=None):
        g = checked_cotangent(self, <object>either(cotangent, gradient, None), -1)
        if keeps_small_graphs and not (retain_graph or create_graph):
            backward_drawable(self, g)
        else:
            sweep(self, g, None, None, retain_graph or create_graph, create_graph)

    # --- operators

    def __add__(a, b):
        return operate(ADD, a, b)

    def __sub__(a, b):
        return operate(SUBTRACT, a, b)

    def __mul__(a, b):
        result = operate(MULTIPLY, a, b)
        if result is NotImplemented and not is_tensor(a):
            return METHODS["__rmul__"](b, a)        # of a matrix
        return result

    def __truediv__(a, b):
        return operate(DIVIDE, a, b)

    def __pow__(a, b, modulus):
        if modulus is not None:
            raise TypeError("pow() of a Tensor takes no modulus: use (x ** y) % m")
        return operate(POWER, a, b)

    def __matmul__(a, b):
        return matmul_any(a, b)

    def __iadd__(self, other):
        return inplace(ADD, self, other)

    def __isub__(self, other):
        return inplace(SUBTRACT, self, other)

    def __imul__(self, other):
        return inplace(MULTIPLY, self, other)

    def __itruediv__(self, other):
        return inplace(DIVIDE, self, other)

    def __ipow__(self, other, modulus):
        return inplace(POWER, self, other)

    def __imatmul__(self, other):
        return inplace_named("matmul", self, other)

    def __ifloordiv__(self, other):
        return inplace_named("floor_divide", self, other)

    def __imod__(self, other):
        return inplace_named("remainder", self, other)

    def __neg__(self):
        return unary(NEGATIVE, self)

    def __abs__(self):
        return unary(ABS, self)

    def __getitem__(self, key):
        if fg_levels and has_batched([<PyObject*>key], 1):
            return functions["getitem"](self, key)
        cdef Tensor y = None if PyArray_Check(key) else getitem_basic(self, key)
        if y is None:
            y = getitem_array(self, key)
        return y if y is not None else functions["getitem"](self, key)

    def __setitem__(self, key, value):
        if fg_levels and has_batched([<PyObject*>key, <PyObject*>value], 2):
            raise batching.not_batched()
        set_item(self, key, value)

    # --- hot methods

    def exp(self):
        return unary(EXP, self)

    def log(self):
        return unary(LOG, self)

    def sqrt(self):
        return unary(SQRT, self)

    def square(self):
        return unary(SQUARE, self)

    def tanh(self):
        return unary(TANH, self)

    def sigmoid(self):
        return unary(SIGMOID, self)

    def relu(self):
        return unary(RELU, self)

    def softplus(self):
        return unary(SOFTPLUS, self)

    def abs(self):
        return unary(ABS, self)

    def sum(self, axis=None, keepdims=False, *, dtype=None, dim=None, keepdim=None, initial=None, where=None):
        if initial is not None or where is not None:
            return masked("sum", self, axis, keepdims, dim, keepdim, initial, where, {"dtype": dtype})
        return call_method(SUM, [<PyObject*>self, either(axis, dim, None), either(keepdims, keepdim, False),
                                 <PyObject*>dtype])

    def mean(self, axis=None, keepdims=False, *, dtype=None, dim=None, keepdim=None, where=None):
        if where is not None:
            return masked("mean", self, axis, keepdims, dim, keepdim, None, where, {"dtype": dtype})
        return call_method(MEAN, [<PyObject*>self, either(axis, dim, None), either(keepdims, keepdim, False),
                                 <PyObject*>dtype])

    def max(self, axis=None, keepdims=False, *, dim=None, keepdim=None, initial=None, where=None):
        if initial is not None or where is not None:
            return masked("max", self, axis, keepdims, dim, keepdim, initial, where, {})
        if dim is not None or keepdim is not None:
            return parameters.PYTORCH_CALLS["max"](self, axis, keepdims, dim=dim, keepdim=keepdim)
        return call_method(MAX, [<PyObject*>self, <PyObject*>axis, <PyObject*>keepdims])

    def min(self, axis=None, keepdims=False, *, dim=None, keepdim=None, initial=None, where=None):
        if initial is not None or where is not None:
            return masked("min", self, axis, keepdims, dim, keepdim, initial, where, {})
        if dim is not None or keepdim is not None:
            return parameters.PYTORCH_CALLS["min"](self, axis, keepdims, dim=dim, keepdim=keepdim)
        return call_method(MIN, [<PyObject*>self, <PyObject*>axis, <PyObject*>keepdims])

    def prod(self, axis=None, keepdims=False, *, dtype=None, dim=None, keepdim=None, initial=None, where=None):
        if initial is not None or where is not None:
            return masked("prod", self, axis, keepdims, dim, keepdim, initial, where, {"dtype": dtype})
        return call_method(PROD, [<PyObject*>self, either(axis, dim, None), either(keepdims, keepdim, False),
                                  <PyObject*>dtype])

    def logsumexp(self, axis=None, keepdims=False, *, dim=None, keepdim=None):
        return call_method(LOGSUMEXP, [<PyObject*>self, either(axis, dim, None), either(keepdims, keepdim, False)])

    def softmax(self, axis=-1, *, dtype=None, dim=None):
        return call_method(SOFTMAX, [<PyObject*>self, either(axis, dim, -1), <PyObject*>dtype])

    def log_softmax(self, axis=-1, *, dtype=None, dim=None):
        return call_method(LOG_SOFTMAX, [<PyObject*>self, either(axis, dim, -1), <PyObject*>dtype])

    def clip(self, min=None, max=None):
        return call_method(CLIP, [<PyObject*>self, <PyObject*>min, <PyObject*>max])

    def reshape(self, *shape, order="C"):
        cdef Tensor y = None
        wanted = shape[0] if len(shape) == 1 else shape
        if (type(wanted) is tuple or type(wanted) is int) and order == "C":
            y = reshape(self, wanted)
        return y if y is not None else METHODS["reshape"](self, *shape, order=order)

    def transpose(self, *axes):
        return permute_dims(self, None) if not axes else METHODS["transpose"](self, *axes)

    def permute_dims(self, axes):
        cdef Tensor y = permute_dims(self, axes) if type(axes) is tuple else None
        return y if y is not None else METHODS["permute_dims"](self, axes)

    @property
    def T(self):
        """The axes reversed."""
        return permute_dims(self, None)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return call_ufunc(self, ufunc, method, inputs, kwargs)

    def __array_function__(self, function, types, args, kwargs):
        return call_function(self, function, types, args, kwargs)

    # --- slots with a fast path; those that are Python alone are installed by `install_methods`

    def __richcmp__(self, other, int operator):
        return compare(self, other, operator, COMPARISONS[operator])

    def __hash__(self):
        return <Py_hash_t>(<size_t><PyObject*>self >> 4)

    def __float__(self):
        if self.layout.typenum == cnp.NPY_DOUBLE and self.layout.size == 1 and fg_capture == NULL:
            check_door(self, "float(x)", True)
            return (<double*>self.data)[0]
        return METHODS["__float__"](self)

    def __getbuffer__(self, Py_buffer* buffer, int flags):
        if fg_grad_off == 0 and is_recorded(self):
            raise leaving.not_an_array(op_name(self))
        PyObject_GetBuffer(to_numpy(self), buffer, flags)
