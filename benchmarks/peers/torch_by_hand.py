"""The R-op and the backward sweep by hand in PyTorch: activations kept, hoisted GEMMs, buffers made once, addmm into place."""

import torch


def kept(problem, z):
    """What L'' needs in every product: its diagonal, or p for softmax."""
    if problem.loss == "softmax_cross_entropy":
        return torch.softmax(z, -1)
    if problem.loss == "logistic_cross_entropy":
        p = torch.sigmoid(z)
        return p * (1 - p) / problem.batch
    return torch.full((), 1 / problem.batch, dtype=z.dtype)


def curvature(problem, kept, rz):
    """L'' R z."""
    if problem.loss == "softmax_cross_entropy":
        return kept * (rz - (kept * rz).sum(-1, keepdim=True)) / problem.batch
    return rz * kept


def loss_gradient(problem, z, target):
    p = {"squared_error": lambda: z, "logistic_cross_entropy": lambda: torch.sigmoid(z), "softmax_cross_entropy": lambda: torch.softmax(z, -1)}[problem.loss]()
    return (p - target) / problem.batch


def activate(name, a):
    """s(a), in place."""
    if name != "linear":
        {"tanh": torch.tanh_, "logistic": torch.sigmoid_, "relu": torch.relu_}[name](a)


def derivative(name, h, out):
    """s'(a), from h = s(a)."""
    if name == "tanh":
        torch.mul(h, h, out=out).neg_().add_(1)
    elif name == "logistic":
        torch.mul(h, h, out=out)
        torch.sub(h, out, out=out)
    elif name == "relu":
        torch.gt(h, 0, out=out)
    else:
        out.fill_(1)


class Rnn:
    """q[t] = [h_t | x_{t+1} | 1], t = 0 .. T, so that W_hh, W_xh and b_h are one matrix in every large GEMM."""

    def __init__(self, model):
        p, t = model.problem, {k: a.detach() for k, a in model.theta.items()}
        T, B, h, i = p.length, p.batch, p.hidden, p.inputs
        self.problem, self.theta, self.v, self.model = p, t, model.v, model
        self.q = torch.zeros(T + 1, B, h + i + 1, dtype=model.x.dtype)
        self.q[:T, :, h:h + i], self.q[:, :, h + i] = model.x, 1
        self.r, self.e, self.d = (self.q.new_empty(T, B, h) for _ in range(3))
        self.r0 = self.q.new_empty(B, h)
        self.W = torch.hstack([t["W_hh"], t["W_xh"], t["b_h"][:, None]]).t().contiguous()
        self.rows = slice(T, T + 1) if p.form == "last" else slice(1, T + 1)

    def states(self, rows):
        return self.q[rows].flatten(0, 1)

    @torch.no_grad()
    def forward(self, keep=False):
        """Fills q and d, and z; keep also prepares what the products need of the loss."""
        p, h = self.problem, self.problem.hidden
        self.q[0, :, :h] = self.theta["h_0"]
        a = self.r0  # free outside products
        for t in range(p.length):
            torch.mm(self.q[t], self.W, out=a)
            activate(p.activations[0], a)
            self.q[t + 1, :, :h] = a
            derivative(p.activations[0], a, out=self.d[t])
        self.z = torch.addmm(self.theta["b_z"], self.states(self.rows)[:, :h], self.theta["W_zh"].t())
        if keep:
            self.kept = kept(p, self.z)

    @torch.no_grad()
    def backward(self, dz):
        """The gradient of the parameters, from the derivative with respect to z."""
        p, e, d, h, T = self.problem, self.e, self.d, self.problem.hidden, self.problem.length
        W_hh, W_zh = self.theta["W_hh"], self.theta["W_zh"]
        each = p.form == "each"
        torch.mm(dz, W_zh, out=e.flatten(0, 1) if each else e[T - 1])
        e[T - 1].mul_(d[T - 1])
        for t in reversed(range(T - 1)):
            if each:
                e[t].addmm_(e[t + 1], W_hh)
            else:
                torch.mm(e[t + 1], W_hh, out=e[t])
            e[t].mul_(d[t])
        g = e.flatten(0, 1).t() @ self.states(slice(0, T))
        gz = dz.t() @ self.states(self.rows)
        return {"W_xh": g[:, h:-1], "W_hh": g[:, :h], "b_h": g[:, -1], "h_0": e[0].sum(0) @ W_hh, "W_zh": gz[:, :h], "b_z": gz[:, -1]}

    def gradient(self):
        self.forward()
        self.f = self.model.loss(self.z.view(self.model.target.shape))
        return self.backward(loss_gradient(self.problem, self.z, self.model.target.flatten(0, -2)))

    @torch.no_grad()
    def gv(self):
        p, v, r, d, h, T = self.problem, self.v, self.r, self.d, self.problem.hidden, self.problem.length
        vW = torch.hstack([v["W_hh"], v["W_xh"], v["b_h"][:, None]])
        W = self.theta["W_hh"].t()
        torch.mm(self.states(slice(0, T)), vW.t(), out=r.flatten(0, 1))
        self.r0[:] = v["h_0"]
        before = self.r0
        for t in range(T):
            r[t].addmm_(before, W).mul_(d[t])
            before = r[t]
        rh = before if p.form == "last" else r.flatten(0, 1)
        rz = torch.addmm(v["b_z"], self.states(self.rows)[:, :h], v["W_zh"].t()).addmm_(rh, self.theta["W_zh"].t())
        return self.backward(curvature(p, self.kept, rz))


