# SPDX-License-Identifier: Apache-2.0
"""What the scripts of this folder share: how they write ONNX files and files of records."""

import json

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8


class Graph:
    """Collects the nodes and constants of an ONNX graph whose input is ``record``."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, name, array, kind=numpy.float32):
        self.constants.append(numpy_helper.from_array(numpy.ascontiguousarray(array, kind), name))
        return name

    def node(self, operator, name, inputs, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [name + "_out"], name=name, **attributes))
        return name + "_out"

    def model(self, name, shape, last, outputs, classes=()):
        """Checked model; `shape` is a record's, `last` the value that the graph puts out."""
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
        if classes:
            helper.set_model_props(model, {"classes": ",".join(classes)})
        onnx.checker.check_model(model, full_check=True)
        return model


def lines(records):
    """A JSON list of flat lists of numbers, one record per line."""
    rows = (
        json.dumps([int(x) if x == int(x) else float(x) for x in numpy.ravel(record)], separators=(",", ":"))
        for record in records
    )
    return "[\n" + ",\n".join(rows) + "\n]"


def write_records(path, records, labels=None, scores=None):
    """Writes an input file; `labels` are class numbers, `scores` what the network puts out."""
    entries = {"input_data": lines(records)}
    if labels is not None:
        entries["labels"] = json.dumps([int(label) for label in labels], separators=(",", ":"))
    if scores is not None:
        entries["scores"] = lines(scores)
    path.write_text("{" + ",\n".join(f'"{key}":{text}' for key, text in entries.items()) + "}\n")
