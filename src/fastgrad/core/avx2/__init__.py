"""The kernels for CPUs with AVX2: setup.py puts the module here, core/simd.py finds it. Never imported under this name."""
