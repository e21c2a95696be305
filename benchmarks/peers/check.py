"""Checks that all methods of all peers compute the same, and that it is right.

On small problems, the gradient and G v of every method are compared with a reference: the Jacobian of a textbook forward pass by central
differences, column by column, in float64. Tolerances are relative to the norm of each parameter's part.

usage: python check.py        (exit code 1 if anything disagrees)
"""

import dataclasses
import sys

import protocol

protocol.prepare([sys.argv[0], '{"threads": 1}'])

import numpy as np

import gv_jax
import gv_numpy
import gv_torch
from problem import Problem

FLOAT32, FLOAT64, DIFFERENCES = 1e-5, 1e-12, 2e-7
SMALL = [
    Problem(net="rnn", hidden=7, batch=5, length=6, inputs=3, outputs=2, form="each", loss="squared_error"),
    Problem(net="rnn", hidden=7, batch=5, length=6, inputs=3, outputs=3, form="each", loss="softmax_cross_entropy"),
    Problem(net="rnn", hidden=6, batch=9, length=5, inputs=2, outputs=1, form="last", loss="squared_error"),
    Problem(net="rnn", hidden=6, batch=9, length=5, inputs=2, outputs=4, form="last", loss="logistic_cross_entropy", activations=["logistic"]),
    Problem(net="rnn", hidden=6, batch=4, length=3, inputs=2, outputs=2, form="each", loss="squared_error", activations=["relu"]),
    Problem(net="rnn", hidden=5, batch=4, length=1, inputs=2, outputs=2, form="last", loss="squared_error", activations=["linear"]),
    Problem(net="fnn", batch=9, sizes=[5, 6, 3, 6, 5], activations=["logistic", "linear", "logistic", "linear"], loss="logistic_cross_entropy"),
    Problem(net="fnn", batch=7, sizes=[4, 6, 3], activations=["tanh", "tanh"], loss="squared_error"),
    Problem(net="fnn", batch=7, sizes=[4, 6, 3], activations=["relu", "linear"], loss="softmax_cross_entropy"),
]


def forward(problem, theta):
    """z of all cases (and time-steps), written as section 3 of the report writes the nets."""
    s = {"tanh": np.tanh, "logistic": lambda a: 1 / (1 + np.exp(-a)), "relu": lambda a: np.maximum(a, 0), "linear": lambda a: a}
    if problem.net == "fnn":
        y = problem.x
        for l, name in enumerate(problem.activations, 1):
            y = s[name](y @ theta[f"W_{l}"].T + theta[f"b_{l}"])
        return y
    h, z = np.tile(theta["h_0"], (problem.batch, 1)), []
    for x in problem.x:
        h = s[problem.activations[0]](x @ theta["W_xh"].T + h @ theta["W_hh"].T + theta["b_h"])
        z.append(h @ theta["W_zh"].T + theta["b_z"])
    return z[-1] if problem.form == "last" else np.array(z)


def predict(problem, z):
    if problem.loss == "softmax_cross_entropy":
        return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    return 1 / (1 + np.exp(-z)) if problem.loss == "logistic_cross_entropy" else z


def differences(problem, eps=1e-5):
    """The gradient and G v from the explicit Jacobian, as dicts by parameter."""
    theta, columns, v = problem.theta, [], []
    for name, a in theta.items():
        for i in range(a.size):
            shifted = []
            for sign in (1, -1):
                b = a.copy()
                b.flat[i] += sign * eps
                shifted.append(forward(problem, theta | {name: b}))
            columns.append(((shifted[0] - shifted[1]) / (2 * eps)).ravel())
            v.append(problem.v[name].flat[i])
    J, z = np.array(columns).T, forward(problem, theta)
    rz = (J @ np.array(v)).reshape(z.shape)
    lrz = (predict(problem, z + eps * rz) - predict(problem, z - eps * rz)) / (2 * eps)
    results = []
    for u in (predict(problem, z) - problem.target, lrz):
        r, parts, at = J.T @ u.ravel() / problem.batch, {}, 0
        for name, a in theta.items():
            parts[name], at = r[at:at + a.size].reshape(a.shape), at + a.size
        results.append(parts)
    return dict(zip(("gradient", "gv"), results))


def error(result, reference):
    """The largest error of a parameter's part, relative to the part's norm; a part that must be zero counts absolutely."""
    worst = 0.0
    for name, want in reference.items():
        got = np.asarray(result[name], dtype=np.float64)
        if got.shape != want.shape or not np.isfinite(got).all():
            return float("inf")
        worst = max(worst, float(np.linalg.norm(got - want) / (np.linalg.norm(want) or 1)))
    return worst


def check(base):
    """Prints a row for every method, and returns the number of those that disagree."""
    bad = 0
    exact = differences(dataclasses.replace(base, dtype="float64").build())
    for what in ("gradient", "gv"):
        reference = exact[what]
        for dtype, tolerance in (("float64", FLOAT64), ("float32", FLOAT32)):
            problem = dataclasses.replace(base, dtype=dtype, what=what).build()
            for peer in (gv_numpy, gv_torch, gv_jax):
                for name, start in peer.methods(problem).items():
                    run, result = start()
                    run()  # a second product must not depend on the first
                    got = {k: np.array(r, dtype=np.float64) for k, r in result(run()).items()}
                    if reference is exact[what]:  # the first, in float64, is compared with the differences and then stands for them
                        bad += row(base, what, dtype, peer, name + " (differences)", error(got, reference), DIFFERENCES)
                        reference = got
                    else:
                        bad += row(base, what, dtype, peer, name, error(got, reference), tolerance)
    return bad


def row(base, what, dtype, peer, method, err, tolerance):
    ok = err <= tolerance
    shape = f"{base.hidden}x{base.batch}x{base.length} {base.form}" if base.net == "rnn" else "-".join(map(str, base.sizes))
    print(f"{'ok' if ok else 'BAD':4}{err:9.1e} <= {tolerance:.0e}  {base.net} {shape} {'/'.join(base.activations)} {base.loss} {what} {dtype}: {peer.__name__} {method}")
    return not ok


if __name__ == "__main__":
    bad = sum(check(problem) for problem in SMALL)
    print(f"{bad} disagree")
    sys.exit(bad > 0)
