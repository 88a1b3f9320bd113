"""The functions of NumPy's namespace that are compositions of rules, or convert their arguments for one."""
