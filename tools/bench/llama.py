"""A Llama-like decoder with key/value cache as optimum exports it: RMS normalization, rotary positions, grouped queries.

Weights carry the names of the checkpoint (`model.layers.0.self_attn.q_proj.weight`).
"""
from dataclasses import dataclass

import numpy as np

from graph import Graph, Weight
from layers import arange, attend, dim, expand, linear, reshape, unsqueeze
from onnx_stream import FLOAT, INT64


@dataclass(frozen=True)
class LlamaShape:
    width: int
    heads: int
    kv_heads: int
    ffn: int
    layers: int
    vocabulary: int
    head: str = "transpose"  # of the tied table: "transpose" (a node), "twice" (stored again, transposed); or "own"
    rope_theta: float = 10000.0
    epsilon: float = 1e-5
    equal_norms: bool = True

    @property
    def head_width(self):
        return self.width // self.heads


def _rms_norm(g, s, scope, x, name, shared):
    weight = Weight((shared or name) + ".weight", (s.width,), kind="norm")
    scale = g.rename(weight, name + ".weight") if shared else g.weight(weight)
    x = g.node("Cast", [x], scope=scope, to=1)
    square = g.node("Pow", [x, g.const(2, scope, np.float32)], scope=scope)
    mean = g.node("ReduceMean", [square, g.const([-1], scope)], scope=scope, keepdims=1)
    root = g.node("Sqrt", [g.node("Add", [mean, g.const(s.epsilon, scope, np.float32)], scope=scope)], scope=scope)
    y = g.node("Mul", [x, g.node("Div", [g.const(1, scope, np.float32), root], scope=scope)], scope=scope)
    return g.node("Mul", [scale, g.node("Cast", [y], scope=scope, to=1)], scope=scope)


def _mask(g, scope, past, length, batch):
    """Causal, and padding by attention_mask: bool [batch, 1, length, past + length]."""
    whole = g.node("Add", [past, length], scope=scope)
    rows = unsqueeze(g, scope, unsqueeze(g, scope, unsqueeze(g, scope, arange(g, scope, past, whole), 0), 1), 3)
    columns = arange(g, scope, 0, whole)
    for axis in (0, 1, 2):
        columns = unsqueeze(g, scope, columns, axis)
    causal = g.node("LessOrEqual", [columns, rows], scope=scope)
    padding = g.node("Cast", ["attention_mask"], scope=scope, to=9)
    # The exporter gathers the padding by flat indices (batch x length + column).
    item = arange(g, scope, 0, batch)
    for axis in (1, 2, 3):
        item = unsqueeze(g, scope, item, axis)
    flat = g.node("Add", [columns, g.node("Mul", [item, dim(g, scope, padding, 1)], scope=scope)], scope=scope)
    padding = g.node("Gather", [g.node("Reshape", [padding, g.const([-1], scope)], scope=scope), flat], scope=scope, axis=0)
    return expand(g, scope, g.node("And", [causal, padding], scope=scope), [batch, -1, length, whole])


def _rotary_tables(g, s):
    """cos and sin [batch, length, head_width]."""
    scope = "/model/rotary_emb"
    rates = s.rope_theta ** (-np.arange(0, s.head_width, 2, dtype=np.float64) / s.head_width)
    rates = g.const(rates.reshape(1, -1, 1), scope, np.float32)
    rates = g.node("Cast", [expand(g, scope, rates, [dim(g, scope, "position_ids", 0), -1, 1])], scope=scope, to=1)
    places = g.node("Cast", [unsqueeze(g, scope, "position_ids", 1)], scope=scope, to=1)
    angles = g.node("Transpose", [g.node("MatMul", [rates, places], scope=scope)], scope=scope, perm=[0, 2, 1])
    angles = g.node("Concat", [angles, angles], scope=scope, axis=-1)
    tables = []
    for op in ("Cos", "Sin"):
        y = g.node("Mul", [g.node(op, [angles], scope=scope), g.const(1, scope, np.float32)], scope=scope)
        tables.append(g.node("Cast", [y], scope=scope, to=1))
    return tables


def _rotate(g, scope, x, cos, sin):
    half = g.node("Div", [dim(g, scope, x, 3), g.const(2, scope)], scope=scope)
    half = unsqueeze(g, scope, g.node("Cast", [half], scope=scope, to=7), 0)
    axis, step = g.const([3], scope), g.const([1], scope)
    low = g.node("Slice", [x, g.const([0], scope), half, axis, step], scope=scope)
    high = g.node("Slice", [x, half, g.const([2**63 - 1], scope), axis, step], scope=scope)
    turned = g.node("Concat", [g.node("Neg", [high], scope=scope), low], scope=scope, axis=-1)
    return g.node("Add", [g.node("Mul", [x, cos], scope=scope), g.node("Mul", [turned, sin], scope=scope)], scope=scope)


