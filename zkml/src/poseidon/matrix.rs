// SPDX-License-Identifier: Apache-2.0

//! Matrices over the field: vectors of rows.

use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Row-major.
pub(crate) type Matrix = Vec<Vec<Fr>>;

/// `Σ leftᵢ · rightᵢ`.
pub(crate) fn dot(left: &[Fr], right: &[Fr]) -> Fr {
	left.iter().zip(right).map(|(x, y)| *x * y).sum()
}

/// `matrix · vector`.
pub(super) fn transform(matrix: &Matrix, vector: &[Fr]) -> Vec<Fr> {
	matrix.iter().map(|row| dot(row, vector)).collect()
}

/// `left · right`.
pub(super) fn multiply(left: &Matrix, right: &Matrix) -> Matrix {
	let columns = transpose(right);
	left.iter().map(|row| transform(&columns, row)).collect()
}

/// Rows become columns.
pub(super) fn transpose(matrix: &Matrix) -> Matrix {
	let columns = matrix.first().map_or(0, Vec::len);
	(0..columns).map(|j| matrix.iter().map(|row| row[j]).collect()).collect()
}

/// `matrix^exponent` of a square matrix, for an exponent of at least one.
pub(super) fn power(matrix: &Matrix, exponent: usize) -> Matrix {
	if exponent <= 1 {
		return matrix.clone();
	}
	let root = power(matrix, exponent / 2);
	let square = multiply(&root, &root);
	match exponent % 2 {
		0 => square,
		_ => multiply(&square, matrix),
	}
}

/// The inverse of a square matrix by Gauss and Jordan's elimination, unless it is singular.
pub(super) fn inverse(matrix: &Matrix) -> Option<Matrix> {
	let size = matrix.len();
	let mut left = matrix.clone();
	let mut right: Matrix =
		(0..size).map(|i| (0..size).map(|j| Fr::from(i == j)).collect()).collect();
	for column in 0..size {
		let pivot = (column..size).find(|row| left[*row][column] != Fr::ZERO)?;
		left.swap(column, pivot);
		right.swap(column, pivot);
		let scale = left[column][column].inverse()?;
		for entry in left[column].iter_mut().chain(&mut right[column]) {
			*entry *= scale;
		}
		let (pivot_left, pivot_right) = (left[column].clone(), right[column].clone());
		for row in (0..size).filter(|row| *row != column) {
			let factor = left[row][column];
			subtract(&mut left[row], factor, &pivot_left);
			subtract(&mut right[row], factor, &pivot_right);
		}
	}
	Some(right)
}

/// `row −= factor · other`.
fn subtract(row: &mut [Fr], factor: Fr, other: &[Fr]) {
	for (entry, other) in row.iter_mut().zip(other) {
		*entry -= factor * other;
	}
}
