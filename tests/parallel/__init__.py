"""Training on several ranks. The tests that start them need mpi4py and mpiexec."""
