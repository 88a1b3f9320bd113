"""Functions of the rows for `jax.numpy` and `autograd.numpy`. The first argument is the NumPy module."""


def staged(np, x, y):
    def sigmoid(v):
        return 1.0 / (1.0 + np.exp(-v))

    return (x + sigmoid(y)) / (sigmoid(x) + (x + y) ** 2)


def neuron(np, w1, w2, b):
    return np.maximum(w1 * -1.0 + w2 * -2.0 + b, 0.0) ** 2


def cross_entropy(np, s, labels):
    s = s - np.max(s, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(s), axis=1)) - s[np.arange(len(labels)), labels])


def mlp_tanh(np, params, x, labels):
    w1, b1, w2, b2 = params
    return cross_entropy(np, np.tanh(x @ w1 + b1) @ w2 + b2, labels)


def hidden_relu(np, params, x):
    w1, b1, w2, b2, w3, b3 = params
    h = np.maximum(x @ w1 + b1, 0.0)
    return np.maximum(h @ w2 + b2, 0.0) @ w3 + b3


def mlp_relu(np, params, x, labels):
    return cross_entropy(np, hidden_relu(np, params, x), labels)


def micrograd(np, params, x, y, alpha):
    scores = hidden_relu(np, params, x)
    return np.mean(np.maximum(1.0 - y * scores, 0.0)) + alpha * sum(np.sum(p * p) for p in params)


def linear_svm(np, params, x, labels, alpha):
    scores = np.matmul(params[0], x)
    margins = np.maximum(scores - scores[labels, np.arange(len(labels))] + 1.0, 0.0)
    return np.sum(margins) / len(labels) - 1.0 + alpha * np.sum(params[0] * params[0])


def rnn(np, params, x):
    wx, wh, b = params
    projected = x @ wx + b
    h = np.zeros(projected.shape[1:])
    for t in range(len(x)):
        h = np.tanh(h @ wh + projected[t])
    return np.mean(h * h)


def rosenbrock(np, x):
    a, b = x[:-1], x[1:]
    return np.sum(100.0 * (b - a * a) ** 2 + (1.0 - a) ** 2)


def cubes(np, x):
    return np.sum(x**3)


def least_squares(np, a, b, p):
    r = np.tanh(np.dot(a, p)) - b
    return 0.5 * np.sum(r * r)


def logistic(np, w, x, t):
    z = np.dot(x, w)
    return np.logaddexp(0.0, z) - t * z


def mixed(np, x):
    return np.sum(np.tanh(x) * (1.0 / (1.0 + np.exp(-x))) + np.exp(-x * x))


def centred(np, x):
    return np.mean((x - np.mean(x)) ** 2 / (1.0 + np.abs(x)))


TRAINED = {
    "mlp-64-64-10": mlp_tanh,
    "mlp-784-256-128-10": mlp_relu,
    "micrograd-2-16-16-1": micrograd,
    "linear-svm": linear_svm,
}
ELEMENTWISE = {"mixed-1e3": mixed, "mixed-1e5": mixed, "mixed-1e7": mixed, "centred-1e5": centred}
