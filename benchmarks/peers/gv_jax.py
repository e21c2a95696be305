"""Gauss-Newton products and gradients in JAX on the CPU: jvp and vjp of a scanned cell, jitted.

usage: python gv_jax.py PROBLEM        (README.md, "Protocol" and "Methods")
"""

import json
import os
import sys

import protocol

if __name__ == "__main__":
    protocol.prepare(sys.argv)
    os.environ["JAX_PLATFORMS"] = "cpu"
    cores = os.sched_getaffinity(0)  # XLA makes its pool as large as the number of cores that the process may use when it starts
    os.sched_setaffinity(0, sorted(cores)[-json.loads(sys.argv[1]).get("threads", 1):])

import jax
import jax.numpy as jnp

if __name__ == "__main__":
    jax.devices()
    for thread in os.listdir("/proc/self/task"):  # the pool stays small, but may run on any core again
        os.sched_setaffinity(int(thread), cores)


def activate(name, a):
    return {"tanh": jnp.tanh, "logistic": jax.nn.sigmoid, "relu": jax.nn.relu, "linear": lambda x: x}[name](a)


class Model:
    """A problem in JAX: theta, v, inputs and targets as arrays, and forward(theta, x), which gives z."""

    def __init__(self, problem):
        jax.config.update("jax_enable_x64", problem.dtype == "float64")
        self.problem = problem
        self.theta, self.v = ({k: jnp.asarray(a) for k, a in d.items()} for d in (problem.theta, problem.v))
        self.x, self.target = jnp.asarray(problem.x), jnp.asarray(problem.target)
        self.forward = {"rnn": self.rnn, "fnn": self.fnn}[problem.net]

    def rnn(self, theta, x):
        p = self.problem
        xp = x @ theta["W_xh"].T + theta["b_h"]

        def cell(h, a):
            h = activate(p.activations[0], a + h @ theta["W_hh"].T)
            return h, h if p.form == "each" else None
        last, hs = jax.lax.scan(cell, jnp.broadcast_to(theta["h_0"], (p.batch, p.hidden)), xp)
        return (last if p.form == "last" else hs) @ theta["W_zh"].T + theta["b_z"]

    def fnn(self, theta, y):
        for l, name in enumerate(self.problem.activations, 1):
            y = activate(name, y @ theta[f"W_{l}"].T + theta[f"b_{l}"])
        return y

    def loss(self, z, target):
        p = self.problem
        if p.loss == "squared_error":
            sum_ = 0.5 * jnp.square(z - target).sum()
        elif p.loss == "logistic_cross_entropy":
            sum_ = (jnp.logaddexp(0, z) - target * z).sum()
        else:
            sum_ = -(target * jax.nn.log_softmax(z)).sum()
        return sum_ / p.batch

    def curvature(self, z, rz):
        """L'' R z."""
        p = self.problem
        if p.loss == "logistic_cross_entropy":
            s = jax.nn.sigmoid(z)
            rz = s * (1 - s) * rz
        elif p.loss == "softmax_cross_entropy":
            s = jax.nn.softmax(z)
            rz = s * (rz - (s * rz).sum(-1, keepdims=True))
        return rz / p.batch


def jvp_vjp(model):
    """One jitted function that repeats the forward pass in every product."""
    @jax.jit
    def gv(theta, x, v):
        f = lambda theta: model.forward(theta, x)
        z, rz = jax.jvp(f, (theta,), (v,))
        return jax.vjp(f, theta)[1](model.curvature(z, rz))[0]
    return lambda: jax.block_until_ready(gv(model.theta, model.x, model.v))


def linearized(model):
    """The residuals of J and J' are computed once and kept between products."""
    f = jax.jit(lambda theta: model.forward(theta, model.x))
    z, jv = jax.linearize(f, model.theta)
    _, jtu = jax.vjp(f, model.theta)
    curvature = jax.jit(model.curvature)
    return lambda: jax.block_until_ready(jtu(curvature(z, jv(model.v)))[0])


def gradient(model):
    g = jax.jit(jax.value_and_grad(lambda theta, x, target: model.loss(model.forward(theta, x), target)))
    return lambda: jax.block_until_ready(g(model.theta, model.x, model.target))[1]


def methods(problem):
    """The ways to compute problem.what: name to a function that prepares one and returns (run, result)."""
    model = Model(problem)
    ways = {"value_and_grad": gradient} if problem.what == "gradient" else {"jvp_vjp": jvp_vjp, "linearized": linearized}

    def result(r):
        return {name: r[name] for name in problem.theta}
    return {name: lambda way=way: (way(model), result) for name, way in ways.items()}


def describe():
    return [{"platform": jax.devices()[0].platform, "gemm": "XLA"}, *protocol.pools()]


if __name__ == "__main__":
    import jaxlib

    protocol.serve("jax", {"jax": jax.__version__, "jaxlib": jaxlib.__version__}, methods, describe)