def _repeat(g, s, scope, x):
    """[b, kv_heads, t, d] -> [b, heads, t, d]."""
    if s.heads == s.kv_heads:
        return x
    times = s.heads // s.kv_heads
    batch, heads, time, width = (dim(g, scope, x, axis) for axis in range(4))
    y = expand(g, scope, unsqueeze(g, scope, x, 2), [batch, heads, times, time, width])
    return reshape(g, scope, y, [batch, g.node("Mul", [heads, g.const(times, scope)], scope=scope), time, width])


def _attention(g, s, i, x, tables, mask):
    scope, name = f"/model/layers.{i}/self_attn", f"model.layers.{i}.self_attn"
    batch, length = dim(g, scope, x, 0), dim(g, scope, x, 1)
    parts = {}
    for part, heads in (("q", s.heads), ("k", s.kv_heads), ("v", s.kv_heads)):
        y = linear(g, f"{scope}/{part}_proj", x, f"{name}.{part}_proj", s.width, heads * s.head_width, bias=False)
        y = reshape(g, scope, y, [batch, length, -1, s.head_width])
        parts[part] = g.node("Transpose", [y], scope=scope, perm=[0, 2, 1, 3])
    cos, sin = (unsqueeze(g, scope, table, 1) for table in tables)
    query = _rotate(g, scope, parts["q"], cos, sin)
    fresh = {"key": _rotate(g, scope, parts["k"], cos, sin), "value": parts["v"]}
    key, value = (g.node("Concat", [f"past_key_values.{i}.{kind}", fresh[kind]], scope=scope, axis=-2,
                         name=f"present.{i}.{kind}") for kind in ("key", "value"))
    key, value = _repeat(g, s, scope, key), _repeat(g, s, scope, value)
    key = g.node("Transpose", [key], scope=scope, perm=[0, 1, 3, 2])
    mixed = attend(g, scope, query, key, value, mask, scale=s.head_width**-0.5)
    y = reshape(g, scope, mixed, [batch, length, -1])
    return linear(g, scope + "/o_proj", y, name + ".o_proj", s.width, s.width, bias=False)


def _feed_forward(g, s, i, x):
    scope, name = f"/model/layers.{i}/mlp", f"model.layers.{i}.mlp"
    gate = linear(g, scope + "/gate_proj", x, name + ".gate_proj", s.width, s.ffn, bias=False)
    gate = g.node("Mul", [gate, g.node("Sigmoid", [gate], scope=scope + "/act_fn")], scope=scope + "/act_fn")
    up = linear(g, scope + "/up_proj", x, name + ".up_proj", s.width, s.ffn, bias=False)
    y = g.node("Mul", [gate, up], scope=scope)
    return linear(g, scope + "/down_proj", y, name + ".down_proj", s.ffn, s.width, bias=False)


def _head(g, s, x):
    table = Weight("model.embed_tokens.weight", (s.vocabulary, s.width), kind="table", tied=True)
    if s.head == "transpose":
        weight = g.node("Transpose", [g.weight(table)], name=table.name + "_transposed", plain=True, perm=[1, 0])
    else:
        name = table.name if s.head == "twice" else "lm_head.weight"
        weight = g.weight(Weight(name, (s.width, s.vocabulary), transposed=True, kind="table", tied=s.head == "twice"))
    g.node("MatMul", [x, weight], scope="/lm_head", name="logits")


def decoder(s):
    g = Graph()
    g.input("input_ids", INT64, ["batch_size", "sequence_length"])
    g.input("attention_mask", INT64, ["batch_size", "past_sequence_length + sequence_length"])
    g.input("position_ids", INT64, ["batch_size", "sequence_length"])
    for i in range(s.layers):
        for kind in ("key", "value"):
            g.input(f"past_key_values.{i}.{kind}", FLOAT, ["batch_size", s.kv_heads, "past_sequence_length", s.head_width])
    table = Weight("model.embed_tokens.weight", (s.vocabulary, s.width), kind="table", tied=True)
    x = g.node("Gather", [g.weight(table), "input_ids"], scope="/model/embed_tokens")
    past, length = dim(g, "/model", "past_key_values.0.key", 2), dim(g, "/model", x, 1)
    mask = _mask(g, "/model", past, length, dim(g, "/model", x, 0))
    tables = _rotary_tables(g, s)
    first = "model.layers.0.input_layernorm"
    shared = first if s.equal_norms else None
    for i in range(s.layers):
        scope, name = f"/model/layers.{i}", f"model.layers.{i}"
        y = _rms_norm(g, s, scope + "/input_layernorm", x, name + ".input_layernorm", shared if i else None)
        x = g.node("Add", [x, _attention(g, s, i, y, tables, mask)], scope=scope)
        y = _rms_norm(g, s, scope + "/post_attention_layernorm", x, name + ".post_attention_layernorm", shared)
        x = g.node("Add", [x, _feed_forward(g, s, i, y)], scope=scope)
    _head(g, s, _rms_norm(g, s, "/model/norm", x, "model.norm", shared))
    g.output("logits", ["batch_size", "sequence_length", s.vocabulary])
    for i in range(s.layers):
        for kind in ("key", "value"):
            g.output(f"present.{i}.{kind}",
                     ["batch_size", s.kv_heads, "past_sequence_length + sequence_length", s.head_width])
    return g
