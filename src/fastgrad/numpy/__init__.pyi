# Written by `python -m fastgrad._stubs`. Do not edit.
# The names and signatures are those of NumPy 2.4.
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias, overload

import numpy.typing as _npt
from fastgrad._engine import Tensor as _Tensor

_Operand: TypeAlias = _Tensor | _npt.ArrayLike | Sequence[Any]

class _Ufunc(Protocol):
    @overload
    def __call__(self, x1: _Tensor, /, *args: Any, **kwargs: Any) -> _Tensor: ...
    @overload
    def __call__(self, x1: _Operand, x2: _Tensor, /, *args: Any, **kwargs: Any) -> _Tensor: ...
    @overload
    def __call__(self, *args: _Operand, **kwargs: Any) -> Any: ...
    @property
    def nin(self) -> int: ...
    @property
    def nout(self) -> int: ...
    @property
    def nargs(self) -> int: ...
    @property
    def identity(self) -> Any: ...
    @property
    def signature(self) -> str | None: ...
    @overload
    def reduce(self, array: _Tensor, /, axis: Any = 0, dtype: Any = None, out: Any = None, **more: Any) -> _Tensor: ...
    @overload
    def reduce(self, array: _Operand, /, axis: Any = 0, dtype: Any = None, out: Any = None, **kwargs: Any) -> Any: ...
    @overload
    def accumulate(self, array: _Tensor, /, axis: int = 0, dtype: Any = None, out: Any = None) -> _Tensor: ...
    @overload
    def accumulate(self, array: _Operand, /, axis: int = 0, dtype: Any = None, out: Any = None) -> Any: ...
    def reduceat(self, array: _Operand, /, indices: _npt.ArrayLike, *args: Any, **kwargs: Any) -> Any: ...
    def outer(self, A: _Operand, B: _Operand, /, **kwargs: Any) -> Any: ...
    def at(self, a: Any, indices: Any, b: Any = ..., /) -> None: ...

from numpy import False_ as False_
from numpy import ScalarType as ScalarType
from numpy import True_ as True_
from numpy import __array_namespace_info__ as __array_namespace_info__
from numpy import arange as arange
from numpy import argpartition as argpartition
from numpy import argwhere as argwhere
from numpy import array2string as array2string
from numpy import array_equiv as array_equiv
from numpy import array_repr as array_repr
from numpy import array_str as array_str
from numpy import asmatrix as asmatrix
from numpy import bartlett as bartlett
from numpy import base_repr as base_repr
from numpy import binary_repr as binary_repr
from numpy import bitwise_count as bitwise_count
from numpy import blackman as blackman
from numpy import bmat as bmat
from numpy import bool as bool
from numpy import bool_ as bool_
from numpy import broadcast as broadcast
from numpy import broadcast_shapes as broadcast_shapes
from numpy import busday_count as busday_count
from numpy import busday_offset as busday_offset
from numpy import busdaycalendar as busdaycalendar
from numpy import byte as byte
from numpy import bytes_ as bytes_
from numpy import can_cast as can_cast
from numpy import cdouble as cdouble
from numpy import char as char
from numpy import character as character
from numpy import clongdouble as clongdouble
from numpy import common_type as common_type
from numpy import complex128 as complex128
from numpy import complex256 as complex256
from numpy import complex64 as complex64
from numpy import complexfloating as complexfloating
from numpy import copyto as copyto
from numpy import core as core
from numpy import csingle as csingle
from numpy import ctypeslib as ctypeslib
from numpy import datetime64 as datetime64
from numpy import datetime_as_string as datetime_as_string
from numpy import datetime_data as datetime_data
from numpy import diag_indices as diag_indices
from numpy import diag_indices_from as diag_indices_from
from numpy import digitize as digitize
from numpy import double as double
from numpy import dtype as dtype
from numpy import dtypes as dtypes
from numpy import e as e
from numpy import einsum_path as einsum_path
from numpy import emath as emath
from numpy import empty as empty
from numpy import errstate as errstate
from numpy import euler_gamma as euler_gamma
from numpy import exceptions as exceptions
from numpy import eye as eye
from numpy import f2py as f2py
from fastgrad.numpy import fft as fft
from numpy import fill_diagonal as fill_diagonal
from numpy import finfo as finfo
from numpy import flatiter as flatiter
from numpy import flatnonzero as flatnonzero
from numpy import flexible as flexible
from numpy import float128 as float128
from numpy import float16 as float16
from numpy import float32 as float32
from numpy import float64 as float64
from numpy import floating as floating
from numpy import format_float_positional as format_float_positional
from numpy import format_float_scientific as format_float_scientific
from numpy import from_dlpack as from_dlpack
from numpy import frombuffer as frombuffer
from numpy import fromfile as fromfile
from numpy import fromfunction as fromfunction
from numpy import fromiter as fromiter
from numpy import frompyfunc as frompyfunc
from numpy import fromregex as fromregex
from numpy import fromstring as fromstring
from numpy import gcd as gcd
from numpy import generic as generic
from numpy import genfromtxt as genfromtxt
from numpy import get_include as get_include
from numpy import get_printoptions as get_printoptions
from numpy import getbufsize as getbufsize
from numpy import geterr as geterr
from numpy import geterrcall as geterrcall
from numpy import half as half
from numpy import hamming as hamming
from numpy import hanning as hanning
from numpy import histogram2d as histogram2d
from numpy import histogram_bin_edges as histogram_bin_edges
from numpy import histogramdd as histogramdd
from numpy import identity as identity
from numpy import iinfo as iinfo
from numpy import index_exp as index_exp
from numpy import indices as indices
from numpy import inexact as inexact
from numpy import inf as inf
from numpy import info as info
from numpy import int16 as int16
from numpy import int32 as int32
from numpy import int64 as int64
from numpy import int8 as int8
from numpy import int_ as int_
from numpy import intc as intc
from numpy import integer as integer
from numpy import intp as intp
from numpy import is_busday as is_busday
from numpy import iscomplex as iscomplex
from numpy import iscomplexobj as iscomplexobj
from numpy import isdtype as isdtype
from numpy import isfortran as isfortran
from numpy import isnat as isnat
from numpy import isneginf as isneginf
from numpy import isposinf as isposinf
from numpy import isreal as isreal
from numpy import isrealobj as isrealobj
from numpy import isscalar as isscalar
from numpy import issubdtype as issubdtype
from numpy import iterable as iterable
from numpy import ix_ as ix_
from numpy import kaiser as kaiser
from numpy import lcm as lcm
from numpy import lexsort as lexsort
from numpy import lib as lib
from fastgrad.numpy import linalg as linalg
from numpy import little_endian as little_endian
from numpy import load as load
from numpy import loadtxt as loadtxt
from numpy import long as long
from numpy import longdouble as longdouble
from numpy import longlong as longlong
from numpy import ma as ma
from numpy import mask_indices as mask_indices
from numpy import matrix as matrix
from numpy import may_share_memory as may_share_memory
from numpy import memmap as memmap
from numpy import mgrid as mgrid
from numpy import min_scalar_type as min_scalar_type
from numpy import mintypecode as mintypecode
from numpy import nan as nan
from numpy import nanargmax as nanargmax
from numpy import nanargmin as nanargmin
from numpy import ndarray as ndarray
from numpy import ndenumerate as ndenumerate
from numpy import ndim as ndim
from numpy import ndindex as ndindex
from numpy import nditer as nditer
from numpy import nested_iters as nested_iters
from numpy import newaxis as newaxis
from numpy import number as number
from numpy import object_ as object_
from numpy import ogrid as ogrid
from numpy import ones as ones
from numpy import packbits as packbits
from numpy import pi as pi
from numpy import place as place
from numpy import poly1d as poly1d
from numpy import polynomial as polynomial
from numpy import printoptions as printoptions
from numpy import promote_types as promote_types
from numpy import put as put
from numpy import put_along_axis as put_along_axis
from numpy import putmask as putmask
from fastgrad.numpy import random as random
from numpy import ravel_multi_index as ravel_multi_index
from numpy import rec as rec
from numpy import recarray as recarray
from numpy import record as record
from numpy import require as require
from numpy import result_type as result_type
from numpy import row_stack as row_stack
from numpy import s_ as s_
from numpy import save as save
from numpy import savetxt as savetxt
from numpy import savez as savez
from numpy import savez_compressed as savez_compressed
from numpy import sctypeDict as sctypeDict
from numpy import set_printoptions as set_printoptions
from numpy import setbufsize as setbufsize
from numpy import seterr as seterr
from numpy import seterrcall as seterrcall
from numpy import shape as shape
from numpy import shares_memory as shares_memory
from numpy import short as short
from numpy import show_config as show_config
from numpy import show_runtime as show_runtime
from numpy import signedinteger as signedinteger
from numpy import single as single
from numpy import size as size
from numpy import spacing as spacing
from numpy import str_ as str_
from numpy import strings as strings
from numpy import test as test
from numpy import testing as testing
from numpy import timedelta64 as timedelta64
from numpy import tri as tri
from numpy import tril_indices as tril_indices
from numpy import tril_indices_from as tril_indices_from
from numpy import triu_indices as triu_indices
from numpy import triu_indices_from as triu_indices_from
from numpy import typecodes as typecodes
from numpy import typename as typename
from numpy import typing as typing
from numpy import ubyte as ubyte
from numpy import ufunc as ufunc
from numpy import uint as uint
from numpy import uint16 as uint16
from numpy import uint32 as uint32
from numpy import uint64 as uint64
from numpy import uint8 as uint8
from numpy import uintc as uintc
from numpy import uintp as uintp
from numpy import ulong as ulong
from numpy import ulonglong as ulonglong
from numpy import unpackbits as unpackbits
from numpy import unravel_index as unravel_index
from numpy import unsignedinteger as unsignedinteger
from numpy import ushort as ushort
from fastgrad.numpy._objects import vectorize as vectorize
from numpy import void as void
from numpy import zeros as zeros

