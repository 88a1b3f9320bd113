# Parts of Python's C API that Cython does not declare, or not as Tensors and Values need them.

from cpython.object cimport PyObject

cdef extern from "Python.h":
    ctypedef struct PyTypeObject:
        Py_ssize_t tp_basicsize
        Py_ssize_t tp_vectorcall_offset
        unsigned long tp_flags
        void* tp_call
        void* tp_dealloc
        void* tp_new
        void* tp_vectorcall
        void* tp_traverse
        void* tp_clear
        void* tp_as_number
        void* tp_as_sequence
        void* tp_as_mapping
        void* tp_iter
        void* tp_repr
        PyObject* tp_dict
        PyObject* (*tp_alloc)(PyTypeObject* t, Py_ssize_t n) noexcept
        void (*tp_free)(void* o) noexcept
    ctypedef struct PyNumberMethods:
        void* nb_add
        void* nb_subtract
        void* nb_multiply
        void* nb_true_divide
        void* nb_power
        void* nb_matrix_multiply
    ctypedef struct PySequenceMethods:
        pass
    ctypedef struct PyMappingMethods:
        pass
    PyTypeObject* Py_TYPE(object o)
    Py_ssize_t Py_REFCNT(PyObject* o)
    void Py_SET_REFCNT(PyObject* o, Py_ssize_t n)
    void Py_SET_TYPE(PyObject* o, PyTypeObject* t)
    bint PyObject_TypeCheck(object o, PyTypeObject* t)
    void PyType_Modified(PyTypeObject* t)
    PyObject* _PyType_Lookup(PyTypeObject* t, object name) noexcept
    Py_ssize_t PyVectorcall_NARGS(size_t nargsf)
    ctypedef struct PyMethodDef:
        const char* ml_name
        void* ml_meth
        int ml_flags
        const char* ml_doc
    object PyDescr_NewMethod(PyTypeObject* t, PyMethodDef* method)
