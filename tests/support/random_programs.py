"""Random programs, run by fastgrad, by PyTorch, or by NumPy to find shapes.

A program is a list of steps on a list of values. Steps read values by number; a step that writes in place changes a
value, also through views of it.
"""

import numpy as np

LARGEST = 48  # elements of a value


# --- ops: name -> function of a namespace and the operands

_ONE = {
    "sin": lambda m, a: m.sin(a),
    "cos": lambda m, a: m.cos(a),
    "tanh": lambda m, a: m.tanh(a),
    "exp": lambda m, a: m.exp(a * 0.3),
    "expm1": lambda m, a: m.expm1(a * 0.3),
    "sinh": lambda m, a: m.sinh(a * 0.3),
    "arctan": lambda m, a: m.arctan(a),
    "square": lambda m, a: m.square(a) * 0.5,
    "cube": lambda m, a: a**3 * 0.2,
    "root": lambda m, a: m.sqrt(a * a + 1.2),
    "log": lambda m, a: m.log(a * a + 1.5),
    "log1p": lambda m, a: m.log1p(a * a),
    "inverse": lambda m, a: 1.0 / (a * a + 2.0),
    "negative": lambda m, a: -a,
    "scale": lambda m, a: 1.5 * a - 0.25,
    "power": lambda m, a: (m.tanh(a) + 1.5) ** 1.7,
    "absolute": lambda m, a: m.abs(a + 0.0371),
    "flatten": lambda m, a: a.reshape(-1),
    "prod": lambda m, a: m.prod(m.tanh(a) + 1.1),
    "total": lambda m, a: m.sum(a) * 0.5,
    "average": lambda m, a: m.mean(a),
}
_TWO = {
    "add": lambda m, a, b: a + b,
    "subtract": lambda m, a, b: a - b,
    "multiply": lambda m, a, b: a * b,
    "divide": lambda m, a, b: a / (b * b + 1.5),
    "maximum": lambda m, a, b: m.maximum(a, b + 0.0137),
    "minimum": lambda m, a, b: m.minimum(a, b - 0.0173),
    "hypot": lambda m, a, b: m.hypot(a, b + 0.0119),
    "arctan2": lambda m, a, b: m.arctan2(a, b * b + 1.0),
    "logaddexp": lambda m, a, b: m.logaddexp(a, b),
    "powers": lambda m, a, b: (m.tanh(a) + 1.5) ** m.tanh(b),
}
_AXIS = {  # with the last or the first axis
    "sum": (lambda m, a, axis: m.sum(a, axis=axis), None),
    "mean": (lambda m, a, axis: m.mean(a, axis=axis), None),
    "max": (lambda m, a, axis: m.max(a, axis=axis), lambda t, a, axis: t.amax(a, axis)),
    "min": (lambda m, a, axis: m.min(a, axis=axis), lambda t, a, axis: t.amin(a, axis)),
    "cumsum": (lambda m, a, axis: m.cumsum(a, axis=axis), lambda t, a, axis: t.cumsum(a, axis)),
    "cumprod": (lambda m, a, axis: m.cumprod(a * 0.5 + 0.9, axis=axis),
                lambda t, a, axis: t.cumprod(a * 0.5 + 0.9, axis)),
    "flip": (lambda m, a, axis: m.flip(a, axis=axis) * 1.0, lambda t, a, axis: t.flip(a, (axis,))),  # not a view there
    "roll": (lambda m, a, axis: m.roll(a, 1, axis=axis), lambda t, a, axis: t.roll(a, 1, axis)),
    "repeat": (lambda m, a, axis: m.repeat(a, 2, axis=axis), lambda t, a, axis: t.repeat_interleave(a, 2, axis)),
    "var": (lambda m, a, axis: m.var(a, axis=axis), lambda t, a, axis: t.var(a, axis, correction=0)),
    "spread": (lambda m, a, axis: m.sqrt(m.var(a, axis=axis) + 0.3),
               lambda t, a, axis: t.sqrt(t.var(a, axis, correction=0) + 0.3)),
    "drop": (lambda m, a, axis: a[1:] if axis == 0 else a[..., 1:], None),
    "steps": (lambda m, a, axis: a[::2] if axis == 0 else a[..., ::2], None),
    "new": (lambda m, a, axis: a[None] if axis == 0 else a[..., None], None),
    "softmax": (lambda m, a, axis: fg_or(m, "softmax", _softmax)(a, axis), lambda t, a, axis: t.softmax(a, axis)),
    "logsumexp": (lambda m, a, axis: fg_or(m, "logsumexp", _logsumexp)(a, axis),
                  lambda t, a, axis: t.logsumexp(a, axis)),
}  # fmt: skip
_MATRIX = {  # of a square matrix
    "inv": lambda m, a: m.linalg.inv(m.tanh(a) * 0.4 + eye(m, a, 2.0)),
    "det": lambda m, a: m.linalg.det(m.tanh(a) * 0.4 + eye(m, a, 1.5)),
    "cholesky": lambda m, a: m.linalg.cholesky(m.matmul(a, a.T) * 0.2 + eye(m, a, 1.0)),
    "eigvalsh": lambda m, a: m.linalg.eigvalsh((a + a.T) * 0.5 + spaced(m, a)),
    "triu": lambda m, a: m.triu(a),
    "diagonal": lambda m, a: m.diagonal(a),
    "transpose": lambda m, a: a.T,
    "solve": lambda m, a: m.linalg.solve(m.tanh(a) * 0.4 + eye(m, a, 2.0), a),
}


