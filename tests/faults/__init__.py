"""Failing allocations, deep graphs, invalid input, exceptions, threads: no crash, no leak, no wrong result."""