abs: _Ufunc
absolute: _Ufunc
acos: _Ufunc
acosh: _Ufunc
add: _Ufunc
class _all(Protocol):
    def __call__(self, a: Any, axis: Any = ..., out: Any = ..., keepdims: Any = ..., *, where: Any = ...) -> Any: ...
all: _all
class _allclose(Protocol):
    def __call__(self, a: Any, b: Any, rtol: Any = ..., atol: Any = ..., equal_nan: Any = ...) -> Any: ...
allclose: _allclose
class _amax(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., out: Any = ..., keepdims: Any = ..., initial: Any = ..., where: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., out: Any = ..., keepdims: Any = ..., initial: Any = ..., where: Any = ...) -> Any: ...
amax: _amax
class _amin(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., out: Any = ..., keepdims: Any = ..., initial: Any = ..., where: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., out: Any = ..., keepdims: Any = ..., initial: Any = ..., where: Any = ...) -> Any: ...
amin: _amin
class _angle(Protocol):
    @overload
    def __call__(self, z: _Tensor, deg: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, z: _Operand, deg: Any = ...) -> Any: ...
angle: _angle
class _any(Protocol):
    def __call__(self, a: Any, axis: Any = ..., out: Any = ..., keepdims: Any = ..., *, where: Any = ...) -> Any: ...
any: _any
class _append(Protocol):
    @overload
    def __call__(self, arr: _Tensor, values: _Operand, axis: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, arr: _Operand, values: _Operand, axis: Any = ...) -> Any: ...
append: _append
class _apply_along_axis(Protocol):
    def __call__(self, func1d: Any, axis: Any, arr: Any, *args: Any, **kwargs: Any) -> Any: ...
apply_along_axis: _apply_along_axis
class _apply_over_axes(Protocol):
    @overload
    def __call__(self, func: Any, a: _Tensor, axes: _Operand) -> _Tensor: ...
    @overload
    def __call__(self, func: Any, a: _Operand, axes: _Operand) -> Any: ...
apply_over_axes: _apply_over_axes
arccos: _Ufunc
arccosh: _Ufunc
arcsin: _Ufunc
arcsinh: _Ufunc
arctan: _Ufunc
arctan2: _Ufunc
arctanh: _Ufunc
class _argmax(Protocol):
    def __call__(self, a: Any, axis: Any = ..., out: Any = ..., *, keepdims: Any = ...) -> Any: ...
argmax: _argmax
class _argmin(Protocol):
    def __call__(self, a: Any, axis: Any = ..., out: Any = ..., *, keepdims: Any = ...) -> Any: ...
argmin: _argmin
class _argsort(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., kind: Any = ..., order: Any = ..., *, stable: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., kind: Any = ..., order: Any = ..., *, stable: Any = ...) -> Any: ...
argsort: _argsort
class _around(Protocol):
    @overload
    def __call__(self, a: _Tensor, decimals: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, decimals: Any = ..., out: Any = ...) -> Any: ...
around: _around
class _array(Protocol):
    def __call__(self, object: Any, dtype: Any = ..., *, copy: Any = ..., order: Any = ..., subok: Any = ..., ndmin: Any = ..., ndmax: Any = ..., like: Any = ...) -> Any: ...
array: _array
class _array_equal(Protocol):
    def __call__(self, a1: Any, a2: Any, equal_nan: Any = ...) -> Any: ...
array_equal: _array_equal
class _array_split(Protocol):
    @overload
    def __call__(self, ary: _Tensor, indices_or_sections: Any, axis: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, ary: _Operand, indices_or_sections: Any, axis: Any = ...) -> Any: ...
array_split: _array_split
class _asanyarray(Protocol):
    @overload
    def __call__(self, a: _Tensor, dtype: Any = ..., order: Any = ..., *, device: Any = ..., copy: Any = ..., like: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, dtype: Any = ..., order: Any = ..., *, device: Any = ..., copy: Any = ..., like: Any = ...) -> Any: ...
asanyarray: _asanyarray
class _asarray(Protocol):
    @overload
    def __call__(self, a: _Tensor, dtype: Any = ..., order: Any = ..., *, device: Any = ..., copy: Any = ..., like: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, dtype: Any = ..., order: Any = ..., *, device: Any = ..., copy: Any = ..., like: Any = ...) -> Any: ...
asarray: _asarray
class _asarray_chkfinite(Protocol):
    @overload
    def __call__(self, a: _Tensor, dtype: Any = ..., order: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, dtype: Any = ..., order: Any = ...) -> Any: ...
asarray_chkfinite: _asarray_chkfinite
class _ascontiguousarray(Protocol):
    @overload
    def __call__(self, a: _Tensor, dtype: Any = ..., *, like: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, dtype: Any = ..., *, like: Any = ...) -> Any: ...
ascontiguousarray: _ascontiguousarray
class _asfortranarray(Protocol):
    @overload
    def __call__(self, a: _Tensor, dtype: Any = ..., *, like: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, dtype: Any = ..., *, like: Any = ...) -> Any: ...
