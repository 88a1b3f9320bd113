"""The rules and the functions made from them: values, gradients, parameters."""
