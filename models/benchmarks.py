# SPDX-License-Identifier: Apache-2.0
"""Writes the networks that benchmarks and the importer's tests take.

    venv/bin/python benchmarks.py classical [FOLDER]
    venv/bin/python benchmarks.py seeded FOLDER

``classical`` (into ``benchmarks/`` beside this file): linear models, support vector machines, trees
and forests, fitted by scikit-learn and exported by skl2onnx. Four of them are those of
https://github.com/zkonduit/zkml-framework-benchmarks, with that suite's data, seeds where it has none.

``seeded``: neural networks of the sizes that the literature measures, with seeded random weights, on
seeded random images: what they cost to prove depends on the shapes alone, but they classify nothing.

For every model, a folder of its name holds

* ``NAME.onnx``;
* ``calibration.json``: records to calibrate the quantisation, with class numbers where there are any;
* ``expected.json``: a few records with what onnxruntime puts out for them, class numbers and scores.
"""

import pathlib
import sys

import numpy
import onnx
import onnxruntime
from scipy.ndimage import gaussian_filter
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn import datasets
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeRegressor

from export import OPSET, Graph, write_records

HERE = pathlib.Path(__file__).parent
SEED = 42
# Newest version of the operators for classical models that skl2onnx pairs with OPSET.
CLASSICAL_OPSET = 3
# skl2onnx exports a classifier's scores as a list of dictionaries (ZipMap) unless told otherwise, and
# those of pairs of classes through many nodes that count votes.
EXPORT_OPTIONS = {
    "support_vector_machine_pairs": {"zipmap": False, "raw_scores": True},
    "gradient_boosting": {"zipmap": False},
}
# Records in an ``expected.json``, of data sets larger than iris.
TEST_RECORDS = 40
# Random images for calibration, and how many of them are in ``expected.json`` too.
IMAGES, TEST_IMAGES = 32, 4
# Standard deviation, in pixels, of the Gaussian that smooths them.
SMOOTHING = 2


def write(folder, name, model, calibration, labels, records, expected_labels, scores):
    """Writes a model's folder and says how large the model is."""
    folder = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.onnx"
    onnx.save(model, path)
    write_records(folder / "calibration.json", calibration, labels)
    write_records(folder / "expected.json", records, expected_labels, scores)
    operators = " ".join(node.op_type for node in model.graph.node)
    print(f"{name}: {path.stat().st_size} bytes: {operators}")


def run(model, records):
    """What onnxruntime puts out for the records."""
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {"record": numpy.asarray(records, numpy.float32)})


def classical(folder):
    """Fits, exports and writes the classical models."""

    def export(name, model):
        return to_onnx(
            model,
            name=name,
            initial_types=[("record", FloatTensorType([None, model.n_features_in_]))],
            target_opset={"": OPSET, "ai.onnx.ml": CLASSICAL_OPSET},
            options=EXPORT_OPTIONS.get(name),
        )

    def regression(name, model, data, targets, records):
        exported = export(name, model.fit(data, targets))
        (scores,) = run(exported, records)
        if not numpy.allclose(scores[:, 0], model.predict(records)):
            raise ValueError(f"{name}: the exported model predicts other values than the fitted one")
        write(folder, name, exported, data, None, records, None, scores)

    def classification(name, model, data, classes, records):
        exported = export(name, model.fit(data, classes))
        labels, scores = run(exported, records)
        if (labels != model.predict(records)).any():
            raise ValueError(f"{name}: the exported model predicts other classes than the fitted one")
        if isinstance(scores, list):
            # From ZipMap: a dictionary for each record, classes in ascending order.
            scores = [list(record.values()) for record in scores]
        numbers = [numpy.searchsorted(model.classes_, column) for column in (classes, labels)]
        write(folder, name, exported, data, numbers[0], records, numbers[1], scores)

    # The suite of zkonduit/zkml-framework-benchmarks.
    plane = numpy.array([1, 2])
    points = numpy.array([[1, 1], [1, 2], [2, 2], [2, 3]])
    regression("linear_regression", LinearRegression(), points, points @ plane + 3, points)
    points = numpy.array([*points, [3, 3], [4, 4], [6, 8]])
    two_trees = RandomForestRegressor(n_estimators=2, random_state=SEED)
    regression("tree_ensemble_regression", two_trees, points, points @ plane + 3, points)
    iris = datasets.load_iris()
    # Ten rows of setosa and ten of versicolor; tried on all of iris, virginica falling where it may.
    twenty, sides = iris.data[[*range(10), *range(50, 60)]], numpy.repeat([-1, 1], 10)
    machine = SVC(kernel="linear")
    classification("support_vector_machine", machine, twenty, sides, iris.data)
    data, records, classes, _ = train_test_split(iris.data, iris.target, random_state=SEED)
    forest = RandomForestClassifier(random_state=SEED)
    classification("random_forest", forest, data, classes, records)

    # Further operators and forms of export.
    logistic = make_pipeline(StandardScaler(), LogisticRegression())
    classification("logistic_regression", logistic, data, classes, records)
    machine = LinearSVC(random_state=SEED)
    classification("linear_support_vector_machine", machine, data, classes, records)
    # Three classes: a score for every pair of them, then a vote.
    machine = SVC(kernel="linear", decision_function_shape="ovo")
    classification("support_vector_machine_pairs", machine, data, classes, records)
    boosting = GradientBoostingClassifier(n_estimators=20, max_depth=2, random_state=SEED)
    classification("gradient_boosting", boosting, data, classes, records)
    cancer = datasets.load_breast_cancer()
    data, records, classes, _ = train_test_split(cancer.data, cancer.target, random_state=SEED)
    classification("gradient_boosting_two_classes", boosting, data, classes, records[:TEST_RECORDS])
    diabetes = datasets.load_diabetes(scaled=False)
    data, records, targets, _ = train_test_split(diabetes.data, diabetes.target, random_state=SEED)
    tree = DecisionTreeRegressor(max_depth=6, random_state=SEED)
    regression("decision_tree_regression", tree, data, targets, records[:TEST_RECORDS])


