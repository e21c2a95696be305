"""Gauss-Newton products and gradients in PyTorch: what automatic differentiation gives, and an R-op by hand.

usage: python gv_torch.py PROBLEM        (README.md, "Protocol" and "Methods")
"""

import sys

import protocol

if __name__ == "__main__":
    protocol.prepare(sys.argv)

import warnings

warnings.filterwarnings("ignore", category=FutureWarning, module="torch.jit")  # forward mode loads a part of torch that is deprecated

import torch

import torch_by_hand


def activate(name, a):
    return {"tanh": torch.tanh, "logistic": torch.sigmoid, "relu": torch.relu, "linear": lambda x: x}[name](a)


class Model:
    """A problem in torch: theta, v, inputs and targets as tensors, and forward(theta), which gives z."""

    def __init__(self, problem):
        p = self.problem = problem
        self.theta = {k: torch.from_numpy(a.copy()).requires_grad_() for k, a in p.theta.items()}
        self.v = {k: torch.from_numpy(a.copy()) for k, a in p.v.items()}
        self.x, self.target = torch.from_numpy(p.x), torch.from_numpy(p.target)
        self.steps = [x.clone() for x in self.x] if p.net == "rnn" else None
        self.forward = {"rnn": self.rnn, "fnn": self.fnn}[p.net]

    def rnn(self, theta):
        """z with the projections of all time-steps as one GEMM each (unbind and stack: indexing costs 5 times as much in the backward)."""
        p = self.problem
        T, B, h = p.length, p.batch, p.hidden
        xp = torch.addmm(theta["b_h"], self.x.reshape(T * B, -1), theta["W_xh"].t()).reshape(T, B, h).unbind(0)
        W, ht, hs = theta["W_hh"].t(), theta["h_0"].expand(B, h), []
        for t in range(T):
            ht = activate(p.activations[0], torch.addmm(xp[t], ht, W))
            hs.append(ht)
        if p.form == "last":
            return torch.addmm(theta["b_z"], ht, theta["W_zh"].t())
        return torch.addmm(theta["b_z"], torch.stack(hs).reshape(T * B, h), theta["W_zh"].t()).reshape(T, B, -1)

    def rnn_by_steps(self, theta):
        """z with all products step by step, which keeps unbind and stack out of the graph."""
        p = self.problem
        ht, zs = theta["h_0"].expand(p.batch, p.hidden), []
        W_hh, W_xh, W_zh = theta["W_hh"].t(), theta["W_xh"].t(), theta["W_zh"].t()
        for x in self.steps:
            ht = activate(p.activations[0], torch.addmm(torch.addmm(theta["b_h"], x, W_xh), ht, W_hh))
            if p.form == "each":
                zs.append(torch.addmm(theta["b_z"], ht, W_zh))
        return torch.stack(zs) if zs else torch.addmm(theta["b_z"], ht, W_zh)

    def nn_rnn(self, theta):
        """z by torch.nn.RNN, its b_hh zero and its h_0 given."""
        p = self.problem
        cell = torch.nn.RNN(p.inputs, p.hidden, nonlinearity=p.activations[0]).to(self.x.dtype)
        weights = {"weight_ih_l0": theta["W_xh"], "weight_hh_l0": theta["W_hh"], "bias_ih_l0": theta["b_h"], "bias_hh_l0": torch.zeros_like(theta["b_h"])}
        hs, last = torch.func.functional_call(cell, weights, (self.x, theta["h_0"].expand(1, p.batch, p.hidden).contiguous()))
        return torch.nn.functional.linear(last[0] if p.form == "last" else hs, theta["W_zh"], theta["b_z"])

    def fnn(self, theta):
        y = self.x
        for l, name in enumerate(self.problem.activations, 1):
            y = activate(name, torch.addmm(theta[f"b_{l}"], y, theta[f"W_{l}"].t()))
        return y

    def loss(self, z):
        p = self.problem
        if p.loss == "squared_error":
            sum_ = 0.5 * torch.square(z - self.target).sum()
        elif p.loss == "logistic_cross_entropy":
            sum_ = torch.nn.functional.binary_cross_entropy_with_logits(z, self.target, reduction="sum")
        else:
            sum_ = -(self.target * torch.log_softmax(z, -1)).sum()
        return sum_ / p.batch


