"""The problems that all peers solve, and that a program in another language can build bit for bit (README.md, "Numbers")."""

import dataclasses
import json
import math

import numpy as np

LOSSES = ("squared_error", "logistic_cross_entropy", "softmax_cross_entropy")
ACTIVATIONS = ("tanh", "logistic", "relu", "linear")


@dataclasses.dataclass
class Problem:
    """What the JSON object on the command line says. Arrays are built by build()."""

    net: str = "rnn"  # "rnn" or "fnn"
    hidden: int = 0  # rnn: hidden units
    batch: int = 0  # sequences (rnn) or cases (fnn)
    length: int = 0  # rnn: time-steps of every sequence
    inputs: int = 0  # rnn: "in"
    outputs: int = 0  # rnn: "out"
    form: str = "each"  # rnn: outputs at "each" time-step or only at the "last"
    sizes: tuple = ()  # fnn: units of every layer, the input first
    activations: tuple = ("tanh",)  # rnn: of the hidden units; fnn: of every layer after the input
    loss: str = "squared_error"
    dtype: str = "float32"
    threads: int = 1
    what: str = "gv"  # or "gradient"
    method: str = "best"
    seed: int = 1
    tried: dict = dataclasses.field(default_factory=dict)  # set by "best" when it starts the method it chose

    @staticmethod
    def parse(text):
        """Reads the JSON object; raises ValueError that names the key and the fix."""
        given = {{"in": "inputs", "out": "outputs"}.get(k, k): v for k, v in json.loads(text).items()}
        known = {f.name for f in dataclasses.fields(Problem)}
        for key in given:
            if key not in known:
                names = {"inputs": "in", "outputs": "out"}
                raise ValueError(f"unknown key {key!r}: use one of {', '.join(sorted(names.get(k, k) for k in known - {'tried'}))}")
        p = Problem(**given)
        p.check()
        return p

    def check(self):
        for key, allowed in {"net": ("rnn", "fnn"), "form": ("each", "last"), "loss": LOSSES, "dtype": ("float32", "float64"), "what": ("gv", "gradient")}.items():
            if getattr(self, key) not in allowed:
                raise ValueError(f"{key} is {getattr(self, key)!r}: use one of {', '.join(allowed)}")
        sizes = ("hidden", "batch", "length", "inputs", "outputs", "threads") if self.net == "rnn" else ("batch", "threads")
        for key in sizes:
            if not isinstance(getattr(self, key), int) or getattr(self, key) < 1:
                raise ValueError(f"{key} is {getattr(self, key)!r}: give a whole number of at least 1")
        if self.net == "fnn" and len(self.sizes) < 2:
            raise ValueError("sizes lists fewer than two layers: give the input's and every layer's units")
        want = 1 if self.net == "rnn" else len(self.sizes) - 1
        if len(self.activations) != want:
            raise ValueError(f"{len(self.activations)} activations for {want} layers: give one for each")
        for name in self.activations:
            if name not in ACTIVATIONS:
                raise ValueError(f"activation {name!r}: use one of {', '.join(ACTIVATIONS)}")

    def shapes(self):
        """The parameters in the order of theta: name to shape (weights are [out, in])."""
        if self.net == "fnn":
            return {f"{k}_{l}": (m, n) if k == "W" else (m,) for l, (n, m) in enumerate(zip(self.sizes, self.sizes[1:]), 1) for k in "Wb"}
        i, h, o = self.inputs, self.hidden, self.outputs
        return {"W_xh": (h, i), "W_hh": (h, h), "b_h": (h,), "h_0": (h,), "W_zh": (o, h), "b_z": (o,)}

    def build(self):
        """Makes x, target, theta and v: rnn x [T, B, in], target [T, B, out] or [B, out]; fnn x [N, in], target [N, out]."""
        if self.net == "rnn":
            x = (self.length, self.batch, self.inputs)
            target = (self.batch, self.outputs) if self.form == "last" else (self.length, self.batch, self.outputs)
        else:
            x, target = (self.batch, self.sizes[0]), (self.batch, self.sizes[-1])
        self.x = self.array("x", x, math.sqrt(3))
        self.target = self.targets(target)
        self.theta = {name: self.array("theta." + name, shape, scale(shape)) for name, shape in self.shapes().items()}
        self.v = {name: self.array("v." + name, shape, scale(shape)) for name, shape in self.shapes().items()}
        return self

    def array(self, stream, shape, factor):
        return (numbers(f"{self.seed}.{stream}", math.prod(shape)) * factor).astype(self.dtype).reshape(shape)

    def targets(self, shape):
        u = numbers(f"{self.seed}.target", math.prod(shape)).reshape(shape)
        if self.loss == "squared_error":
            return u.astype(self.dtype)
        if self.loss == "logistic_cross_entropy":
            return ((u + 1) / 2).astype(self.dtype)
        classes = np.argmax(u, axis=-1)  # the first of the largest
        return np.eye(shape[-1], dtype=self.dtype)[classes]


def scale(shape):
    """The factor of a parameter's numbers: variance 1/fan-in for a weight matrix, 0.1 for a vector."""
    return math.sqrt(3 / shape[1]) if len(shape) == 2 else 0.1


def numbers(stream, count):
    """count numbers of a named stream, uniform on the multiples of 2^-23 in [-1, 1), exact in float32 and float64.

    Number k is splitmix64's output for state FNV-1a-64(stream) + (k+1) * 0x9E3779B97F4A7C15: its upper 24 bits / 2^23 - 1.
    """
    state = 0xCBF29CE484222325
    for byte in stream.encode():
        state = (state ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(state) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(40)).astype(np.float64) / 2**23 - 1


def flatten(result):
    """The parameters' values of a result (name to array), in the order of theta, as one float64 vector."""
    return np.concatenate([np.asarray(r, dtype=np.float64).ravel() for r in result.values()])


def summary(problem, result):
    """The norm of a result r, v'r, and the norm of every parameter's part, in the order of theta."""
    parts = [np.asarray(r, dtype=np.float64).ravel() for r in result.values()]
    r, v = np.concatenate(parts), flatten(problem.v)
    return [float(x) for x in (np.linalg.norm(r), v @ r, *(np.linalg.norm(part) for part in parts))]
