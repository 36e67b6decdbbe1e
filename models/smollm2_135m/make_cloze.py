#!/usr/bin/env python3
"""Makes the cloze items from texts/cloze.txt: test/cloze.csv (5,000) and test/cloze_checked.csv (300 of them, spread evenly).

    models/smollm2_135m/make_cloze.py

An item is a text with one gap, four choices of which one fits, the answer, and a cluster: the group and the fact, since items that
ask the same in other words go together. Needs nothing but Python; the seed is fixed.
"""
import csv
import itertools
import pathlib
import random
import re

HERE = pathlib.Path(__file__).resolve().parent
COUNT, CHECKED, WRONG = 5000, 300, 3
SHARES = {"drug": 0.56, "unit": 0.12, "species": 0.02, "organ": 0.2, "route": 0.1}  # of species there are few sentences
ANIMALS = ["dog", "cat", "rabbit", "mare", "pony", "cow", "calf", "ewe", "goat", "puppy", "kitten", "ferret", "Labrador", "Beagle",
           "Persian cat", "stallion", "foal", "lamb", "old tomcat", "young bitch"]
PETS = ["dog", "cat", "rabbit", "puppy", "Dachshund", "Persian cat", "old tomcat", "young bitch"]
DRUGS = ["enrofloxacin", "meloxicam", "doxycycline", "prednisolone", "metronidazole", "gabapentin", "carprofen", "cefalexin"]
NUMBERS = {"small": ["3.2", "3.8", "4.2", "4.6", "5.1", "6.5"], "fever": ["39.8", "40.1", "40.4", "41.2"],
           "pulse": ["88", "96", "120", "144", "180"], "pulse2": ["18", "24", "31", "38", "45"],
           "breath": ["24", "36", "48", "60"], "dose": ["2", "5", "7.5", "10", "15", "20"],
           "volume": ["50", "120", "250", "400", "750"], "pressure": ["110", "145", "160", "185", "210"],
           "short": ["3", "4", "6", "8", "11"], "period": ["6", "8", "12", "24"]}
DRUG_GAPS = ["The {animal} with {fact} was treated with ___.", "For {fact} the {animal} received ___.",
             "Diagnosis in this {animal}: {fact}. Treatment: ___.", "We started the {animal} on ___ because of {fact}.",
             "The {animal} was presented with {fact}, and the vet prescribed ___.",
             "The owner asks what the {animal} needs for {fact}; the answer is ___."]
FACT_GAPS = ["The {animal} was given {word} for ___.", "We use {word} in this {animal} for ___.",
             "The record of the {animal} says that {word} was started for ___."]
PURPOSE = re.compile("vomiting to be|binding|adsorption|prevention|induction|maintenance|general anesthesia|a short general|a nerve|"
                     "local anesthesia|an epidural|sedation|reversal")  # what is done to an animal, rather than had by it
ORGAN_GAPS = ["The {animal} has {fact}, a disease of the ___.", "The {animal} was seen because of {fact}, so we looked at the ___.",
              "Because of {fact} we examined the ___ of the {animal}.", "The specialist treats the ___ of the {animal}: it has {fact}.",
              "In this {animal}, {fact} has damaged the ___."]


def groups():
    """{section: [(name, [parts of the line])]}; a part is a list."""
    out, section = {}, None
    for line in (HERE / "texts/cloze.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and line.endswith("]"):
            section = out.setdefault(line[1:-1], [])
        elif line and not line.startswith("#"):
            name, rest = line.split(": ", 1)
            parts = [part.strip() for part in rest.split("|")]
            section.append((name, [re.split(r"(?<=\.), " if "___" in part else ", ", part) for part in parts]))
    return out


def filled(text, rng, animal=None):
    values = {"animal": animal or rng.choice(ANIMALS), "pet": rng.choice(PETS), "drug": rng.choice(DRUGS),
              **{name: rng.choice(numbers) for name, numbers in NUMBERS.items()}}
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], match[0]), text)


def fillers(others, rng, part):
    """One word or fact from each of WRONG other groups."""
    return [rng.choice(parts[part]) for _, parts in rng.sample(others, WRONG)]


def strangers(section, name, excluded):
    return [(other, parts) for other, parts in section
            if other != name and other not in excluded and name not in [n for n in parts[-1] if len(parts) > 2]]


def drug_item(section, rng):
    name, (words, facts, animals, excluded) = rng.choice(section)
    others = strangers(section, name, excluded)
    word, fact = rng.choice(words), rng.choice(facts)
    if rng.random() < 0.7:
        gaps = [gap for gap in DRUG_GAPS if not PURPOSE.match(fact) or gap.startswith("For")]
        text = filled(rng.choice(gaps), rng, rng.choice(animals)).replace("{fact}", fact)
        return text, word, fillers(others, rng, 0), f"{name}: {fact}"
    text = filled(rng.choice(FACT_GAPS), rng, rng.choice(animals)).replace("{word}", word)
    return text, fact, fillers(others, rng, 1), f"{name}: {word}"


def organ_item(section, rng):
    name, (words, facts, excluded) = rng.choice(section)
    fact = rng.choice(facts)
    animal = "cow" if name == "udder" else rng.choice(["dog", "stallion", "tomcat"]) if name in ("testis", "prostate") else \
        rng.choice(["bitch", "mare", "cow"]) if name == "uterus" else None
    text = filled(rng.choice(ORGAN_GAPS), rng, animal).replace("{fact}", fact)
    return text, words[0], fillers(strangers(section, name, excluded), rng, 0), f"{name}: {fact}"


def sentence_item(section, rng):
    name, (words, sentences) = rng.choice(section)
    sentence = rng.choice(sentences)
    others = [group for group in section if group[0] != name]
    return filled(sentence, rng), rng.choice(words), fillers(others, rng, 0), f"{name}: {sentences.index(sentence)}"


MAKERS = {"drug": drug_item, "unit": sentence_item, "species": sentence_item, "organ": organ_item, "route": sentence_item}


def items():
    rng, known, seen = random.Random(135), groups(), set()
    for section, share in SHARES.items():
        made = 0
        while made < round(COUNT * share):
            text, answer, wrong, cluster = MAKERS[section](known[section], rng)
            text = text[0].upper() + text[1:]
            if (text, answer) in seen or len({answer, *wrong}) <= WRONG:
                continue
            seen.add((text, answer))
            choices = [answer, *wrong]
            rng.shuffle(choices)
            made += 1
            yield {"text": text, "choices": "|".join(choices), "answer": answer, "cluster": f"{section}/{cluster}"}


def write(name, rows):
    with open(HERE / "test" / name, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main():
    rows = list(items())
    write("cloze.csv", rows)
    write("cloze_checked.csv", list(itertools.islice(rows, COUNT // CHECKED // 2, None, COUNT // CHECKED))[:CHECKED])
    print(f"{len(rows)} items of {len({row['cluster'] for row in rows})} facts")


if __name__ == "__main__":
    main()
