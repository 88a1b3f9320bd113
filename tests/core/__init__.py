"""The Tensor of either engine: recording, sweeps, in-place writes, memory, kernels."""
