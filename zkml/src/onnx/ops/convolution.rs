// SPDX-License-Identifier: Apache-2.0

//! Windows that slide over images or sequences: `Conv`, the pools, and means over whole planes.

use crate::{
	float::FloatOp,
	network::MAX_PRODUCTS,
	onnx::{
		error::OnnxError,
		graph::{axis, Attributes, Call, Label, Operand, Value},
		import::{output_width, Importer},
		shape::Shape,
	},
	window::{Convolution, Window},
};

/// Attributes that say where a window reads.
pub(super) const CONVOLUTION: [&str; 6] =
	["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"];

/// A window over an operand.
struct Sliding {
	/// Where it reads; padded at the end so far that the last window fits, when the number of windows
	/// is rounded up.
	window: Window,
	/// Padding that the file asks for, at the bottom and at the right.
	declared: [usize; 2],
	/// The operand's shape after its batch and channels, with what the window leaves of it.
	places: Vec<usize>,
}

impl Sliding {
	/// Reads the geometry; `kernel` is the window that the weights say, `dims` the operand's channels
	/// and what follows.
	fn read(
		label: &Label,
		attributes: &Attributes<'_>,
		shape: &Shape,
		kernel: Option<&[usize]>,
	) -> Result<Self, OnnxError> {
		let (channels, places) = image(label, shape)?;
		let rank = places.len();
		let declared = attributes.lengths("kernel_shape", rank, 1)?;
		let kernel = match (declared, kernel) {
			(Some(declared), Some(kernel)) if declared != kernel => {
				let expected = format!("the window of the weights, {kernel:?}");
				return Err(label.attribute("kernel_shape", expected, format!("{declared:?}")));
			},
			(Some(kernel), _) => kernel,
			(None, Some(kernel)) => kernel.to_vec(),
			(None, None) => return Err(label.attribute("kernel_shape", "a window", "none")),
		};
		let ones = || vec![1; rank];
		let stride = attributes.lengths("strides", rank, 1)?.unwrap_or_else(ones);
		let dilation = attributes.lengths("dilations", rank, 1)?.unwrap_or_else(ones);
		let extent = |axis: usize| (kernel[axis] - 1).saturating_mul(dilation[axis]) + 1;
		let pads = match attributes.text("auto_pad", "NOTSET")?.as_str() {
			"NOTSET" => {
				attributes.lengths("pads", 2 * rank, 0)?.unwrap_or_else(|| vec![0; 2 * rank])
			},
			"VALID" => vec![0; 2 * rank],
			same @ ("SAME_UPPER" | "SAME_LOWER") => {
				// As many windows as strides begun; an odd pad goes to the end that the name says.
				let total = |axis: usize| {
					let windows = places[axis].div_ceil(stride[axis]);
					((windows - 1) * stride[axis] + extent(axis)).saturating_sub(places[axis])
				};
				let less = (0..rank).map(|axis| total(axis) / 2).collect::<Vec<_>>();
				let more = (0..rank).map(|axis| total(axis) - less[axis]).collect::<Vec<_>>();
				if same == "SAME_UPPER" {
					[less, more].concat()
				} else {
					[more, less].concat()
				}
			},
			other => {
				let expected = "NOTSET, VALID, SAME_UPPER or SAME_LOWER";
				return Err(label.attribute("auto_pad", expected, format!("{other:.40?}")));
			},
		};
		// A sequence is an image of height 1.
		let pair = |lengths: &[usize], missing: usize| match lengths {
			[width] => [missing, *width],
			[height, width, ..] => [*height, *width],
			[] => [missing; 2],
		};
		let (begin, end) = (pair(&pads[..rank], 0), pair(&pads[rank..], 0));
		let mut window = Window {
			channels,
			input: pair(&places, 1),
			kernel: pair(&kernel, 1),
			stride: pair(&stride, 1),
			dilation: pair(&dilation, 1),
			pads: [begin[0], begin[1], end[0], end[1]],
		};
		if attributes.flag("ceil_mode")? {
			for side in 0..2 {
				round_up(&mut window, side);
			}
		}
		let Some([height, width]) = window.output() else {
			let extents = (0..rank).map(extent).collect::<Vec<_>>();
			let expected = format!("an image that holds a window of {extents:?}, with its padding");
			return Err(label.shape(expected, shape));
		};
		let places = if rank == 1 { vec![width] } else { vec![height, width] };
		Ok(Self { window, declared: end, places })
	}

