"""Gauss-Newton products and gradients by hand in NumPy, as an expert would write them.

Activations are kept between products. Everything that is not sequential is one GEMM over all time-steps, biases are a column of ones
in the GEMM's operand, W [h | R h] is one product, and every result goes into a buffer made once.

usage: python gv_numpy.py PROBLEM        (README.md, "Protocol")
"""

import sys

import protocol

if __name__ == "__main__":
    protocol.prepare(sys.argv)

import numpy as np


def activate(name, a):
    """s(a), in place."""
    if name == "tanh":
        np.tanh(a, out=a)
    elif name == "logistic":  # 1/(1+exp(-a)) = (1 + tanh(a/2)) / 2, which cannot overflow
        a *= 0.5
        np.tanh(a, out=a)
        a *= 0.5
        a += 0.5
    elif name == "relu":
        np.maximum(a, 0, out=a)


def derivative(name, h, out):
    """s'(a), from h = s(a)."""
    if name == "tanh":
        np.multiply(h, h, out=out)
        np.subtract(1, out, out=out)
    elif name == "logistic":
        np.subtract(1, h, out=out)
        out *= h
    elif name == "relu":
        np.greater(h, 0, out=out)
    else:
        out.fill(1)


class Loss:
    """The three losses: mean over cases of the sum over outputs (and time-steps)."""

    def __init__(self, name, cases):
        self.name, self.cases = name, cases

    def predict(self, z):
        if self.name == "squared_error":
            return z
        if self.name == "logistic_cross_entropy":
            p = z.copy()
            activate("logistic", p)
            return p
        p = np.exp(z - z.max(axis=-1, keepdims=True))
        return p / p.sum(axis=-1, keepdims=True)

    def value(self, z, target):
        if self.name == "squared_error":
            sum_ = 0.5 * np.square(z - target).sum(dtype=np.float64)
        elif self.name == "logistic_cross_entropy":
            sum_ = (np.maximum(z, 0) + np.log(1 + np.exp(-np.abs(z))) - target * z).sum(dtype=np.float64)  # log1p is not vectorised
        else:
            top = z.max(axis=-1, keepdims=True)
            sum_ = (target * (top + np.log(np.exp(z - top).sum(axis=-1, keepdims=True)) - z)).sum(dtype=np.float64)
        return float(sum_) / self.cases

    def gradient(self, z, target):
        return (self.predict(z) - target) / z.dtype.type(self.cases)

    def keep(self, z):
        """What L'' needs in every product: its diagonal, or p for softmax."""
        if self.name == "softmax_cross_entropy":
            return self.predict(z)
        p = self.predict(z)
        diagonal = p * (1 - p) if self.name == "logistic_cross_entropy" else np.ones_like(z)
        return diagonal / z.dtype.type(self.cases)

    def curvature(self, kept, rz):
        """L'' R z, in place."""
        if self.name == "softmax_cross_entropy":
            rz -= (kept * rz).sum(axis=-1, keepdims=True)
            rz *= rz.dtype.type(1 / self.cases)
        rz *= kept
        return rz


