# SPDX-License-Identifier: Apache-2.0
"""Trains this folder's models and writes everything that belongs to them.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python train.py [NAME…]

The data comes with scikit-learn: nothing is downloaded. For every model the script writes, into a
folder of its name,

* ``NAME.onnx``: the network, taking records in the units of the data set. The standardisation that
  training needs is part of the first layer's weights and bias;
* ``calibration.json``: records of the training part, with labels, to calibrate the quantisation;
* ``held_out.json``: the records that training never saw, with labels, to measure accuracy.

Seeds are fixed. Another machine's linear algebra may still round differently, so that the weights
differ in their last digits: the files in this folder are the ones that the figures belong to.
"""

import pathlib
import sys
from dataclasses import dataclass

import numpy
import onnx
import onnxruntime
from sklearn import datasets
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from convolution import Network
from export import Graph, write_records

HERE = pathlib.Path(__file__).parent
HELD_OUT_SHARE = 0.3
CALIBRATION_RECORDS = 200
# Strengths of the L2 penalty to choose from, by cross-validation on the training part.
PENALTIES = (3.0, 1.0, 0.3, 0.1)
# The largest grey value of the digits.
GREY_LEVELS = 16


@dataclass
class Layer:
    """One linear layer: ``y = weights · x + bias``, weights of shape (outputs, inputs)."""

    weights: numpy.ndarray
    bias: numpy.ndarray


def train_perceptron(records, labels, hidden, seed):
    """Trains a multi-layer perceptron on standardised records; gives layers for raw records, and
    what predicts their labels."""

    def pipeline(penalty):
        perceptron = MLPClassifier(hidden, alpha=penalty, max_iter=2000, random_state=seed)
        return make_pipeline(StandardScaler(), perceptron)

    scores = {p: cross_val_score(pipeline(p), records, labels, cv=5).mean() for p in PENALTIES}
    penalty = max(scores, key=scores.get)
    fitted = pipeline(penalty).fit(records, labels)
    scaler, model = fitted
    mean, deviation = scaler.mean_, scaler.scale_
    layers = [Layer(w.T.copy(), b.copy()) for w, b in zip(model.coefs_, model.intercepts_)]
    if layers[-1].bias.shape == (1,):
        # One logit z for two classes: the logits (-z/2, z/2) have the same probabilities.
        weights, bias = layers[-1].weights, layers[-1].bias
        layers[-1] = Layer(numpy.vstack([-weights, weights]) / 2, numpy.concatenate([-bias, bias]) / 2)
    first = layers[0]
    scaled = first.weights / deviation
    layers[0] = Layer(scaled, first.bias - scaled @ mean)
    return layers, fitted.predict


def gemm_graph(records, labels, seed):
    """A perceptron of two hidden layers as Gemm and Relu, as PyTorch exports ``nn.Linear``."""
    layers, predict = train_perceptron(records, labels, (16, 8), seed)
    graph, value = Graph(), "record"
    for number, layer in enumerate(layers, 1):
        weights = graph.constant(f"weights_{number}", layer.weights)
        bias = graph.constant(f"bias_{number}", layer.bias)
        value = graph.node("Gemm", f"layer_{number}", [value, weights, bias], transB=1)
        if number < len(layers):
            value = graph.node("Relu", f"relu_{number}", [value])
    return graph, graph.node("Softmax", "probabilities", [value], axis=-1), predict


def matmul_graph(records, labels, seed):
    """A perceptron of one hidden layer as Flatten, MatMul, Add and Relu, as Keras models convert."""
    layers, predict = train_perceptron(records, labels, (32,), seed)
    graph = Graph()
    value = graph.node("Flatten", "flatten", ["record"])
    for number, layer in enumerate(layers, 1):
        weights = graph.constant(f"weights_{number}", layer.weights.T)
        bias = graph.constant(f"bias_{number}", layer.bias)
        value = graph.node("MatMul", f"layer_{number}", [value, weights])
        value = graph.node("Add", f"bias_add_{number}", [value, bias])
        if number < len(layers):
            value = graph.node("Relu", f"relu_{number}", [value])
    return graph, graph.node("Softmax", "probabilities", [value], axis=-1), predict


