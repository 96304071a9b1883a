#!/usr/bin/env python3
"""The peer of bench_learn: learn_peer.py X Y ROWS FEATURES reads the same rows (raw doubles) and
prints "name seconds quality" lines: OpenBLAS dsyrk, and scikit-learn on all cores. Quality is what
the fit minimises, for a comparison of answers; 0 where there is nothing to compare."""
import os
import subprocess
import sys
import time
import warnings

import numpy as np

# Older releases of OpenBLAS take the kernels of an older processor on a new one: dsyrk runs with
# each of these, and the best counts.
CORE_TYPES = ["", "Haswell", "SkylakeX"]


def read(arguments):
    rows, features = int(arguments[2]), int(arguments[3])
    return np.fromfile(arguments[0]).reshape(rows, features), np.fromfile(arguments[1])


def best_of(runs, work):
    seconds = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def syrk(x):
    from scipy.linalg.blas import dsyrk
    square = np.asfortranarray(x.ravel()[:9_000_000].reshape(3000, 3000))
    print("gram", best_of(3, lambda: dsyrk(1.0, x.T)), 0)
    print("square", best_of(2, lambda: dsyrk(1.0, square)), 0)


def rates():
    best = {}
    for core in CORE_TYPES:
        environment = dict(os.environ, **({"OPENBLAS_CORETYPE": core} if core else {}))
        out = subprocess.run([sys.executable, __file__, "syrk", *sys.argv[1:]], env=environment,
                             capture_output=True, text=True, check=True).stdout
        for line in out.splitlines():
            name, seconds, _ = line.split()
            best[name] = min(best.get(name, np.inf), float(seconds))
    for name, seconds in best.items():
        print(name, seconds, 0, flush=True)


def fits(x, y):
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.metrics import log_loss

    def fit(name, model, quality, *data):
        begin = time.perf_counter()
        model.fit(*data)
        print(name, time.perf_counter() - begin, quality(model), flush=True)

    def penalised(model):
        return log_loss(y, model.predict_proba(x)) + 0.5 * np.sum(model.coef_ ** 2) / len(y)

    fit("ridge", Ridge(solver="cholesky"), lambda m: 0, x, y)
    fit("logistic", LogisticRegression(), penalised, x, y)
    fit("pca", PCA(n_components=10, svd_solver="randomized"), lambda m: 0, x)
    fit("kmeans", KMeans(n_clusters=10, n_init=1, max_iter=20, tol=0, algorithm="lloyd", random_state=0),
        lambda m: m.inertia_, x)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if sys.argv[1] == "syrk":
        syrk(read(sys.argv[2:])[0])
    else:
        rates()
        fits(*read(sys.argv[1:]))
