#!/usr/bin/env python3
"""The peer of bench_learn: OpenBLAS dsyrk and scikit-learn on data of the same shape."""
import sys
import time
import warnings

import numpy as np
from scipy.linalg.blas import dsyrk
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge

warnings.simplefilter("ignore")
rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
rng = np.random.default_rng(1)
x = 3.4 * (rng.random((rows, 100)) - 0.5)
y = (x[:, :20].sum(axis=1) + 3 * rng.normal(size=rows) > 0).astype(float)


def seconds(name, work):
    begin = time.perf_counter()
    work()
    print(f"{name:<10} {time.perf_counter() - begin:8.3f} s", flush=True)


seconds("dsyrk", lambda: dsyrk(1.0, x.T))
seconds("ridge", lambda: Ridge(solver="cholesky").fit(x, y))
seconds("logistic", lambda: LogisticRegression().fit(x, y))
seconds("pca", lambda: PCA(n_components=10, svd_solver="randomized").fit(x))
seconds("kmeans", lambda: KMeans(n_clusters=10, n_init=1, max_iter=20, tol=0, algorithm="lloyd").fit(x))
