"""Where setup.py puts the kernels for CPUs with AVX2, and core/simd.py finds them. Never imported."""