asfortranarray: _asfortranarray
asin: _Ufunc
asinh: _Ufunc
class _astype(Protocol):
    @overload
    def __call__(self, x: _Tensor, dtype: Any, /, *, copy: Any = ..., device: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, x: _Operand, dtype: Any, /, *, copy: Any = ..., device: Any = ...) -> Any: ...
astype: _astype
atan: _Ufunc
atan2: _Ufunc
atanh: _Ufunc
class _atleast_1d(Protocol):
    def __call__(self, *arys: Any) -> Any: ...
atleast_1d: _atleast_1d
class _atleast_2d(Protocol):
    def __call__(self, *arys: Any) -> Any: ...
atleast_2d: _atleast_2d
class _atleast_3d(Protocol):
    def __call__(self, *arys: Any) -> Any: ...
atleast_3d: _atleast_3d
class _average(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., weights: Any = ..., returned: Any = ..., *, keepdims: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., weights: Any = ..., returned: Any = ..., *, keepdims: Any = ...) -> Any: ...
average: _average
class _bincount(Protocol):
    @overload
    def __call__(self, x: _Tensor, /, weights: Any = ..., minlength: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, x: _Operand, /, weights: Any = ..., minlength: Any = ...) -> Any: ...
bincount: _bincount
bitwise_and: _Ufunc
bitwise_invert: _Ufunc
bitwise_left_shift: _Ufunc
bitwise_not: _Ufunc
bitwise_or: _Ufunc
bitwise_right_shift: _Ufunc
bitwise_xor: _Ufunc
class _block(Protocol):
    @overload
    def __call__(self, arrays: _Tensor) -> _Tensor: ...
    @overload
    def __call__(self, arrays: _Operand) -> Any: ...
block: _block
class _broadcast_arrays(Protocol):
    def __call__(self, *args: Any, subok: Any = ...) -> Any: ...
broadcast_arrays: _broadcast_arrays
class _broadcast_to(Protocol):
    @overload
    def __call__(self, array: _Tensor, shape: Any, subok: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, array: _Operand, shape: Any, subok: Any = ...) -> Any: ...
broadcast_to: _broadcast_to
c_: Any
cbrt: _Ufunc
ceil: _Ufunc
class _choose(Protocol):
    def __call__(self, a: _Operand, choices: _Operand, out: Any = ..., mode: Any = ...) -> Any: ...
choose: _choose
class _clip(Protocol):
    @overload
    def __call__(self, a: _Tensor, a_min: Any = ..., a_max: Any = ..., out: Any = ..., *, min: Any = ..., max: Any = ..., **kwargs: Any) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, a_min: Any = ..., a_max: Any = ..., out: Any = ..., *, min: Any = ..., max: Any = ..., **kwargs: Any) -> Any: ...
clip: _clip
class _column_stack(Protocol):
    def __call__(self, tup: _Operand) -> Any: ...
column_stack: _column_stack
class _compress(Protocol):
    @overload
    def __call__(self, condition: _Tensor, a: _Operand, axis: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, condition: _Operand, a: _Operand, axis: Any = ..., out: Any = ...) -> Any: ...
compress: _compress
class _concat(Protocol):
    def __call__(self, arrays: _Operand, /, axis: Any = ..., out: Any = ..., *, dtype: Any = ..., casting: Any = ...) -> Any: ...
concat: _concat
class _concatenate(Protocol):
    def __call__(self, arrays: _Operand, /, axis: Any = ..., out: Any = ..., *, dtype: Any = ..., casting: Any = ...) -> Any: ...
concatenate: _concatenate
conj: _Ufunc
conjugate: _Ufunc
class _convolve(Protocol):
    @overload
    def __call__(self, a: _Tensor, v: _Operand, mode: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, v: _Operand, mode: Any = ...) -> Any: ...
convolve: _convolve
class _copy(Protocol):
    @overload
    def __call__(self, a: _Tensor, order: Any = ..., subok: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, order: Any = ..., subok: Any = ...) -> Any: ...
copy: _copy
copysign: _Ufunc
class _corrcoef(Protocol):
    @overload
    def __call__(self, x: _Tensor, y: Any = ..., rowvar: Any = ..., *, dtype: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, x: _Operand, y: Any = ..., rowvar: Any = ..., *, dtype: Any = ...) -> Any: ...
corrcoef: _corrcoef
class _correlate(Protocol):
    @overload
    def __call__(self, a: _Tensor, v: _Operand, mode: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, v: _Operand, mode: Any = ...) -> Any: ...
correlate: _correlate
cos: _Ufunc
cosh: _Ufunc
class _count_nonzero(Protocol):
    def __call__(self, a: Any, axis: Any = ..., *, keepdims: Any = ...) -> Any: ...
count_nonzero: _count_nonzero
class _cov(Protocol):
    @overload
    def __call__(self, m: _Tensor, y: Any = ..., rowvar: Any = ..., bias: Any = ..., ddof: Any = ..., fweights: Any = ..., aweights: Any = ..., *, dtype: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, m: _Operand, y: Any = ..., rowvar: Any = ..., bias: Any = ..., ddof: Any = ..., fweights: Any = ..., aweights: Any = ..., *, dtype: Any = ...) -> Any: ...
cov: _cov
class _cross(Protocol):
    @overload
    def __call__(self, a: _Tensor, b: _Operand, axisa: Any = ..., axisb: Any = ..., axisc: Any = ..., axis: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, b: _Operand, axisa: Any = ..., axisb: Any = ..., axisc: Any = ..., axis: Any = ...) -> Any: ...
cross: _cross
class _cumprod(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., dtype: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., dtype: Any = ..., out: Any = ...) -> Any: ...
cumprod: _cumprod
class _cumsum(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., dtype: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., dtype: Any = ..., out: Any = ...) -> Any: ...
cumsum: _cumsum
class _cumulative_prod(Protocol):
    @overload
    def __call__(self, x: _Tensor, /, *, axis: Any = ..., dtype: Any = ..., out: Any = ..., include_initial: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, x: _Operand, /, *, axis: Any = ..., dtype: Any = ..., out: Any = ..., include_initial: Any = ...) -> Any: ...
cumulative_prod: _cumulative_prod
class _cumulative_sum(Protocol):
    @overload
    def __call__(self, x: _Tensor, /, *, axis: Any = ..., dtype: Any = ..., out: Any = ..., include_initial: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, x: _Operand, /, *, axis: Any = ..., dtype: Any = ..., out: Any = ..., include_initial: Any = ...) -> Any: ...
cumulative_sum: _cumulative_sum
deg2rad: _Ufunc
degrees: _Ufunc
class _delete(Protocol):
    @overload
    def __call__(self, arr: _Tensor, obj: Any, axis: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, arr: _Operand, obj: Any, axis: Any = ...) -> Any: ...
delete: _delete
class _diag(Protocol):
    @overload
    def __call__(self, v: _Tensor, k: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, v: _Operand, k: Any = ...) -> Any: ...
diag: _diag
class _diagflat(Protocol):
    @overload
    def __call__(self, v: _Tensor, k: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, v: _Operand, k: Any = ...) -> Any: ...
diagflat: _diagflat
class _diagonal(Protocol):
    @overload
    def __call__(self, a: _Tensor, offset: Any = ..., axis1: Any = ..., axis2: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, offset: Any = ..., axis1: Any = ..., axis2: Any = ...) -> Any: ...
diagonal: _diagonal
class _diff(Protocol):
    @overload
    def __call__(self, a: _Tensor, n: Any = ..., axis: Any = ..., prepend: Any = ..., append: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, n: Any = ..., axis: Any = ..., prepend: Any = ..., append: Any = ...) -> Any: ...