	/// The shape of the result.
	fn output(&self, channels: usize) -> Shape {
		Shape([&[1, channels], self.places.as_slice()].concat())
	}
}

/// Pads one side of a plane at its end so that a last window that is cut off fits, unless it would
/// begin in that padding (the rule of PyTorch).
fn round_up(window: &mut Window, side: usize) {
	let extent = (window.kernel[side] - 1).saturating_mul(window.dilation[side]) + 1;
	let begun = window.input[side] + window.pads[side];
	let padded = begun + window.pads[side + 2];
	let Some(slack) = padded.checked_sub(extent) else { return };
	let mut windows = slack.div_ceil(window.stride[side]) + 1;
	if (windows - 1) * window.stride[side] >= begun {
		windows -= 1;
	}
	let needed = (windows - 1) * window.stride[side] + extent;
	window.pads[side + 2] += needed.saturating_sub(padded);
}

/// Channels of an operand, and what follows: a sequence or an image.
fn image(label: &Label, shape: &Shape) -> Result<(usize, Vec<usize>), OnnxError> {
	match shape.0.as_slice() {
		[1, channels, places @ ..] if (1..=2).contains(&places.len()) => {
			Ok((*channels, places.to_vec()))
		},
		_ => Err(label.shape("a sequence [1, C, L] or an image [1, C, H, W]", shape)),
	}
}

/// Channels of an operand, and the elements of each of its planes, of any number of axes.
fn planes(label: &Label, shape: &Shape) -> Result<(usize, usize), OnnxError> {
	match shape.0.as_slice() {
		[1, channels, places @ ..] if !places.is_empty() => {
			Ok((*channels, places.iter().product()))
		},
		_ => Err(label.shape("channels and planes, [1, C, …]", shape)),
	}
}

/// A window over all of a plane of so many elements.
fn whole(channels: usize, plane: usize) -> Window {
	Window {
		channels,
		input: [1, plane],
		kernel: [1, plane],
		stride: [1; 2],
		dilation: [1; 2],
		pads: [0; 4],
	}
}

impl Importer {
	pub(super) fn conv(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let x = call.at_most(2, 3, "two or three inputs")?;
		let (input, shape) = self.scope.computed(label, x, "X")?;
		let tensor = self.scope.constant(label, call.optional(1).unwrap_or_default(), "W")?;
		let (filters, weights) = (tensor.shape.clone(), tensor.floats()?.to_vec());
		let bias = match call.optional(2) {
			Some(name) => Some(self.scope.constant(label, name, "B")?.floats()?.to_vec()),
			None => None,
		};
		Ok(self.convolve(call, (input, &shape), (&filters, weights), bias)?.into())
	}

