"""Where setup.py puts the kernels for CPUs with AVX-512, and core/simd.py finds them. Never imported."""
