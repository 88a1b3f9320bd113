# The compiled engine, in dependency order. Each part opens with its job.

cimport cython
cimport numpy as cnp
from functools import partial
from time import perf_counter

from cpython.exc cimport PyErr_Clear
from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc  # no-cython-lint
from cpython.object cimport PyObject, PyObject_RichCompare  # no-cython-lint
from cpython.object cimport Py_EQ, Py_GE, Py_GT, Py_LE, Py_LT, Py_NE, Py_SIZE  # no-cython-lint
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF, Py_XINCREF  # no-cython-lint
from cpython.dict cimport PyDict_Next  # no-cython-lint
from cpython.float cimport PyFloat_CheckExact  # no-cython-lint
from cpython.list cimport PyList_CheckExact  # no-cython-lint
from cpython.tuple cimport PyTuple_CheckExact  # no-cython-lint
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE  # no-cython-lint
from libc.math cimport INFINITY, pow, sqrt  # no-cython-lint
from libc.string cimport memcmp, memcpy, memmove, memset  # no-cython-lint
from fastgrad.core.build cimport *
from fastgrad.core.capi cimport *
from fastgrad.core.kernels cimport *
from fastgrad.core.layout cimport *
from fastgrad.core.loops cimport *
from fastgrad.core.storage cimport *
from fastgrad.core.tracebacks cimport *
from fastgrad.core.workers cimport *

import contextvars  # no-cython-lint
import functools  # no-cython-lint
import operator  # no-cython-lint
import os  # no-cython-lint
import sys
from types import CellType, MethodType  # no-cython-lint

import numpy as np

from fastgrad import _numpy_errors, _tree, anomaly, batching, devices, direction_errors, errors  # no-cython-lint
from fastgrad import leaving, made_functions, modes, op_functions, parameters, program_checks  # no-cython-lint
from fastgrad import program_errors, program_guards, sweep_arguments, tracebacks  # no-cython-lint
from fastgrad import transform_arguments, view_keys  # no-cython-lint
from fastgrad._hooks import HookHandle
from fastgrad.core import simd
from fastgrad.core.kernels import kernel_rows
from fastgrad.op_functions import REQUIRED  # no-cython-lint

cnp.import_array()

# What a Tensor is.
include "object/thread.pxi"         # variables of which every thread has its own
include "object/grad_mode.pxi"      # whether code records; debug counters
include "object/pool.pxi"           # dead objects, kept for the next ones
include "object/dealloc.pxi"        # deallocation of graphs of any depth
include "object/lifetime.pxi"       # allocation, and what a dead tensor releases
include "object/batched.pxi"        # values that vmap batches
include "object/convert.pxi"        # NumPy arrays and Python numbers, in and out
include "object/versions.pxi"       # writes to memory that a graph still reads
include "record/table.pxi"          # a row per op
include "record/edges.pxi"          # what a result keeps of its operands
include "record/rule_node.pxi"      # and of any number of them
include "object/postponed.pxi"      # values that are computed where they are read
include "object/leaving.pxi"        # values that leave the graph
include "object/regions.pxi"        # which parts of a block were written
include "object/settle.pxi"         # edges to what was written
include "object/inplace.pxi"        # in-place writes
include "object/rebase.pxi"         # and those through views
include "object/setitem.pxi"
include "object/outside.pxi"        # kernels without the GIL
# Every kernel is called through a door, which notes the call while a program is captured.
include "program/capture.pxi"       # the steps of a program
include "program/memory.pxi"        # and their memory
include "program/doors.pxi"         # loops, numbers, backward
include "program/reductions.pxi"
include "program/doors_arrays.pxi"
include "program/doors_layers.pxi"
# The families of ops: recording and backward of each in one file.
include "backward/cotangent.pxi"    # where gradients are accumulated
include "record/number.pxi"         # one float64 element
include "forward/directions.pxi"    # tangents, one or a batch
include "ops/common.pxi"            # operands and blocks of memory
include "ops/axes.pxi"              # ops along axes
include "ops/operators.pxi"
include "ops/postponed.pxi"         # large values, several at a time
include "ops/postponed_sums.pxi"
include "ops/elementwise.pxi"
include "ops/views.pxi"
include "ops/basic_index.pxi"
include "ops/join.pxi"
include "ops/matmul.pxi"
include "ops/reduce.pxi"
include "ops/softmax.pxi"
include "ops/scan.pxi"
include "ops/losses.pxi"
include "ops/select.pxi"
include "ops/spread.pxi"
include "ops/sort.pxi"
include "ops/triangles.pxi"
include "ops/indexing.pxi"
include "ops/conv.pxi"
include "ops/pooling.pxi"
include "ops/recurrent.pxi"
include "ops/normalize.pxi"
include "record/contexts.pxi"       # contexts around the engine's Python code
include "record/rule.pxi"           # every op without a kernel
include "backward/rule.pxi"
# The sweep.
include "backward/vector.pxi"       # stacks of tensors
include "backward/threads.pxi"      # the running sweeps, by thread
include "backward/targets.pxi"      # the inputs of `gradients`
include "backward/edges.pxi"        # walking the edges of a node
include "backward/nesting.pxi"      # sweeps within sweeps
include "backward/reach.pxi"        # which tensors lead to an input of `gradients`
include "backward/commit.pxi"       # writing `.grad`
include "backward/scalars.pxi"      # nodes of one float64 element
include "backward/deferred.pxi"     # large elementwise nodes, several at a time
include "backward/deferred_values.pxi"
include "backward/receivers.pxi"     # gradients that are combined with those of other processes
include "backward/sweep.pxi"
include "backward/gradients.pxi"    # the public verbs
include "backward/anomaly.pxi"
include "ops/optimizers.pxi"        # optimizer steps, written in place
# Calls, and the class.
include "record/calls.pxi"
include "record/function.pxi"       # the public function of a rule
include "record/numpy_function.pxi"     # and of NumPy
# Forward mode, and several directions at once.
include "forward/order.pxi"         # which nodes, and when
include "forward/batches.pxi"       # where they begin and end
include "forward/push.pxi"
include "forward/pull.pxi"
include "forward/signature.pxi"     # for sparse derivatives
# Transforms of functions.
include "transform/tree.pxi"        # nested arguments and results
include "transform/run.pxi"         # one call of a transformed function
include "transform/leaves.pxi"      # what it differentiates, and what it hands back
include "transform/gradient.pxi"    # what `grad` and `value_and_grad` return
include "transform/directional.pxi"     # what `jvp` and `hvp` do
# Programs: what was captured, called again.
include "program/host.pxi"          # steps that are Python code
include "program/program.pxi"       # memory, and the replay
include "program/elide.pxi"         # copies that need not be made
include "program/lower.pxi"         # numbers, and the order of elementwise calls
include "program/blocks.pxi"        # which run block by block
include "program/arena.pxi"         # where values lie
include "program/outside.pxi"       # which steps run without the GIL
include "program/listing.pxi"       # for pictures
include "program/numbers.pxi"       # numbers that are passed
include "program/recording.pxi"     # a program for arguments of one structure
include "program/call.pxi"          # arguments and results
include "object/node_extra.pxi"
include "object/ufuncs.pxi"
include "object/tensor_class.pxi"
include "object/type_slots.pxi"
