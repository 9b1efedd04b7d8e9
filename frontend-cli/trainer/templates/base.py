"""Writes base.onnx: y = softmax(x · coefficients + intercepts), 2 features, 3 classes, all zero."""

import struct


def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def integer(field, number):
    return varint(field << 3) + varint(number)


def part(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def tensor(name, shape):
    count = 1
    for size in shape:
        count *= size
    sizes = b"".join(integer(1, size) for size in shape)
    return sizes + integer(2, 1) + part(8, name) + part(9, struct.pack(f"<{count}f", *[0.0] * count))


def node(operator, inputs, output):
    return b"".join(part(1, name) for name in inputs) + part(2, output) + part(4, operator)


def port(name, *sizes):
    sizes = [part(1, part(2, size) if isinstance(size, str) else integer(1, size)) for size in sizes]
    return part(1, name) + part(2, part(1, integer(1, 1) + part(2, b"".join(sizes))))


graph = (
    part(1, node("MatMul", ["x", "coefficients"], "products"))
    + part(1, node("Add", ["products", "intercepts"], "logits"))
    + part(1, node("Softmax", ["logits"], "y"))
    + part(2, "linear")
    + part(5, tensor("coefficients", [2, 3]))
    + part(5, tensor("intercepts", [3]))
    + part(11, port("x", "rows", 2))
    + part(12, port("y", "rows", 3))
)
with open("base.onnx", "wb") as file:
    file.write(integer(1, 8) + part(7, graph) + part(8, part(1, "") + integer(2, 17)))
