"""Picks, from ONNX's own operator tests, the cases of the operators we evaluate.

    pip install onnx==1.17.0      (onnx_cases.json is of this version)
    python onnx_cases.py > onnx_cases.json

Each line of the result is one case: the node as it is in the file, the version of the operators,
the inputs and the expected first output. Numbers are little-endian bytes in hexadecimal.
`src/op/tests/published.rs` runs them all.
"""

import json
import pathlib

import onnx
from onnx import numpy_helper

OPERATORS = """Add AveragePool BatchNormalization Cast Concat Constant Conv Div Dropout Flatten Gemm
GlobalAveragePool Identity LogSoftmax MatMul MaxPool Mul Relu Reshape Sigmoid Softmax Sub Tanh
Transpose""".split()
# What is refused by design: training, empty tensors, windows over volumes, dilated averages, and
# indices in column order.
REFUSED = (
    "training",
    "allowzero_reordered",
    "pool_3d",
    "averagepool_2d_dilations",
    "argmax_2d_precomputed_strides",
)
LARGEST_BYTES = 4_096
TYPES = {"float32": "f32", "int64": "i64", "bool": "bool"}


def tensor(path):
    """The tensor in a file, or nothing when it is of a type or kind we do not take."""
    proto = onnx.TensorProto()
    proto.ParseFromString(path.read_bytes())
    array = numpy_helper.to_array(proto)
    if array.dtype.name not in TYPES or not proto.name:
        return None
    data = array.astype(array.dtype.newbyteorder("<")).tobytes().hex()
    return {"type": TYPES[array.dtype.name], "shape": list(array.shape), "data": data}


def case(folder):
    """The case in a folder, or nothing when it is not for us."""
    model = onnx.load(folder / "model.onnx")
    if len(model.graph.node) != 1 or model.graph.node[0].op_type not in OPERATORS:
        return None
    node, data = model.graph.node[0], folder / "test_data_set_0"
    files = [data / f"input_{i}.pb" for i in range(len(model.graph.input))]
    files.append(data / "output_0.pb")
    if any(word in folder.name for word in REFUSED) or "sequence" in folder.name:
        return None
    if "_opt" in folder.name or sum(file.stat().st_size for file in files) > LARGEST_BYTES:
        return None
    given = dict(zip([port.name for port in model.graph.input], map(tensor, files)))
    output = tensor(files[-1])
    if None in given.values() or output is None or output["type"] != "f32":
        return None
    inputs = [given.get(name) for name in node.input]
    return {
        "name": folder.name.removeprefix("test_"),
        "opset": model.opset_import[0].version,
        "node": node.SerializeToString().hex(),
        "inputs": inputs,
        "output": output,
    }


def main():
    root = pathlib.Path(onnx.__file__).parent / "backend/test/data/node"
    cases = [found for folder in sorted(root.iterdir()) if (found := case(folder))]
    lines = (json.dumps(found, separators=(",", ":")) for found in cases)
    print("[\n" + ",\n".join(lines) + "\n]")


if __name__ == "__main__":
    main()
