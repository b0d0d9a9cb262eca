// SPDX-License-Identifier: Apache-2.0

//! The part of ONNX's protobuf messages that the importer reads. Names and field numbers are those
//! of the ONNX specification (`onnx.proto`); fields that are absent here are skipped.

use prost::Message;

/// A file.
#[derive(Clone, PartialEq, Message)]
pub struct ModelProto {
	/// Version of the intermediate representation.
	#[prost(int64, tag = "1")]
	pub ir_version: i64,
	/// Operator sets that the graph uses.
	#[prost(message, repeated, tag = "8")]
	pub opset_import: Vec<OperatorSetIdProto>,
	/// The network.
	#[prost(message, optional, tag = "7")]
	pub graph: Option<GraphProto>,
	/// What the exporting tool had to say; key `classes` names the outputs, comma-separated.
	#[prost(message, repeated, tag = "14")]
	pub metadata_props: Vec<StringStringEntryProto>,
}

/// A key and its value.
#[derive(Clone, PartialEq, Message)]
pub struct StringStringEntryProto {
	/// The key.
	#[prost(string, tag = "1")]
	pub key: String,
	/// The value.
	#[prost(string, tag = "2")]
	pub value: String,
}

/// One operator set and its version.
#[derive(Clone, PartialEq, Message)]
pub struct OperatorSetIdProto {
	/// Empty or `ai.onnx` for the default set.
	#[prost(string, tag = "1")]
	pub domain: String,
	/// Version of the set.
	#[prost(int64, tag = "2")]
	pub version: i64,
}

/// A graph of nodes, in topological order.
#[derive(Clone, PartialEq, Message)]
pub struct GraphProto {
	/// The operators.
	#[prost(message, repeated, tag = "1")]
	pub node: Vec<NodeProto>,
	/// Name of the graph.
	#[prost(string, tag = "2")]
	pub name: String,
	/// Constants.
	#[prost(message, repeated, tag = "5")]
	pub initializer: Vec<TensorProto>,
	/// Inputs; may list the constants too.
	#[prost(message, repeated, tag = "11")]
	pub input: Vec<ValueInfoProto>,
	/// Outputs.
	#[prost(message, repeated, tag = "12")]
	pub output: Vec<ValueInfoProto>,
	/// Sparse constants, which the importer refuses.
	#[prost(message, repeated, tag = "15")]
	pub sparse_initializer: Vec<Opaque>,
}

/// One operator.
#[derive(Clone, PartialEq, Message)]
pub struct NodeProto {
	/// Names of the values read; an empty name is an absent optional input.
	#[prost(string, repeated, tag = "1")]
	pub input: Vec<String>,
	/// Names of the values produced.
	#[prost(string, repeated, tag = "2")]
	pub output: Vec<String>,
	/// Name, often empty.
	#[prost(string, tag = "3")]
	pub name: String,
	/// The operator.
	#[prost(string, tag = "4")]
	pub op_type: String,
	/// Parameters of the operator.
	#[prost(message, repeated, tag = "5")]
	pub attribute: Vec<AttributeProto>,
	/// Operator set.
	#[prost(string, tag = "7")]
	pub domain: String,
}

/// One parameter of an operator.
#[derive(Clone, PartialEq, Message)]
pub struct AttributeProto {
	/// Name.
	#[prost(string, tag = "1")]
	pub name: String,
	/// Which of the fields holds the value: see [`attribute_type`].
	#[prost(int32, tag = "20")]
	pub r#type: i32,
	/// A float.
	#[prost(float, tag = "2")]
	pub f: f32,
	/// An integer.
	#[prost(int64, tag = "3")]
	pub i: i64,
	/// A string, in whatever encoding.
	#[prost(bytes = "vec", tag = "4")]
	pub s: Vec<u8>,
	/// A tensor.
	#[prost(message, optional, tag = "5")]
	pub t: Option<TensorProto>,
	/// Floats.
	#[prost(float, repeated, tag = "7")]
	pub floats: Vec<f32>,
	/// Integers.
	#[prost(int64, repeated, tag = "8")]
	pub ints: Vec<i64>,
	/// Strings.
	#[prost(bytes = "vec", repeated, tag = "9")]
	pub strings: Vec<Vec<u8>>,
}

/// Values of [`AttributeProto::type`](AttributeProto).
pub mod attribute_type {
	/// Field `f`.
	pub const FLOAT: i32 = 1;
	/// Field `i`.
	pub const INT: i32 = 2;
	/// Field `s`.
	pub const STRING: i32 = 3;
	/// Field `t`.
	pub const TENSOR: i32 = 4;
	/// Field `floats`.
	pub const FLOATS: i32 = 6;
	/// Field `ints`.
	pub const INTS: i32 = 7;
	/// Field `strings`.
	pub const STRINGS: i32 = 8;
}