class Seeded(Graph):
    """A graph whose constants are drawn: He-initialised weights, small biases."""

    def __init__(self, generator):
        super().__init__()
        self.generator = generator

    def weights(self, name, shape, inputs):
        """`inputs`: how many terms each sum has that these weights are part of."""
        return self.constant(name, self.generator.normal(0, numpy.sqrt(2 / inputs), shape))

    def small(self, name, shape):
        return self.constant(name, self.generator.normal(0, 0.05, shape))

    def relu(self, name, value):
        return self.node("Relu", f"{name}_relu", [value])

    def gemm(self, name, value, inputs, outputs):
        """A linear layer as PyTorch exports it."""
        weights = self.weights(f"{name}_weights", (outputs, inputs), inputs)
        bias = self.small(f"{name}_bias", outputs)
        return self.node("Gemm", name, [value, weights, bias], transB=1)

    def matmul(self, name, value, inputs, outputs):
        """A linear layer as Keras models convert."""
        weights = self.weights(f"{name}_weights", (inputs, outputs), inputs)
        value = self.node("MatMul", name, [value, weights])
        return self.node("Add", f"{name}_add", [value, self.small(f"{name}_bias", outputs)])

    def convolution(self, name, value, before, after, kernel, bias=True, stride=1, **attributes):
        """A convolution; the strides are written out, since EZKL asks for them."""
        attributes.update(kernel_shape=[kernel, kernel], strides=[stride, stride])
        shape = (after, before, kernel, kernel)
        inputs = [value, self.weights(f"{name}_weights", shape, before * kernel**2)]
        if bias:
            inputs.append(self.small(f"{name}_bias", after))
        return self.node("Conv", name, inputs, **attributes)

    def normalisation(self, name, value, channels):
        """Batch normalisation with statistics as of a trained network: near 0 and 1, not equal."""
        shape = (4, channels)
        scale, bias, mean, variance = [[1], [0], [0], [1]] + self.generator.uniform(-0.3, 0.3, shape)
        rows = {"scale": scale, "bias": bias, "mean": mean, "variance": variance}
        constants = [self.constant(f"{name}_{key}", row) for key, row in rows.items()]
        return self.node("BatchNormalization", name, [value, *constants])

    def average_pool(self, name, value):
        return self.node("AveragePool", name, [value], kernel_shape=[2, 2], strides=[2, 2])


def perceptron_gemm(graph):
    """784-56-10 of github.com/Guy1m0/ZKML-Benchmark."""
    value = graph.relu("layer_1", graph.gemm("layer_1", "record", 784, 56))
    return [784], graph.gemm("layer_2", value, 56, 10)


def perceptron_matmul(graph):
    """784-128-10, the shape of ZEN's ShallowNet."""
    value = graph.node("Flatten", "flatten", ["record"])
    value = graph.relu("layer_1", graph.matmul("layer_1", value, 784, 128))
    return [1, 28, 28], graph.matmul("layer_2", value, 128, 10)


def lenet_28(graph):
    """LeNet-5 of github.com/Guy1m0/ZKML-Benchmark, as PyTorch exports it."""
    value = "record"
    for number, (before, after) in enumerate([(1, 6), (6, 16)], 1):
        name, layout = f"convolution_{number}", {"pads": [0] * 4, "dilations": [1, 1], "group": 1}
        value = graph.convolution(name, value, before, after, 5, **layout)
        value = graph.average_pool(f"pool_{number}", graph.relu(name, value))
    shape = graph.constant("flat", [-1, 256], numpy.int64)
    value = graph.node("Reshape", "flatten", [value, shape])
    value = graph.relu("layer_1", graph.gemm("layer_1", value, 256, 120))
    value = graph.relu("layer_2", graph.gemm("layer_2", value, 120, 84))
    return [1, 28, 28], graph.gemm("layer_3", value, 84, 10)