diff: _diff
divide: _Ufunc
divmod: Any
class _dot(Protocol):
    @overload
    def __call__(self, a: _Tensor, b: _Operand, out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, b: _Operand, out: Any = ...) -> Any: ...
dot: _dot
class _dsplit(Protocol):
    @overload
    def __call__(self, ary: _Tensor, indices_or_sections: Any) -> _Tensor: ...
    @overload
    def __call__(self, ary: _Operand, indices_or_sections: Any) -> Any: ...
dsplit: _dsplit
class _dstack(Protocol):
    def __call__(self, tup: _Operand) -> Any: ...
dstack: _dstack
class _ediff1d(Protocol):
    @overload
    def __call__(self, ary: _Tensor, to_end: Any = ..., to_begin: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, ary: _Operand, to_end: Any = ..., to_begin: Any = ...) -> Any: ...
ediff1d: _ediff1d
class _einsum(Protocol):
    def __call__(self, *operands: Any, out: Any = ..., optimize: Any = ..., **kwargs: Any) -> Any: ...
einsum: _einsum
class _empty_like(Protocol):
    @overload
    def __call__(self, prototype: _Tensor, /, dtype: Any = ..., order: Any = ..., subok: Any = ..., shape: Any = ..., *, device: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, prototype: _Operand, /, dtype: Any = ..., order: Any = ..., subok: Any = ..., shape: Any = ..., *, device: Any = ...) -> Any: ...
empty_like: _empty_like
equal: _Ufunc
exp: _Ufunc
exp2: _Ufunc
class _expand_dims(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any) -> Any: ...
expand_dims: _expand_dims
expm1: _Ufunc
class _extract(Protocol):
    @overload
    def __call__(self, condition: _Tensor, arr: _Operand) -> _Tensor: ...
    @overload
    def __call__(self, condition: _Operand, arr: _Operand) -> Any: ...
extract: _extract
fabs: _Ufunc
class _fix(Protocol):
    @overload
    def __call__(self, x: _Tensor, out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, x: _Operand, out: Any = ...) -> Any: ...
fix: _fix
class _flip(Protocol):
    @overload
    def __call__(self, m: _Tensor, axis: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, m: _Operand, axis: Any = ...) -> Any: ...
flip: _flip
class _fliplr(Protocol):
    @overload
    def __call__(self, m: _Tensor) -> _Tensor: ...
    @overload
    def __call__(self, m: _Operand) -> Any: ...
fliplr: _fliplr
class _flipud(Protocol):
    @overload
    def __call__(self, m: _Tensor) -> _Tensor: ...
    @overload
    def __call__(self, m: _Operand) -> Any: ...
flipud: _flipud
float_power: _Ufunc
floor: _Ufunc
floor_divide: _Ufunc
fmax: _Ufunc
fmin: _Ufunc
fmod: _Ufunc
frexp: Any
class _full(Protocol):
    @overload
    def __call__(self, shape: Any, fill_value: _Tensor, dtype: Any = ..., order: Any = ..., *, device: Any = ..., like: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, shape: Any, fill_value: _Operand, dtype: Any = ..., order: Any = ..., *, device: Any = ..., like: Any = ...) -> Any: ...
full: _full
class _full_like(Protocol):
    @overload
    def __call__(self, a: _Tensor, fill_value: _Operand, dtype: Any = ..., order: Any = ..., subok: Any = ..., shape: Any = ..., *, device: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, fill_value: _Operand, dtype: Any = ..., order: Any = ..., subok: Any = ..., shape: Any = ..., *, device: Any = ...) -> Any: ...
full_like: _full_like
class _geomspace(Protocol):
    @overload
    def __call__(self, start: _Tensor, stop: _Operand, num: Any = ..., endpoint: Any = ..., dtype: Any = ..., axis: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, start: _Operand, stop: _Operand, num: Any = ..., endpoint: Any = ..., dtype: Any = ..., axis: Any = ...) -> Any: ...
geomspace: _geomspace
class _gradient(Protocol):
    def __call__(self, f: Any, *varargs: Any, axis: Any = ..., edge_order: Any = ...) -> Any: ...
gradient: _gradient
greater: _Ufunc
greater_equal: _Ufunc
heaviside: _Ufunc
class _histogram(Protocol):
    @overload
    def __call__(self, a: _Tensor, bins: Any = ..., range: Any = ..., density: Any = ..., weights: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, bins: Any = ..., range: Any = ..., density: Any = ..., weights: Any = ...) -> Any: ...
histogram: _histogram
class _hsplit(Protocol):
    @overload
    def __call__(self, ary: _Tensor, indices_or_sections: Any) -> _Tensor: ...
    @overload
    def __call__(self, ary: _Operand, indices_or_sections: Any) -> Any: ...
hsplit: _hsplit
class _hstack(Protocol):
    def __call__(self, tup: _Operand, *, dtype: Any = ..., casting: Any = ...) -> Any: ...
hstack: _hstack
hypot: _Ufunc
class _i0(Protocol):
    @overload
    def __call__(self, x: _Tensor) -> _Tensor: ...
    @overload
    def __call__(self, x: _Operand) -> Any: ...
i0: _i0
class _imag(Protocol):
    @overload
    def __call__(self, val: _Tensor) -> _Tensor: ...
    @overload
    def __call__(self, val: _Operand) -> Any: ...
imag: _imag
class _inner(Protocol):
    @overload
    def __call__(self, a: _Tensor, b: _Operand, /) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, b: _Operand, /) -> Any: ...
inner: _inner
class _insert(Protocol):
    @overload
    def __call__(self, arr: _Tensor, obj: _Operand, values: _Operand, axis: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, arr: _Operand, obj: _Operand, values: _Operand, axis: Any = ...) -> Any: ...
insert: _insert
class _interp(Protocol):
    @overload
    def __call__(self, x: _Tensor, xp: _Operand, fp: _Operand, left: Any = ..., right: Any = ..., period: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, x: _Operand, xp: _Operand, fp: _Operand, left: Any = ..., right: Any = ..., period: Any = ...) -> Any: ...
interp: _interp
class _intersect1d(Protocol):
    @overload
    def __call__(self, ar1: _Tensor, ar2: _Operand, assume_unique: Any = ..., return_indices: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, ar1: _Operand, ar2: _Operand, assume_unique: Any = ..., return_indices: Any = ...) -> Any: ...
intersect1d: _intersect1d
invert: _Ufunc
class _isclose(Protocol):
    def __call__(self, a: Any, b: Any, rtol: Any = ..., atol: Any = ..., equal_nan: Any = ...) -> Any: ...
isclose: _isclose
isfinite: _Ufunc
class _isin(Protocol):
    def __call__(self, element: Any, test_elements: Any, assume_unique: Any = ..., invert: Any = ..., *, kind: Any = ...) -> Any: ...
isin: _isin
isinf: _Ufunc
isnan: _Ufunc
class _kron(Protocol):
    @overload
    def __call__(self, a: _Tensor, b: _Operand) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, b: _Operand) -> Any: ...
kron: _kron
ldexp: _Ufunc
left_shift: _Ufunc
less: _Ufunc
less_equal: _Ufunc
class _linspace(Protocol):
    @overload
    def __call__(self, start: _Tensor, stop: _Operand, num: Any = ..., endpoint: Any = ..., retstep: Any = ..., dtype: Any = ..., axis: Any = ..., *, device: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, start: _Operand, stop: _Operand, num: Any = ..., endpoint: Any = ..., retstep: Any = ..., dtype: Any = ..., axis: Any = ..., *, device: Any = ...) -> Any: ...
