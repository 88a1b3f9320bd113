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

cdef PyMethodDef item_method
cdef list method_docs = []      # keeps what the methods borrow


cdef object call_class(PyTypeObject* cls, object args, PyObject* kwargs):
    return METHODS["__new__"](<object>cls, *<tuple>args, **(<dict>kwargs if kwargs != NULL else {}))


POOLED.tp_dealloc = <void*>dealloc
POOLED.tp_new = <void*>call_class   # tensors are not allocated through the type
POOLED.tp_vectorcall = NULL


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
