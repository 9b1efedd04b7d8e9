"""Trains a network of `tests/fixtures/images.py` in PyTorch, on one thread: `NAME EPOCHS FOLDER`
prints the seconds of the processor that it took, and the best accuracy on the fifth of the rows
that is held back."""

import json
import struct
import sys
import time

import numpy as np
import torch
from torch import nn

BATCH = 32


def rows_of(folder):
    with open(f"{folder}/rows.safetensors", "rb") as file:
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


def convolution(channels, width, side=3, stride=1, groups=1):
    padding = side // 2
    return nn.Conv2d(channels, width, side, stride, padding, groups=groups)


class Block(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        stride = width // channels
        self.long = nn.Sequential(
            convolution(channels, width, 3, stride), nn.ReLU(), convolution(width, width)
        )
        self.short = convolution(channels, width, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        return torch.relu(self.long(x) + self.short(x))


def separable(channels, width, stride):
    own = convolution(channels, channels, 3, stride, channels)
    return [own, nn.ReLU(), convolution(channels, width, 1), nn.ReLU()]


NETWORKS = {
    "mlp": lambda: [nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)],
    "cnn": lambda: [
        nn.Conv2d(1, 6, 5, bias=False), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5, bias=False), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 10),
    ],
    "resnet": lambda: [
        convolution(1, 16), nn.ReLU(), Block(16, 16), Block(16, 32), Block(32, 64),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    ],
    "depthwise": lambda: [
        convolution(1, 16), nn.ReLU(),
        *separable(16, 32, 1), *separable(32, 64, 2), *separable(64, 64, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    ],
}  # fmt: skip


def fit(name, epochs, x, y):
    net = nn.Sequential(*NETWORKS[name]())
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    order = torch.randperm(len(x))
    kept = len(x) - len(x) // 5
    train, held = order[:kept], order[kept:]
    optimizer = torch.optim.Adam(net.parameters(), lr=0.001)
    best = 0.0
    for _ in range(epochs):
        for batch in train[torch.randperm(kept)].split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
            optimizer.step()
        with torch.no_grad():
            best = max(best, (net(x[held]).argmax(1) == y[held]).float().mean().item())
    return best


def main(name, epochs, folder):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    x, y = rows_of(folder)
    # What is done once is not counted.
    fit(name, 1, x[: 4 * BATCH], y[: 4 * BATCH])
    begun = time.process_time()
    best = fit(name, int(epochs), x, y)
    print(time.process_time() - begun, best * 100)


main(*sys.argv[1:])
