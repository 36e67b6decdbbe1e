#!/usr/bin/env python3
"""Compares vetquant's word and character errors with those of the reference (PyPI: jiwer) on random pairs of texts.

    tools/crosscheck/speech.py build/tests/vetquant_word_errors [--pairs 1000]

Each count must agree: hits, substitutions, deletions and insertions, of words and of characters.
"""
import argparse
import random
import subprocess
import sys

import jiwer

WORDS = "the a dog cat kůň was given enrofloxacin meloxicam 5 mg per kg twice daily naïve 犬".split()


def spoiled(words):
    out = []
    for word in words:
        draw = random.random()
        if draw < 0.1:
            continue
        out.append(word if draw < 0.7 else random.choice(WORDS))
        if draw > 0.9:
            out.append(random.choice(WORDS))
    return out


def pair():
    said = random.choices(WORDS, k=random.randrange(1, 40))
    heard = spoiled(said) if random.random() < 0.8 else random.choices(WORDS, k=random.randrange(0, 40))
    return " ".join(said), " ".join(heard)


def counts(result):
    return [result.hits, result.substitutions, result.deletions, result.insertions]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--pairs", type=int, default=1000)
    arguments = parser.parse_args()
    random.seed(1)
    pairs = [pair() for _ in range(arguments.pairs)]
    given = "".join(f"{said}\t{heard}\n" for said, heard in pairs)
    lines = subprocess.run([arguments.program], input=given, capture_output=True, text=True, check=True).stdout.split("\n")
    wrong = 0
    for (said, heard), line in zip(pairs, lines):
        ours = [int(number) for number in line.split()]
        theirs = counts(jiwer.process_words(said, heard)) + counts(jiwer.process_characters(said, heard))
        if ours != theirs:
            wrong += 1
            print(f"{said!r} / {heard!r}: {ours}, jiwer {theirs}")
    print(f"{len(pairs)} pairs, {wrong} differ")
    return 1 if wrong or len(lines) <= len(pairs) else 0


if __name__ == "__main__":
    sys.exit(main())
