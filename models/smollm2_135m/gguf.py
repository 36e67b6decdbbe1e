"""Reads GGUF files: metadata and tensors restored to float32.

Little-endian. "GGUF", uint32 version, uint64 tensors, uint64 metadata entries; an entry is text key, uint32 type, value; a
tensor is text name, uint32 rank, uint64 dimensions (the fastest first), uint32 type, uint64 offset from the data's begin, which
is aligned to general.alignment (32). A text is uint64 length and bytes. Blocks of 32 values, d and m being halves:

    Q4_0  d, 16 bytes        d * (code - 8)      low nibbles are values 0 to 15, high ones 16 to 31
    Q4_1  d, m, 16 bytes     d * code + m
    Q8_0  d, 32 int8         d * code

Source: ggml, docs/gguf.md; ggml-quants.c (dequantize_row_*).
"""
import math
import struct

import numpy as np

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
TEXT, ARRAY = 8, 9
BLOCK = 32
MOST_DIMENSIONS = 4


def _nibbles(codes):
    return np.concatenate([codes & 15, codes >> 4], axis=-1).astype(np.float32)


def _scales(blocks, name):
    return blocks[name].astype(np.float32)[:, None]


def _q4_0(blocks):
    return _scales(blocks, "d") * (_nibbles(blocks["codes"]) - 8)


def _q4_1(blocks):
    return _scales(blocks, "d") * _nibbles(blocks["codes"]) + _scales(blocks, "m")


def _q8_0(blocks):
    return _scales(blocks, "d") * blocks["codes"].astype(np.float32)


# type: (name, how a piece is stored, values of a piece, how it is restored)
TYPES = {
    0: ("F32", np.dtype("<f4"), 1, lambda values: values),
    1: ("F16", np.dtype("<f2"), 1, lambda values: values.astype(np.float32)),
    2: ("Q4_0", np.dtype([("d", "<f2"), ("codes", "u1", 16)]), BLOCK, _q4_0),
    3: ("Q4_1", np.dtype([("d", "<f2"), ("m", "<f2"), ("codes", "u1", 16)]), BLOCK, _q4_1),
    8: ("Q8_0", np.dtype([("d", "<f2"), ("codes", "i1", 32)]), BLOCK, _q8_0),
}


class Gguf:
    """metadata: {key: value}; shapes: {name: [rows, columns]}; tensor(name): float32."""

    def __init__(self, data, name):
        self.data, self.name, self.at = memoryview(data), name, 0
        if bytes(self._take(4)) != b"GGUF":
            raise ValueError(f"{name}: is no GGUF file")
        version = self._number("I")
        if version not in (2, 3):
            raise ValueError(f"{name}: GGUF version {version}; 2 and 3 are read")
        tensors, entries = self._number("Q"), self._number("Q")
        self.metadata = {}
        for _ in range(entries):
            key = self._text()
            self.metadata[key] = self._value(self._number("I"))
        self._places = dict(self._place() for _ in range(tensors))
        self.shapes = {tensor: shape for tensor, (shape, _, _) in self._places.items()}
        alignment = self.metadata.get("general.alignment", 32)
        self._begin = -(-self.at // alignment) * alignment

    def _take(self, count):
        if count > len(self.data) - self.at:
            raise ValueError(f"{self.name}: {count} bytes are wanted at offset {self.at} of {len(self.data)}")
        self.at += count
        return self.data[self.at - count:self.at]

    def _number(self, kind):
        return struct.unpack("<" + kind, self._take(struct.calcsize("<" + kind)))[0]

    def _text(self):
        return bytes(self._take(self._number("Q"))).decode()

    def _value(self, kind):
        if kind == TEXT:
            return self._text()
        if kind == ARRAY:
            inner, count = self._number("I"), self._number("Q")
            if inner == ARRAY:
                raise ValueError(f"{self.name}: arrays of arrays are not read")
            return [self._value(inner) for _ in range(count)]
        if kind not in SCALARS:
            raise ValueError(f"{self.name}: metadata of type {kind} at offset {self.at}")
        return self._number(SCALARS[kind])

    def _place(self):
        name, rank = self._text(), self._number("I")
        if rank > MOST_DIMENSIONS:
            raise ValueError(f"{self.name}: {name} has {rank} dimensions")
        shape = [self._number("Q") for _ in range(rank)][::-1]
        kind, offset = self._number("I"), self._number("Q")
        if kind not in TYPES:
            known = ", ".join(kind[0] for kind in TYPES.values())
            raise ValueError(f"{self.name}: {name} has type {kind}; read are {known}")
        if rank and shape[-1] % TYPES[kind][2]:
            raise ValueError(f"{self.name}: {name}: rows of {shape[-1]} values are no whole blocks")
        return name, (shape, kind, offset)

    def tensor(self, name):
        shape, kind, offset = self._places[name]
        _, stored, values, restore = TYPES[kind]
        self.at = self._begin + offset
        pieces = np.frombuffer(self._take(math.prod(shape) // values * stored.itemsize), stored)
        return restore(pieces).reshape(shape)
