"""`autograd.scipy.linalg`: SciPy's linear algebra, with derivatives; all other names are those of `scipy.linalg`.

Functions take SciPy's arguments, and are SciPy's where there are no boxes among them.
"""

from fastgrad.autograd.scipy import _factors, _matrix_functions, _structured, _triangular
from fastgrad.autograd.scipy._passing import pass_names as _pass_names

_BOXED = _triangular.BOXED | _matrix_functions.BOXED | _factors.BOXED | _structured.BOXED

__getattr__, __dir__ = _pass_names("scipy.linalg", globals(), _BOXED)
