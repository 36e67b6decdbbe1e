"""Writes ONNX files piece by piece: the few protobuf messages that a graph needs, framed here, and weights as streams.

A message is a list of pieces. A piece is `bytes`, or a Payload whose bytes are made only while the file is written, so a
model of any size costs the memory of one block of one weight. Field numbers are those of onnx/onnx.proto (IR 9).
"""
import os
import struct

import numpy as np

FLOAT, INT64, BOOL = 1, 7, 9
ELEMENT_BYTES = {FLOAT: 4, INT64: 8, BOOL: 1}
_NUMPY_TO_ONNX = {"float32": FLOAT, "int64": INT64, "bool": BOOL}
EXTERNAL_ALIGNMENT = 4096  # bytes; what runtimes that map the file like


class Payload:
    """`size` bytes made by `blocks()`, an iterable of arrays; never held together."""

    def __init__(self, size, blocks):
        self.size, self.blocks = size, blocks


def size_of(pieces):
    return sum(p.size if isinstance(p, Payload) else len(p) for p in pieces)


def varint(value):
    value &= (1 << 64) - 1  # negative int64 take ten bytes
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def integer(field, value):
    return [varint(field << 3) + varint(value)]


def text(field, value):
    data = value.encode()
    return [varint(field << 3 | 2) + varint(len(data)) + data]


def message(field, pieces):
    return [varint(field << 3 | 2) + varint(size_of(pieces)), *pieces]


def packed(pieces):
    """Neighbouring bytes joined: thousands of small pieces are slow to write."""
    out, run = [], []
    for piece in pieces:
        if isinstance(piece, Payload):
            out += [b"".join(run), piece]
            run = []
        else:
            run.append(piece)
    return [*out, b"".join(run)]


def tensor(name, array):
    """A small TensorProto from an array."""
    array = np.asarray(array)
    pieces = []
    for dim in array.shape:
        pieces += integer(1, dim)
    pieces += integer(2, _NUMPY_TO_ONNX[str(array.dtype)])
    if name:
        pieces += text(8, name)
    data = np.ascontiguousarray(array).tobytes()
    return pieces + [varint(9 << 3 | 2) + varint(len(data)) + data]


def _weight_head(name, shape):
    pieces = []
    for dim in shape:
        pieces += integer(1, dim)
    return pieces + integer(2, FLOAT) + text(8, name)


def inline_weight(name, shape, payload):
    return _weight_head(name, shape) + [varint(9 << 3 | 2) + varint(payload.size), payload]


def external_weight(name, shape, location, offset, length):
    pieces = _weight_head(name, shape)
    for key, value in (("location", location), ("offset", str(offset)), ("length", str(length))):
        pieces += message(13, text(1, key) + text(2, value))
    return pieces + integer(14, 1)


def value_info(name, element, dims):
    """dims: numbers, or names of dimensions."""
    shape = []
    for dim in dims:
        shape += message(1, text(2, dim) if isinstance(dim, str) else integer(1, dim))
    return text(1, name) + message(2, message(1, integer(1, element) + message(2, shape)))


def attribute(name, value):
    """int, float, text, list of ints, array (tensor), or pieces of a graph (tuple)."""
    pieces = text(1, name)
    if isinstance(value, tuple):
        return pieces + message(6, list(value)) + integer(20, 5)
    if isinstance(value, np.ndarray):
        return pieces + message(5, tensor("", value)) + integer(20, 4)
    if isinstance(value, str):
        return pieces + text(4, value) + integer(20, 3)
    if isinstance(value, float):
        return pieces + [varint(2 << 3 | 5) + struct.pack("<f", value)] + integer(20, 1)
    if isinstance(value, list):
        for item in value:
            pieces += integer(8, item)
        return pieces + integer(20, 7)
    return pieces + integer(3, value) + integer(20, 2)


def node(op, name, inputs, outputs, attributes):
    pieces = []
    for item in inputs:
        pieces += text(1, item)
    for item in outputs:
        pieces += text(2, item)
    pieces += text(3, name) + text(4, op)
    for key in sorted(attributes):
        pieces += message(5, attribute(key, attributes[key]))
    return pieces


def model(graph, opset, producer):
    return packed(
        integer(1, 9) + text(2, producer) + message(7, graph) + message(8, text(1, "") + integer(2, opset))
    )


def write_blocks(file, payload):
    done = 0
    for block in payload.blocks():
        data = memoryview(np.ascontiguousarray(block)).cast("B")
        file.write(data)
        done += len(data)
    if done != payload.size:
        raise ValueError(f"a weight gave {done} bytes where {payload.size} were promised")


def write(path, pieces):
    with open(path, "wb", buffering=0) as file:
        for piece in pieces:
            if isinstance(piece, Payload):
                write_blocks(file, piece)
            else:
                file.write(piece)


class ExternalFile:
    """Weights beside the model; `holes` makes them sparse: right in length, zero in content, taking no room."""

    def __init__(self, path, holes=False):
        self.path, self.holes, self.end, self.payloads = path, holes, 0, []

    def place(self, payload):
        offset = -(-self.end // EXTERNAL_ALIGNMENT) * EXTERNAL_ALIGNMENT
        self.payloads.append((offset, payload))
        self.end = offset + payload.size
        return os.path.basename(self.path), offset

    def write(self):
        with open(self.path, "wb", buffering=0) as file:
            for offset, payload in [] if self.holes else self.payloads:
                file.seek(offset)
                write_blocks(file, payload)
            file.truncate(self.end)
