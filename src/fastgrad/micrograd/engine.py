"""The `Value` of the engine in use: compiled, or in plain Python."""

from typing import TYPE_CHECKING

from fastgrad._engine import name as _name
from fastgrad._lazy import lazy_module

_picture = lazy_module("fastgrad.pictures.picture")

if TYPE_CHECKING or _name == "python":
    from fastgrad.micrograd.value_python import Value
else:
    from fastgrad.core.value import Value, install_html

    install_html(lambda value: _picture.html_of(value))

__all__ = ["Value"]