def convolution_graph(records, labels, seed):
    """A convolutional network of two blocks: Conv, Relu and MaxPool; then Flatten and Gemm."""

    def images(records):
        # Grey values from 0 to 1. A scale, unlike a shift of the mean, leaves the padding's zeros as
        # they are, so that it can become part of the first weights.
        return records.reshape(-1, 1, 8, 8) / GREY_LEVELS

    generator = numpy.random.default_rng(seed)
    network = Network(channels=(1, 12, 16), side=8, classes=10, generator=generator)
    network.train(images(records), labels, generator)
    *convolutions, last_weights, last_bias = network.parameters

    graph, value = Graph(), "record"
    for number, (kernel, offset) in enumerate(zip(convolutions[::2], convolutions[1::2]), 1):
        scale = GREY_LEVELS if number == 1 else 1
        weights = graph.constant(f"weights_{number}", kernel / scale)
        bias = graph.constant(f"bias_{number}", offset)
        value = graph.node(
            "Conv", f"convolution_{number}", [value, weights, bias], kernel_shape=[3, 3], pads=[1] * 4
        )
        value = graph.node("Relu", f"relu_{number}", [value])
        value = graph.node("MaxPool", f"pool_{number}", [value], kernel_shape=[2, 2], strides=[2, 2])
    value = graph.node("Flatten", "flatten", [value])
    weights = graph.constant("weights_last", last_weights)
    bias = graph.constant("bias_last", last_bias)
    value = graph.node("Gemm", "layer_last", [value, weights, bias], transB=1)
    last = graph.node("Softmax", "probabilities", [value], axis=-1)
    return graph, last, lambda records: network.logits(images(records)).argmax(axis=1)


def build(name, data, classes, shape, train, seed=1):
    """Trains one model and writes its folder."""
    records, labels = data.data, data.target
    train_records, held_out, train_labels, held_out_labels = train_test_split(
        records, labels, test_size=HELD_OUT_SHARE, stratify=labels, random_state=seed
    )
    graph, last, predict = train(train_records, train_labels, seed)
    model = graph.model(name, shape, last, len(classes), classes)

    folder = HERE / name
    folder.mkdir(exist_ok=True)
    onnx.save(model, folder / f"{name}.onnx")
    _, calibration, _, calibration_labels = train_test_split(
        train_records,
        train_labels,
        test_size=CALIBRATION_RECORDS,
        stratify=train_labels,
        random_state=seed,
    )
    write_records(folder / "calibration.json", calibration, calibration_labels)
    write_records(folder / "held_out.json", held_out, held_out_labels)

    session = onnxruntime.InferenceSession(model.SerializeToString())
    batch = held_out.reshape(-1, *shape).astype(numpy.float32)
    (probabilities,) = session.run(None, {"record": batch})
    exported = (probabilities.argmax(axis=1) == held_out_labels).mean()
    trained = (predict(held_out) == held_out_labels).mean()
    print(
        f"{name}: {len(held_out)} held-out records, accuracy {trained:.4f} as trained, in 64-bit "
        f"floats, and {exported:.4f} as exported, in 32-bit floats"
    )


def main(names):
    """Trains the models of these names; without names, all."""
    digits = [str(digit) for digit in range(10)]
    models = {
        "breast_cancer": (datasets.load_breast_cancer, ["malignant", "benign"], [30], gemm_graph),
        "digits": (datasets.load_digits, digits, [8, 8], matmul_graph),
        "digits_cnn": (datasets.load_digits, digits, [1, 8, 8], convolution_graph),
    }
    for name in names or models:
        load, classes, shape, train = models[name]
        build(name, load(), classes, shape, train)


if __name__ == "__main__":
    main(sys.argv[1:])
