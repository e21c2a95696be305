"""PyTorch's Gauss-Newton product on an NVIDIA GPU, each way that works, and how long the fastest takes.

usage: python gv_torch_cuda.py PROBLEM [SECONDS]        (README.md, "Protocol": PROBLEM is the same JSON object)

It prints one line of JSON: {"why"} where there is no PyTorch with CUDA; otherwise {"device", "torch", "seconds": {method: seconds},
"failed": {method: why}, "norm"}. A method that would begin after SECONDS (90) is not tried. TF32 is off, as it is by default.
"""

import json
import sys
import time


def say(**message):
    print(json.dumps(message), flush=True)


def torch_or_none():
    try:
        import torch
    except ImportError as err:
        say(why=f"PyTorch cannot be imported: {err}")
        return None
    if not torch.cuda.is_available():
        say(why=f"PyTorch {torch.__version__} finds no CUDA device")
        return None
    return torch


def main():
    torch = torch_or_none()
    if torch is None:
        return
    import protocol

    protocol.prepare(sys.argv)
    from problem import Problem

    import gv_torch

    torch.backends.cuda.matmul.allow_tf32 = False
    problem = Problem.parse(sys.argv[1])
    model = gv_torch.Model(problem.build())
    on_device(torch, model)
    end = time.monotonic() + (float(sys.argv[2]) if len(sys.argv) > 2 else 90)
    seconds, failed, norm = {}, {}, None
    for name, start in ways(torch, gv_torch, model):
        if time.monotonic() > end:
            failed[name] = "not tried: the time was over"
            continue
        try:
            run = start()
            seconds[name] = timed(torch, run)
            norm = float(torch.sqrt(sum((g.double() ** 2).sum() for g in run())))
            del run
        except Exception as err:  # a way that does not work is told, and the others are tried
            failed[name] = f"{type(err).__name__}: {str(err).splitlines()[0] if str(err) else ''}"
        torch.cuda.empty_cache()
    say(device=torch.cuda.get_device_name(), torch=torch.__version__, seconds=seconds, failed=failed, norm=norm)


def on_device(torch, model):
    """Moves all tensors of a model to the GPU."""
    model.theta = {k: t.detach().cuda().requires_grad_() for k, t in model.theta.items()}
    model.v = {k: t.cuda() for k, t in model.v.items()}
    model.x, model.target = model.x.cuda(), model.target.cuda()
    model.steps = [x.cuda() for x in model.steps] if model.steps else model.steps


def ways(torch, gv_torch, model):
    """Name and starter of each way to make a product. A starter does what products share and returns what makes one."""
    forwards = {"": model.forward}
    if model.problem.net == "rnn":
        forwards["_by_steps"] = model.rnn_by_steps
    for suffix, forward in forwards.items():
        yield "double_backward" + suffix, lambda forward=forward: gv_torch.DoubleBackward(model, forward).gv
        yield "forward_mode" + suffix, lambda forward=forward: gv_torch.ForwardMode(model, forward).gv
        yield "jvp_vjp" + suffix, lambda forward=forward: functional(torch, model, forward)
        yield "jvp_vjp_graph" + suffix, lambda forward=forward: captured(torch, functional(torch, model, forward))
        yield "double_backward_graph" + suffix, lambda forward=forward: captured(torch, gv_torch.DoubleBackward(model, forward).gv)
    yield "jvp_vjp_compiled", lambda: torch.compile(functional(torch, model, model.forward))


def functional(torch, model, forward):
    """Gv by torch.func alone: jvp for J v, vjp for the transpose, both from the function."""
    import torch_by_hand

    with torch.no_grad():
        point = {k: t.detach() for k, t in model.theta.items()}
        kept = torch_by_hand.kept(model.problem, forward(point))

    def gv():
        _, rz = torch.func.jvp(forward, (point,), (model.v,))
        _, transpose = torch.func.vjp(forward, point)
        return list(transpose(torch_by_hand.curvature(model.problem, kept, rz))[0].values())
    return gv


def captured(torch, run):
    """A CUDA graph of run, which is warmed up on a stream of its own first."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = run()

    def replay():
        graph.replay()
        return result
    return replay


def timed(torch, run):
    """Seconds of the fastest of five runs after a first two."""
    best = float("inf")
    for i in range(7):
        torch.cuda.synchronize()
        start = time.perf_counter()
        run()
        torch.cuda.synchronize()
        if i >= 2:
            best = min(best, time.perf_counter() - start)
    return best


if __name__ == "__main__":
    main()
