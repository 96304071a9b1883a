"""Recency, frequency and monetary value of the customers in examples/customer_segments, by pandas.

Prints the JSON that rfm_test.cc compares with:
    python3 tests/steps/relational/make_rfm.py > tests/steps/relational/rfm.json
"""

import json
import math
import pathlib

import pandas as pd

root = pathlib.Path(__file__).resolve().parents[3]
raw = pd.read_csv(
    root / "examples/customer_segments/data/online_retail.csv.gz",
    parse_dates=["InvoiceDate"],
    dtype={"InvoiceNo": str, "StockCode": str},
)
sales = raw[raw.CustomerID.notna() & (raw.Quantity > 0) & (raw.UnitPrice > 0)].copy()
sales["spent"] = sales.Quantity * sales.UnitPrice
now = pd.Timestamp("2011-02-01")
customers = []
for customer, rows in sales.groupby("CustomerID", sort=True):
    customers.append(
        {
            "customer": customer,
            "recency": (now - rows.InvoiceDate.max()) / pd.Timedelta(days=1),
            "frequency": rows.InvoiceNo.nunique(),
            "monetary": math.fsum(rows.spent),
            "median": rows.spent.median(),
            "deviation": None if len(rows) < 2 else rows.spent.std(),
            "p90": rows.spent.quantile(0.9),
            "first": rows.InvoiceDate.min().strftime("%Y-%m-%d %H:%M:%S"),
        }
    )
picked = customers[:12] + customers[500:512] + customers[-12:]
print(
    json.dumps(
        {
            "sales": len(sales),
            "customers": len(customers),
            "monetary": math.fsum(c["monetary"] for c in customers),
            "frequency": int(sum(c["frequency"] for c in customers)),
            "recency": math.fsum(c["recency"] for c in customers),
            "rows": {str(customers.index(c)): c for c in picked},
        },
        indent=1,
    )
)
