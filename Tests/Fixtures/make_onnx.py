"""Writes ONNX files by hand: such as other exporters give, and such as nobody should.

usage: make_onnx.py FOLDER. Writes cases.json, a list of {"file", "error"} for a file that must be refused with a sentence that has
this in it, and {"file", "kinds"} for one that must be understood: FILE.x.npy goes in, FILE.y.npy is what ONNX Runtime gives.
"""
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

FOLDER = sys.argv[1]
RANDOM = np.random.default_rng(5)
CASES = []


def values(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


def node(kind, inputs, output, **attributes):
    return helper.make_node(kind, inputs, [output], name=f"/{output}", **attributes)


def model(nodes, constants, shape, opset=17, output="y", domains=(), dtype=TensorProto.FLOAT):
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", dtype, shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()])
    opsets = [helper.make_opsetid("", opset)] + [helper.make_opsetid(*domain) for domain in domains]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def understood(file, made, kinds=None, rows=5, **save):
    path = f"{FOLDER}/{file}"
    onnx.save(made, path, **save)
    shape = [d.dim_value for d in made.graph.input[0].type.tensor_type.shape.dim][1:]
    x = values(rows, *shape)
    [y] = ort.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": x})
    np.save(path + ".x.npy", x)
    np.save(path + ".y.npy", y.reshape(rows, -1))
    CASES.append({"file": file, "kinds": kinds})


def refused(file, made, error, **save):
    if isinstance(made, onnx.ModelProto):
        onnx.save(made, f"{FOLDER}/{file}", **save)
    else:
        with open(f"{FOLDER}/{file}", "wb") as out:
            out.write(made)
    CASES.append({"file": file, "error": error})


def gemm(**attributes):
    return model(
        [node("Gemm", ["x", "w", "b"], "y", **attributes)], {"w": values(4, 3), "b": values(3)}, ["N", 4])


def understood_files():
    understood("gemm.onnx", gemm(), ["dense"])
    understood("matmul.onnx", model(
        [node("MatMul", ["x", "w"], "a"), node("Add", ["a", "b"], "b1"), node("Mul", ["b1", "s"], "c"),
         node("Relu", ["c"], "y")],
        {"w": values(4, 3), "b": values(3), "s": values(3)}, ["N", 4]), ["dense", "relu"])
    understood("external.onnx", model(
        [node("Gemm", ["x", "w"], "y")], {"w": values(40, 30)}, ["N", 40]), ["dense"],
        save_as_external_data=True, location="external.data", size_threshold=0)
    understood("scaled.onnx", model(
        [node("Sub", ["x", "m"], "a"), node("Div", ["a", "d"], "b"), node("Gemm", ["b", "w"], "y")],
        {"m": values(4), "d": np.abs(values(4)) + 1, "w": values(4, 2)}, ["N", 4]), ["dense"])
    understood("scaler.onnx", model(
        [helper.make_node("Scaler", ["x"], ["a"], domain="ai.onnx.ml", offset=[1.0, 2.0], scale=[0.5, 3.0]),
         node("MatMul", ["a", "w"], "y")], {"w": values(2, 3)}, ["N", 2], domains=[("ai.onnx.ml", 1)]), ["dense"])
    understood("frozen.onnx", model(
        [node("MatMul", ["x", "w"], "a"), node("Relu", ["a"], "b"), node("Mul", ["b", "s"], "c"),
         node("Add", ["c", "t"], "y")],
        {"w": values(4, 3), "s": values(1, 3), "t": values(3)}, ["N", 4]), ["dense", "relu", "batchNorm"])
    image = ["N", 3, 6, 6]
    understood("padded.onnx", model(
        [node("Pad", ["x", "p"], "a"), node("Conv", ["a", "w"], "b"), node("GlobalAveragePool", ["b"], "c"),
         node("Flatten", ["c"], "y")],
        {"p": np.array([0, 0, 1, 1, 0, 0, 1, 1]), "w": values(4, 3, 3, 3)}, image), ["convolution", "globalAveragePool"])
    understood("same_upper.onnx", model(
        [node("Conv", ["x", "w"], "a", auto_pad="SAME_UPPER"), node("ReduceMean", ["a"], "y", axes=[2, 3], keepdims=0)],
        {"w": values(4, 3, 2, 2)}, image), ["convolution", "globalAveragePool"])
    understood("sides.onnx", model(
        [node("Conv", ["x", "w"], "a", pads=[0, 0, 1, 2]), node("MaxPool", ["a"], "b", kernel_shape=[2, 3], pads=[0, 1, 1, 0]),
         node("Flatten", ["b"], "y")], {"w": values(4, 3, 3, 3)}, image), ["convolution", "maxPool", "flatten"])
    understood("depthwise.onnx", model(
        [node("Conv", ["x", "w"], "a", group=3, pads=[1, 1, 1, 1]), node("MaxPool", ["a"], "b", kernel_shape=[2, 2], strides=[2, 2]),
         node("Flatten", ["b"], "y")],
        {"w": values(6, 1, 3, 3)}, image), ["depthwiseConvolution", "maxPool", "flatten"])
    understood("groups.onnx", model(
        [node("Conv", ["x", "w"], "a"), node("Shape", ["a"], "s"), node("Reshape", ["a", "r"], "b"),
         node("InstanceNormalization", ["b", "one", "zero"], "c"), node("Reshape", ["c", "s"], "d"),
         node("Mul", ["d", "g"], "e"), node("Add", ["e", "h"], "f"), node("ReduceMean", ["f"], "y", axes=[2, 3], keepdims=0)],
        {"w": values(4, 3, 1, 1), "r": np.array([0, 2, -1]), "one": np.ones(2, np.float32),
         "zero": np.zeros(2, np.float32), "g": values(4, 1, 1), "h": values(4, 1, 1)}, image),
        ["convolution", "groupNorm", "globalAveragePool"])
    # As PyTorch's view(x.size(0), -1), and as Keras lays images out: features last before they are flattened.
    size = [node("Shape", ["a"], "s"), node("Gather", ["s", "i"], "n"), node("Unsqueeze", ["n", "j"], "u"),
            node("Concat", ["u", "k"], "v", axis=0)]
    shape = {"i": np.array(0), "j": np.array([0]), "k": np.array([-1])}
    understood("view.onnx", model(
        [node("Conv", ["x", "w"], "a")] + size + [node("Reshape", ["a", "v"], "b"), node("Gemm", ["b", "m"], "y")],
        {"w": values(4, 3, 1, 1), "m": values(144, 2), **shape}, image), ["convolution", "flatten", "dense"])
    understood("features_last.onnx", model(
        [node("Transpose", ["x"], "t", perm=[0, 3, 1, 2]), node("Conv", ["t", "w"], "c"), node("Relu", ["c"], "d"),
         node("Transpose", ["d"], "a", perm=[0, 2, 3, 1])] + size +
        [node("Reshape", ["a", "v"], "b"), node("Gemm", ["b", "m"], "y")],
        {"w": values(4, 3, 1, 1), "m": values(144, 2), **shape}, ["N", 6, 6, 3]),
        ["convolution", "relu", "flatten", "dense"])
    understood("gelu.onnx", model(
        [node("MatMul", ["x", "w"], "a"), node("Div", ["a", "r"], "b"), node("Erf", ["b"], "c"), node("Add", ["c", "one"], "d"),
         node("Mul", ["a", "d"], "e"), node("Mul", ["e", "half"], "y")],
        {"w": values(4, 3), "r": np.float32(2 ** 0.5), "one": np.float32(1), "half": np.float32(0.5)}, ["N", 4]),
        ["dense", "gelu"])
    understood("silu.onnx", model(
        [node("MatMul", ["x", "w"], "a"), node("Sigmoid", ["a"], "b"), node("Mul", ["b", "a"], "y")],
        {"w": values(4, 3)}, ["N", 4]), ["dense", "silu"])
    understood("softplus.onnx", model(
        [node("MatMul", ["x", "w"], "a"), node("Softplus", ["a"], "b"), node("Greater", ["a", "limit"], "c"),
         node("Where", ["c", "a", "b"], "y")], {"w": values(4, 3), "limit": np.float32(20)}, ["N", 4]),
        ["dense", "softplus"])
    understood("layer_norm.onnx", model(
        [node("MatMul", ["x", "w"], "a"), node("ReduceMean", ["a"], "m", axes=[-1]), node("Sub", ["a", "m"], "d"),
         node("Pow", ["d", "two"], "q"), node("ReduceMean", ["q"], "v", axes=[-1]), node("Add", ["v", "e"], "f"),
         node("Sqrt", ["f"], "s"), node("Div", ["d", "s"], "n"), node("Mul", ["n", "g"], "o"), node("Add", ["o", "h"], "y")],
        {"w": values(4, 6), "two": np.float32(2), "e": np.float32(1e-5), "g": values(6), "h": values(6)}, ["N", 4]),
        ["dense", "layerNorm"])
    # As TensorFlow writes them.
    understood("scaled_norm.onnx", model(
        [node("MatMul", ["x", "w"], "a"), node("ReduceMean", ["a"], "m", axes=[1]), node("Neg", ["m"], "n"), node("Sub", ["a", "m"], "d"),
         node("Mul", ["d", "d"], "q"), node("ReduceMean", ["q"], "v", axes=[1]), node("Add", ["v", "e"], "f"), node("Sqrt", ["f"], "s"),
         node("Reciprocal", ["s"], "r"), node("Mul", ["r", "g"], "i"), node("Mul", ["a", "i"], "j"), node("Mul", ["n", "i"], "k"),
         node("Add", ["k", "h"], "l"), node("Add", ["j", "l"], "y")],
        {"w": values(4, 6), "e": np.float32(1e-3), "g": values(1, 6), "h": values(1, 6)}, ["N", 4]), ["dense", "layerNorm"])
    understood("silu_scaled.onnx", model(
        [node("MatMul", ["x", "w"], "a"), node("Sigmoid", ["a"], "b"), node("Mul", ["b", "s"], "c"), node("Mul", ["a", "c"], "d"),
         node("Add", ["d", "t"], "y")], {"w": values(4, 3), "s": values(3), "t": values(3)}, ["N", 4]),
        ["dense", "silu", "batchNorm"])
    understood("sequence.onnx", model(
        [node("Unsqueeze", ["x", "i"], "a"), node("Transpose", ["a"], "b", perm=[0, 3, 1, 2]), node("Conv", ["b", "w"], "c", strides=[1, 2]),
         node("MaxPool", ["c"], "d", kernel_shape=[1, 2], strides=[1, 1]), node("Squeeze", ["d", "j"], "e"), node("Relu", ["e"], "f"),
         node("Flatten", ["f"], "y")],
        {"i": np.array([-3]), "j": np.array([2]), "w": values(5, 3, 1, 4)}, ["N", 12, 3]),
        ["convolution1D", "maxPool", "relu", "flatten"])
    # As Keras computes the padding on PyTorch: of the sizes, in the order of the last axis first.
    understood("computed_pads.onnx", model(
        [node("Shape", ["x"], "s"), node("Gather", ["s", "two"], "h"), node("Sub", ["h", "five"], "o"), node("Unsqueeze", ["o", "zero"], "u"),
         node("Concat", ["u", "u", "u", "u"], "p", axis=0), node("Shape", ["p"], "k"), node("Sub", ["eight", "k"], "m"),
         node("ConstantOfShape", ["m"], "z", value=numpy_helper.from_array(np.zeros(1, np.int64))),
         node("Concat", ["p", "z"], "q", axis=0), node("Reshape", ["q", "pairs"], "r"),
         node("Slice", ["r", "last", "least", "zero", "last"], "t"), node("Transpose", ["t"], "v", perm=[1, 0]),
         node("Reshape", ["v", "last"], "pads"), node("Pad", ["x", "pads"], "a"), node("Conv", ["a", "w"], "b"),
         node("GlobalAveragePool", ["b"], "c"), node("Flatten", ["c"], "y")],
        {"two": np.array(2), "five": np.array(5), "zero": np.array([0]), "eight": np.array([8]), "pairs": np.array([-1, 2]),
         "last": np.array([-1]), "least": np.array([-(2 ** 63) + 1]), "w": values(4, 3, 3, 3)}, image),
        ["convolution", "globalAveragePool"])
    understood("residual.onnx", model(
        [node("MatMul", ["x", "w"], "a"), node("MatMul", ["a", "u"], "b"), node("Add", ["a", "b"], "y")],
        {"w": values(4, 3), "u": values(3, 3)}, ["N", 4]), ["dense", "residual"])
    understood("double.onnx", model(
        [node("Cast", ["x"], "c", to=TensorProto.FLOAT), node("MatMul", ["c", "w"], "y")], {"w": values(4, 3)}, ["N", 4]),
        ["dense"])


def refused_files():
    refused("empty.onnx", b"", "is not an ONNX file")
    refused("text.onnx", b"not a model, but a text that is long enough", "is not an ONNX file")
    refused("unknown.onnx", model(
        [node("Resize", ["x", "", "r"], "a"), node("Cos", ["a"], "b"), node("LSTM", ["x", "r", "r"], "c"), node("Add", ["b", "c"], "y")],
        {"r": values(4)}, ["N", 3, 6, 6]), '3 nodes do: "/a" (Resize), "/b" (Cos), "/c" (LSTM)')
    refused("alpha.onnx", gemm(alpha=2.0), "alpha and beta")
    refused("training.onnx", model(
        [helper.make_node("BatchNormalization", ["x", "s", "s", "s", "s"], ["y", "m", "v"], name="/bn", training_mode=1)],
        {"s": np.ones(3, np.float32)}, ["N", 3]), "in evaluation mode")
    refused("cycle.onnx", model(
        [node("Add", ["x", "b"], "a"), node("Relu", ["a"], "b"), node("Relu", ["b"], "y")], {}, ["N", 3]),
        'reads "b", which no node before it gives')
    refused("missing.onnx", model([node("MatMul", ["x", "w"], "y")], {}, ["N", 3]), 'reads "w"')
    refused("twice.onnx", model(
        [node("Relu", ["x"], "y"), node("Tanh", ["y"], "z"), node("Sigmoid", ["x"], "z")], {}, ["N", 3], output="z"),
        'give "z"')
    refused("old.onnx", model([node("Relu", ["x"], "y")], {}, ["N", 3], opset=6), "expected 7 or newer")
    refused("open.onnx", model([node("Relu", ["x"], "y")], {}, ["N", 3, "H", "W"]), "open extent")
    refused("whole.onnx", model([node("Relu", ["x"], "y")], {}, ["N", 3], dtype=TensorProto.STRING, output="q"), "q")
    refused("domain.onnx", model(
        [helper.make_node("Relu", ["x"], ["y"], name="/own", domain="com.example")], {}, ["N", 3],
        domains=[("com.example", 1)]), '"/own" (Relu)')
    huge = model([node("MatMul", ["x", "w"], "y")], {"w": values(3, 3)}, ["N", 3])
    huge.graph.initializer[0].dims[:] = [2 ** 62, 2 ** 62]
    refused("huge.onnx", huge, "out of range")
    more = model([node("MatMul", ["x", "w"], "y")], {"w": values(3, 3)}, ["N", 3])
    more.graph.initializer[0].dims[:] = [2 ** 40, 3]
    refused("more.onnx", more, "holds 9 values")
    hidden = model(
        [node("Transpose", ["w"], "t", perm=[2, 0, 1]), node("Concat", ["t", "t"], "c", axis=1), node("Add", ["x", "c"], "y")],
        {"w": values(0, 3, 3)}, ["N", 3])
    hidden.graph.initializer[0].dims[:] = [0, 2 ** 62, 2 ** 62]
    refused("hidden.onnx", hidden, '"/c" (Concat')
    many = model(
        [node("Concat", ["w" if i == 0 else f"c{i}"] * 2, f"c{i + 1}", axis=0) for i in range(40)] + [node("Add", ["x", "c40"], "y")],
        {"w": values(9)}, ["N", 3])
    refused("many.onnx", many, "its sizes are out of range")
    negative = model([node("MatMul", ["x", "w"], "y")], {"w": values(3, 3)}, ["N", 3])
    negative.graph.initializer[0].dims[:] = [-3, -3]
    refused("negative.onnx", negative, "out of range")
    os.symlink("/etc/passwd", f"{FOLDER}/link.data")
    with open(f"{FOLDER}/short.data", "wb") as out:
        out.write(bytes(36))
    for name, location, part, error in [
        ("above", "../short.data", {}, "in the model's folder"),
        ("absolute", "/etc/passwd", {}, "in the model's folder"),
        ("link", "link.data", {}, "in the model's folder"),
        ("nowhere", "nowhere.data", {}, "missing beside the model"),
        ("folder", ".", {}, "in the model's folder"),
        ("beyond", "short.data", {"offset": "4", "length": "36"}, "beyond the end"),
        ("minus", "short.data", {"offset": "-4"}, "beyond the end"),
        ("few", "short.data", {"length": "8"}, "holds 2 values"),
    ]:
        made = model([node("MatMul", ["x", "w"], "y")], {"w": values(3, 3)}, ["N", 3])
        tensor = made.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in [("location", location), *part.items()]:
            tensor.external_data.add(key=key, value=value)
        refused(f"{name}.onnx", made.SerializeToString(), error)


understood_files()
refused_files()
with open(f"{FOLDER}/cases.json", "w") as out:
    json.dump(CASES, out)
