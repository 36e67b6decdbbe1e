"""Random weights at the speed of the disk: one pool of normal floats, cut at another place and scaled for every block.

No block equals another, the values do not compress, and a matrix is scaled by 1/sqrt(rows it sums over), so that
activations stay finite. The same seed gives the same bytes.
"""
import zlib

import numpy as np

POOL = 4 << 20  # floats; 16 MiB
BLOCK = 1 << 20  # floats made at a time


class RandomWeights:
    def __init__(self, seed=1):
        self._seed = seed
        self._pool = np.random.default_rng(seed).standard_normal(POOL + BLOCK, dtype=np.float32)

    def __call__(self, weight):
        if weight.kind == "norm":
            yield np.ones(weight.shape, np.float32)
        elif weight.tied and weight.transposed:
            yield from self._transposed(weight)
        else:
            yield from self._blocks(weight)

    def _source(self, weight):
        """Where blocks come from: a generator of its own for each name, the same for both orientations of a tied table."""
        return np.random.default_rng([self._seed, zlib.crc32(weight.name.encode())])

    @staticmethod
    def _scale(weight):
        if weight.kind == "bias":
            return 0.02
        if weight.kind == "position":
            return 0.05
        if weight.kind == "table":  # also multiplied with, as the head: logits of about 1
            return float(min(weight.shape)) ** -0.5
        fan_in = weight.shape[0] if weight.transposed else int(np.prod(weight.shape[1:]))
        return float(fan_in) ** -0.5

    def _cuts(self, weight, count):
        """count x (offset into the pool, factor)."""
        source = self._source(weight)
        offsets = source.integers(0, POOL, count)
        factors = self._scale(weight) * source.uniform(0.8, 1.25, count) * source.choice([-1.0, 1.0], count)
        return zip(offsets.tolist(), factors.astype(np.float32))

    def _blocks(self, weight):
        total = weight.size_bytes // 4
        step = BLOCK
        if weight.tied:  # whole rows, so that the other orientation can be cut from the same blocks
            step = max(1, BLOCK // weight.shape[1]) * weight.shape[1]
        for at, (offset, factor) in zip(range(0, total, step), self._cuts(weight, -(-total // step))):
            yield self._pool[offset : offset + min(step, total - at)] * factor

    def _transposed(self, weight):
        """[D, V] of a table [V, D]: every pass makes some rows, each from the columns of all blocks."""
        depth, rows = weight.shape
        step = max(1, BLOCK // depth)
        cuts = list(self._cuts(weight, -(-rows // step)))
        for first in range(0, depth, max(1, 4 * BLOCK // rows)):
            last = min(depth, first + max(1, 4 * BLOCK // rows))
            out = np.empty((last - first, rows), np.float32)
            for row, (offset, factor) in zip(range(0, rows, step), cuts):
                height = min(step, rows - row)
                block = self._pool[offset : offset + height * depth].reshape(height, depth)
                np.multiply(block[:, first:last].T, factor, out=out[:, row : row + height])
            yield out
