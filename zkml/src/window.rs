// SPDX-License-Identifier: Apache-2.0

//! The geometry of convolution and pooling: which elements of its input an element of the output
//! reads. Floating-point networks, integer networks and circuits share it.

/// A window that slides over planes of height × width, one plane per channel, channel by channel in
/// memory (ONNX's NCHW without the batch). One-dimensional windows have height 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
	/// Planes of the input.
	pub channels: usize,
	/// Height and width of an input plane.
	pub input: [usize; 2],
	/// Height and width of the window.
	pub kernel: [usize; 2],
	/// Steps between windows.
	pub stride: [usize; 2],
	/// Steps between the elements of a window.
	pub dilation: [usize; 2],
	/// Padding at the top, left, bottom, right.
	pub pads: [usize; 4],
}

/// Largest of all the numbers in a [`Window`], and of the elements of a kernel: products of two of
/// them do not overflow.
const LARGEST: usize = 1 << 16;

/// Most elements that all windows of one channel of a convolution read: [`Terms`] holds them.
const MAX_TAPS: usize = 1 << 24;

impl Window {
	/// Height and width of an output plane; `None` when the numbers do not fit together: a zero
	/// where there must be none, or a window larger than the padded plane.
	pub fn output(&self) -> Option<[usize; 2]> {
		let positive = [&self.input, &self.kernel, &self.stride, &self.dilation];
		let small = |number: &usize| *number <= LARGEST;
		let valid = self.channels > 0
			&& small(&self.channels)
			&& positive.into_iter().flatten().all(|number| *number > 0 && small(number))
			&& self.pads.iter().all(small)
			&& small(&self.kernel_len());
		if !valid {
			return None;
		}
		let side = |axis: usize| {
			let padded = self.input[axis] + self.pads[axis] + self.pads[axis + 2];
			let extent = (self.kernel[axis] - 1) * self.dilation[axis] + 1;
			Some(padded.checked_sub(extent)? / self.stride[axis] + 1)
		};
		Some([side(0)?, side(1)?])
	}

	/// Elements of an input plane.
	pub fn plane(&self) -> usize {
		self.input[0].saturating_mul(self.input[1])
	}

	/// Elements of all input planes.
	pub fn input_len(&self) -> usize {
		self.channels.saturating_mul(self.plane())
	}

	/// Elements of all input planes with their padding.
	pub fn padded_len(&self) -> usize {
		let side = |axis: usize| self.input[axis] + self.pads[axis] + self.pads[axis + 2];
		self.channels.saturating_mul(side(0).saturating_mul(side(1)))
	}

	/// Elements of an output plane; 0 for a window that does not fit.
	pub fn positions(&self) -> usize {
		self.output().map_or(0, |[height, width]| height.saturating_mul(width))
	}

	/// Elements of the window.
	pub fn kernel_len(&self) -> usize {
		self.kernel[0].saturating_mul(self.kernel[1])
	}

	/// What the window at an output position reads: pairs of an element of the window and an element
	/// of the plane, both row by row. What lies in the padding is left out.
	pub fn taps(&self, position: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
		let width = self.output().map_or(1, |[_, width]| width.max(1));
		let corner = [position / width * self.stride[0], position % width * self.stride[1]];
		let along = move |axis: usize, step: usize| {
			(corner[axis] + step * self.dilation[axis])
				.checked_sub(self.pads[axis])
				.filter(|place| *place < self.input[axis])
		};
		(0..self.kernel[0]).flat_map(move |row| {
			let columns = along(0, row).map(move |y| {
				(0..self.kernel[1]).filter_map(move |column| {
					let x = along(1, column)?;
					Some((row * self.kernel[1] + column, y * self.input[1] + x))
				})
			});
			columns.into_iter().flatten()
		})
	}

	/// Elements that all windows of all channels read, padding included.
	pub fn reads(&self) -> usize {
		let windows = self.channels.saturating_mul(self.positions());
		windows.saturating_mul(self.kernel_len())
	}

	/// Whether every window reads at least one element that is not padding.
	pub fn covers(&self) -> bool {
		let Some(output) = self.output() else { return true };
		(0..2).all(|axis| {
			(0..output[axis]).all(|place| {
				// The first step of the window that is past the padding.
				let begin = place * self.stride[axis];
				let skipped = self.pads[axis].saturating_sub(begin).div_ceil(self.dilation[axis]);
				let first = begin + skipped * self.dilation[axis];
				skipped < self.kernel[axis] && first < self.pads[axis] + self.input[axis]
			})
		})
	}
}

/// A convolution: `y[f][p] = bias[f] + Σ weights[f][c][k] · x[c][tap(p, k)]` over the channels of
/// the filter's group. A depthwise convolution has as many groups as channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Convolution {
	/// Where it reads.
	pub window: Window,
	/// Groups that channels and filters are divided into, evenly and in order.
	pub groups: usize,
	/// Planes of the output.
	pub filters: usize,
}

