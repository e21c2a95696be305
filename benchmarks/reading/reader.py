"""Reads sequences as padded batches with one Python library, and says in one line of JSON what that took.

usage: reader.py PEER FILE BATCH REPETITIONS

A batch is BATCH sequences in file order: x, float32, zero behind each sequence's end, [BATCH, longest]; lengths; targets. Each peer is one
process on one thread. CPU seconds are those of the process for one pass over the file, the median of REPETITIONS after one that is not
counted. `sum` is of all x in float64, so that peers can be compared.
"""

import json
import sys
import time

import numpy as np
import pyarrow as pa


def pad(table):
    """Pads a record batch or table of the columns x and target: one mask for the whole batch, one copy of the values."""
    x = table.column("x")
    if isinstance(x, pa.ChunkedArray):
        x = x.combine_chunks()
    lengths = np.diff(x.offsets.to_numpy())
    out = np.zeros((len(lengths), lengths.max()), np.float32)
    out[np.arange(out.shape[1]) < lengths[:, None]] = x.flatten().to_numpy()
    return out, lengths, table.column("target").to_numpy()


def pyarrow_batches(path, batch):
    import pyarrow.dataset as ds

    pa.set_cpu_count(1)
    scanner = ds.dataset(path).scanner(columns=["x", "target"], batch_size=batch, use_threads=False)
    for b in scanner.to_batches():
        yield pad(b)


def duckdb_batches(path, batch):
    import duckdb

    c = duckdb.connect()
    c.execute("SET threads=1")
    result = c.execute(f"SELECT x, target FROM read_parquet('{path}')")
    reader = result.to_arrow_reader(batch) if hasattr(result, "to_arrow_reader") else result.fetch_record_batch(batch)
    for b in reader:
        for lo in range(0, b.num_rows, batch):
            yield pad(b.slice(lo, batch))


def datasets_batches(path, batch):
    import datasets

    stream = datasets.load_dataset("parquet", data_files=path, split="train", streaming=True).select_columns(["x", "target"])
    for b in stream.with_format("arrow").iter(batch_size=batch):
        yield pad(b)


def torch_batches(path, batch):
    import pyarrow.dataset as ds
    import torch

    torch.set_num_threads(1)
    pa.set_cpu_count(1)

    class Sequences(torch.utils.data.IterableDataset):
        def __iter__(self):
            for b in ds.dataset(path).scanner(columns=["x", "target"], use_threads=False).to_batches():
                values, offsets = b.column("x").values.to_numpy(), b.column("x").offsets.to_numpy()
                targets = b.column("target").to_numpy()
                for i in range(len(targets)):
                    yield values[offsets[i] : offsets[i + 1]], targets[i]

    def collate(rows):
        x = [torch.from_numpy(np.array(r[0])) for r in rows]
        padded = torch.nn.utils.rnn.pad_sequence(x, batch_first=True)
        return padded.numpy(), np.array([len(r) for r in x]), np.array([r[1] for r in rows])

    yield from torch.utils.data.DataLoader(Sequences(), batch_size=batch, collate_fn=collate)


def mosaic_batches(path, batch):
    """MosaicML Streaming reads shards of its own format, in which each sample's values are bytes. They are written once, which is not counted."""
    from streaming import StreamingDataset

    samples, rows = StreamingDataset(local=mosaic_shards(path), shuffle=False, batch_size=batch), []
    for sample in samples:
        rows.append((sample["x"], sample["target"]))
        if len(rows) == batch:
            yield pad_rows(rows)
            rows = []
    if rows:
        yield pad_rows(rows)


def mosaic_shards(path):
    import os

    import pyarrow.parquet as pq
    from streaming import MDSWriter

    shards = path + ".mds"
    if not os.path.exists(shards):
        table = pq.read_table(path, columns=["x", "target"])
        with MDSWriter(out=shards, columns={"x": "ndarray:float32", "target": "float32"}, size_limit=1 << 26) as out:
            for x, target in zip(table.column("x"), table.column("target").to_numpy()):
                out.write({"x": x.values.to_numpy(), "target": target})
    return shards


def pad_rows(rows):
    """Pads samples that come one by one, with one copy of each."""
    lengths = np.array([len(x) for x, _ in rows])
    out = np.zeros((len(rows), lengths.max()), np.float32)
    for i, (x, _) in enumerate(rows):
        out[i, : len(x)] = x
    return out, lengths, np.array([target for _, target in rows])


PEERS = {"pyarrow": pyarrow_batches, "duckdb": duckdb_batches, "datasets": datasets_batches, "mosaicml-streaming": mosaic_batches, "torch": torch_batches}


def main(peer, path, batch, repetitions):
    cpu, wall = [], []
    for repetition in range(repetitions + 1):
        started, clock = time.process_time(), time.perf_counter()
        sequences = steps = 0
        total = 0.0
        for x, lengths, _ in PEERS[peer](path, batch):
            sequences += len(lengths)
            steps += int(lengths.sum())
            if repetition == 0:
                total += float(x.sum(dtype=np.float64))
                check = total
        if repetition > 0:
            cpu.append(time.process_time() - started)
            wall.append(time.perf_counter() - clock)
    import importlib.metadata

    answer = {"peer": peer, "version": importlib.metadata.version(peer), "sequences": sequences, "steps": steps, "sum": check}
    print(json.dumps(answer | {"cpu_seconds": sorted(cpu)[len(cpu) // 2], "seconds": sorted(wall)[len(wall) // 2]}))


if __name__ == "__main__":
    if len(sys.argv) != 5 or sys.argv[1] not in PEERS:
        sys.exit(f"usage: reader.py {'|'.join(PEERS)} FILE BATCH REPETITIONS")
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
