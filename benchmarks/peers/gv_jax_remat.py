"""Gauss-Newton products in JAX in little memory: jvp of a scan, and vjp of a scan of rematerialized scans (nested jax.checkpoint).

usage: python gv_jax_remat.py PROBLEM        (README.md, "Protocol"; rnn and gv only)

The time-steps are cut into segments of about sqrt(T), T being padded up to whole ones by time-steps that leave the state as it is; the
backward pass holds the state before each segment and the inside of one. A product computes every state three times.
"""

import math
import os
import sys

import protocol

if __name__ == "__main__":
    import json

    protocol.prepare(sys.argv)
    os.environ["JAX_PLATFORMS"] = "cpu"
    cores = os.sched_getaffinity(0)  # as in gv_jax.py
    os.sched_setaffinity(0, sorted(cores)[-json.loads(sys.argv[1]).get("threads", 1):])

import jax
import jax.numpy as jnp

if __name__ == "__main__":
    jax.devices()
    for thread in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(thread), cores)

import gv_jax


class Nested(gv_jax.Model):
    """The net of gv_jax as a scan over segments, each of which is a scan."""

    def rnn(self, theta, x):
        p = self.problem
        length = max(1, math.isqrt(p.length))
        count = -(-p.length // length)
        pad = count * length - p.length
        x = jnp.pad(x, ((0, pad), (0, 0), (0, 0))).reshape(count, length, *x.shape[1:])
        live = (jnp.arange(count * length) < p.length).reshape(count, length)

        @jax.checkpoint
        def segment(h, part):
            x, live = part
            xp = x @ theta["W_xh"].T + theta["b_h"]

            def cell(h, step):
                a, live = step
                h = jnp.where(live, gv_jax.activate(p.activations[0], a + h @ theta["W_hh"].T), h)
                return h, h if p.form == "each" else None
            h, hs = jax.lax.scan(cell, h, (xp, live))
            return h, None if hs is None else hs @ theta["W_zh"].T + theta["b_z"]
        last, z = jax.lax.scan(segment, jnp.broadcast_to(theta["h_0"], (p.batch, p.hidden)), (x, live))
        if p.form == "last":
            return last @ theta["W_zh"].T + theta["b_z"]
        return z.reshape(count * length, p.batch, -1)[:p.length]


def methods(problem):
    if problem.net != "rnn" or problem.what != "gv":
        protocol.fail("only products of rnn problems are offered here")
    model = Nested(problem)

    def result(r):
        return {name: r[name] for name in problem.theta}
    return {"nested_remat": lambda: (gv_jax.jvp_vjp(model), result)}


if __name__ == "__main__":
    import jaxlib

    protocol.serve("jax", {"jax": jax.__version__, "jaxlib": jaxlib.__version__}, methods, gv_jax.describe)