# Derivatives of PyTorch 2.13 differ from finite differences for these functions of linalg, or are NaN: second ones of
# `det` and `solve`, third ones of `eigvalsh`. Those of `inv` are right.
_MATRIX_TORCH = {
    "det": lambda m, a: _determinant(m, m.tanh(a) * 0.4 + eye(m, a, 1.5)),
    "solve": lambda m, a: m.matmul(m.linalg.inv(m.tanh(a) * 0.4 + eye(m, a, 2.0)), a),
    "eigvalsh": lambda m, a: _eigenvalues(m, (a + a.T) * 0.5 + spaced(m, a)),
}


def _determinant(m, a):
    """Return the determinant by elimination, of a matrix with a dominant diagonal."""
    rest = a[1:, 1:] - m.outer(a[1:, 0], a[0, 1:]) / a[0, 0]
    return a[0, 0] * _determinant(m, rest) if a.shape[0] > 1 else a[0, 0]


def _eigenvalues(m, a):
    """Return the eigenvalues of a symmetric matrix by two steps of Newton's method from their values.

    A step doubles the number of right derivatives, and adds one: the first makes one right, the second three. The
    equations are `a @ v = w * v` and `v0 @ v = 1`, whose matrix is regular at a simple eigenvalue.
    """
    n, found = a.shape[0], []
    values, vectors = m.linalg.eigh(a.detach())
    for k in range(n):
        v0, v, w = vectors[:, k], vectors[:, k], values[k]
        for _ in range(2):
            top = m.cat([a - w * eye(m, a, 1.0), -v[:, None]], 1)
            bottom = m.cat([v0, m.zeros_like(w)[None]])[None]
            rest = m.cat([m.matmul(a, v) - w * v, (m.matmul(v0, v) - 1.0)[None]])
            step = m.matmul(m.linalg.inv(m.cat([top, bottom])), rest)
            v, w = v - step[:-1], w - step[-1]
        found.append(w)
    return m.stack(found)


def eye(m, a, scale):
    return constant(m, np.eye(a.shape[0]) * scale)


def spaced(m, a):
    return constant(m, np.diag(2.0 * np.arange(a.shape[0])))


def constant(m, array):
    return m.from_numpy(array.copy()) if m.__name__ == "torch" else array


def fg_or(m, name, otherwise):
    return otherwise if m is np else getattr(m, name)


