"""Builds a graph node by node with the names that the PyTorch exporter gives, weights only declared.

    g = Graph()
    y = g.node("MatMul", [x, g.weight(Weight("fc1.weight", (512, 2048), transposed=True))], scope="/layers.0/fc1")
    g.save("model.onnx", weights)

`weights(weight)` is the callback that fills a Weight: an iterable of float32 arrays that, one after the other in C order,
are the tensor as the graph stores it. tools/bench/weights.py makes random ones; scripts that convert a checkpoint give theirs.
"""
from dataclasses import dataclass

import numpy as np

import onnx_stream as wire


@dataclass(frozen=True)
class Weight:
    name: str  # as in the checkpoint
    shape: tuple  # as the graph stores it
    transposed: bool = False  # the checkpoint has the last two axes the other way round
    kind: str = "matrix"  # matrix, table, bias, norm (scale of a normalization), position
    tied: bool = False  # another weight of this name exists in the other orientation, with the same values

    @property
    def size_bytes(self):
        return 4 * int(np.prod(self.shape, dtype=np.int64))


class Graph:
    """One graph; branches of an If are made by branch() and share the weights of the outermost graph."""

    def __init__(self, parent=None):
        self.root = parent.root if parent else self
        self.nodes, self.inputs, self.outputs = [], [], []
        self._names = {}
        self.merged = parent is not None
        if not parent:
            self._weights = {}  # name in the graph -> Weight
            self._by_weight = {}

    def branch(self):
        return Graph(self)

    # -- values -------------------------------------------------------------------------------------------------
    def input(self, name, element, dims):
        self.inputs.append(wire.value_info(name, element, dims))
        return name

    def output(self, name, dims, element=wire.FLOAT):
        self.outputs.append(wire.value_info(name, element, dims))

    def weight(self, weight):
        """The initializer's name. Matrices that the exporter had to transpose lose their name, as there."""
        key = (weight.name, weight.transposed)
        root = self.root
        if key not in root._by_weight:
            name = weight.name
            if weight.transposed:
                name = f"onnx::MatMul_{len(root._by_weight) + 400}"
            if self.merged:
                name += "_merged_0"
            root._by_weight[key] = name
            root._weights[name] = weight
        return root._by_weight[key]

    def rename(self, weight, name, scope=""):
        """The value of `weight` under another name, through Identity: what the exporter makes of equal tensors."""
        return self.node("Identity", [self.weight(weight)], name=name, plain=True, scope=scope)

    def const(self, value, scope, dtype=np.int64):
        value = np.asarray(value, dtype)
        return self.node("Constant", [], scope=scope, value=value)

    # -- nodes --------------------------------------------------------------------------------------------------
    def node(self, op, inputs, scope="", name=None, plain=False, **attributes):
        """Appends a node and returns the name of its output: `name`, or scope/Op_n_output_0."""
        path = f"{op}" if plain else f"{scope}/{op}"
        count = self._names.get(path, 0)
        self._names[path] = count + 1
        path += f"_{count}" if count else ""
        output = name or f"{path}_output_0"
        self.nodes.append(wire.node(op, path, inputs, [output], attributes))
        return output

    def choose(self, condition, then_branch, else_branch, outputs):
        """If, as optimum merges two decoders; outputs: [(name, dims)]."""
        attributes = {"then_branch": tuple(then_branch.pieces("then")), "else_branch": tuple(else_branch.pieces("else"))}
        self.nodes.append(wire.node("If", "optimum::if", [condition], [name for name, _ in outputs], attributes))
        for name, dims in outputs:
            self.output(name, dims)

    # -- the file -----------------------------------------------------------------------------------------------
    def pieces(self, name, initializers=()):
        out = []
        for item in self.nodes:
            out += wire.message(1, item)
        out += wire.text(2, name)
        for item in initializers:
            out += wire.message(5, item)
        for field, items in ((11, self.inputs), (12, self.outputs)):
            for item in items:
                out += wire.message(field, item)
        return out

    def weights(self):
        return list(self.root._weights.values())

    def parameters(self):
        return sum(w.size_bytes // 4 for w in self.weights())

    def save(self, path, weights, external=None, opset=18, producer="pytorch"):
        """Writes the model; with `external`, a wire.ExternalFile, weights above 1 KiB go there."""
        initializers = []
        for name, weight in self._weights.items():
            payload = wire.Payload(weight.size_bytes, lambda w=weight: weights(w))
            if external and weight.size_bytes > 1024:
                location, offset = external.place(payload)
                initializers.append(wire.external_weight(name, weight.shape, location, offset, payload.size))
            else:
                initializers.append(wire.inline_weight(name, weight.shape, payload))
        pieces = wire.model(self.pieces("main_graph", initializers), opset, producer)
        if not external and wire.size_of(pieces) >= 2**31:
            raise ValueError(f"{path}: {wire.size_of(pieces)} bytes do not fit one protobuf file; use external data")
        if external:
            external.write()
        wire.write(path, pieces)
