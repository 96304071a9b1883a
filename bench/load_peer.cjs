// load_peer.cjs FOLDER: as load_peer.py, with whichever of DuckDB (npm's @duckdb/node-api) and
// Polars (nodejs-polars) NODE_PATH has; prints "PEER FILE SECONDS", the best of two.

const path = require('path');

async function withDuckdb({ DuckDBInstance }) {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  return (file) =>
    connection.run(`create or replace table t as select * from read_csv_auto('${file}')`);
}

async function withPolars(polars) {
  // Types are inferred from the whole file, as the others do: from a part of it, Polars fails later.
  return async (file) => polars.readCSV(file, { inferSchemaLength: null });
}

async function measure(name, module, open, folder) {
  let read;
  try {
    read = await open(require(module));
  } catch {
    return;  // not installed
  }
  for (const file of ['floats', 'mixed']) {
    let best = Infinity;
    for (let i = 0; i < 2; ++i) {
      const start = process.hrtime.bigint();
      await read(path.join(folder, `${file}.csv`));
      best = Math.min(best, Number(process.hrtime.bigint() - start) / 1e9);
    }
    console.log(`${name} ${file} ${best.toFixed(4)}`);
  }
}

(async () => {
  await measure('duckdb', '@duckdb/node-api', withDuckdb, process.argv[2]);
  await measure('polars', 'nodejs-polars', withPolars, process.argv[2]);
})();
