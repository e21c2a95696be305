"""The line protocol of the peers (README.md, "Protocol"): which threads, which method, one product for every "run"."""

import json
import os
import resource
import statistics
import sys
import time


def prepare(argv):
    """Reads the thread count of the problem and sets what the numeric libraries read when they are loaded. Call before NumPy is imported."""
    try:
        threads = str(int(json.loads(argv[1]).get("threads", 1)))
    except (IndexError, ValueError, AttributeError, TypeError) as err:
        fail(f"give the problem as one JSON object on the command line: {err}")
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = threads
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # they choose a slower kernel than the processor's own
        os.environ.pop(name, None)


def fail(message):
    print(f"{os.path.basename(sys.argv[0])}: {message}", file=sys.stderr)
    sys.exit(2)


def serve(peer, versions, methods, describe):
    """Builds the problem on the command line and serves products until standard input ends.

    methods(problem) gives name -> function that prepares the method and returns (run, result): run() does one product, result(r) turns
    what it returned into a dict of NumPy arrays by parameter. describe() says which BLAS it runs with.
    """
    from problem import Problem, summary

    try:
        problem = Problem.parse(sys.argv[1])
    except (ValueError, TypeError) as err:
        fail(err)
    offered = methods(problem.build())
    if problem.method == "best":
        choose(offered, problem)
    if problem.method not in offered:
        fail(f"method {problem.method!r}: use best or one of {', '.join(offered)}")
    run, result = offered[problem.method]()
    run()
    ready = {"peer": peer, "version": versions, "method": problem.method, "ready": True, "blas": describe(), "threads": problem.threads,
             "check": summary(problem, result(run())), "tried": problem.tried}
    say(ready)
    for line in sys.stdin:
        if line.strip() != "run":
            fail(f"got {line.strip()!r}: the only command is run")
        say(dict(zip(("seconds", "cpu_seconds"), timed(run))))
    say({"peak_rss_bytes": peak_rss()})


def choose(offered, problem):
    """Times each method and starts this program again with the fastest, so that memory and state of the others are gone."""
    tried = {}
    for name, start in offered.items():
        run, _ = start()
        run()
        tried[name] = statistics.median(timed(run)[1] for _ in range(3))
        del run, _
    best = json.loads(sys.argv[1]) | {"method": min(tried, key=tried.get), "tried": tried}
    os.execv(sys.executable, [sys.executable, sys.argv[0], json.dumps(best)])


def timed(run):
    """Wall-clock and CPU seconds (all threads, user and system) of one run."""
    cpu, wall = time.process_time(), time.perf_counter()
    run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return wall, cpu


def say(message):
    print(json.dumps(message), flush=True)


def peak_rss():
    """The peak resident size in bytes since this program was started (Linux), or of the process (elsewhere)."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def pools():
    """The thread pools and BLAS libraries in this process, as threadpoolctl finds them."""
    from threadpoolctl import threadpool_info

    return [{k: pool.get(k) for k in ("user_api", "internal_api", "version", "architecture", "num_threads")} for pool in threadpool_info()]
