"""Whisper's encoder and decoders as optimum exports them: encoder, decoder, decoder with past, merged decoder.

Weights carry the names of the checkpoint (`model.encoder.layers.0.fc1.weight`).
"""
from dataclasses import dataclass

import numpy as np

from graph import Graph, Weight
from layers import attend, causal_mask, dim, expand, gelu, layer_norm, linear, reshape, unsqueeze
from onnx_stream import BOOL, FLOAT, INT64


@dataclass(frozen=True)
class WhisperShape:
    width: int
    heads: int
    ffn: int
    encoder_layers: int
    decoder_layers: int
    vocabulary: int = 51865
    mels: int = 80
    frames: int = 1500  # after the stem; the input has twice as many
    positions: int = 448
    head: str = "twice"  # of the tied table: "twice" (stored again, transposed) or "transpose" (a node)
    equal_norms: bool = True  # normalizations start with equal values, which the exporter stores once

    @property
    def head_width(self):
        return self.width // self.heads


def encoder(s):
    g = Graph()
    x = g.input("input_features", FLOAT, ["batch_size", s.mels, 2 * s.frames])
    for index, (n_in, stride) in enumerate(((s.mels, 1), (s.width, 2)), 1):
        name = f"model.encoder.conv{index}"
        x = g.node("Conv", [x, g.weight(Weight(name + ".weight", (s.width, n_in, 3))),
                            g.weight(Weight(name + ".bias", (s.width,), kind="bias"))], scope=f"/conv{index}",
                   dilations=[1], group=1, kernel_shape=[3], pads=[1, 1], strides=[stride])
        x = gelu(g, "", x)
    x = g.node("Transpose", [x], perm=[0, 2, 1])
    x = g.node("Add", [x, g.weight(Weight("model.encoder.embed_positions.weight", (s.frames, s.width), kind="position"))])
    x = encoder_layers(g, s, x, "model.encoder.layers")
    first = "model.encoder.layers.0.self_attn_layer_norm"
    x = layer_norm(g, "/layer_norm", x, "model.encoder.layer_norm", s.width, first if s.equal_norms else None)
    g.node("Identity", [x], name="last_hidden_state", plain=True)
    g.output("last_hidden_state", ["batch_size", s.frames, s.width])
    return g


def encoder_layers(g, s, x, prefix):
    """The transformer layers; prefix: of the weights' names."""
    first = f"{prefix}.0.self_attn_layer_norm" if s.equal_norms else None
    for i in range(s.encoder_layers):
        name, scope = f"{prefix}.{i}", f"/layers.{i}"
        y = layer_norm(g, scope + "/self_attn_layer_norm", x, name + ".self_attn_layer_norm", s.width, first if i else None)
        y = _self_attention(g, s, scope + "/self_attn", name + ".self_attn", y)
        x = g.node("Add", [x, y], scope=scope)
        x = _feed_forward(g, s, scope, name, x, first)
    return x


def _feed_forward(g, s, scope, name, x, shared):
    y = layer_norm(g, scope + "/final_layer_norm", x, name + ".final_layer_norm", s.width, shared)
    y = linear(g, scope + "/fc1", y, name + ".fc1", s.width, s.ffn)
    y = gelu(g, scope + "/activation_fn", y)
    y = linear(g, scope + "/fc2", y, name + ".fc2", s.ffn, s.width)
    return g.node("Add", [x, y], scope=scope)


def _query(g, s, scope, name, x, batch, length):
    q = linear(g, scope + "/q_proj", x, name + ".q_proj", s.width, s.width)
    q = g.node("Mul", [q, g.const(s.head_width**-0.5, scope, np.float32)], scope=scope)
    return g.node("Transpose", [reshape(g, scope, q, [batch, length, -1, s.head_width])], scope=scope, perm=[0, 2, 1, 3])


def _keys_and_values(g, s, scope, name, x, batch):
    """[batch, time, heads, head_width] both."""
    k = linear(g, scope + "/k_proj", x, name + ".k_proj", s.width, s.width, bias=False)
    k = reshape(g, scope, k, [batch, -1, s.heads, s.head_width])
    v = linear(g, scope + "/v_proj", x, name + ".v_proj", s.width, s.width)
    return k, reshape(g, scope, v, [batch, -1, s.heads, s.head_width])