linspace: _linspace
log: _Ufunc
log10: _Ufunc
log1p: _Ufunc
log2: _Ufunc
logaddexp: _Ufunc
logaddexp2: _Ufunc
logical_and: _Ufunc
logical_not: _Ufunc
logical_or: _Ufunc
logical_xor: _Ufunc
class _logspace(Protocol):
    @overload
    def __call__(self, start: _Tensor, stop: _Operand, num: Any = ..., endpoint: Any = ..., base: Any = ..., dtype: Any = ..., axis: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, start: _Operand, stop: _Operand, num: Any = ..., endpoint: Any = ..., base: Any = ..., dtype: Any = ..., axis: Any = ...) -> Any: ...
logspace: _logspace
matmul: _Ufunc
class _matrix_transpose(Protocol):
    @overload
    def __call__(self, x: _Tensor, /) -> _Tensor: ...
    @overload
    def __call__(self, x: _Operand, /) -> Any: ...
matrix_transpose: _matrix_transpose
matvec: _Ufunc
class _max(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., out: Any = ..., keepdims: Any = ..., initial: Any = ..., where: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., out: Any = ..., keepdims: Any = ..., initial: Any = ..., where: Any = ...) -> Any: ...
max: _max
maximum: _Ufunc
class _mean(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., dtype: Any = ..., out: Any = ..., keepdims: Any = ..., *, where: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., dtype: Any = ..., out: Any = ..., keepdims: Any = ..., *, where: Any = ...) -> Any: ...
mean: _mean
class _median(Protocol):
    def __call__(self, a: _Operand, axis: Any = ..., out: Any = ..., overwrite_input: Any = ..., keepdims: Any = ...) -> Any: ...
median: _median
class _meshgrid(Protocol):
    def __call__(self, *xi: Any, copy: Any = ..., sparse: Any = ..., indexing: Any = ...) -> Any: ...
meshgrid: _meshgrid
class _min(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., out: Any = ..., keepdims: Any = ..., initial: Any = ..., where: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., out: Any = ..., keepdims: Any = ..., initial: Any = ..., where: Any = ...) -> Any: ...
min: _min
minimum: _Ufunc
mod: _Ufunc
modf: Any
class _moveaxis(Protocol):
    @overload
    def __call__(self, a: _Tensor, source: Any, destination: Any) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, source: Any, destination: Any) -> Any: ...
moveaxis: _moveaxis
multiply: _Ufunc
class _nan_to_num(Protocol):
    @overload
    def __call__(self, x: _Tensor, copy: Any = ..., nan: Any = ..., posinf: Any = ..., neginf: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, x: _Operand, copy: Any = ..., nan: Any = ..., posinf: Any = ..., neginf: Any = ...) -> Any: ...
nan_to_num: _nan_to_num
class _nancumprod(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., dtype: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., dtype: Any = ..., out: Any = ...) -> Any: ...
nancumprod: _nancumprod
class _nancumsum(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., dtype: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., dtype: Any = ..., out: Any = ...) -> Any: ...
nancumsum: _nancumsum
class _nanmax(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., out: Any = ..., keepdims: Any = ..., initial: Any = ..., where: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., out: Any = ..., keepdims: Any = ..., initial: Any = ..., where: Any = ...) -> Any: ...
nanmax: _nanmax
class _nanmean(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., dtype: Any = ..., out: Any = ..., keepdims: Any = ..., *, where: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., dtype: Any = ..., out: Any = ..., keepdims: Any = ..., *, where: Any = ...) -> Any: ...
nanmean: _nanmean
class _nanmedian(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., out: Any = ..., overwrite_input: Any = ..., keepdims: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., out: Any = ..., overwrite_input: Any = ..., keepdims: Any = ...) -> Any: ...
nanmedian: _nanmedian
class _nanmin(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., out: Any = ..., keepdims: Any = ..., initial: Any = ..., where: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., out: Any = ..., keepdims: Any = ..., initial: Any = ..., where: Any = ...) -> Any: ...
nanmin: _nanmin
class _nanpercentile(Protocol):
    @overload
    def __call__(self, a: _Tensor, q: _Operand, axis: Any = ..., out: Any = ..., overwrite_input: Any = ..., method: Any = ..., keepdims: Any = ..., *, weights: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, q: _Operand, axis: Any = ..., out: Any = ..., overwrite_input: Any = ..., method: Any = ..., keepdims: Any = ..., *, weights: Any = ...) -> Any: ...
nanpercentile: _nanpercentile
class _nanprod(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., dtype: Any = ..., out: Any = ..., keepdims: Any = ..., initial: Any = ..., where: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., dtype: Any = ..., out: Any = ..., keepdims: Any = ..., initial: Any = ..., where: Any = ...) -> Any: ...
nanprod: _nanprod
class _nanquantile(Protocol):
    @overload
    def __call__(self, a: _Tensor, q: _Operand, axis: Any = ..., out: Any = ..., overwrite_input: Any = ..., method: Any = ..., keepdims: Any = ..., *, weights: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, q: _Operand, axis: Any = ..., out: Any = ..., overwrite_input: Any = ..., method: Any = ..., keepdims: Any = ..., *, weights: Any = ...) -> Any: ...
nanquantile: _nanquantile
class _nanstd(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., dtype: Any = ..., out: Any = ..., ddof: Any = ..., keepdims: Any = ..., *, where: Any = ..., mean: Any = ..., correction: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., dtype: Any = ..., out: Any = ..., ddof: Any = ..., keepdims: Any = ..., *, where: Any = ..., mean: Any = ..., correction: Any = ...) -> Any: ...
nanstd: _nanstd
class _nansum(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., dtype: Any = ..., out: Any = ..., keepdims: Any = ..., initial: Any = ..., where: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., dtype: Any = ..., out: Any = ..., keepdims: Any = ..., initial: Any = ..., where: Any = ...) -> Any: ...
nansum: _nansum
class _nanvar(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., dtype: Any = ..., out: Any = ..., ddof: Any = ..., keepdims: Any = ..., *, where: Any = ..., mean: Any = ..., correction: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., dtype: Any = ..., out: Any = ..., ddof: Any = ..., keepdims: Any = ..., *, where: Any = ..., mean: Any = ..., correction: Any = ...) -> Any: ...
nanvar: _nanvar
negative: _Ufunc
nextafter: _Ufunc
class _nonzero(Protocol):
    def __call__(self, a: Any) -> Any: ...
nonzero: _nonzero
not_equal: _Ufunc
class _ones_like(Protocol):
    @overload
    def __call__(self, a: _Tensor, dtype: Any = ..., order: Any = ..., subok: Any = ..., shape: Any = ..., *, device: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, dtype: Any = ..., order: Any = ..., subok: Any = ..., shape: Any = ..., *, device: Any = ...) -> Any: ...
ones_like: _ones_like
class _outer(Protocol):
    @overload
    def __call__(self, a: _Tensor, b: _Operand, out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, b: _Operand, out: Any = ...) -> Any: ...
outer: _outer
class _pad(Protocol):
    @overload
    def __call__(self, array: _Tensor, pad_width: Any, mode: Any = ..., **kwargs: Any) -> _Tensor: ...
    @overload
    def __call__(self, array: _Operand, pad_width: Any, mode: Any = ..., **kwargs: Any) -> Any: ...
pad: _pad
class _partition(Protocol):
    def __call__(self, a: _Operand, kth: Any, axis: Any = ..., kind: Any = ..., order: Any = ...) -> Any: ...