def gradient(model, forward):
    def run():
        theta = model.theta
        return torch.autograd.grad(model.loss(forward(theta)), list(theta.values()))
    return run


class DoubleBackward:
    """J v = d/du <J'u, v>: both graphs are built once and kept, and every product walks them."""

    def __init__(self, model, forward):
        self.model, self.theta, self.v = model, list(model.theta.values()), list(model.v.values())
        self.z = forward(model.theta)
        self.u = torch.zeros_like(self.z, requires_grad=True)
        self.g = torch.autograd.grad(self.z, self.theta, self.u, create_graph=True)
        self.kept = torch_by_hand.kept(model.problem, self.z.detach())

    def gv(self):
        rz = torch.autograd.grad(self.g, self.u, self.v, retain_graph=True)[0]
        return torch.autograd.grad(self.z, self.theta, torch_by_hand.curvature(self.model.problem, self.kept, rz), retain_graph=True)


class ForwardMode:
    """J v by torch.func.jvp, which repeats the forward pass, and J'u on a kept graph."""

    def __init__(self, model, forward):
        self.model, self.forward, self.theta = model, forward, list(model.theta.values())
        self.z = forward(model.theta)
        self.kept = torch_by_hand.kept(model.problem, self.z.detach())

    def gv(self):
        with torch.no_grad():
            point = {k: t.detach() for k, t in self.model.theta.items()}
            _, rz = torch.func.jvp(self.forward, (point,), (self.model.v,))
        return torch.autograd.grad(self.z, self.theta, torch_by_hand.curvature(self.model.problem, self.kept, rz), retain_graph=True)


def from_scratch(model, forward):
    """Double backward that builds its graphs anew in every product, as libraries do that are given only a function."""
    return lambda: DoubleBackward(model, forward).gv()


def by_hand(model):
    net = {"rnn": torch_by_hand.Rnn, "fnn": torch_by_hand.Fnn}[model.problem.net](model)
    if model.problem.what == "gradient":
        return net.gradient
    net.forward(keep=True)
    return net.gv


def methods(problem):
    """The ways to compute problem.what: name to a function that prepares one and returns (run, result)."""
    torch.set_num_threads(problem.threads)
    model = Model(problem)
    cell = problem.net == "rnn" and problem.activations[0] in ("tanh", "relu")
    if problem.what == "gradient":
        ways = {"autograd": lambda: gradient(model, model.forward), "by_hand": lambda: by_hand(model)}
        if cell:
            ways["nn_rnn"] = lambda: gradient(model, model.nn_rnn)
    else:
        ways = {"double_backward": lambda: DoubleBackward(model, model.forward).gv,
                "forward_mode": lambda: ForwardMode(model, model.forward).gv,
                "r_op": lambda: by_hand(model)}
        if problem.net == "rnn":
            ways["double_backward_by_steps"] = lambda: DoubleBackward(model, model.rnn_by_steps).gv
            ways["forward_mode_by_steps"] = lambda: ForwardMode(model, model.rnn_by_steps).gv
        if cell:
            ways["nn_rnn"] = lambda: DoubleBackward(model, model.nn_rnn).gv
            ways["nn_rnn_from_scratch"] = lambda: from_scratch(model, model.nn_rnn)

    def result(r):
        return dict(zip(problem.theta, (t.detach().numpy() for t in (r.values() if isinstance(r, dict) else r))))
    return {name: lambda way=way: (way(), result) for name, way in ways.items()}


def describe():
    build = torch.__config__.show().splitlines()
    libraries = [line.strip(" -") for line in build if "Math Kernel" in line or "MKL-DNN" in line or "CPU capability" in line]
    return [{"torch_threads": torch.get_num_threads(), "build": libraries}, *protocol.pools()]


if __name__ == "__main__":
    protocol.serve("torch", {"torch": torch.__version__}, methods, describe)
