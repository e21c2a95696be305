"""Gauss-Newton products in PyTorch in little memory: forward mode, which keeps nothing, and torch.utils.checkpoint under the backward pass.

usage: python gv_torch_checkpoint.py PROBLEM        (README.md, "Protocol"; rnn and gv only)

J v is torch.func.jvp of a loop over the time-steps; J'u is a backward pass through segments of sqrt(T) time-steps, each checkpointed, so
that about 2 sqrt(T) states are held. A product computes every state three times, as it must with these tools: they share nothing
between the passes, nor between products.
"""

import math
import sys

import protocol

if __name__ == "__main__":
    protocol.prepare(sys.argv)

import warnings

warnings.filterwarnings("ignore", category=FutureWarning, module="torch.jit")

import torch
from torch.utils.checkpoint import checkpoint

import gv_torch
import torch_by_hand


class Checkpointed(gv_torch.Model):
    """The net of gv_torch, forward in segments of time-steps."""

    def segment(self, lo, hi, h, theta):
        """z of time-steps lo to hi (their last one only, where form is last) and the last h."""
        p = self.problem
        B = p.batch
        xp = torch.addmm(theta["b_h"], self.x[lo:hi].reshape((hi - lo) * B, -1), theta["W_xh"].t()).reshape(hi - lo, B, -1).unbind(0)
        W, hs = theta["W_hh"].t(), []
        for a in xp:
            h = gv_torch.activate(p.activations[0], torch.addmm(a, h, W))
            hs.append(h)
        if p.form == "last":
            return torch.addmm(theta["b_z"], h, theta["W_zh"].t()), h
        return torch.addmm(theta["b_z"], torch.stack(hs).reshape(len(hs) * B, -1), theta["W_zh"].t()), h

    def segments(self, theta, call):
        p, zs = self.problem, []
        h, length = theta["h_0"].expand(p.batch, p.hidden), max(1, math.isqrt(p.length))
        for lo in range(0, p.length, length):
            z, h = call(lo, min(lo + length, p.length), h, theta)
            zs.append(z)
        return zs[-1] if p.form == "last" else torch.cat(zs)

    def checkpointed(self, theta):
        return self.segments(theta, lambda *a: checkpoint(self.segment, *a, use_reentrant=False, preserve_rng_state=False))

    def gv(self):
        with torch.no_grad():
            point = {k: t.detach() for k, t in self.theta.items()}
            z, rz = torch.func.jvp(lambda theta: self.segments(theta, self.segment), (point,), (self.v,))
            u = torch_by_hand.curvature(self.problem, torch_by_hand.kept(self.problem, z), rz)
        return torch.autograd.grad(self.checkpointed(self.theta), list(self.theta.values()), u)


def methods(problem):
    if problem.net != "rnn" or problem.what != "gv":
        protocol.fail("only products of rnn problems are offered here")
    torch.set_num_threads(problem.threads)
    model = Checkpointed(problem)

    def result(r):
        return dict(zip(problem.theta, (t.detach().numpy() for t in r)))
    return {"checkpoint": lambda: (model.gv, result)}


if __name__ == "__main__":
    protocol.serve("torch", {"torch": torch.__version__}, methods, gv_torch.describe)
