"""Writes ONNX files of Keras, of the backend that KERAS_BACKEND names, and of tf2onnx. usage: zoo_keras.py FOLDER"""
import contextlib
import io
import logging
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
logging.disable(logging.WARNING)

import keras
import numpy as np
from keras import layers

from zoo import CLASSES, ROWS, Zoo, labels

BACKEND = keras.backend.backend()


def residual(x, filters, stride):
    y = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
    y = layers.Activation("relu")(layers.BatchNormalization()(y))
    y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same", use_bias=False)(y))
    if stride > 1:
        x = layers.BatchNormalization()(layers.Conv2D(filters, 1, strides=stride, use_bias=False)(x))
    return layers.Activation("relu")(layers.Add()([x, y]))


def blocks():
    x = inputs = layers.Input((8, 8, 3))
    x = layers.Activation("relu")(layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(x)))
    x = layers.GlobalAveragePooling2D()(residual(residual(x, 4, 1), 6, 2))
    return keras.Model(inputs, layers.Dense(CLASSES, activation="softmax")(x))


def stack(shape, *others):
    return keras.Sequential([layers.Input(shape), *others])


MODELS = {
    "dense-before": lambda: stack(
        (5,), layers.Dense(8), layers.BatchNormalization(), layers.Activation("relu"), layers.Dense(8, use_bias=False),
        layers.BatchNormalization(), layers.Activation("tanh"), layers.Dropout(0.3), layers.Dense(CLASSES, activation="softmax")),
    "dense-after": lambda: stack(
        (5,), layers.Dense(8, activation="relu"), layers.BatchNormalization(), layers.Dense(8, activation="silu"),
        layers.BatchNormalization(), layers.Dense(CLASSES, activation="softmax")),
    "dense-others": lambda: stack(
        (5,), layers.Dense(8, activation="elu"), layers.LayerNormalization(), layers.Dense(6, activation="softplus"),
        layers.Dense(6, activation="sigmoid"), layers.Dense(CLASSES)),
    "normalized": lambda: stack(
        (5,), layers.Normalization(mean=[1.0, 2, 3, 4, 5], variance=[1.0, 4, 9, 2, 3]), layers.Dense(8, activation="relu"),
        layers.Dense(1, activation="sigmoid")),
    "conv-before": lambda: stack(
        (8, 8, 3), layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization(), layers.Activation("relu"),
        layers.MaxPooling2D(2), layers.Conv2D(6, 3), layers.BatchNormalization(), layers.LeakyReLU(0.1), layers.Flatten(),
        layers.Dense(CLASSES, activation="softmax")),
    "conv-after": lambda: stack(
        (8, 8, 3), layers.Conv2D(4, 3, strides=2, padding="same", activation="relu"), layers.BatchNormalization(),
        layers.DepthwiseConv2D(3, strides=2, padding="same"), layers.BatchNormalization(), layers.Activation("relu"),
        layers.GlobalAveragePooling2D(), layers.Dense(CLASSES, activation="softmax")),
    "pools": lambda: stack(
        (9, 9, 3), layers.Rescaling(1 / 255), layers.Conv2D(4, 3, activation="relu"), layers.AveragePooling2D(2),
        layers.Conv2D(4, 2, padding="valid", activation="relu"), layers.MaxPooling2D(2, strides=1), layers.Flatten(),
        layers.Dense(CLASSES, activation="softmax")),
    "residual": blocks,
    "sequence": lambda: stack(
        (12, 3), layers.Conv1D(5, 4, strides=2), layers.BatchNormalization(), layers.Activation("elu"), layers.MaxPooling1D(2),
        layers.Flatten(), layers.Dense(CLASSES, activation="softmax")),
    "gelu": lambda: stack((5,), layers.Dense(8, activation="gelu"), layers.Dense(CLASSES, activation="softmax")),
}


# tf2onnx has an operator that ONNX has not, and makes inputs of the constants of a Normalization.
TENSORFLOW_REFUSED = {"gelu": "(Erfc)", "normalized": "it has 3 inputs"}


def vary(model):
    """Parameters and statistics that no two features share."""
    random = np.random.default_rng(4)
    for variable in model.variables:
        if len(variable.shape) == 1 and "seed" not in variable.name:
            variable.assign(np.asarray(variable) + random.uniform(0, 1, variable.shape).astype(np.float32))


def writers(name, model):
    """(what a file is called, the program, a function that writes it) of every exporter there is."""
    version = f"Keras {keras.__version__} on {BACKEND}"
    found = [(f"{name}-keras-{BACKEND}.onnx", f"{version}, model.export", lambda path: model.export(
        path, format="onnx", verbose=False))]
    if BACKEND == "tensorflow":
        import tensorflow as tf
        import tf2onnx

        shape = [None, *model.input_shape[1:]]
        signature = [tf.TensorSpec(shape, tf.float32, name="x")]

        def write(path, opset, **options):
            function = tf.function(lambda x: model(x, training=False), input_signature=signature)
            tf2onnx.convert.from_function(function, signature, opset=opset, output_path=path, **options)

        for opset in [17, 18] if name in ["dense-before", "residual"] else [17]:
            found.append((f"{name}-tf2onnx-{opset}.onnx", f"tf2onnx {tf2onnx.__version__}, opset {opset}",
                          lambda path, opset=opset: write(path, opset)))
        if len(shape) == 4:
            found.append((f"{name}-tf2onnx-nchw.onnx", f"tf2onnx {tf2onnx.__version__}, inputs as nchw",
                          lambda path: write(path, 17, inputs_as_nchw=["x"])))
    return found


def main(folder):
    zoo = Zoo(folder, f"keras-{BACKEND}")
    y = labels()
    for name, make in MODELS.items():
        keras.utils.set_random_seed(3)
        model = make()
        vary(model)
        x = np.random.default_rng(5).normal(size=(ROWS, *model.input_shape[1:])).astype(np.float32)
        expected = np.asarray(keras.ops.convert_to_numpy(model(x, training=False)))
        # Norms are folded or constants: training begins with the loss of prediction.
        ends = model.layers[-1].get_config().get("activation")
        loss = [float(-np.log(expected[np.arange(ROWS), y]).mean())] if ends == "softmax" else None
        for file, program, write in writers(name, model):
            try:
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    write(f"{folder}/{file}")
            except Exception as error:
                zoo.add_failed(file, program, error)
                continue
            refused = TENSORFLOW_REFUSED.get(name) if BACKEND == "tensorflow" else None
            if refused:
                zoo.add_refused(file, program, refused)
                continue
            is_first = file.endswith("nchw.onnx")
            zoo.add(file, program, np.ascontiguousarray(np.moveaxis(x, -1, 1)) if is_first else x, expected, y, loss, is_first)
    zoo.write()


main(sys.argv[1])
