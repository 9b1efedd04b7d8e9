"""A trainer for models of one matrix and one bias, by gradient descent; it needs no library.

Run as `train.py INPUT OUTPUT`: the folder INPUT has the files of the contract, OUTPUT is to be
written. Nothing else of the computer is there: no network, no other files.
"""

import json
import math
import random
import struct
import sys


def read_safetensors(path):
    """The tensors of a file: name -> (type, shape, bytes), and its metadata."""
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        tensors[name] = (entry["dtype"], entry["shape"], data[start:end])
    return tensors, metadata


def floats(tensor, metadata=None):
    """A tensor's numbers; bytes stand for `byte * scale + offset`."""
    kind, _, data = tensor
    if kind == "U8":
        scale, offset = float(metadata["scale"]), float(metadata["offset"])
        return [byte * scale + offset for byte in data]
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def classes(tensor):
    kind, shape, data = tensor
    return list(struct.unpack(f"<{shape[0]}{'B' if kind == 'U8' else 'q'}", data))


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


def softmax(logits):
    top = max(logits)
    powers = [math.exp(logit - top) for logit in logits]
    return [power / sum(powers) for power in powers]


def main(folder, output):
    with open(f"{folder}/settings.json") as file:
        settings = json.load(file)
    weights, _ = read_safetensors(f"{folder}/weights.safetensors")
    data, metadata = read_safetensors(f"{folder}/data.safetensors")
    width, count = settings["features"], settings["classes"]
    matrices = [name for name in weights if weights[name][1] in ([width, count], [count, width])]
    biases = [name for name in weights if weights[name][1] in ([count], [1, count])]
    if count < 2 or len(matrices) != 1 or len(biases) != 1:
        print("this example trains one matrix and one bias for classes", file=sys.stderr)
        return 1
    shape = weights[matrices[0]][1]
    # The weight of a feature for a class is at feature * across + class * down.
    across, down = (count, 1) if shape == [width, count] else (1, width)
    matrix, bias = floats(weights[matrices[0]]), floats(weights[biases[0]])
    flat, labels = floats(data["x"], metadata), classes(data["y"])
    rows = [flat[start : start + width] for start in range(0, len(flat), width)]

    order = list(range(len(rows)))
    random.seed(settings["seed"])
    for epoch in range(settings["epochs"]):
        random.shuffle(order)
        loss = 0.0
        for index in order:
            row, label = rows[index], labels[index]
            logits = [
                bias[k] + sum(row[j] * matrix[j * across + k * down] for j in range(width))
                for k in range(count)
            ]
            chances = softmax(logits)
            loss -= math.log(max(chances[label], 1e-9))
            for k in range(count):
                step = settings["learning_rate"] * (chances[k] - (1.0 if k == label else 0.0))
                bias[k] -= step
                for j in range(width):
                    matrix[j * across + k * down] -= step * row[j]
        line = {"epoch": epoch + 1, "epochs": settings["epochs"], "loss": loss / len(rows)}
        print(json.dumps(line), flush=True)
    shapes = {name: weights[name][1] for name in (matrices[0], biases[0])}
    write_safetensors(
        output,
        {matrices[0]: (shapes[matrices[0]], matrix), biases[0]: (shapes[biases[0]], bias)},
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