impl Convolution {
	/// Elements of the output; `None` when the numbers do not fit together.
	pub fn output_len(&self) -> Option<usize> {
		let divides = |number: usize| number > 0 && number.checked_rem(self.groups) == Some(0);
		if !divides(self.window.channels) || !divides(self.filters) {
			return None;
		}
		let [height, width] = self.window.output()?;
		let positions = height.checked_mul(width)?;
		if positions.checked_mul(self.window.kernel_len())? > MAX_TAPS {
			return None;
		}
		self.filters.checked_mul(positions)
	}

	/// Channels that a filter reads.
	fn group_channels(&self) -> usize {
		self.window.channels / self.groups.max(1)
	}

	/// Weights of one filter: channels of its group × window.
	pub fn filter_len(&self) -> usize {
		self.group_channels().saturating_mul(self.window.kernel_len())
	}

	/// All weights: filter by filter.
	pub fn weights_len(&self) -> usize {
		self.filters.saturating_mul(self.filter_len())
	}

	/// Multiplications of weights, padding included.
	pub fn products(&self) -> usize {
		self.weights_len().saturating_mul(self.window.positions())
	}

	/// The filter of an element of the output.
	pub fn filter(&self, element: usize) -> usize {
		element / self.window.positions().max(1)
	}

	/// What every element of the output sums, ready to be asked for.
	pub fn terms(&self) -> Terms<'_> {
		let positions = self.window.positions();
		let narrow = |(k, element): (usize, usize)| (k as u32, element as u32);
		let taps = (0..positions).map(|position| self.window.taps(position).map(narrow).collect());
		Terms { convolution: self, taps: taps.collect() }
	}
}

/// The sums of a convolution.
#[derive(Debug)]
pub struct Terms<'a> {
	convolution: &'a Convolution,
	/// By position: an element of the window, and of a plane.
	taps: Vec<Box<[(u32, u32)]>>,
}

impl Terms<'_> {
	/// What an element of the output sums: pairs of a weight and an element of the input.
	pub fn of(&self, element: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
		let convolution = self.convolution;
		let positions = self.taps.len().max(1);
		let (filter, position) = (element / positions, element % positions);
		let channels = convolution.group_channels();
		let group = filter / (convolution.filters / convolution.groups.max(1)).max(1);
		let kernel = convolution.window.kernel_len();
		let plane = convolution.window.plane();
		let taps = self.taps.get(position).map(AsRef::as_ref).unwrap_or_default();
		(0..channels).flat_map(move |channel| {
			let weights = filter * convolution.filter_len() + channel * kernel;
			let plane = (group * channels + channel) * plane;
			taps.iter().map(move |(k, element)| (weights + *k as usize, plane + *element as usize))
		})
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn window() -> Window {
		Window {
			channels: 2,
			input: [3, 4],
			kernel: [2, 2],
			stride: [1, 2],
			dilation: [1, 1],
			pads: [1, 0, 0, 1],
		}
	}

	#[test]
	fn output_planes_have_the_size_of_the_specification() {
		assert_eq!(window().output(), Some([3, 2]));
		assert_eq!(Window { dilation: [2, 3], ..window() }.output(), Some([2, 1]));
		assert_eq!(Window { kernel: [5, 2], ..window() }.output(), None);
		assert_eq!(Window { stride: [0, 2], ..window() }.output(), None);
		assert_eq!(Window { kernel: [usize::MAX, 2], ..window() }.output(), None);
	}

	#[test]
	fn taps_leave_the_padding_out() {
		let taps = |position| window().taps(position).collect::<Vec<_>>();
		assert_eq!(taps(0), [(2, 0), (3, 1)]);
		assert_eq!(taps(1), [(2, 2), (3, 3)]);
		assert_eq!(taps(3), [(0, 2), (1, 3), (2, 6), (3, 7)]);
		assert!(window().covers());
		assert!(!Window { pads: [2, 0, 0, 0], ..window() }.covers());
		let sparse = Window { kernel: [1, 2], dilation: [1, 5], pads: [0, 1, 0, 1], ..window() };
		assert!(!sparse.covers(), "both elements lie in the padding");
	}

	#[test]
	fn groups_read_their_own_channels() {
		let convolution = Convolution { window: window(), groups: 2, filters: 4 };
		assert_eq!((convolution.output_len(), convolution.weights_len()), (Some(24), 16));
		// Filter 2 is the first of the second group: plane 1 begins at element 12.
		let element = 2 * 6 + 3;
		assert_eq!(convolution.filter(element), 2);
		assert_eq!(
			convolution.terms().of(element).collect::<Vec<_>>(),
			[(8, 14), (9, 15), (10, 18), (11, 19)]
		);
		let uneven = Convolution { groups: 3, ..convolution };
		assert_eq!(uneven.output_len(), None);
	}
}
