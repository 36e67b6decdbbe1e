#!/usr/bin/env python3
"""Compares vetquant's tokens with those of the reference (PyPI: tokenizers) on random lines.

    tools/crosscheck/tokenizer.py build/tests/vetquant_tokenize [TOKENIZER.json ...] [--lines 10000]

Beside the files given it checks four small tokenizers that it trains: GPT-2's pre-tokenizer, single digits first
(SmolLM2), a pattern of the GPT-4 kind with ignore_merges (Llama 3), and a prefix space with an alphabet that lacks bytes.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unicodedata

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

WORDS = """the dog was given enrofloxacin 5 mg/kg twice daily, amoxicillin-clavulanate 12.5 mg/kg; don't we'll they've I'm
    Körpertemperatur příznaky naïve сердце лошадь 犬の体温 고양이 قطة कुत्ता ελέφαντας TPR: T=38.6°C HR 120/min μg½ x² ①②""".split()
CODE = ["for (int i = 0; i < n; ++i) {", "\tif x != None:", "return a[i]->b * 0x1F;", "    }", "#include <x>", "// \\n \\t"]
SPACES = " \t\n\r\x0b\x0c\x85\xa0\u1680\u180e\u2000\u2003\u2028\u2029\u202f\u205f\u3000\u200b\ufeff"
EMOJI = "😀🐕🐈👩‍⚕️🏳️‍🌈👍🏽🇨🇿❤️"


def assigned():
    while True:
        code = random.choice([random.randrange(0x80), random.randrange(0x3000), random.randrange(0x110000)])
        if unicodedata.category(chr(code)) not in ("Cn", "Cs", "Co"):
            return chr(code)


def line(special):
    parts = []
    for _ in range(random.randrange(1, 20)):
        parts.append(random.choice([
            lambda: random.choice(WORDS) + " ",
            lambda: random.choice(WORDS).upper(),
            lambda: str(random.randrange(10 ** random.randrange(1, 12))),
            lambda: "".join(random.choice(SPACES) for _ in range(random.randrange(1, 6))),
            lambda: " " * random.randrange(1, 40),
            lambda: random.choice(CODE),
            lambda: "".join(assigned() for _ in range(random.randrange(1, 8))),
            lambda: "".join(random.choice(EMOJI) for _ in range(random.randrange(1, 4))),
            lambda: random.choice(special),
            lambda: random.choice("abcXYZ.!'") * random.randrange(1, 30)])())
    return "".join(parts)


def trained(folder):
    byte_level = pre_tokenizers.ByteLevel
    gpt4 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
            r"|\s+(?!\S)|\s+")
    kinds = {
        "gpt2": (byte_level(add_prefix_space=False), {}, True),
        "digits": (pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                            byte_level(add_prefix_space=False)]), {}, True),
        "gpt4": (pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(gpt4), "isolated"),
                                          byte_level(add_prefix_space=False, use_regex=False)]),
                 {"ignore_merges": True}, True),
        "prefix_space": (byte_level(add_prefix_space=True), {"unk_token": "<unk>", "fuse_unk": True}, False),
    }
    text = [line(["<unk>"]) for _ in range(3000)]
    for name, (steps, options, all_bytes) in kinds.items():
        tokenizer = Tokenizer(models.BPE(**options))
        tokenizer.pre_tokenizer = steps
        tokenizer.decoder = decoders.ByteLevel()
        tokenizer.train_from_iterator(text if all_bytes else [w for w in WORDS if w.isascii()], trainers.BpeTrainer(
            vocab_size=3000, special_tokens=["<unk>", "<|endoftext|>"], show_progress=False,
            initial_alphabet=byte_level.alphabet() if all_bytes else []))
        tokenizer.add_tokens([AddedToken("<mask>", lstrip=True, rstrip=True), AddedToken("dogs and cats")])
        tokenizer.save(str(folder / f"{name}.json"))
        yield folder / f"{name}.json"


def check(program, file, lines):
    reference = Tokenizer.from_file(str(file))
    special = [token.content for token in reference.get_added_tokens_decoder().values()]
    texts = [line(special) for _ in range(lines)]
    out = subprocess.run([program, file], input="\n".join(map(json.dumps, texts)) + "\n", capture_output=True, text=True,
                         check=True).stdout.split("\n")[:-1]
    wrong = tokens = 0
    for text, answer in zip(texts, out, strict=True):
        ids, decoded = answer.split("\t", 1)
        ids = [int(i) for i in ids.split()]
        expected = reference.encode(text, add_special_tokens=False).ids
        tokens += len(expected)
        if ids != expected or json.loads(decoded) != reference.decode(expected, skip_special_tokens=False):
            wrong += 1
            if wrong <= 3:
                print(f"  differs: {text!r}\n    reference {expected}\n    vetquant  {ids}\n    decoded   {decoded}")
    print(f"{file.name}: {lines} lines, {tokens} tokens, {wrong} lines differ")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    parser.add_argument("--lines", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        files = arguments.files + list(trained(pathlib.Path(folder)))
        wrong = sum(check(arguments.program, file, arguments.lines) for file in files)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
