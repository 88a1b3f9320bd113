"""The scalar rows in micrograd."""

from micrograd.engine import Value

from fastgrad.benchmark.peers import named


def add(x1, x2):
    a, b = Value(x1), Value(x2)

    def answer():
        y = a + b
        y.backward()
        return named(("y", "ga", "gb"), (y.data, a.grad, b.grad))

    return "a + b", answer, {"a": a, "b": b}


def neuron():
    def step():
        w1, w2, b = Value(2.0), Value(-3.0), Value(-3.0)
        y = (w1 * -1.0 + w2 * -2.0 + b).relu() ** 2
        y.backward()
        return y.data, w1.grad, w2.grad, b.grad

    return step, lambda: named(("y", "dw1", "dw2", "db"), step())


MAKERS = {"add-0d": add, "neuron": neuron}
