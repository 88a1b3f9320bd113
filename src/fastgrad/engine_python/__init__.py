"""The pure-Python engine: the whole of backpropagation in plain Python and NumPy, to be read in one sitting.

Read `tensor.py` (what a node of the graph holds), then `record.py` (how an op becomes a node), then `sweep.py`
(backward).
"""

from fastgrad import protocols, tensor_methods
from fastgrad.anomaly import detect_anomaly
from fastgrad.engine_python.record import Function, enable_grad, is_grad_enabled, no_grad
from fastgrad.engine_python.sweep import gradients
from fastgrad.engine_python.tensor import Tensor, asarray, tensor

name = "python"
tensor_methods.install(Tensor)