class Rnn:
    """a_t = W_xh x_t + W_hh h_{t-1} + b_h, h_t = s(a_t), z_t = W_zh h_t + b_z.

    Row t of q is [h_t | x_{t+1} | 1 | R h_t], t = 0 .. T, for all sequences; x_{T+1} is 0.
    """

    def __init__(self, problem, fused):
        p, t = problem, problem.theta
        T, B, h, i = p.length, p.batch, p.hidden, p.inputs
        self.problem, self.loss, self.fused = p, Loss(p.loss, p.batch), fused
        self.T, self.h, self.i, self.w = T, h, i, h + i + 1
        self.rows = slice(T, T + 1) if p.form == "last" else slice(1, T + 1)  # those with an output
        self.q = np.zeros((T + 1, B, self.w + (h if fused else 0)), p.dtype)
        self.q[:T, :, h:h + i], self.q[:, :, h + i] = p.x, 1
        self.r = self.q[:, :, self.w:] if fused else np.zeros((T + 1, B, h), p.dtype)
        self.d, self.e, self.step = np.empty((T, B, h), p.dtype), np.empty((T, B, h), p.dtype), np.empty((B, h), p.dtype)
        self.target = p.target.reshape(-1, p.outputs)
        self.W = np.hstack([t["W_hh"], t["W_xh"], t["b_h"][:, None]])
        self.Wz = np.hstack([t["W_zh"], np.zeros((p.outputs, i), p.dtype), t["b_z"][:, None]])
        self.W_hhT = np.ascontiguousarray(t["W_hh"].T)
        self.W_zhT = np.ascontiguousarray(t["W_zh"].T)

    def states(self, rows):
        return flat(self.q[rows, :, :self.w])

    def forward(self):
        q, h, T = self.q, self.h, self.T
        q[0, :, :h] = self.problem.theta["h_0"]
        WT = np.ascontiguousarray(self.W.T)
        for t in range(T):
            np.matmul(q[t, :, :self.w], WT, out=self.step)
            activate(self.problem.activations[0], self.step)
            q[t + 1, :, :h] = self.step
            derivative(self.problem.activations[0], self.step, out=self.d[t])
        self.z = self.states(self.rows) @ self.Wz.T

    def backward(self, dz):
        """The gradient of the parameters, from the derivative with respect to z."""
        p, e, d, h, T = self.problem, self.e, self.d, self.h, self.T
        W_hh, W_zh = p.theta["W_hh"], p.theta["W_zh"]
        each = p.form == "each"
        np.matmul(dz, W_zh, out=flat(e) if each else e[T - 1])
        e[T - 1] *= d[T - 1]
        for t in reversed(range(T - 1)):
            np.matmul(e[t + 1], W_hh, out=self.step if each else e[t])
            if each:
                e[t] += self.step
            e[t] *= d[t]
        g = flat(e).T @ self.states(slice(0, T))
        gz = dz.T @ self.states(self.rows)
        return {"W_xh": g[:, h:h + self.i], "W_hh": g[:, :h], "b_h": g[:, -1], "h_0": e[0].sum(axis=0) @ W_hh, "W_zh": gz[:, :h], "b_z": gz[:, -1]}

    def gradient(self):
        self.forward()
        self.f = self.loss.value(self.z, self.target)
        return self.backward(self.loss.gradient(self.z, self.target))

    def gv(self):
        p, v, r = self.problem, self.problem.v, self.r
        vW = np.hstack([v["W_hh"], v["W_xh"], v["b_h"][:, None]])
        vWz = np.hstack([v["W_zh"], np.zeros((p.outputs, self.i), p.dtype), v["b_z"][:, None]])
        r[0] = v["h_0"]
        if self.fused:
            rz = self.tangents_fused(vW, vWz)
        else:
            rz = self.tangents_hoisted(vW, vWz)
        return self.backward(self.loss.curvature(self.kept, rz))

    def tangents_fused(self, vW, vWz):
        """R z with one GEMM a time-step: R a = [h | x | 1 | R h] [vW | W_hh]'."""
        both = np.ascontiguousarray(np.hstack([vW, self.problem.theta["W_hh"]]).T)
        for t in range(self.T):
            np.matmul(self.q[t], both, out=self.step)
            np.multiply(self.step, self.d[t], out=self.r[t + 1])
        return flat(self.q[self.rows]) @ np.hstack([vWz, self.problem.theta["W_zh"]]).T

    def tangents_hoisted(self, vW, vWz):
        """R z with [h | x | 1] vW' of all time-steps in one GEMM, and only R h W_hh' step by step."""
        r = self.r
        np.matmul(self.states(slice(0, self.T)), vW.T, out=flat(r[1:]))
        for t in range(self.T):
            np.matmul(r[t], self.W_hhT, out=self.step)
            r[t + 1] += self.step
            r[t + 1] *= self.d[t]
        return self.states(self.rows) @ vWz.T + flat(r[self.rows]) @ self.W_zhT


