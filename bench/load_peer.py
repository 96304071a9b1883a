#!/usr/bin/env python3
"""load_peer.py FOLDER: reads floats.csv and mixed.csv, as bench_load generates them, into memory
with whichever of pandas, polars and duckdb is installed, and prints "PEER FILE SECONDS", the best of
two."""

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
        return
    for file in ("floats", "mixed"):
        path = os.path.join(folder, file + ".csv")
        seconds = []
        for _ in range(2):
            start = time.perf_counter()
            read(module, path)
            seconds.append(time.perf_counter() - start)
        print("%s %s %.4f" % (name, file, min(seconds)), flush=True)


if __name__ == "__main__":
    for peer, reader in (("pandas", with_pandas), ("polars", with_polars),
                         ("duckdb", with_duckdb)):
        measure(peer, reader, sys.argv[1])
