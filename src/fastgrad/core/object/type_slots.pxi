# Slots of the Tensor type that Cython cannot express, and the buffer protocol.

cdef extern from "Python.h":
    int PyObject_GetBuffer(object o, Py_buffer* view, int flags) except -1
    ctypedef struct PyMethodDescrObject:
        PyMethodDef* d_method
    ctypedef struct PyGetSetDef:
        const char* doc
    ctypedef struct PyGetSetDescrObject:
        PyGetSetDef* d_getset
    PyTypeObject PyMethodDescr_Type, PyGetSetDescr_Type
    const int METH_FASTCALL
    const unsigned long Py_TPFLAGS_BASETYPE, Py_TPFLAGS_HAVE_GC
    bint PyType_Check(object o)

cdef PyMethodDef item_method
cdef list method_docs = []      # keeps what the methods borrow


cdef object call_class(PyTypeObject* cls, object args, PyObject* kwargs):
    return METHODS["__new__"](<object>cls, *<tuple>args, **(<dict>kwargs if kwargs != NULL else {}))


POOLED.tp_dealloc = <void*>dealloc
POOLED.tp_new = <void*>call_class   # tensors are not allocated through the type
POOLED.tp_vectorcall = NULL


def subclass(meta, str name, tuple bases, dict members):
    """Return a subclass of Tensor for tensors that look different to the user. It is made here alone: Python code
    cannot derive from Tensor. Its instances have no attributes of their own, and it is never freed."""
    cdef unsigned long final = ~POOLED.tp_flags & Py_TPFLAGS_BASETYPE
    members = {"__slots__": (), **members}
    POOLED.tp_flags |= Py_TPFLAGS_BASETYPE
    try:
        made = type.__new__(meta, name, bases, members)
    finally:
        POOLED.tp_flags &= ~final
    cdef PyTypeObject* t = <PyTypeObject*>made
    if t.tp_basicsize != POOLED.tp_basicsize or not issubclass(made, Tensor):
        raise TypeError(f"{name} has attributes in its instances, or is no subclass of Tensor")
    t.tp_dealloc = <void*>dealloc
    t.tp_flags &= ~(Py_TPFLAGS_HAVE_GC & ~POOLED.tp_flags)     # tensors have no header for the collector
    own = <PyNumberMethods*>t.tp_as_number
    numbers = <PyNumberMethods*>POOLED.tp_as_number
    # Python has filled these slots with functions that look the method up, since the methods of Tensor are no wrappers.
    if inherits(made, "__add__"):
        own.nb_add = numbers.nb_add
    if inherits(made, "__sub__"):
        own.nb_subtract = numbers.nb_subtract
    if inherits(made, "__mul__"):
        own.nb_multiply = numbers.nb_multiply
    if inherits(made, "__truediv__"):
        own.nb_true_divide = numbers.nb_true_divide
    if inherits(made, "__matmul__"):
        own.nb_matrix_multiply = numbers.nb_matrix_multiply
    Py_INCREF(made)
    return made


cdef bint inherits(object cls, str name) except -1:
    return getattr(cls, name) is Tensor.__dict__[name]


def set_class(Tensor x, cls):
    """Give `x` the class `cls`: Tensor, or what `subclass` has made. Return `x`."""
    if not PyType_Check(cls) or (<PyTypeObject*>cls).tp_dealloc != <void*>dealloc:
        raise TypeError(f"a class of Tensors was expected, got {cls!r}")
    Py_SET_TYPE(<PyObject*>x, <PyTypeObject*>cls)
    return x


cdef object item(PyObject* self, PyObject* const* index, Py_ssize_t n):
    """`Tensor.item`. A method of Cython's with `*index` makes a tuple for each call."""
    check_door(<Tensor>self, "x.item()", False)
    if n == 0 and (<Tensor>self).layout.size == 1:
        return scalar_item(<Tensor>self)
    return METHODS["item"](<Tensor>self, *given_tuple(index, n))


item_method.ml_name = "item"
item_method.ml_meth = <void*>item
item_method.ml_flags = METH_FASTCALL
item_method.ml_doc = "item($self, /, *index)\n--\n\n"
(<dict><object>POOLED.tp_dict)["item"] = PyDescr_NewMethod(POOLED, &item_method)
PyType_Modified(POOLED)


def set_docstring(function, str doc):
    """Give a function, or a method or attribute of a type in C, its docstring."""
    if Py_TYPE(function) == &PyGetSetDescr_Type:
        method_docs.append(doc.encode())
        (<PyGetSetDescrObject*><PyObject*>function).d_getset.doc = <const char*>method_docs[len(method_docs) - 1]
        return
    if Py_TYPE(function) != &PyMethodDescr_Type:
        function.__doc__ = doc
        return
    method = (<PyMethodDescrObject*><PyObject*>function).d_method
    if method.ml_doc != NULL:       # the signature, for `inspect`
        doc = method.ml_doc.decode() + doc
    method_docs.append(doc.encode())
    method.ml_doc = <const char*>method_docs[len(method_docs) - 1]