def _out(g, s, scope, name, mixed, batch, length):
    y = reshape(g, scope, mixed, [batch, length, -1])
    return linear(g, scope + "/out_proj", y, name + ".out_proj", s.width, s.width)


def _self_attention(g, s, scope, name, x):
    batch, length = dim(g, scope, x, 0), dim(g, scope, x, 1)
    q = _query(g, s, scope, name, x, batch, length)
    k, v = _keys_and_values(g, s, scope, name, x, batch)
    v = g.node("Transpose", [v], scope=scope, perm=[0, 2, 1, 3])
    k = g.node("Transpose", [k], scope=scope, perm=[0, 2, 3, 1])
    return _out(g, s, scope, name, attend(g, scope, q, k, v), batch, length)


class _Decoder:
    """Fills one graph: the whole file, or one branch of the merged decoder."""

    def __init__(self, g, s, past):
        self.g, self.s, self.past = g, s, past

    def present(self, i, part, kind, x, perm):
        return self.g.node("Transpose", [x], scope=f"/model/decoder/layers.{i}/{part}", perm=perm,
                           name=f"present.{i}.{'decoder' if part == 'self_attn' else 'encoder'}.{kind}")

    def own_attention(self, i, x, mask):
        g, s, scope = self.g, self.s, f"/model/decoder/layers.{i}/self_attn"
        name = f"model.decoder.layers.{i}.self_attn"
        batch, length = dim(g, scope, x, 0), dim(g, scope, x, 1)
        q = _query(g, s, scope, name, x, batch, length)
        k, v = _keys_and_values(g, s, scope, name, x, batch)
        if self.past:
            k, v = (g.node("Transpose", [y], scope=scope, perm=[0, 2, 1, 3]) for y in (k, v))
            k, v = (g.node("Concat", [f"past_key_values.{i}.decoder.{kind}", y], scope=scope, axis=-2,
                           name=f"present.{i}.decoder.{kind}") for kind, y in (("key", k), ("value", v)))
        else:
            k = self.present(i, "self_attn", "key", k, [0, 2, 1, 3])
            v = self.present(i, "self_attn", "value", v, [0, 2, 1, 3])
        k = g.node("Transpose", [k], scope=scope, perm=[0, 1, 3, 2])
        return _out(g, s, scope, name, attend(g, scope, q, k, v, mask), batch, length)

    def cross_attention(self, i, x):
        g, s, scope = self.g, self.s, f"/model/decoder/layers.{i}/encoder_attn"
        name = f"model.decoder.layers.{i}.encoder_attn"
        batch, length = dim(g, scope, x, 0), dim(g, scope, x, 1)
        q = _query(g, s, scope, name, x, batch, length)
        if self.past:
            k, v = f"past_key_values.{i}.encoder.key", f"past_key_values.{i}.encoder.value"
            turned = g.node("Transpose", [k], scope=scope, perm=[0, 1, 3, 2])
        else:
            k, v = _keys_and_values(g, s, scope, name, "encoder_hidden_states", batch)
            turned = g.node("Transpose", [k], scope=scope, perm=[0, 2, 3, 1])
            self.present(i, "encoder_attn", "key", k, [0, 2, 1, 3])
            v = self.present(i, "encoder_attn", "value", v, [0, 2, 1, 3])
        return _out(g, s, scope, name, attend(g, scope, q, turned, v), batch, length)

    def embed(self):
        """Token and position rows summed; the mask."""
        g, s, scope = self.g, self.s, "/model/decoder"
        batch, length = dim(g, scope, "input_ids", 0), dim(g, scope, "input_ids", 1)
        ids = reshape(g, scope, "input_ids", [-1, length])
        table = g.weight(Weight("model.decoder.embed_tokens.weight", (s.vocabulary, s.width), kind="table", tied=True))
        x = g.node("Gather", [table, ids], scope=scope + "/embed_tokens")
        past = dim(g, scope, "past_key_values.0.decoder.key", 2) if self.past else None
        mask, positions = causal_mask(g, scope, batch, past, length)
        rows = expand(g, scope, unsqueeze(g, scope, positions, 0), [batch, -1])
        table = g.weight(Weight("model.decoder.embed_positions.weight", (s.positions, s.width), kind="position"))
        rows = g.node("Gather", [table, rows], scope=scope + "/embed_positions", axis=0)
        return g.node("Add", [x, g.node("Cast", [rows], scope=scope, to=1)], scope=scope), mask

    def build(self):
        g, s = self.g, self.s
        x, mask = self.embed()
        first = "model.decoder.layers.0.self_attn_layer_norm"
        for i in range(s.decoder_layers):
            name, scope = f"model.decoder.layers.{i}", f"/model/decoder/layers.{i}"
            shared = first if s.equal_norms else None
            y = layer_norm(g, scope + "/self_attn_layer_norm", x, name + ".self_attn_layer_norm", s.width,
                           shared if i else None)
            x = g.node("Add", [x, self.own_attention(i, y, mask)], scope=scope)
            y = layer_norm(g, scope + "/encoder_attn_layer_norm", x, name + ".encoder_attn_layer_norm", s.width, shared)
            x = g.node("Add", [x, self.cross_attention(i, y)], scope=scope)
            x = _feed_forward(g, s, scope, name, x, shared)
        x = layer_norm(g, "/model/decoder/layer_norm", x, "model.decoder.layer_norm", s.width,
                       first if s.equal_norms else None)
        g.node("MatMul", [x, self.head()], scope="/proj_out", name="logits")

    def head(self):
        g, s, name = self.g, self.s, "model.decoder.embed_tokens.weight"
        if s.head == "twice":
            return g.weight(Weight(name, (s.width, s.vocabulary), transposed=True, kind="table", tied=True))
        table = g.weight(Weight(name, (s.vocabulary, s.width), kind="table", tied=True))
        return g.node("Transpose", [table], name=name + "_transposed", plain=True, perm=[1, 0])


