# micrograd's Value, compiled: a number, its gradient and its one or two operands. Knows nothing of Tensors.
#
# What a micrograd program sees is made on access: `_prev` (a set), `_op`, `_backward` (a bound method), the dict of
# other attributes. A node takes 96 bytes, and is tracked by the cyclic collector only once it may be part of a cycle.

from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc  # no-cython-lint
from cpython.number cimport PyNumber_Add, PyNumber_Multiply  # no-cython-lint
from cpython.object cimport PyObject  # no-cython-lint
from cpython.ref cimport Py_DECREF, Py_INCREF  # no-cython-lint
from libc.math cimport NAN, exp, fabs, floor, isfinite, log, pow, tanh  # no-cython-lint
from libc.stdint cimport uint32_t, uintptr_t  # no-cython-lint
from libc.string cimport memcpy, memset  # no-cython-lint
from fastgrad.core.build cimport FASTGRAD_NO_POOLS  # no-cython-lint
from fastgrad.core.capi cimport *
from fastgrad.core.tracebacks cimport *

import math  # no-cython-lint

import numpy as np  # no-cython-lint

from fastgrad import value_errors  # no-cython-lint

include "object/thread.pxi"         # variables of which every thread has its own
include "object/pool.pxi"           # dead objects, kept for the next ones
include "object/dealloc.pxi"        # deallocation of graphs of any depth
include "value/number.pxi"          # Python's ints and floats as doubles
include "value/lifetime.pxi"        # allocation, what a dead Value releases, the cyclic collector
include "value/attributes.pxi"      # `data`, `grad` and the dict
include "value/ops.pxi"             # the table of ops: forward and backward of each
include "value/operators.pxi"       # which call the methods of a subclass
include "backward/vector.pxi"
include "value/backward.pxi"        # sorting the graph, and the sweep
include "value/value_class.pxi"     # attributes and methods; installs the slots
include "value/program.pxi"         # a graph as a list of steps
include "value/replay.pxi"          # running it

cdef object html_of = None


def install_html(function):
    """Set the function that draws a Value as HTML, for notebooks."""
    global html_of
    html_of = function
