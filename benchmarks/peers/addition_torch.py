"""An LSTM, GRU or tanh RNN of PyTorch, trained by Adam on the addition problem: what people would use instead.

python addition_torch.py '{"data": DIR, "cell": "gru", "rate": 0.005, "threads": 2, "seed": 1, "limit": 450, "run": DIR}'

DIR holds train.raw, valid.raw and test.raw, as `go run ./benchmarks/timetosuccess` makes them: int32 n, int32 features, int32 lengths
[n], float32 targets [n], float32 values [sum of lengths][features], little-endian. Training ends when at most 0.5 % of the validation
sequences are off by more than 0.04, looked at every 50 updates, or after `limit` seconds of training and validation. It goes on from
RUN/state.pt where that is there, and prints one JSON object.
"""

import json
import os
import sys
import time

problem = {"batch": 100, "hidden": 100, "clip": 1.0, "every": 50, "target": 0.005, **json.loads(sys.argv[1])}
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(problem["threads"])

import numpy
import torch


def load(name):
    """The sequences of a file, padded at their ends: x [n, longest, features], lengths [n], targets [n]."""
    raw = numpy.fromfile(os.path.join(problem["data"], name + ".raw"), dtype="<i4")
    n, features = int(raw[0]), int(raw[1])
    lengths = raw[2 : 2 + n]
    targets = raw[2 + n : 2 + 2 * n].view("<f4")
    values = raw[2 + 2 * n :].view("<f4").reshape(-1, features)
    if len(values) != lengths.sum():
        sys.exit(f"addition_torch: {name}.raw is {len(values)} steps long and should be {lengths.sum()}: make it again")
    x = numpy.zeros((n, lengths.max(), features), numpy.float32)
    x[numpy.arange(lengths.max()) < lengths[:, None]] = values
    return torch.from_numpy(x), torch.from_numpy(lengths.astype(numpy.int64)), torch.from_numpy(targets.copy())


class Net(torch.nn.Module):
    """A recurrent layer with a linear output of its last state."""

    def __init__(self):
        super().__init__()
        cells = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM, "rnn": torch.nn.RNN}
        self.cell = cells[problem["cell"]](2, problem["hidden"], batch_first=True)
        self.out = torch.nn.Linear(problem["hidden"], 1)

    def forward(self, x, lengths):
        h, _ = self.cell(x)
        return self.out(h[torch.arange(len(x)), lengths - 1]).squeeze(1)


def wrong(net, data):
    """The share of sequences that are off by more than 0.04."""
    x, lengths, targets = data
    with torch.no_grad():
        parts = [net(x[i : i + 1000], lengths[i : i + 1000]) for i in range(0, len(x), 1000)]
    return float(((torch.cat(parts) - targets).abs() > 0.04).float().mean())


def order(seed, epoch, n):
    """The order of the training sequences in an epoch."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(1_000_003 * seed + epoch))


def main():
    torch.set_num_threads(problem["threads"])
    torch.manual_seed(problem["seed"])
    train, valid, test = load("train"), load("valid"), load("test")
    net = Net()
    adam = torch.optim.Adam(net.parameters(), lr=problem["rate"])
    updates, seconds, done = 0, 0.0, False
    state = os.path.join(problem["run"], "state.pt")
    if os.path.exists(state):
        s = torch.load(state)
        net.load_state_dict(s["net"])
        adam.load_state_dict(s["adam"])
        updates, seconds, done = s["updates"], s["seconds"], s["done"]

    n, batch = len(train[0]), problem["batch"]
    an_epoch = n // batch
    began = time.perf_counter() - seconds
    shuffled = order(problem["seed"], updates // an_epoch, n)
    while not done and seconds < problem["limit"]:
        if updates % an_epoch == 0:
            shuffled = order(problem["seed"], updates // an_epoch, n)
        at = updates % an_epoch * batch
        pick = shuffled[at : at + batch]
        x, lengths, targets = (part[pick] for part in train)
        loss = 0.5 * (net(x[:, : lengths.max()], lengths) - targets).square().mean()
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), problem["clip"])
        adam.step()
        updates += 1
        if updates % problem["every"] == 0:
            done = wrong(net, valid) <= problem["target"]
        seconds = time.perf_counter() - began

    torch.save({"net": net.state_dict(), "adam": adam.state_dict(), "updates": updates, "seconds": seconds, "done": done}, state + ".new")
    os.replace(state + ".new", state)
    answer = {"version": torch.__version__, "updates": updates, "sequences": updates * batch, "seconds": seconds, "done": done}
    answer |= {"valid_error": wrong(net, valid), "test_error": wrong(net, test), "parameters": sum(p.numel() for p in net.parameters())}
    print(json.dumps(answer))


main()
