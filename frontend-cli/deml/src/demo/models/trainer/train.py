"""Trains the head of a small convolutional network: `train.py INPUT OUTPUT`; it needs no library.

The network is PyTorch's `Conv2d(1, 8, 3, padding=1), ReLU, MaxPool2d(2), Conv2d(8, 16, 3, padding=1),
ReLU, Flatten, Linear(256, 16), ReLU, Linear(16, 10)`. Its convolutions stay as they are, so that
what they answer for a row is computed once; both linear layers are trained.
"""

import json
import math
import random
import struct
import sys


def read_safetensors(path):
    """The tensors of a file as lists of numbers, and its metadata."""
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        part = data[slice(*entry["data_offsets"])]
        if entry["dtype"] == "U8":
            tensors[name] = entry["shape"], list(part)
        else:
            tensors[name] = entry["shape"], list(struct.unpack(f"<{len(part) // 4}f", part))
    return tensors, metadata


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, (shape, numbers) in tensors.items():
        part = struct.pack(f"<{len(numbers)}f", *numbers)
        offsets = [len(data), len(data) + len(part)]
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": offsets}
        data += part
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def convolve(planes, size, kernels, bias):
    """Convolution of 3 × 3 with a border of zeros, and ReLU; a plane is a list of size² numbers."""
    wide = size + 2
    padded = []
    for plane in planes:
        rows = [[0.0] + plane[row * size : (row + 1) * size] + [0.0] for row in range(size)]
        padded.append([0.0] * wide + [number for row in rows for number in row] + [0.0] * wide)
    patches = [
        [number for plane in padded for down in range(3) for number in plane[at + down * wide :][:3]]
        for at in (row * wide + column for row in range(size) for column in range(size))
    ]
    return [
        [max(0.0, start + sum(map(float.__mul__, kernel, patch))) for patch in patches]
        for kernel, start in zip(kernels, bias)
    ]


def pool(plane, size):
    pairs = range(0, size, 2)
    corners = (0, 1, size, size + 1)
    return [max(plane[row * size + column + at] for at in corners) for row in pairs for column in pairs]


def split(numbers, width):
    return [numbers[at : at + width] for at in range(0, len(numbers), width)]


def features(row, size, weights):
    first = convolve([row], size, split(weights["0.0.weight"][1], 9), weights["0.0.bias"][1])
    pooled = [pool(plane, size) for plane in first]
    second = split(weights["0.3.weight"][1], 9 * len(first))
    planes = convolve(pooled, size // 2, second, weights["0.3.bias"][1])
    return [number for plane in planes for number in plane]


def products(matrix, bias, row):
    return [start + sum(map(float.__mul__, weights, row)) for weights, start in zip(matrix, bias)]


def step(matrix, bias, row, gradient, rate):
    for out, slope in enumerate(gradient):
        if slope:
            by = rate * slope
            bias[out] -= by
            matrix[out] = [weight - by * number for weight, number in zip(matrix[out], row)]


def learn(rows, labels, hidden, last, rate):
    """One pass over all rows; the mean loss."""
    loss = 0.0
    for row, label in zip(rows, labels):
        inner = [max(0.0, number) for number in products(*hidden, row)]
        logits = products(*last, inner)
        top = max(logits)
        powers = [math.exp(logit - top) for logit in logits]
        chances = [power / sum(powers) for power in powers]
        loss -= math.log(max(chances[label], 1e-9))
        slopes = [chance - (1.0 if out == label else 0.0) for out, chance in enumerate(chances)]
        back = [sum(slope * weights[at] for slope, weights in zip(slopes, last[0])) for at in range(len(inner))]
        back = [slope if number > 0.0 else 0.0 for slope, number in zip(back, inner)]
        step(*last, inner, slopes, rate)
        step(*hidden, row, back, rate)
    return loss / len(rows)


def main(folder, output):
    with open(f"{folder}/settings.json") as file:
        settings = json.load(file)
    weights, _ = read_safetensors(f"{folder}/weights.safetensors")
    data, metadata = read_safetensors(f"{folder}/data.safetensors")
    scale, offset = float(metadata.get("scale", 1)), float(metadata.get("offset", 0))
    numbers = [number * scale + offset for number in data["x"][1]]
    size = math.isqrt(settings["features"])
    rows = [features(row, size, weights) for row in split(numbers, size * size)]
    labels = data["y"][1]
    print("the convolutions' answers are known", flush=True)
    hidden = split(weights["0.6.weight"][1], len(rows[0])), weights["0.6.bias"][1]
    last = split(weights["0.8.weight"][1], len(hidden[0])), weights["0.8.bias"][1]
    order = list(range(len(rows)))
    random.seed(settings["seed"])
    for epoch in range(settings["epochs"]):
        random.shuffle(order)
        shuffled = [rows[at] for at in order], [labels[at] for at in order]
        loss = learn(*shuffled, hidden, last, settings["learning_rate"])
        print(json.dumps({"epoch": epoch + 1, "epochs": settings["epochs"], "loss": loss}), flush=True)
    written = {}
    for name, (matrix, bias) in (("0.6", hidden), ("0.8", last)):
        flat = [number for row in matrix for number in row]
        written[f"{name}.weight"] = weights[f"{name}.weight"][0], flat
        written[f"{name}.bias"] = weights[f"{name}.bias"][0], bias
    write_safetensors(output, written)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
