"""The ONNX Runtime side: one row or image through the same network and weights. The graph is written with its norms; the
runtime folds them into what stands before them as it loads it."""
import os

import common
import networks
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from torch import nn


class Graph:
    """Nodes and weights, gathered module by module."""

    def __init__(self):
        self.nodes, self.weights = [], []

    def constant(self, tensor):
        name = f"weight{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(tensor.detach().numpy()), name))
        return name

    def node(self, kind, *inputs, **attributes):
        name = f"value{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def add(self, module, x):
        match module:
            case nn.Sequential():
                for inner in module:
                    x = self.add(inner, x)
                return x
            case networks.Residual():
                return self.node("Add", self.add(module.shortcut, x), self.add(module.block, x))
            case nn.Identity():
                return x
            case nn.Linear():
                # A product and a sum, not a Gemm: the runtime folds norms into those.
                x = self.node("MatMul", x, self.constant(module.weight.T))
                return x if module.bias is None else self.node("Add", x, self.constant(module.bias))
            case nn.Conv2d():
                bias = [] if module.bias is None else [self.constant(module.bias)]
                return self.node("Conv", x, self.constant(module.weight), *bias, strides=module.stride,
                                 kernel_shape=module.kernel_size, pads=[*module.padding, *module.padding])
            case nn.BatchNorm1d() | nn.BatchNorm2d():
                parts = (module.weight, module.bias, module.running_mean, module.running_var)
                return self.node("BatchNormalization", x, *map(self.constant, parts), epsilon=module.eps)
            case nn.ReLU():
                return self.node("Relu", x)
            case nn.Sigmoid():
                return self.node("Sigmoid", x)
            case nn.MaxPool2d():
                return self.node("MaxPool", x, kernel_shape=[module.kernel_size] * 2, strides=[module.stride] * 2)
            case networks.GlobalAveragePool():
                return self.node("Flatten", self.node("GlobalAveragePool", x))
            case nn.Flatten():
                return self.node("Flatten", x)
        raise ValueError(f"unknown module {module}")


def predicting(net, x):
    graph = Graph()
    output = graph.add(net.eval(), "x")
    described = helper.make_graph(
        graph.nodes, "network", [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, 10])], graph.weights)
    model = helper.make_model(described, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    if path := os.environ.get("ONNX_OPTIMIZED"):  # to see what the runtime made of it
        options.optimized_model_filepath = path
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    # Bound once, so that a call is the runtime's alone, without Python's conversions.
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", onnxruntime.OrtValue.ortvalue_from_numpy(x))
    binding.bind_output(output)

    def body():
        session.run_with_iobinding(binding)

    body()
    return binding.copy_outputs_to_cpu()[0][0].tolist(), body


def prediction(widths, activation):
    widths = common.integers(widths)
    return predicting(networks.multilayer(widths, activation), common.numbers(1_000_003, widths[0]).reshape(1, -1))


def image(name):
    net, (height, width, channels) = networks.image_network(name)
    x = common.numbers(1_000_003, height * width * channels).reshape(1, height, width, channels)
    return predicting(net, np.ascontiguousarray(x.transpose(0, 3, 1, 2)))


common.serve(predict=prediction, image=image)
