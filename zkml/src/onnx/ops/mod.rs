// SPDX-License-Identifier: Apache-2.0

//! The operators, a family in each file, as the ONNX operator specification defines them.

mod classical;
mod constants;
mod convolution;
mod elementwise;
mod ending;
mod linear;
mod quantised;
mod shape;
mod trees;

use self::elementwise::Arithmetic;
use super::{
	error::OnnxError,
	graph::{Call, Operand},
	import::Importer,
};
use crate::float::Ending;

/// What a node of the default operator set gives, output by output.
pub(super) fn apply(importer: &mut Importer, call: &Call<'_>) -> Result<Vec<Operand>, OnnxError> {
	let operator = call.node.op_type.as_str();
	if operator == "Split" {
		return importer.split(call);
	}
	// Those beyond the first are for training, or say where a maximum was.
	let (most, expected) = match operator {
		"BatchNormalization" => (5, "one to five outputs"),
		"Dropout" | "MaxPool" => (2, "one or two outputs"),
		_ => (1, "one output"),
	};
	check_outputs(call, most, expected)?;
	let operand = match operator {
		"Add" => importer.arithmetic(call, Arithmetic::Add),
		"ArgMax" => {
			let known = ["axis", "keepdims", "select_last_index"];
			importer.ending(call, &known, 0, false, Ending::ArgMax)
		},
		"AveragePool" => importer.average_pool(call),
		"BatchNormalization" => importer.batch_normalization(call),
		"Cast" => importer.cast(call),
		"Clip" => importer.clip(call),
		"Concat" => importer.concat(call),
		"Constant" => importer.constant(call),
		"ConstantOfShape" => importer.constant_of_shape(call),
		"Conv" => importer.conv(call),
		"DequantizeLinear" => importer.dequantize_linear(call),
		"Div" => importer.arithmetic(call, Arithmetic::Divide),
		"Dropout" => importer.dropout(call),
		"Flatten" => importer.flatten(call),
		"Gather" => importer.gather(call),
		"Gemm" => importer.gemm(call),
		"GlobalAveragePool" => importer.global_average_pool(call),
		"GlobalMaxPool" => importer.global_max_pool(call),
		"Identity" => importer.identity(call),
		"LeakyRelu" => importer.leaky_relu(call),
		"LogSoftmax" | "Softmax" => {
			let flattens = importer.opset < 13;
			let axis = if flattens { 1 } else { -1 };
			importer.ending(call, &["axis"], axis, flattens, Ending::Softmax)
		},
		"MatMul" => importer.matmul(call),
		"MaxPool" => importer.max_pool(call),
		"Mul" => importer.arithmetic(call, Arithmetic::Multiply),
		"Neg" => importer.neg(call),
		"Pad" => importer.pad(call),
		"QLinearConv" => importer.qlinear_conv(call),
		"QLinearMatMul" => importer.qlinear_matmul(call),
		"QuantizeLinear" => importer.quantize_linear(call),
		"ReduceMean" => importer.reduce_mean(call),
		"Relu" => importer.relu(call),
		"Reshape" => importer.reshape(call),
		"Shape" => importer.shape(call),
		"Sigmoid" => importer.sigmoid(call),
		"Slice" => importer.slice(call),
		"Squeeze" => importer.squeeze(call),
		"Sub" => importer.arithmetic(call, Arithmetic::Subtract),
		"Sum" => importer.sum(call),
		"Transpose" => importer.transpose(call),
		"Unsqueeze" => importer.unsqueeze(call),
		"ConvTranspose" => Err(call.label.refuse(
			"ConvTranspose is not supported: it makes images larger, and the networks here classify them or measure something; use Conv",
		)),
		"PRelu" => Err(call.label.refuse(
			"PRelu is not supported: its slopes are learned; use LeakyRelu, whose slope is a power of two",
		)),
		"ConvInteger" | "MatMulInteger" | "DynamicQuantizeLinear" => Err(call.label.refuse(
			"scales that are computed from the input are not supported: quantise the network statically, or export it in floating point",
		)),
		_ => Err(unsupported(call)),
	};
	Ok(vec![operand?])
}

/// What a node of `ai.onnx.ml` gives, output by output.
pub(super) fn apply_ml(
	importer: &mut Importer,
	call: &Call<'_>,
) -> Result<Vec<Operand>, OnnxError> {
	let operator = call.node.op_type.as_str();
	let (most, expected) = match operator {
		"LinearClassifier" | "SVMClassifier" | "TreeEnsembleClassifier" => {
			(2, "one or two outputs")
		},
		_ => (1, "one output"),
	};
	check_outputs(call, most, expected)?;
	let operand = match operator {
		"LinearClassifier" => return importer.linear_classifier(call),
		"SVMClassifier" => return importer.svm_classifier(call),
		"TreeEnsembleClassifier" => return importer.tree_classifier(call),
		"ArrayFeatureExtractor" => importer.array_feature_extractor(call),
		"LinearRegressor" => importer.linear_regressor(call),
		"Normalizer" => importer.normalizer(call),
		"SVMRegressor" => importer.svm_regressor(call),
		"Scaler" => importer.scaler(call),
		"TreeEnsemble" => importer.tree_ensemble(call),
		"TreeEnsembleRegressor" => importer.tree_regressor(call),
		"ZipMap" => importer.zip_map(call),
		_ => Err(unsupported(call)),
	};
	Ok(vec![operand?])
}

fn check_outputs(call: &Call<'_>, most: usize, expected: &'static str) -> Result<(), OnnxError> {
	match call.node.output.len() {
		1.. if call.node.output.len() <= most => Ok(()),
		found => Err(call.label.arity(expected, found)),
	}
}

fn unsupported(call: &Call<'_>) -> OnnxError {
	OnnxError::Operator { node: call.label.node.clone(), operator: call.label.operator.clone() }
}
