"""The Tensor of both engines: recording, sweeps, in-place writes, memory, kernels."""
