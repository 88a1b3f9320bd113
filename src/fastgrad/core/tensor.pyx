# The compiled engine, in dependency order. Each part opens with its job.

cimport cython
cimport numpy as cnp
from cpython.exc cimport PyErr_Clear
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.math cimport INFINITY, pow, sqrt
from libc.string cimport memcmp, memcpy, memset
from fastgrad.core.build cimport *
from fastgrad.core.kernels cimport *
from fastgrad.core.layout cimport *
from fastgrad.core.loops cimport *
from fastgrad.core.storage cimport *

import operator
import sys

import numpy as np

from fastgrad import anomaly, errors, leaving, modes, parameters, tensor_methods
from fastgrad import protocols as _protocols    # adds its own to tensor_methods.METHODS
from fastgrad.core import simd
from fastgrad.core.kernels import kernel_rows

cnp.import_array()

include "thread.pxi"        # what every thread has of its own
include "state.pxi"         # switches, debug counters
include "lifetime.pxi"      # making tensors, dropping graphs of any depth
include "convert.pxi"       # NumPy arrays and Python numbers, in and out
include "link.pxi"          # recording: edges and versions
include "leaving.pxi"       # values on their way out of the graph
include "inplace.pxi"       # in-place writes: one object, several nodes after another
# One file per family: forward and the node of its result. No gradient is computed here.
include "record_number.pxi"
include "record_elementwise.pxi"
include "record_view.pxi"
include "record_matmul.pxi"
include "record_reduce.pxi"
include "record_stack.pxi"
include "record_softmax.pxi"
include "record_select.pxi"
include "record_gather.pxi"
include "record_join.pxi"
include "record_convolve.pxi"
include "record_recurrent.pxi"
include "record_rule.pxi"   # every op without a kernel
include "cotangent.pxi"     # where gradients gather
include "backward.pxi"      # one backward per kind of op
include "backward_softmax.pxi"
include "backward_select.pxi"
include "record_normalize.pxi"     # its backward too
include "backward_gather.pxi"
include "backward_convolve.pxi"
include "backward_recurrent.pxi"
include "backward_structured.pxi"
include "sweep_thread.pxi"  # the sweeps under way, by thread
include "sweep_scratch.pxi"
include "sweep_commit.pxi"
include "sweep_number.pxi"   # its shortest way
include "sweep_blocks.pxi"  # large elementwise nodes, several at a time
include "sweep.pxi"
include "gradients.pxi"
include "anomaly.pxi"
include "optimize.pxi"    # steps of optimisers, written in place
include "calls.pxi"
include "function.pxi"      # the public function of a rule
include "tensor_class.pxi"  # the slots, each a door to the above
include "tensor_structured.pxi"

install_methods(METHODS)