partition: _partition
class _percentile(Protocol):
    @overload
    def __call__(self, a: _Tensor, q: _Operand, axis: Any = ..., out: Any = ..., overwrite_input: Any = ..., method: Any = ..., keepdims: Any = ..., *, weights: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, q: _Operand, axis: Any = ..., out: Any = ..., overwrite_input: Any = ..., method: Any = ..., keepdims: Any = ..., *, weights: Any = ...) -> Any: ...
percentile: _percentile
class _permute_dims(Protocol):
    @overload
    def __call__(self, a: _Tensor, axes: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axes: Any = ...) -> Any: ...
permute_dims: _permute_dims
class _piecewise(Protocol):
    def __call__(self, x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any: ...
piecewise: _piecewise
class _poly(Protocol):
    @overload
    def __call__(self, seq_of_zeros: _Tensor) -> _Tensor: ...
    @overload
    def __call__(self, seq_of_zeros: _Operand) -> Any: ...
poly: _poly
class _polyadd(Protocol):
    @overload
    def __call__(self, a1: _Tensor, a2: _Operand) -> _Tensor: ...
    @overload
    def __call__(self, a1: _Operand, a2: _Operand) -> Any: ...
polyadd: _polyadd
class _polyder(Protocol):
    @overload
    def __call__(self, p: _Tensor, m: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, p: _Operand, m: Any = ...) -> Any: ...
polyder: _polyder
class _polydiv(Protocol):
    @overload
    def __call__(self, u: _Tensor, v: _Operand) -> _Tensor: ...
    @overload
    def __call__(self, u: _Operand, v: _Operand) -> Any: ...
polydiv: _polydiv
class _polyfit(Protocol):
    @overload
    def __call__(self, x: _Tensor, y: _Operand, deg: _Operand, rcond: Any = ..., full: Any = ..., w: Any = ..., cov: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, x: _Operand, y: _Operand, deg: _Operand, rcond: Any = ..., full: Any = ..., w: Any = ..., cov: Any = ...) -> Any: ...
polyfit: _polyfit
class _polyint(Protocol):
    @overload
    def __call__(self, p: _Tensor, m: Any = ..., k: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, p: _Operand, m: Any = ..., k: Any = ...) -> Any: ...
polyint: _polyint
class _polymul(Protocol):
    @overload
    def __call__(self, a1: _Tensor, a2: _Operand) -> _Tensor: ...
    @overload
    def __call__(self, a1: _Operand, a2: _Operand) -> Any: ...
polymul: _polymul
class _polysub(Protocol):
    @overload
    def __call__(self, a1: _Tensor, a2: _Operand) -> _Tensor: ...
    @overload
    def __call__(self, a1: _Operand, a2: _Operand) -> Any: ...
polysub: _polysub
class _polyval(Protocol):
    @overload
    def __call__(self, p: _Tensor, x: _Operand) -> _Tensor: ...
    @overload
    def __call__(self, p: _Operand, x: _Operand) -> Any: ...
polyval: _polyval
positive: _Ufunc
pow: _Ufunc
power: _Ufunc
class _prod(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., dtype: Any = ..., out: Any = ..., keepdims: Any = ..., initial: Any = ..., where: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., dtype: Any = ..., out: Any = ..., keepdims: Any = ..., initial: Any = ..., where: Any = ...) -> Any: ...
prod: _prod
class _ptp(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., out: Any = ..., keepdims: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., out: Any = ..., keepdims: Any = ...) -> Any: ...
ptp: _ptp
class _quantile(Protocol):
    @overload
    def __call__(self, a: _Tensor, q: _Operand, axis: Any = ..., out: Any = ..., overwrite_input: Any = ..., method: Any = ..., keepdims: Any = ..., *, weights: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, q: _Operand, axis: Any = ..., out: Any = ..., overwrite_input: Any = ..., method: Any = ..., keepdims: Any = ..., *, weights: Any = ...) -> Any: ...
quantile: _quantile
r_: Any
rad2deg: _Ufunc
radians: _Ufunc
class _ravel(Protocol):
    @overload
    def __call__(self, a: _Tensor, order: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, order: Any = ...) -> Any: ...
ravel: _ravel
class _real(Protocol):
    @overload
    def __call__(self, val: _Tensor) -> _Tensor: ...
    @overload
    def __call__(self, val: _Operand) -> Any: ...
real: _real
class _real_if_close(Protocol):
    @overload
    def __call__(self, a: _Tensor, tol: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, tol: Any = ...) -> Any: ...
real_if_close: _real_if_close
reciprocal: _Ufunc
remainder: _Ufunc
class _repeat(Protocol):
    @overload
    def __call__(self, a: _Tensor, repeats: Any, axis: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, repeats: Any, axis: Any = ...) -> Any: ...
repeat: _repeat
class _reshape(Protocol):
    @overload
    def __call__(self, a: _Tensor, /, shape: Any, order: Any = ..., *, copy: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, /, shape: Any, order: Any = ..., *, copy: Any = ...) -> Any: ...
reshape: _reshape
class _resize(Protocol):
    @overload
    def __call__(self, a: _Tensor, new_shape: Any) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, new_shape: Any) -> Any: ...
resize: _resize
right_shift: _Ufunc
rint: _Ufunc
class _roll(Protocol):
    @overload
    def __call__(self, a: _Tensor, shift: Any, axis: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, shift: Any, axis: Any = ...) -> Any: ...
roll: _roll
class _rollaxis(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any, start: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any, start: Any = ...) -> Any: ...
rollaxis: _rollaxis
class _roots(Protocol):
    @overload
    def __call__(self, p: _Tensor) -> _Tensor: ...
    @overload
    def __call__(self, p: _Operand) -> Any: ...
roots: _roots
class _rot90(Protocol):
    @overload
    def __call__(self, m: _Tensor, k: Any = ..., axes: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, m: _Operand, k: Any = ..., axes: Any = ...) -> Any: ...
rot90: _rot90
class _round(Protocol):
    @overload
    def __call__(self, a: _Tensor, decimals: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, decimals: Any = ..., out: Any = ...) -> Any: ...
round: _round
class _searchsorted(Protocol):
    def __call__(self, a: Any, v: Any, side: Any = ..., sorter: Any = ...) -> Any: ...
searchsorted: _searchsorted
class _select(Protocol):
    def __call__(self, condlist: Any, choicelist: Any, default: Any = ...) -> Any: ...
select: _select
class _setdiff1d(Protocol):
    @overload
    def __call__(self, ar1: _Tensor, ar2: _Operand, assume_unique: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, ar1: _Operand, ar2: _Operand, assume_unique: Any = ...) -> Any: ...
setdiff1d: _setdiff1d
class _setxor1d(Protocol):
    @overload
    def __call__(self, ar1: _Tensor, ar2: _Operand, assume_unique: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, ar1: _Operand, ar2: _Operand, assume_unique: Any = ...) -> Any: ...
setxor1d: _setxor1d
sign: _Ufunc
signbit: _Ufunc
sin: _Ufunc
class _sinc(Protocol):
    @overload
    def __call__(self, x: _Tensor) -> _Tensor: ...
    @overload
    def __call__(self, x: _Operand) -> Any: ...
sinc: _sinc
sinh: _Ufunc
class _sort(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., kind: Any = ..., order: Any = ..., *, stable: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., kind: Any = ..., order: Any = ..., *, stable: Any = ...) -> Any: ...
sort: _sort
class _sort_complex(Protocol):
    @overload
    def __call__(self, a: _Tensor) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand) -> Any: ...
sort_complex: _sort_complex
class _split(Protocol):
    def __call__(self, ary: _Operand, indices_or_sections: Any, axis: Any = ...) -> Any: ...
