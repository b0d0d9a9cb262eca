# SPDX-License-Identifier: Apache-2.0
"""Trains this folder's models and writes everything that belongs to them.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python train.py

The data comes with scikit-learn: nothing is downloaded. For every model the script writes, into a
folder of its name,

* ``NAME.onnx``: the network, taking records in the units of the data set. The standardisation that
  training needs is part of the first layer's weights and bias;
* ``calibration.json``: records of the training part, with labels, to calibrate the quantisation;
* ``held_out.json``: the records that training never saw, with labels, to measure accuracy.

Seeds are fixed. Another machine's linear algebra may still round differently, so that the weights
differ in their last digits: the files in this folder are the ones that the figures belong to.
"""

import json
import pathlib
from dataclasses import dataclass

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn import datasets
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = pathlib.Path(__file__).parent
OPSET = 17
IR_VERSION = 8
HELD_OUT_SHARE = 0.3
CALIBRATION_RECORDS = 200
# Strengths of the L2 penalty to choose from, by cross-validation on the training part.
PENALTIES = (3.0, 1.0, 0.3, 0.1)


@dataclass
class Layer:
    """One linear layer: ``y = weights · x + bias``, weights of shape (outputs, inputs)."""

    weights: numpy.ndarray
    bias: numpy.ndarray


def train(records, labels, hidden, seed):
    """Trains a multi-layer perceptron on standardised records; gives layers for raw records."""

    def pipeline(penalty):
        perceptron = MLPClassifier(hidden, alpha=penalty, max_iter=2000, random_state=seed)
        return make_pipeline(StandardScaler(), perceptron)

    scores = {p: cross_val_score(pipeline(p), records, labels, cv=5).mean() for p in PENALTIES}
    penalty = max(scores, key=scores.get)
    scaler, model = pipeline(penalty).fit(records, labels)
    mean, deviation = scaler.mean_, scaler.scale_
    layers = [Layer(w.T.copy(), b.copy()) for w, b in zip(model.coefs_, model.intercepts_)]
    if layers[-1].bias.shape == (1,):
        # One logit z for two classes: the logits (-z/2, z/2) have the same probabilities.
        weights, bias = layers[-1].weights, layers[-1].bias
        layers[-1] = Layer(numpy.vstack([-weights, weights]) / 2, numpy.concatenate([-bias, bias]) / 2)
    first = layers[0]
    scaled = first.weights / deviation
    layers[0] = Layer(scaled, first.bias - scaled @ mean)
    return layers


class Graph:
    """Collects the nodes and constants of an ONNX graph."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, name, array):
        self.constants.append(numpy_helper.from_array(numpy.ascontiguousarray(array, numpy.float32), name))
        return name

    def node(self, operator, name, inputs, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [name + "_out"], name=name, **attributes))
        return name + "_out"

    def model(self, name, shape, last, outputs, classes):
        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info("record", TensorProto.FLOAT, ["batch", *shape])],
            [helper.make_tensor_value_info(last, TensorProto.FLOAT, ["batch", outputs])],
            self.constants,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="proofpod-models"
        )
        model.ir_version = IR_VERSION
        helper.set_model_props(model, {"classes": ",".join(classes)})
        onnx.checker.check_model(model, full_check=True)
        return model


def gemm_graph(layers):
    """Gemm and Relu, as PyTorch exports ``nn.Linear``."""
    graph, value = Graph(), "record"
    for number, layer in enumerate(layers, 1):
        weights = graph.constant(f"weights_{number}", layer.weights)
        bias = graph.constant(f"bias_{number}", layer.bias)
        value = graph.node("Gemm", f"layer_{number}", [value, weights, bias], transB=1)
        if number < len(layers):
            value = graph.node("Relu", f"relu_{number}", [value])
    return graph, graph.node("Softmax", "probabilities", [value], axis=-1)


def matmul_graph(layers):
    """Flatten, then MatMul, Add and Relu, as Keras models convert."""
    graph = Graph()
    value = graph.node("Flatten", "flatten", ["record"])
    for number, layer in enumerate(layers, 1):
        weights = graph.constant(f"weights_{number}", layer.weights.T)
        bias = graph.constant(f"bias_{number}", layer.bias)
        value = graph.node("MatMul", f"layer_{number}", [value, weights])
        value = graph.node("Add", f"bias_add_{number}", [value, bias])
        if number < len(layers):
            value = graph.node("Relu", f"relu_{number}", [value])
    return graph, graph.node("Softmax", "probabilities", [value], axis=-1)


def write_records(path, records, labels):
    """Writes an input file, one record per line."""
    lines = ",\n".join(
        json.dumps([int(x) if x == int(x) else float(x) for x in record], separators=(",", ":"))
        for record in records
    )
    text = json.dumps([int(label) for label in labels], separators=(",", ":"))
    path.write_text(f'{{"input_data":[\n{lines}\n],\n"labels":{text}}}\n')


def build(name, data, classes, hidden, seed, shape, to_graph):
    """Trains one model and writes its folder."""
    records, labels = data.data, data.target
    train_records, held_out, train_labels, held_out_labels = train_test_split(
        records, labels, test_size=HELD_OUT_SHARE, stratify=labels, random_state=seed
    )
    layers = train(train_records, train_labels, hidden, seed)
    graph, last = to_graph(layers)
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

    value = held_out
    for layer in layers[:-1]:
        value = numpy.maximum(value @ layer.weights.T + layer.bias, 0)
    predicted = (value @ layers[-1].weights.T + layers[-1].bias).argmax(axis=1)
    accuracy = (predicted == held_out_labels).mean()
    print(f"{name}: {len(held_out)} held-out records, accuracy {accuracy:.4f} in 64-bit floats")


def main():
    """Trains both models."""
    build(
        "breast_cancer",
        datasets.load_breast_cancer(),
        ["malignant", "benign"],
        hidden=(16, 8),
        seed=1,
        shape=[30],
        to_graph=gemm_graph,
    )
    build(
        "digits",
        datasets.load_digits(),
        [str(digit) for digit in range(10)],
        hidden=(32,),
        seed=1,
        shape=[8, 8],
        to_graph=matmul_graph,
    )


if __name__ == "__main__":
    main()