def _cache(s, what):
    """[(name, dims)] of the cache's tensors."""
    time = {"decoder": "past_decoder_sequence_length", "encoder": "encoder_sequence_length"}
    if what == "present":
        time["decoder"] = "past_decoder_sequence_length + decoder_sequence_length"
    return [(f"{what}.{i}.{side}.{kind}", ["batch_size", s.heads, time[side], s.head_width])
            for i in range(s.decoder_layers) for side in ("decoder", "encoder") for kind in ("key", "value")]


def _logits(s):
    return [("logits", ["batch_size", "decoder_sequence_length", s.vocabulary])]


def _common_inputs(g, s, hidden, past):
    g.input("input_ids", INT64, ["batch_size", "decoder_sequence_length"])
    if hidden:
        g.input("encoder_hidden_states", FLOAT, ["batch_size", "encoder_sequence_length", s.width])
    for name, dims in _cache(s, "past_key_values") if past else []:
        g.input(name, FLOAT, dims)


def decoder(s):
    """Without a cache: many tokens at once; the cross-attention's keys and values are computed."""
    g = Graph()
    _common_inputs(g, s, hidden=True, past=False)
    _Decoder(g, s, past=False).build()
    for name, dims in _logits(s) + _cache(s, "present"):
        g.output(name, dims)
    return g


def decoder_with_past(s):
    g = Graph()
    _common_inputs(g, s, hidden=False, past=True)
    _Decoder(g, s, past=True).build()
    for name, dims in _logits(s) + [c for c in _cache(s, "present") if ".decoder." in c[0]]:
        g.output(name, dims)
    return g


def decoder_merged(s):
    """Both in one If on use_cache_branch; its branches share the weights of the outer graph."""
    g = Graph()
    _common_inputs(g, s, hidden=True, past=True)
    condition = g.input("use_cache_branch", BOOL, [1])
    outputs = _logits(s) + _cache(s, "present")
    branches = []
    for past in (True, False):
        branch = g.branch()
        _Decoder(branch, s, past).build()
        for name, dims in outputs:
            if past and ".encoder." in name:  # optimum hands back nothing here: the caller has the cache
                branch.node("Constant", [], name=name, plain=True,
                            value=np.zeros((0, s.heads, 1, s.head_width), np.float32))
            branch.output(name, dims)
        branches.append(branch)
    g.choose(condition, branches[0], branches[1], outputs)
    return g
