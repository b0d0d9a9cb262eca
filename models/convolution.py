# SPDX-License-Identifier: Apache-2.0
"""A small convolutional network and its training, in numpy.

Two blocks of a 3×3 convolution (padded by one), ReLU and 2×2 max-pooling, then one linear layer.
Images are arrays of shape (images, channels, height, width). The loss is the cross-entropy, the
optimiser Adam (Kingma, Ba, 2015, algorithm 1) with the learning rate falling along a half cosine.
"""

import numpy
from numpy.lib.stride_tricks import sliding_window_view

KERNEL = 3
EPOCHS = 100
BATCH = 32
LEARNING_RATE = 3e-3
# Strength of the L2 penalty.
PENALTY = 1e-3
# Decay of Adam's two running means, and what keeps it from dividing by zero.
MEAN_DECAY, SQUARE_DECAY, EPSILON = 0.9, 0.999, 1e-8


def padded(images):
    """Adds a border of one zero."""
    return numpy.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))


def convolve(images, weights):
    """Convolution of the padded images; also the windows that it read, for the gradient."""
    windows = sliding_window_view(padded(images), (KERNEL, KERNEL), axis=(2, 3))
    return numpy.einsum("nchwij,ocij->nohw", windows, weights, optimize=True), windows


def max_pool(images):
    """Largest of every 2×2 window; also, for the gradient, where it lies (ties share)."""
    count, channels, height, width = images.shape
    windows = images.reshape(count, channels, height // 2, 2, width // 2, 2)
    largest = windows.max(axis=(3, 5), keepdims=True)
    at_largest = windows == largest
    shares = at_largest / at_largest.sum(axis=(3, 5), keepdims=True)
    return largest[:, :, :, 0, :, 0], shares


def shifted(images, generator):
    """Moves about half of the images by at most one pixel in each direction."""
    _, _, height, width = images.shape
    still = 1
    rows, columns = generator.integers(0, 3, (2, len(images)))
    moves = generator.random(len(images)) < 0.5
    rows, columns = numpy.where(moves, [rows, columns], still)
    moved = [
        image[:, row : row + height, column : column + width]
        for image, row, column in zip(padded(images), rows, columns)
    ]
    return numpy.stack(moved)


class Network:
    """Parameters in order of use: weights and bias of each convolution, then of the linear layer."""

    def __init__(self, channels, side, classes, generator):
        """`channels`: of the input and after each convolution. `side`: of the square images."""
        last_side = side // 2 ** (len(channels) - 1)
        shapes = [(after, before, KERNEL, KERNEL) for before, after in zip(channels, channels[1:])]
        shapes.append((classes, channels[-1] * last_side**2))
        self.parameters = []
        for shape in shapes:
            # He initialisation: keeps the variance of activations through ReLU.
            deviation = numpy.sqrt(2 / numpy.prod(shape[1:]))
            self.parameters.append(generator.normal(0, deviation, shape))
            self.parameters.append(numpy.zeros(shape[0]))

    def logits(self, images):
        """Scores of each class."""
        return self._forward(images)[0]

    def _forward(self, images):
        *convolutions, weights, bias = self.parameters
        value, trace = images, []
        for kernel, offset in zip(convolutions[::2], convolutions[1::2]):
            value, windows = convolve(value, kernel)
            rectified = numpy.maximum(value + offset[:, None, None], 0)
            value, shares = max_pool(rectified)
            trace.append((kernel, windows, rectified > 0, shares))
        flat = value.reshape(len(images), -1)
        return flat @ weights.T + bias, flat, value.shape, trace

    def gradients(self, images, labels):
        """Gradient of the mean cross-entropy and the penalty, for each parameter."""
        logits, flat, shape, trace = self._forward(images)
        odds = numpy.exp(logits - logits.max(axis=1, keepdims=True))
        slope = odds / odds.sum(axis=1, keepdims=True)
        slope[numpy.arange(len(labels)), labels] -= 1
        slope /= len(labels)
        gradients = [slope.sum(axis=0), slope.T @ flat]
        slope = (slope @ self.parameters[-2]).reshape(shape)
        for kernel, windows, positive, shares in reversed(trace):
            slope = (slope[:, :, :, None, :, None] * shares).reshape(positive.shape) * positive
            gradients.append(slope.sum(axis=(0, 2, 3)))
            gradients.append(numpy.einsum("nohw,nchwij->ocij", slope, windows, optimize=True))
            # Backwards, a convolution is one with its kernel turned around.
            turned = kernel.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]
            slope, _ = convolve(slope, turned)
        return [g + PENALTY * p for g, p in zip(reversed(gradients), self.parameters)]

    def train(self, images, labels, generator):
        """Adam on shuffled batches of shifted images."""
        means = [numpy.zeros_like(p) for p in self.parameters]
        squares = [numpy.zeros_like(p) for p in self.parameters]
        steps = EPOCHS * -(-len(images) // BATCH)
        step = 0
        for _ in range(EPOCHS):
            moved = shifted(images, generator)
            order = generator.permutation(len(images))
            for start in range(0, len(order), BATCH):
                batch = order[start : start + BATCH]
                rate = LEARNING_RATE * (1 + numpy.cos(numpy.pi * step / steps)) / 2
                step += 1
                for parameter, gradient, mean, square in zip(
                    self.parameters, self.gradients(moved[batch], labels[batch]), means, squares
                ):
                    mean += (1 - MEAN_DECAY) * (gradient - mean)
                    square += (1 - SQUARE_DECAY) * (gradient**2 - square)
                    corrected = numpy.sqrt(square / (1 - SQUARE_DECAY**step)) + EPSILON
                    parameter -= rate * mean / (1 - MEAN_DECAY**step) / corrected
