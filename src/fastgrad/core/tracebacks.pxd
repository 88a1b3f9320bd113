# Tracebacks without the engine: cimporting this replaces how Cython adds a frame for each of its functions that an
# error passes. The Python version of the same rule is in fastgrad/tracebacks.py.

cdef extern from *:
    """
    #include <stdlib.h>
    #include <string.h>

    static int fg_in_package(PyTracebackObject* trace, const char* package) {
        PyObject* globals = PyFrame_GetGlobals(trace->tb_frame);
        PyObject* name = globals ? PyDict_GetItemString(globals, "__name__") : NULL;
        const char* text = name && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
        size_t n = strlen(package);
        int in = text && strncmp(text, package, n) == 0 && (text[n] == 0 || text[n] == '.');
        Py_XDECREF(globals);
        return in;
    }

    /* Instead of adding the frame of a Cython function, remove the frames of fastgrad and NumPy that the error passed
       on its way. An error of a class that wrong code raises, from nowhere else, is a defect and keeps its frames. */
    static int fg_traceback_here(PyFrameObject* frame) {
        const char* wanted = getenv("FASTGRAD_TRACEBACK");
        PyObject *type, *error, *trace, *rest;
        if (wanted && strcmp(wanted, "full") == 0)
            return PyTraceBack_Here(frame);
        PyErr_Fetch(&type, &error, &trace);
        rest = trace;
        while (rest && (fg_in_package((PyTracebackObject*)rest, "fastgrad")
                        || fg_in_package((PyTracebackObject*)rest, "numpy")))
            rest = (PyObject*)((PyTracebackObject*)rest)->tb_next;
        if (!rest && (PyErr_GivenExceptionMatches(type, PyExc_AttributeError)
                      || PyErr_GivenExceptionMatches(type, PyExc_NameError)
                      || PyErr_GivenExceptionMatches(type, PyExc_KeyError)
                      || PyErr_GivenExceptionMatches(type, PyExc_SystemError))) {
            PyErr_Restore(type, error, trace);
            return PyTraceBack_Here(frame);
        }
        Py_XINCREF(rest);
        PyErr_Restore(type, error, rest);
        Py_XDECREF(trace);
        return 0;
    }
    #define PyTraceBack_Here(frame) fg_traceback_here(frame)
    """
