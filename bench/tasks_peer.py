#!/usr/bin/env python3
"""tasks_peer.py TASKS: that many functions that do nothing, each of its own, run by whichever of
Dask's threaded scheduler and dask.distributed (two worker processes on this machine) is installed,
neither of which records anything durable; prints "PEER TASKS SECONDS". distributed runs a tenth of
them."""

import importlib
import sys
import time


def nothing(number):
    return number


def graph(tasks):
    return {("noop", i): (nothing, i) for i in range(tasks)}


def with_threads(module, tasks):
    work = graph(tasks)
    start = time.perf_counter()
    module.get(work, list(work), num_workers=2)
    return time.perf_counter() - start


def with_distributed(module, tasks):
    with module.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with module.Client(cluster) as client:
            work = graph(tasks)
            start = time.perf_counter()
            client.get(work, list(work))
            return time.perf_counter() - start


def measure(name, module, run, tasks):
    try:
        loaded = importlib.import_module(module)
    except ImportError:
        return
    print("%s %d %.4f" % (name, tasks, run(loaded, tasks)), flush=True)


if __name__ == "__main__":
    count = int(sys.argv[1])
    measure("dask.threaded", "dask.threaded", with_threads, count)
    measure("dask.distributed", "distributed", with_distributed, max(1, count // 10))