/// A constant.
#[derive(Clone, PartialEq, Message)]
pub struct TensorProto {
	/// Shape.
	#[prost(int64, repeated, packed = "false", tag = "1")]
	pub dims: Vec<i64>,
	/// Element type: see [`data_type`].
	#[prost(int32, tag = "2")]
	pub data_type: i32,
	/// Set when the tensor is a part of a larger one, which the importer refuses.
	#[prost(message, optional, tag = "3")]
	pub segment: Option<Opaque>,
	/// Elements of a FLOAT tensor.
	#[prost(float, repeated, tag = "4")]
	pub float_data: Vec<f32>,
	/// Elements of an INT32 tensor, of smaller integers, of BOOL, and the bits of FLOAT16.
	#[prost(int32, repeated, tag = "5")]
	pub int32_data: Vec<i32>,
	/// Elements of a STRING tensor.
	#[prost(bytes = "vec", repeated, tag = "6")]
	pub string_data: Vec<Vec<u8>>,
	/// Elements of an INT64 tensor.
	#[prost(int64, repeated, tag = "7")]
	pub int64_data: Vec<i64>,
	/// Name.
	#[prost(string, tag = "8")]
	pub name: String,
	/// Elements as little-endian bytes, instead of the typed fields.
	#[prost(bytes = "vec", tag = "9")]
	pub raw_data: Vec<u8>,
	/// Elements of a DOUBLE tensor.
	#[prost(double, repeated, tag = "10")]
	pub double_data: Vec<f64>,
	/// Where elements outside of the file lie, which the importer refuses.
	#[prost(message, repeated, tag = "13")]
	pub external_data: Vec<Opaque>,
	/// 1 when the elements lie outside of the file.
	#[prost(int32, tag = "14")]
	pub data_location: i32,
}

/// Values of [`TensorProto::data_type`].
pub mod data_type {
	/// 32-bit floating point.
	pub const FLOAT: i32 = 1;
	/// 8-bit unsigned integer.
	pub const UINT8: i32 = 2;
	/// 8-bit signed integer.
	pub const INT8: i32 = 3;
	/// 16-bit unsigned integer.
	pub const UINT16: i32 = 4;
	/// 16-bit signed integer.
	pub const INT16: i32 = 5;
	/// 32-bit signed integer.
	pub const INT32: i32 = 6;
	/// 64-bit signed integer.
	pub const INT64: i32 = 7;
	/// Text.
	pub const STRING: i32 = 8;
	/// Truth values.
	pub const BOOL: i32 = 9;
	/// 16-bit floating point (IEEE 754 binary16).
	pub const FLOAT16: i32 = 10;
	/// 64-bit floating point.
	pub const DOUBLE: i32 = 11;
	/// 16-bit floating point with the exponent of 32 bits.
	pub const BFLOAT16: i32 = 16;
}

/// A message whose presence matters and whose content does not.
#[derive(Clone, PartialEq, Message)]
pub struct Opaque {}

/// Name and type of a graph's input or output.
#[derive(Clone, PartialEq, Message)]
pub struct ValueInfoProto {
	/// Name.
	#[prost(string, tag = "1")]
	pub name: String,
	/// Type.
	#[prost(message, optional, tag = "2")]
	pub r#type: Option<TypeProto>,
}

/// A type; kinds other than tensors are skipped.
#[derive(Clone, PartialEq, Message)]
pub struct TypeProto {
	/// A tensor.
	#[prost(message, optional, tag = "1")]
	pub tensor_type: Option<TensorTypeProto>,
}

/// A tensor's type (`TypeProto.Tensor`).
#[derive(Clone, PartialEq, Message)]
pub struct TensorTypeProto {
	/// Element type: see [`data_type`].
	#[prost(int32, tag = "1")]
	pub elem_type: i32,
	/// Shape.
	#[prost(message, optional, tag = "2")]
	pub shape: Option<TensorShapeProto>,
}

/// A shape.
#[derive(Clone, PartialEq, Message)]
pub struct TensorShapeProto {
	/// One per axis.
	#[prost(message, repeated, tag = "1")]
	pub dim: Vec<DimensionProto>,
}

/// One axis of a shape (`TensorShapeProto.Dimension`): a number, or a name for an unknown number.
#[derive(Clone, PartialEq, Message)]
pub struct DimensionProto {
	/// The number.
	#[prost(int64, optional, tag = "1")]
	pub dim_value: Option<i64>,
	/// The name.
	#[prost(string, optional, tag = "2")]
	pub dim_param: Option<String>,
}