class Fnn:
    """y_l = s_l(W_l y_{l-1} + b_l). q[l] is [R y_l | y_l | 1]; that of the input has no R y."""

    def __init__(self, problem, _):
        p = problem
        self.problem, self.loss = p, Loss(p.loss, p.batch)
        self.layers = len(p.sizes) - 1
        self.off = [0, *p.sizes[1:-1]]  # where y_l starts in q[l]
        self.q = [np.ones((p.batch, off + n + 1), p.dtype) for off, n in zip(self.off, p.sizes)]
        self.q[0][:, :-1] = p.x
        self.a = [np.empty((p.batch, n), p.dtype) for n in p.sizes]  # a of layer l, later R a and dL/da
        self.d = [np.empty((p.batch, n), p.dtype) for n in p.sizes]
        self.W = [None] + [np.hstack([p.theta[f"W_{l}"], p.theta[f"b_{l}"][:, None]]) for l in range(1, self.layers + 1)]

    def states(self, l):
        return self.q[l][:, self.off[l]:]

    def forward(self):
        for l in range(1, self.layers + 1):
            a, name = self.a[l], self.problem.activations[l - 1]
            np.matmul(self.states(l - 1), self.W[l].T, out=a)
            activate(name, a)
            derivative(name, a, out=self.d[l])
            if l < self.layers:
                self.states(l)[:, :-1] = a
        self.z = self.a[-1]

    def backward(self, dz):
        g, e = {}, dz
        for l in range(self.layers, 0, -1):
            if self.problem.activations[l - 1] != "linear":
                e *= self.d[l]
            gw = e.T @ self.states(l - 1)
            g[f"W_{l}"], g[f"b_{l}"] = gw[:, :-1], gw[:, -1]
            if l > 1:
                e = np.matmul(e, self.problem.theta[f"W_{l}"], out=self.a[l - 1])
        return {name: g[name] for name in self.problem.theta}

    def gradient(self):
        self.forward()
        self.f = self.loss.value(self.z, self.problem.target)
        return self.backward(self.loss.gradient(self.z, self.problem.target))

    def gv(self):
        p = self.problem
        for l in range(1, self.layers + 1):
            W = [p.theta[f"W_{l}"]] if l > 1 else []
            both = np.hstack([*W, p.v[f"W_{l}"], p.v[f"b_{l}"][:, None]])
            np.matmul(self.q[l - 1], both.T, out=self.a[l])
            if l < self.layers:
                np.multiply(self.a[l], self.d[l], out=self.q[l][:, :self.off[l]])
            elif p.activations[-1] != "linear":
                self.a[l] *= self.d[l]
        return self.backward(self.loss.curvature(self.kept, self.a[-1]))


def flat(a):
    """The rows of all time-steps as one matrix, without a copy."""
    return a.reshape(-1, a.shape[-1]) if a.flags.c_contiguous else np.lib.stride_tricks.as_strided(
        a, (a.shape[0] * a.shape[1], a.shape[2]), a.strides[1:])


def methods(problem):
    """The ways to compute problem.what: name to a function that prepares one and returns (run, result)."""
    def start(fused):
        net = (Rnn if problem.net == "rnn" else Fnn)(problem, fused)
        if problem.what == "gradient":
            return net.gradient, dict
        net.forward()
        net.kept = net.loss.keep(net.z)
        return net.gv, dict

    if problem.what == "gv" and problem.net == "rnn":
        return {"r_op_hoisted": lambda: start(False), "r_op_fused": lambda: start(True)}
    return {"r_op" if problem.what == "gv" else "by_hand": lambda: start(False)}


if __name__ == "__main__":
    protocol.serve("numpy", {"numpy": np.__version__}, methods, protocol.pools)