split: _split
sqrt: _Ufunc
square: _Ufunc
class _squeeze(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ...) -> Any: ...
squeeze: _squeeze
class _stack(Protocol):
    def __call__(self, arrays: _Operand, axis: Any = ..., out: Any = ..., *, dtype: Any = ..., casting: Any = ...) -> Any: ...
stack: _stack
class _std(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., dtype: Any = ..., out: Any = ..., ddof: Any = ..., keepdims: Any = ..., *, where: Any = ..., mean: Any = ..., correction: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., dtype: Any = ..., out: Any = ..., ddof: Any = ..., keepdims: Any = ..., *, where: Any = ..., mean: Any = ..., correction: Any = ...) -> Any: ...
std: _std
subtract: _Ufunc
class _sum(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., dtype: Any = ..., out: Any = ..., keepdims: Any = ..., initial: Any = ..., where: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., dtype: Any = ..., out: Any = ..., keepdims: Any = ..., initial: Any = ..., where: Any = ...) -> Any: ...
sum: _sum
class _swapaxes(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis1: Any, axis2: Any) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis1: Any, axis2: Any) -> Any: ...
swapaxes: _swapaxes
class _take(Protocol):
    @overload
    def __call__(self, a: _Tensor, indices: _Operand, axis: Any = ..., out: Any = ..., mode: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, indices: _Operand, axis: Any = ..., out: Any = ..., mode: Any = ...) -> Any: ...
take: _take
class _take_along_axis(Protocol):
    @overload
    def __call__(self, arr: _Tensor, indices: _Operand, axis: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, arr: _Operand, indices: _Operand, axis: Any = ...) -> Any: ...
take_along_axis: _take_along_axis
tan: _Ufunc
tanh: _Ufunc
class _tensordot(Protocol):
    @overload
    def __call__(self, a: _Tensor, b: _Operand, axes: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, b: _Operand, axes: Any = ...) -> Any: ...
tensordot: _tensordot
class _tile(Protocol):
    @overload
    def __call__(self, A: _Tensor, reps: Any) -> _Tensor: ...
    @overload
    def __call__(self, A: _Operand, reps: Any) -> Any: ...
tile: _tile
class _trace(Protocol):
    @overload
    def __call__(self, a: _Tensor, offset: Any = ..., axis1: Any = ..., axis2: Any = ..., dtype: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, offset: Any = ..., axis1: Any = ..., axis2: Any = ..., dtype: Any = ..., out: Any = ...) -> Any: ...
trace: _trace
class _transpose(Protocol):
    @overload
    def __call__(self, a: _Tensor, axes: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axes: Any = ...) -> Any: ...
transpose: _transpose
class _trapezoid(Protocol):
    @overload
    def __call__(self, y: _Tensor, x: Any = ..., dx: Any = ..., axis: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, y: _Operand, x: Any = ..., dx: Any = ..., axis: Any = ...) -> Any: ...
trapezoid: _trapezoid
class _tril(Protocol):
    @overload
    def __call__(self, m: _Tensor, k: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, m: _Operand, k: Any = ...) -> Any: ...
tril: _tril
class _trim_zeros(Protocol):
    @overload
    def __call__(self, filt: _Tensor, trim: Any = ..., axis: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, filt: _Operand, trim: Any = ..., axis: Any = ...) -> Any: ...
trim_zeros: _trim_zeros
class _triu(Protocol):
    @overload
    def __call__(self, m: _Tensor, k: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, m: _Operand, k: Any = ...) -> Any: ...
triu: _triu
true_divide: _Ufunc
trunc: _Ufunc
class _union1d(Protocol):
    @overload
    def __call__(self, ar1: _Tensor, ar2: _Operand) -> _Tensor: ...
    @overload
    def __call__(self, ar1: _Operand, ar2: _Operand) -> Any: ...
union1d: _union1d
class _unique(Protocol):
    def __call__(self, ar: _Operand, return_index: Any = ..., return_inverse: Any = ..., return_counts: Any = ..., axis: Any = ..., *, equal_nan: Any = ..., sorted: Any = ...) -> Any: ...
unique: _unique
class _unique_all(Protocol):
    def __call__(self, x: _Operand) -> Any: ...
unique_all: _unique_all
class _unique_counts(Protocol):
    def __call__(self, x: _Operand) -> Any: ...
unique_counts: _unique_counts
class _unique_inverse(Protocol):
    def __call__(self, x: _Operand) -> Any: ...
unique_inverse: _unique_inverse
class _unique_values(Protocol):
    @overload
    def __call__(self, x: _Tensor) -> _Tensor: ...
    @overload
    def __call__(self, x: _Operand) -> Any: ...
unique_values: _unique_values
class _unstack(Protocol):
    def __call__(self, x: _Operand, /, *, axis: Any = ...) -> Any: ...
unstack: _unstack
class _unwrap(Protocol):
    @overload
    def __call__(self, p: _Tensor, discont: Any = ..., axis: Any = ..., *, period: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, p: _Operand, discont: Any = ..., axis: Any = ..., *, period: Any = ...) -> Any: ...
unwrap: _unwrap
class _vander(Protocol):
    @overload
    def __call__(self, x: _Tensor, N: Any = ..., increasing: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, x: _Operand, N: Any = ..., increasing: Any = ...) -> Any: ...
vander: _vander
class _var(Protocol):
    @overload
    def __call__(self, a: _Tensor, axis: Any = ..., dtype: Any = ..., out: Any = ..., ddof: Any = ..., keepdims: Any = ..., *, where: Any = ..., mean: Any = ..., correction: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, axis: Any = ..., dtype: Any = ..., out: Any = ..., ddof: Any = ..., keepdims: Any = ..., *, where: Any = ..., mean: Any = ..., correction: Any = ...) -> Any: ...
var: _var
class _vdot(Protocol):
    @overload
    def __call__(self, a: _Tensor, b: _Operand, /) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, b: _Operand, /) -> Any: ...
vdot: _vdot
vecdot: _Ufunc
vecmat: _Ufunc
class _vsplit(Protocol):
    @overload
    def __call__(self, ary: _Tensor, indices_or_sections: Any) -> _Tensor: ...
    @overload
    def __call__(self, ary: _Operand, indices_or_sections: Any) -> Any: ...
vsplit: _vsplit
class _vstack(Protocol):
    def __call__(self, tup: _Operand, *, dtype: Any = ..., casting: Any = ...) -> Any: ...
vstack: _vstack
class _where(Protocol):
    @overload
    def __call__(self, condition: _Tensor, x: _Operand = ..., y: _Operand = ..., /) -> _Tensor: ...
    @overload
    def __call__(self, condition: _Operand, x: _Operand = ..., y: _Operand = ..., /) -> Any: ...
where: _where
class _zeros_like(Protocol):
    @overload
    def __call__(self, a: _Tensor, dtype: Any = ..., order: Any = ..., subok: Any = ..., shape: Any = ..., *, device: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, dtype: Any = ..., order: Any = ..., subok: Any = ..., shape: Any = ..., *, device: Any = ...) -> Any: ...
zeros_like: _zeros_like
__version__: str

