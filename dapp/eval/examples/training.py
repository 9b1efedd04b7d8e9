"""Trains a network of `tests/fixtures/images.py` in PyTorch, on one thread: `NAME FOLDER` prints
the seconds it took and the best accuracy on the fifth of the rows that is held back."""

import json
import struct
import sys
import time

import numpy as np
import torch

EPOCHS, BATCH = 10, 32


def rows_of(folder):
    with open(f"{folder}/holdout.safetensors", "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    read = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        kind = np.uint8 if entry["dtype"] == "U8" else np.float32
        read[name] = np.frombuffer(data[start:end], kind).reshape(entry["shape"])
    scale, offset = float(metadata.get("scale", 1)), float(metadata.get("offset", 0))
    x = torch.from_numpy(read["x"].astype(np.float32) * scale + offset)
    return x, torch.from_numpy(read["y"].astype(np.int64))


def network(name):
    layer = torch.nn
    if name == "mlp":
        return layer.Sequential(
            layer.Flatten(), layer.Linear(784, 128), layer.ReLU(), layer.Linear(128, 10)
        )
    return layer.Sequential(
        layer.Conv2d(1, 6, 5, bias=False), layer.ReLU(), layer.MaxPool2d(2),
        layer.Conv2d(6, 16, 5, bias=False), layer.ReLU(), layer.MaxPool2d(2),
        layer.Flatten(), layer.Linear(256, 10),
    )  # fmt: skip


def main(name, folder):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    x, y = rows_of(folder)
    order = torch.randperm(len(x))
    kept = len(x) - len(x) // 5
    train, held = order[:kept], order[kept:]
    net = network(name)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.001)
    best, begun = 0.0, time.perf_counter()
    for _ in range(EPOCHS):
        for batch in train[torch.randperm(kept)].split(BATCH):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
            optimizer.step()
        with torch.no_grad():
            best = max(best, (net(x[held]).argmax(1) == y[held]).float().mean().item())
    print(time.perf_counter() - begun, best * 100)


main(*sys.argv[1:])
