"""Names of other libraries: aliases against PyTorch, and the table of the others."""