def lenet_32(graph):
    """LeNet-5 on 32×32 as Bionetta measures it: padding by name, linear layers as of Keras."""
    value = "record"
    for number, (before, after) in enumerate([(1, 6), (6, 16)], 1):
        name = f"convolution_{number}"
        value = graph.convolution(name, value, before, after, 5, auto_pad="VALID")
        value = graph.average_pool(f"pool_{number}", graph.relu(name, value))
    value = graph.node("Flatten", "flatten", [value])
    value = graph.relu("layer_1", graph.matmul("layer_1", value, 400, 120))
    value = graph.relu("layer_2", graph.matmul("layer_2", value, 120, 84))
    return [1, 32, 32], graph.matmul("layer_3", value, 84, 10)


def lenet_small_cifar(graph):
    """ZEN's LeNet-small-CIFAR: convolutions without bias, the last one without pooling."""
    value = "record"
    for number, (before, after) in enumerate([(3, 6), (6, 16)], 1):
        value = graph.convolution(f"convolution_{number}", value, before, after, 5, bias=False)
        value = graph.average_pool(f"pool_{number}", graph.relu(f"convolution_{number}", value))
    value = graph.relu("convolution_3", graph.convolution("convolution_3", value, 16, 120, 4, bias=False))
    value = graph.node("Flatten", "flatten", [value])
    value = graph.relu("layer_1", graph.gemm("layer_1", value, 480, 84))
    return [3, 32, 32], graph.gemm("layer_2", value, 84, 10)


def resnet_20(graph):
    """The CIFAR ResNet-20 (He et al., 2016, section 4.2) with projections as shortcuts."""

    def convolved(name, value, before, after, kernel, stride):
        layout = {"bias": False, "stride": stride, "pads": [kernel // 2] * 4}
        value = graph.convolution(name, value, before, after, kernel, **layout)
        return graph.normalisation(f"{name}_normalisation", value, after)

    value, before = graph.relu("first", convolved("first", "record", 3, 16, 3, 1)), 16
    for stage, after in enumerate([16, 32, 64], 1):
        for block in range(1, 4):
            name, stride = f"stage_{stage}_block_{block}", after // before
            shortcut = value
            if stride > 1:
                shortcut = convolved(f"{name}_shortcut", value, before, after, 1, stride)
            value = graph.relu(f"{name}_a", convolved(f"{name}_a", value, before, after, 3, stride))
            value = convolved(f"{name}_b", value, after, after, 3, 1)
            value = graph.relu(name, graph.node("Add", name, [value, shortcut]))
            before = after
    value = graph.node("GlobalAveragePool", "pool", [value])
    value = graph.node("Flatten", "flatten", [value])
    return [3, 32, 32], graph.gemm("last", value, 64, 10)


NEURAL = {
    "mlp_784_56_10": perceptron_gemm,
    "mlp_784_128_10": perceptron_matmul,
    "lenet_28": lenet_28,
    "lenet_32": lenet_32,
    "lenet_small_cifar": lenet_small_cifar,
    "resnet_20": resnet_20,
}


def smooth_images(generator, shape):
    """Random images of grey values or colours from 0 to 1, smooth as photographs are."""
    channels, side = (1, 28) if len(shape) == 1 else shape[:2]
    noise = generator.normal(size=(IMAGES, channels, side, side))
    images = gaussian_filter(noise, SMOOTHING, axes=(2, 3))
    low, high = (bound(axis=(1, 2, 3), keepdims=True) for bound in (images.min, images.max))
    return ((images - low) / (high - low)).round(3).reshape(IMAGES, *shape)


def seeded(folder):
    """Draws and writes the neural networks."""
    for name, build in NEURAL.items():
        generator = numpy.random.default_rng(SEED)
        graph = Seeded(generator)
        shape, last = build(graph)
        model = graph.model(name, shape, last, outputs=10)
        images = smooth_images(generator, shape)
        (scores,) = run(model, images)
        labels = scores.argmax(axis=1)
        tests = slice(0, TEST_IMAGES)
        write(folder, name, model, images, labels, images[tests], labels[tests], scores[tests])


def main(arguments):
    """Runs what the module's documentation describes."""
    match arguments:
        case ["classical"]:
            classical(HERE / "benchmarks")
        case ["classical", folder]:
            classical(pathlib.Path(folder))
        case ["seeded", folder]:
            seeded(pathlib.Path(folder))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