def _softmax(a, axis):
    e = np.exp(a - np.max(a, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def _logsumexp(a, axis):
    return np.log(np.sum(np.exp(a), axis=axis))


# --- programs


def compute(m, step, values):
    """Return the value of a step, or write in place and return None."""
    kind, name, places, extra = step
    a, *rest = (values[k] for k in places)
    if kind == "one":
        return _ONE[name](m, a)
    if kind == "two":
        return _TWO[name](m, a, *rest)
    if kind == "axis":
        ours, theirs = _AXIS[name]
        return (theirs if theirs and m.__name__ == "torch" else ours)(m, a, extra)
    if kind == "matrix":
        return (_MATRIX_TORCH if m.__name__ == "torch" and name in _MATRIX_TORCH else _MATRIX)[name](m, a)
    if kind == "matmul":
        return m.matmul(a, rest[0]) * 0.5
    if kind == "join":
        return getattr(m, name)([a, *rest])
    if kind == "where":
        mask = m.from_numpy(extra) if m.__name__ == "torch" else extra
        return m.where(mask, a, rest[0])
    if kind == "gather":
        return a[constant(m, extra)]
    if kind == "copy":
        return a.clone() if m.__name__ == "torch" else a.copy()
    return _write(m, name, a, rest, extra)


def _write(m, name, a, rest, extra):
    """Write in place to `a`, or through a view of it."""
    key, turned = extra
    if isinstance(key, np.ndarray):
        key = constant(m, key)
    view = a.T if turned else a
    v = rest[0].clone() if m.__name__ == "torch" else rest[0]  # tangents of PyTorch 2.13 are wrong for x.mul_(x)
    if name == "set":
        view[key] = v
    elif name == "add":
        view[key] += v
    elif name == "multiply":
        view[key] *= v
    elif name == "whole":
        view *= v
    elif name == "through":
        part = view[key]
        part -= v
    elif name == "twice":
        part = view[key]
        part[...] = v


def draw_program(rng, in_place):
    """Return the shape of the argument and a list of steps, and the value of the program at a random point."""
    shape = [(3,), (4,), (2, 3), (2, 2), (3, 3), (1, 3), ()][rng.integers(7)]
    x = np.asarray(rng.normal(size=shape))
    values, owned, steps = [x], [], []
    for _ in range(int(rng.integers(3, 9))):
        for _ in range(20):
            step = _draw_step(rng, values, owned, in_place)
            if step is None:
                continue
            trial = [np.array(v) for v in values] if step[0] == "write" else values
            try:
                value = compute(np, step, trial)
            except (ValueError, IndexError, np.linalg.LinAlgError):
                continue
            if step[0] == "write":
                if not all(np.all(np.abs(v) < 20) for v in trial):
                    continue
                values[step[2][0]][...] = trial[step[2][0]]
                value = None
            else:
                value = np.asarray(value)
                if not value.size or value.size > LARGEST or not np.all(np.abs(value) < 20):
                    continue
                if step[0] == "copy":
                    owned.append(len(values))
            values.append(value if value is not None else values[step[2][0]])
            steps.append(step)
            break
    return x, steps, values[-1].shape


def _draw_step(rng, values, owned, in_place):
    def some():  # mostly recent values
        return int(len(values) - 1 - min(rng.geometric(0.45) - 1, len(values) - 1))

    def pick(table):
        return sorted(table)[rng.integers(len(table))]

    kinds = ["one", "one", "two", "two", "axis", "axis", "matrix", "matmul", "join", "where", "gather"]
    kind = (kinds + ["copy", "write", "write", "write", "write"] * in_place)[rng.integers(len(kinds) + 5 * in_place)]
    a = some()
    shape = values[a].shape
    if kind == "one":
        return kind, pick(_ONE), (a,), None
    if kind in ("two", "matmul"):
        b = some()
        return kind, pick(_TWO) if kind == "two" else "", (a, b), None
    if kind == "axis":
        name = pick(_AXIS)
        if not shape or (name in ("var", "max", "min") and min(shape) < 2):
            return None
        return kind, name, (a,), int(rng.choice((0, -1)))
    if kind == "matrix":
        return (kind, pick(_MATRIX), (a,), None) if len(shape) == 2 and shape[0] == shape[1] else None
    if kind in ("join", "where"):
        same = [k for k, v in enumerate(values) if v.shape == shape]
        b = int(rng.choice(same))
        if kind == "where":
            return kind, "", (a, b), np.asarray(rng.random(shape) < 0.5)
        name = str(rng.choice(("concat", "stack")))
        return (kind, name, (a, b), None) if shape or name == "stack" else None
    if kind == "gather":
        return (kind, "", (a,), rng.integers(shape[0], size=int(rng.integers(1, 4)))) if shape else None
    if kind == "copy":
        return kind, "", (a,), None
    targets = [k for k in owned if values[k].ndim]
    if not targets:
        return None
    a = int(rng.choice(targets))
    turned = bool(values[a].ndim == 2 and rng.random() < 0.4)
    n = values[a].T.shape[0] if turned else values[a].shape[0]
    keys = [slice(1, None), 0, slice(None, None, 2), slice(None), ..., rng.permutation(n)[: max(n - 1, 1)]]
    name = str(rng.choice(("set", "add", "multiply", "whole", "through", "twice")))
    if name in ("through", "twice"):
        keys = keys[:1] + keys[2:5]
    key = keys[rng.integers(len(keys))]
    return "write", name, (a, some()), (key, turned)


def as_function(m, steps, convert=lambda x: x):
    """Return a program as a function of a namespace."""

    def program(x):
        values = [x]
        for step in steps:
            value = compute(m, step, values)
            values.append(values[step[2][0]] if value is None else value)
        return values[-1]

    return program