class Fnn:
    """q[l] = [R y_l | y_l | 1], so that R a_l is one GEMM with [W | vW | vb]; that of the input has no R y."""

    def __init__(self, model):
        p = model.problem
        self.problem, self.model, self.v = p, model, model.v
        self.theta = {k: a.detach() for k, a in model.theta.items()}
        self.layers, self.off = len(p.sizes) - 1, [0, *p.sizes[1:-1]]
        self.q = [torch.ones(p.batch, off + n + 1, dtype=model.x.dtype) for off, n in zip(self.off, p.sizes)]
        self.q[0][:, :-1] = model.x
        self.a = [model.x.new_empty(p.batch, n) for n in p.sizes]
        self.d = [None] + [None if s == "linear" else torch.empty_like(a) for s, a in zip(p.activations, self.a[1:])]
        self.W = [None] + [torch.hstack([self.theta[f"W_{l}"], self.theta[f"b_{l}"][:, None]]) for l in range(1, self.layers + 1)]

    def states(self, l):
        return self.q[l][:, self.off[l]:]

    @torch.no_grad()
    def forward(self, keep=False):
        for l in range(1, self.layers + 1):
            a, name = self.a[l], self.problem.activations[l - 1]
            torch.mm(self.states(l - 1), self.W[l].t(), out=a)
            activate(name, a)
            if self.d[l] is not None:
                derivative(name, a, out=self.d[l])
            if l < self.layers:
                self.states(l)[:, :-1] = a
        self.z = self.a[-1]
        if keep:
            self.kept = kept(self.problem, self.z)

    @torch.no_grad()
    def backward(self, dz):
        g, e = {}, dz
        for l in range(self.layers, 0, -1):
            if self.d[l] is not None:
                e.mul_(self.d[l])
            gw = e.t() @ self.states(l - 1)
            g[f"W_{l}"], g[f"b_{l}"] = gw[:, :-1], gw[:, -1]
            if l > 1:
                e = torch.mm(e, self.theta[f"W_{l}"], out=self.a[l - 1])
        return {name: g[name] for name in self.problem.theta}

    def gradient(self):
        self.forward()
        self.f = self.model.loss(self.z)
        return self.backward(loss_gradient(self.problem, self.z, self.model.target))

    @torch.no_grad()
    def gv(self):
        for l in range(1, self.layers + 1):
            W = [self.theta[f"W_{l}"]] if l > 1 else []
            both = torch.hstack([*W, self.v[f"W_{l}"], self.v[f"b_{l}"][:, None]])
            torch.mm(self.q[l - 1], both.t(), out=self.a[l])
            if self.d[l] is not None:
                self.a[l].mul_(self.d[l])
            if l < self.layers:
                self.q[l][:, :self.off[l]] = self.a[l]
        return self.backward(curvature(self.problem, self.kept, self.a[-1]))
