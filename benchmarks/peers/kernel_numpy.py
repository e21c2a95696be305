"""Matrix products by the BLAS in the NumPy wheel (OpenBLAS), and NumPy's tanh, behind the line protocol (README.md).

usage: python kernel_numpy.py '{"kernel": "gemm_nn", "m": 1024, "n": 256, "k": 256, "dtype": "float32", "threads": 1}'

kernel is gemm_nn, gemm_nt or gemm_tn (c [m, n] = op(a) op(b), the letters saying which operand lies transposed), or tanh of
m x n elements, whose inputs are copied first because activations work in place. A sample is as many calls as take 0.1 s; seconds
and cpu_seconds are of one call, without what a call costs that has nothing to do (1 x 1 matrices). check is the norm of the result.
"""

import json
import math
import sys

import protocol

if __name__ == "__main__":
    protocol.prepare(sys.argv)

import numpy as np

from problem import numbers

KERNELS = ("gemm_nn", "gemm_nt", "gemm_tn", "tanh")


def operand(name, scale, rows, cols, dtype, transposed=False):
    """rows x cols numbers of stream 1.NAME; transposed: the transpose of the cols x rows matrix that lies in memory."""
    x = (numbers(f"1.{name}", rows * cols) * (scale * math.sqrt(3))).astype(dtype)
    return x.reshape(cols, rows).T if transposed else x.reshape(rows, cols)


def call(kernel, m, n, k, dtype):
    """A function that runs the kernel once, and its result."""
    c = np.empty((m, n), dtype)
    if kernel == "tanh":
        a = operand("a", 1.5, m, n, dtype)

        def run():
            np.copyto(c, a)
            np.tanh(c, out=c)
    else:
        a = operand("a", 1, m, k, dtype, kernel == "gemm_tn")
        b = operand("b", 1, k, n, dtype, kernel == "gemm_nt")

        def run():
            np.matmul(a, b, out=c)
    return run, c


def loop(run, calls):
    def sample():
        for _ in range(calls):
            run()
    return sample


def main():
    p = json.loads(sys.argv[1])
    kernel, m, n, k, dtype = (p[key] for key in ("kernel", "m", "n", "k", "dtype"))
    if kernel not in KERNELS:
        protocol.fail(f"kernel is {kernel!r}: use one of {', '.join(KERNELS)}")
    run, c = call(kernel, m, n, k, dtype)
    nothing, _ = call(kernel, 1, 1, 1, dtype)
    run()
    calls = max(1, math.ceil(0.1 / max(protocol.timed(run)[1], 1e-7)))
    calls = max(1, math.ceil(0.1 * calls / max(protocol.timed(loop(run, calls))[1], 1e-7)))
    work, empty = loop(run, calls), loop(nothing, 20_000)
    empty()
    overhead = min(protocol.timed(empty)[1] for _ in range(5)) / 20_000
    protocol.say({"peer": "numpy", "version": {"numpy": np.__version__}, "method": "matmul" if kernel != "tanh" else "tanh", "ready": True,
                  "blas": protocol.pools(), "threads": p["threads"], "check": [float(np.linalg.norm(c.astype(np.float64)))], "overhead": overhead})
    for line in sys.stdin:
        if line.strip() != "run":
            protocol.fail(f"got {line.strip()!r}: the only command is run")
        wall, cpu = protocol.timed(work)
        protocol.say({"seconds": wall / calls - overhead, "cpu_seconds": cpu / calls - overhead})
    protocol.say({"peak_rss_bytes": protocol.peak_rss()})


if __name__ == "__main__":
    main()