	/// A convolution with weights of a shape `[M, C / groups, …]`.
	pub(super) fn convolve(
		&mut self,
		call: &Call<'_>,
		(input, shape): (usize, &Shape),
		(filters, weights): (&Shape, Vec<f32>),
		bias: Option<Vec<f32>>,
	) -> Result<Value, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(&CONVOLUTION)?;
		let (channels, places) = image(label, shape)?;
		let (count, per_group, kernel) = match filters.0.as_slice() {
			[count, per_group, kernel @ ..]
				if kernel.len() == places.len() && filters.0.iter().all(|length| *length > 0) =>
			{
				(*count, *per_group, kernel)
			},
			_ => {
				let expected = format!("W of {} axes, none of length 0", places.len() + 2);
				return Err(label.shape(expected, filters));
			},
		};
		let found = attributes.integer("group", 1)?;
		let groups = usize::try_from(found).ok().filter(|groups| {
			*groups > 0
				&& per_group.checked_mul(*groups) == Some(channels)
				&& count.is_multiple_of(*groups)
		});
		let Some(groups) = groups else {
			let expected = format!("groups that divide {channels} channels and the filters of W");
			let found = format!("{found} groups for W of shape {filters}");
			return Err(label.attribute("group", expected, found));
		};
		let bias = match bias {
			Some(bias) => bias,
			None => vec![0.0; count],
		};
		if bias.len() != count {
			return Err(label.shape(format!("B of shape [{count}]"), &Shape(vec![bias.len()])));
		}
		let sliding = Sliding::read(label, &attributes, shape, Some(kernel))?;
		let output = sliding.output(count);
		output_width(label, &output)?;
		self.count_weights(label, Some(weights.len()), filters)?;
		let convolution = Convolution { window: sliding.window, groups, filters: count };
		self.push(label, FloatOp::Conv { input, convolution, weights, bias }, output)
	}

	/// One filter per channel, the same for all.
	fn depthwise(
		&mut self,
		label: &Label,
		input: usize,
		window: Window,
		weight: f32,
		output: Shape,
	) -> Result<Value, OnnxError> {
		output_width(label, &output)?;
		let channels = window.channels;
		let count = channels.checked_mul(window.kernel_len());
		self.count_weights(label, count, &output)?;
		let convolution = Convolution { window, groups: channels, filters: channels };
		let weights = vec![weight; convolution.weights_len()];
		let bias = vec![0.0; channels];
		self.push(label, FloatOp::Conv { input, convolution, weights, bias }, output)
	}

	pub(super) fn max_pool(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let known = [
			"auto_pad",
			"ceil_mode",
			"dilations",
			"kernel_shape",
			"pads",
			"storage_order",
			"strides",
		];
		let attributes = call.attributes(&known)?;
		attributes.only("storage_order", 0, 0)?;
		let [name] = call.inputs("one input")?;
		let Value { value: input, shape, grid } = self.scope.value(label, name, "the input")?;
		let sliding = Sliding::read(label, &attributes, &shape, None)?;
		let output = sliding.output(sliding.window.channels);
		output_width(label, &output)?;
		check_cover(label, &sliding.window, &shape)?;
		let pooled =
			self.push(label, FloatOp::MaxPool { input, window: sliding.window }, output)?;
		Ok(Value { grid, ..pooled }.into())
	}

	/// A depthwise convolution with equal weights; where the windows at the border divide by fewer
	/// elements, a factor for every place corrects it.
	pub(super) fn average_pool(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let known = [
			"auto_pad",
			"ceil_mode",
			"count_include_pad",
			"dilations",
			"kernel_shape",
			"pads",
			"strides",
		];
		let attributes = call.attributes(&known)?;
		let counts_padding = attributes.flag("count_include_pad")?;
		let [name] = call.inputs("one input")?;
		let (input, shape) = self.scope.computed(label, name, "the input")?;
		let sliding = Sliding::read(label, &attributes, &shape, None)?;
		let output = sliding.output(sliding.window.channels);
		output_width(label, &output)?;
		check_cover(label, &sliding.window, &shape)?;
		let counts = divisors(&sliding, counts_padding);
		let full = counts.iter().copied().fold(1.0, f32::max);
		let channels = sliding.window.channels;
		let pooled = self.depthwise(label, input, sliding.window, 1.0 / full, output.clone())?;
		if counts.iter().all(|count| *count == full) {
			return Ok(pooled.into());
		}
		let scale = counts.iter().map(|count| full / count).collect::<Vec<_>>().repeat(channels);
		let bias = vec![0.0; scale.len()];
		let op = FloatOp::Affine { input: pooled.value, scale, bias };
		Ok(self.push(label, op, output)?.into())
	}

	pub(super) fn global_average_pool(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		call.attributes(&[])?;
		let [name] = call.inputs("one input")?;
		let (input, shape) = self.scope.computed(&call.label, name, "the input")?;
		let (channels, plane) = planes(&call.label, &shape)?;
		let mut output = Shape(vec![1; shape.0.len()]);
		output.0[1] = channels;
		Ok(self.mean(&call.label, input, channels, plane, output)?.into())
	}

	pub(super) fn global_max_pool(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		call.attributes(&[])?;
		let [name] = call.inputs("one input")?;
		let Value { value: input, shape, grid } = self.scope.value(label, name, "the input")?;
		let (channels, plane) = planes(label, &shape)?;
		let mut output = Shape(vec![1; shape.0.len()]);
		output.0[1] = channels;
		let op = FloatOp::MaxPool { input, window: whole(channels, plane) };
		Ok(Value { grid, ..self.push(label, op, output)? }.into())
	}

	/// The mean over the last axes.
	pub(super) fn reduce_mean(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(&["axes", "keepdims", "noop_with_empty_axes"])?;
		attributes.only("noop_with_empty_axes", 0, 0)?;
		let name = call.at_most(1, 2, "one or two inputs")?;
		let (input, shape) = self.scope.computed(label, name, "the input")?;
		let rank = shape.0.len();
		let axes = self.parameter(call, &attributes, "axes", 1)?;
		// No axes mean all of them, whether the list is empty or absent.
		let axes = axes.filter(|axes| !axes.is_empty());
		let mut reduced = vec![axes.is_none(); rank];
		for found in axes.unwrap_or_default() {
			reduced[axis(label, found, rank, rank)?] = true;
		}
		// Axes of length 1 change nothing; the others must be the last.
		let first = (0..rank).find(|axis| reduced[*axis] && shape.0[*axis] > 1).unwrap_or(rank);
		if (first..rank).any(|axis| !reduced[axis] && shape.0[axis] > 1) {
			let expected = "a mean over the last axes, such as [-2, -1] of an image";
			return Err(label.refuse(format!("expected {expected}, found axes before others")));
		}
		let (kept, planes) = shape.0.split_at(first);
		let (channels, plane) = (kept.iter().product(), planes.iter().product());
		let keeps = attributes.integer("keepdims", 1)? != 0;
		let dims = (0..rank).filter(|axis| keeps || !reduced[*axis]);
		let output = Shape(dims.map(|a| if reduced[a] { 1 } else { shape.0[a] }).collect());
		Ok(self.mean(label, input, channels, plane, output)?.into())
	}

	/// The mean of every plane.
	fn mean(
		&mut self,
		label: &Label,
		input: usize,
		channels: usize,
		plane: usize,
		output: Shape,
	) -> Result<Value, OnnxError> {
		if plane == 1 {
			return Ok(Value { value: input, shape: output, grid: None });
		}
		self.depthwise(label, input, whole(channels, plane), 1.0 / plane as f32, output)
	}
}

/// Refuses windows that read nothing but padding.
fn check_cover(label: &Label, window: &Window, shape: &Shape) -> Result<(), OnnxError> {
	let small = window.reads() <= MAX_PRODUCTS;
	if small && window.covers() {
		return Ok(());
	}
	let expected = match small {
		true => "windows that read more than padding",
		false => "fewer elements in all windows together",
	};
	Err(label.shape(expected, shape))
}

/// How many elements every window's mean divides by.
fn divisors(sliding: &Sliding, counts_padding: bool) -> Vec<f32> {
	let window = &sliding.window;
	let along = |side: usize| {
		let length = window.output().map_or(0, |output| output[side]);
		let begun = window.input[side] + window.pads[side];
		let (first, end) = match counts_padding {
			true => (0, begun + sliding.declared[side]),
			false => (window.pads[side], begun),
		};
		(0..length)
			.map(|place| {
				let steps = (0..window.kernel[side])
					.map(|step| place * window.stride[side] + step * window.dilation[side]);
				steps.filter(|at| (first..end).contains(at)).count()
			})
			.collect::<Vec<_>>()
	};
	let (rows, columns) = (along(0), along(1));
	rows.iter().flat_map(|row| columns.iter().map(move |column| (row * column) as f32)).collect()
}
