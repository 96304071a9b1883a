#!/usr/bin/env python3
"""load_peer.py FOLDER: reads floats.csv and mixed.csv, as bench_load generates them, into memory
with whichever of pandas, polars and duckdb is installed, and prints the best rate of two."""

import importlib
import os
import sys
import time


def with_pandas(module, path):
    return len(module.read_csv(path))


def with_polars(module, path):
    return module.read_csv(path).height


def with_duckdb(module, path):
    module.sql("create or replace table t as select * from read_csv_auto('%s')" % path)
    return module.sql("select count(*) from t").fetchone()[0]


def measure(name, read, folder):
    try:
        module = importlib.import_module(name)
    except ImportError:
        print("%-8s is not installed" % name)
        return
    for file in ("floats", "mixed"):
        path = os.path.join(folder, file + ".csv")
        seconds = []
        for _ in range(2):
            start = time.perf_counter()
            rows = read(module, path)
            seconds.append(time.perf_counter() - start)
        gigabytes = os.path.getsize(path) / 1e9
        print("%-8s %-6s %.3f GB %9d rows  %6.2f s = %.3f GB/s"
              % (name, file, gigabytes, rows, min(seconds), gigabytes / min(seconds)), flush=True)


if __name__ == "__main__":
    for peer, reader in (("pandas", with_pandas), ("polars", with_polars),
                         ("duckdb", with_duckdb)):
        measure(peer, reader, sys.argv[1])
