"""Reads CTranslate2's model.bin: named arrays and aliases of them.

Little-endian. uint32 format, text specification, uint32 revision, uint32 count; then each variable: text name, uint8 rank,
rank x uint32 dimensions, uint8 type, uint32 bytes, values; then uint32 count of aliases, each two texts: alias, name.
A text is uint16 length, then bytes that end with a zero. Source: CTranslate2, src/models/model.cc (format 6).
"""
import struct

import numpy as np

FORMAT = 6
TYPES = ["<f4", "<i1", "<i2", "<i4", "<f2"]  # by number
MOST_DIMENSIONS = 8


class Reader:
    def __init__(self, data, name):
        self.data, self.name, self.at = memoryview(data), name, 0

    def take(self, count):
        if count > len(self.data) - self.at:
            raise ValueError(f"{self.name}: {count} bytes are wanted at offset {self.at} of {len(self.data)}")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, kind):
        return struct.unpack("<" + kind, self.take(struct.calcsize("<" + kind)))[0]

    def text(self):
        return bytes(self.take(self.number("H"))).rstrip(b"\0").decode()

    def variable(self):
        name, rank = self.text(), self.number("B")
        if rank > MOST_DIMENSIONS:
            raise ValueError(f"{self.name}: {name} has {rank} dimensions")
        shape = [self.number("I") for _ in range(rank)]
        kind, size = self.number("B"), self.number("I")
        if kind >= len(TYPES):
            raise ValueError(f"{self.name}: {name} has type {kind}, which is not known here")
        values = np.frombuffer(self.take(size), TYPES[kind])
        if values.size != np.prod(shape, dtype=np.int64):
            raise ValueError(f"{self.name}: {name} has {values.size} values for shape {shape}")
        return name, values.reshape(shape)


def read(data, name):
    """(specification, {name: array}), aliases included; data: the file's bytes; name: for messages."""
    file = Reader(data, name)
    version = file.number("I")
    if version != FORMAT:
        raise ValueError(f"{name}: CTranslate2's format {version}; only {FORMAT} is read")
    specification = file.text()
    file.number("I")  # revision of the specification: what it changes are names, and those are looked up
    variables = dict(file.variable() for _ in range(file.number("I")))
    for _ in range(file.number("I")):
        alias, target = file.text(), file.text()
        variables[alias] = variables[target]
    return specification, variables