__all__ = ['False_', 'ScalarType', 'True_', '__array_namespace_info__', '__version__', 'abs', 'absolute', 'acos', 'acosh', 'add', 'all', 'allclose', 'amax', 'amin', 'angle', 'any', 'append', 'apply_along_axis', 'apply_over_axes', 'arange', 'arccos', 'arccosh', 'arcsin', 'arcsinh', 'arctan', 'arctan2', 'arctanh', 'argmax', 'argmin', 'argpartition', 'argsort', 'argwhere', 'around', 'array', 'array2string', 'array_equal', 'array_equiv', 'array_repr', 'array_split', 'array_str', 'asanyarray', 'asarray', 'asarray_chkfinite', 'ascontiguousarray', 'asfortranarray', 'asin', 'asinh', 'asmatrix', 'astype', 'atan', 'atan2', 'atanh', 'atleast_1d', 'atleast_2d', 'atleast_3d', 'average', 'bartlett', 'base_repr', 'binary_repr', 'bincount', 'bitwise_and', 'bitwise_count', 'bitwise_invert', 'bitwise_left_shift', 'bitwise_not', 'bitwise_or', 'bitwise_right_shift', 'bitwise_xor', 'blackman', 'block', 'bmat', 'bool', 'bool_', 'broadcast', 'broadcast_arrays', 'broadcast_shapes', 'broadcast_to', 'busday_count', 'busday_offset', 'busdaycalendar', 'byte', 'bytes_', 'c_', 'can_cast', 'cbrt', 'cdouble', 'ceil', 'char', 'character', 'choose', 'clip', 'clongdouble', 'column_stack', 'common_type', 'complex128', 'complex256', 'complex64', 'complexfloating', 'compress', 'concat', 'concatenate', 'conj', 'conjugate', 'convolve', 'copy', 'copysign', 'copyto', 'core', 'corrcoef', 'correlate', 'cos', 'cosh', 'count_nonzero', 'cov', 'cross', 'csingle', 'ctypeslib', 'cumprod', 'cumsum', 'cumulative_prod', 'cumulative_sum', 'datetime64', 'datetime_as_string', 'datetime_data', 'deg2rad', 'degrees', 'delete', 'diag', 'diag_indices', 'diag_indices_from', 'diagflat', 'diagonal', 'diff', 'digitize', 'divide', 'divmod', 'dot', 'double', 'dsplit', 'dstack', 'dtype', 'dtypes', 'e', 'ediff1d', 'einsum', 'einsum_path', 'emath', 'empty', 'empty_like', 'equal', 'errstate', 'euler_gamma', 'exceptions', 'exp', 'exp2', 'expand_dims', 'expm1', 'extract', 'eye', 'f2py', 'fabs', 'fft', 'fill_diagonal', 'finfo', 'fix', 'flatiter', 'flatnonzero', 'flexible', 'flip', 'fliplr', 'flipud', 'float128', 'float16', 'float32', 'float64', 'float_power', 'floating', 'floor', 'floor_divide', 'fmax', 'fmin', 'fmod', 'format_float_positional', 'format_float_scientific', 'frexp', 'from_dlpack', 'frombuffer', 'fromfile', 'fromfunction', 'fromiter', 'frompyfunc', 'fromregex', 'fromstring', 'full', 'full_like', 'gcd', 'generic', 'genfromtxt', 'geomspace', 'get_include', 'get_printoptions', 'getbufsize', 'geterr', 'geterrcall', 'gradient', 'greater', 'greater_equal', 'half', 'hamming', 'hanning', 'heaviside', 'histogram', 'histogram2d', 'histogram_bin_edges', 'histogramdd', 'hsplit', 'hstack', 'hypot', 'i0', 'identity', 'iinfo', 'imag', 'index_exp', 'indices', 'inexact', 'inf', 'info', 'inner', 'insert', 'int16', 'int32', 'int64', 'int8', 'int_', 'intc', 'integer', 'interp', 'intersect1d', 'intp', 'invert', 'is_busday', 'isclose', 'iscomplex', 'iscomplexobj', 'isdtype', 'isfinite', 'isfortran', 'isin', 'isinf', 'isnan', 'isnat', 'isneginf', 'isposinf', 'isreal', 'isrealobj', 'isscalar', 'issubdtype', 'iterable', 'ix_', 'kaiser', 'kron', 'lcm', 'ldexp', 'left_shift', 'less', 'less_equal', 'lexsort', 'lib', 'linalg', 'linspace', 'little_endian', 'load', 'loadtxt', 'log', 'log10', 'log1p', 'log2', 'logaddexp', 'logaddexp2', 'logical_and', 'logical_not', 'logical_or', 'logical_xor', 'logspace', 'long', 'longdouble', 'longlong', 'ma', 'mask_indices', 'matmul', 'matrix', 'matrix_transpose', 'matvec', 'max', 'maximum', 'may_share_memory', 'mean', 'median', 'memmap', 'meshgrid', 'mgrid', 'min', 'min_scalar_type', 'minimum', 'mintypecode', 'mod', 'modf', 'moveaxis', 'multiply', 'nan', 'nan_to_num', 'nanargmax', 'nanargmin', 'nancumprod', 'nancumsum', 'nanmax', 'nanmean', 'nanmedian', 'nanmin', 'nanpercentile', 'nanprod', 'nanquantile', 'nanstd', 'nansum', 'nanvar', 'ndarray', 'ndenumerate', 'ndim', 'ndindex', 'nditer', 'negative', 'nested_iters', 'newaxis', 'nextafter', 'nonzero', 'not_equal', 'number', 'object_', 'ogrid', 'ones', 'ones_like', 'outer', 'packbits', 'pad', 'partition', 'percentile', 'permute_dims', 'pi', 'piecewise', 'place', 'poly', 'poly1d', 'polyadd', 'polyder', 'polydiv', 'polyfit', 'polyint', 'polymul', 'polynomial', 'polysub', 'polyval', 'positive', 'pow', 'power', 'printoptions', 'prod', 'promote_types', 'ptp', 'put', 'put_along_axis', 'putmask', 'quantile', 'r_', 'rad2deg', 'radians', 'random', 'ravel', 'ravel_multi_index', 'real', 'real_if_close', 'rec', 'recarray', 'reciprocal', 'record', 'remainder', 'repeat', 'require', 'reshape', 'resize', 'result_type', 'right_shift', 'rint', 'roll', 'rollaxis', 'roots', 'rot90', 'round', 'row_stack', 's_', 'save', 'savetxt', 'savez', 'savez_compressed', 'sctypeDict', 'searchsorted', 'select', 'set_printoptions', 'setbufsize', 'setdiff1d', 'seterr', 'seterrcall', 'setxor1d', 'shape', 'shares_memory', 'short', 'show_config', 'show_runtime', 'sign', 'signbit', 'signedinteger', 'sin', 'sinc', 'single', 'sinh', 'size', 'sort', 'sort_complex', 'spacing', 'split', 'sqrt', 'square', 'squeeze', 'stack', 'std', 'str_', 'strings', 'subtract', 'sum', 'swapaxes', 'take', 'take_along_axis', 'tan', 'tanh', 'tensordot', 'test', 'testing', 'tile', 'timedelta64', 'trace', 'transpose', 'trapezoid', 'tri', 'tril', 'tril_indices', 'tril_indices_from', 'trim_zeros', 'triu', 'triu_indices', 'triu_indices_from', 'true_divide', 'trunc', 'typecodes', 'typename', 'typing', 'ubyte', 'ufunc', 'uint', 'uint16', 'uint32', 'uint64', 'uint8', 'uintc', 'uintp', 'ulong', 'ulonglong', 'union1d', 'unique', 'unique_all', 'unique_counts', 'unique_inverse', 'unique_values', 'unpackbits', 'unravel_index', 'unsignedinteger', 'unstack', 'unwrap', 'ushort', 'vander', 'var', 'vdot', 'vecdot', 'vecmat', 'vectorize', 'void', 'vsplit', 'vstack', 'where', 'zeros', 'zeros_like']
