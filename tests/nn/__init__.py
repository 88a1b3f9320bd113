"""Modules, initial values, losses, files."""
