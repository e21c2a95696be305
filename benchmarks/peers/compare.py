"""Runs the peers alternately on the problems of the benchmarks' table and prints medians as Markdown.

usage: python compare.py [--threads N] [--samples N] [--what gv|gradient] [--all-methods] [PROBLEM ...]

PROBLEM is rnn256, rnn50, rnn100 or curves (default: all). One sample of each peer in turn; CPU seconds are of all threads of a peer.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

CURVES = [784, 400, 200, 100, 50, 25, 6, 25, 50, 100, 200, 400, 784]
PROBLEMS = {
    "rnn256": {"net": "rnn", "hidden": 256, "batch": 256, "length": 100, "in": 8, "out": 8, "form": "each"},
    "rnn50": {"net": "rnn", "hidden": 50, "batch": 1000, "length": 30, "in": 2, "out": 1, "form": "last"},
    "rnn100": {"net": "rnn", "hidden": 100, "batch": 1000, "length": 100, "in": 2, "out": 1, "form": "last"},
    "curves": {"net": "fnn", "batch": 1000, "sizes": CURVES, "loss": "logistic_cross_entropy",
               "activations": ["logistic"] * 5 + ["linear"] + ["logistic"] * 5 + ["linear"]},
}
PEERS = ("numpy", "jax", "torch")


class Peer:
    """A running peer: ready is the line that it began with."""

    def __init__(self, name, problem):
        script = pathlib.Path(__file__).with_name(f"gv_{name}.py")
        self.process = subprocess.Popen([sys.executable, script, json.dumps(problem)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ready, self.samples = self.read(), []

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"compare.py: a peer ended with code {self.process.wait()}")
        return json.loads(line)

    def sample(self):
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        self.samples.append(self.read())

    def close(self):
        self.process.stdin.close()
        self.peak = self.read()["peak_rss_bytes"]
        self.process.wait()


def compare(name, args):
    problem = PROBLEMS[name] | {"threads": args.threads, "what": args.what}
    peers = [Peer(peer, problem) for peer in PEERS]
    norms = [peer.ready["check"][0] for peer in peers]
    if max(norms) > min(norms) * (1 + 1e-5):
        sys.exit(f"compare.py: {name}: the norms of the results differ: {norms}")
    for _ in range(args.samples):
        for peer in peers:
            peer.sample()
    for peer in peers:
        peer.close()
        cpu = [s["cpu_seconds"] for s in peer.samples]
        wall = statistics.median(s["seconds"] for s in peer.samples)
        print(f"| {name} | {peer.ready['peer']} {peer.ready['method']} | {statistics.median(cpu):.4f} | {min(cpu):.4f} – {max(cpu):.4f} | {wall:.4f} | {peer.peak / 2**20:.0f} |")
        if args.all_methods:
            for method, seconds in sorted(peer.ready["tried"].items(), key=lambda t: t[1]):
                print(f"| {name} | {peer.ready['peer']} {method}, tried | {seconds:.4f} | | | |")
        sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problems", nargs="*", metavar="PROBLEM")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--samples", type=int, default=9)
    parser.add_argument("--what", choices=("gv", "gradient"), default="gv")
    parser.add_argument("--all-methods", action="store_true")
    args = parser.parse_args()
    for name in args.problems:
        if name not in PROBLEMS:
            parser.error(f"unknown problem {name!r}: use {', '.join(PROBLEMS)}")
    print("| problem | peer and method | CPU s, median | range | wall s, median | peak MiB |\n|---|---|---|---|---|---|")
    for name in args.problems or PROBLEMS:
        compare(name, args)


if __name__ == "__main__":
    main()
