#!/usr/bin/env python3
"""Ends runs of vetquant at random moments, or lets two race, and looks at what is left.

    nothing_lost.py kills PROGRAM FIXTURE        SIGKILL at $VETQUANT_KILLS (default 200) random moments
    nothing_lost.py interrupts PROGRAM FIXTURE   SIGINT at as many; prints how long each took to end, judges no times
    nothing_lost.py evals PROGRAM FIXTURE        SIGINT to as many runs of eval, with tools/bench/interrupt.py
    nothing_lost.py races PROGRAM FIXTURE        two runs to one output at once

Under the final name there is never anything but a whole model; the next run removes what dead runs left, and nothing that
belongs to a live process. Moments come from a fixed seed and are spread over the time that a whole run takes here.
"""
import hashlib
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time

MODEL_BYTES = 128 << 20
SEED = 20
SIDECAR = ["--sidecar", "always"]


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Place:
    """A folder with a large model, and what whole runs make of it."""

    def __init__(self, program, fixture, folder):
        self.program, self.fixture, self.folder = os.path.abspath(program), fixture, folder
        subprocess.run([fixture, "sparse", os.path.join(folder, "big.onnx"), str(MODEL_BYTES)], check=True)
        self.inputs = set(os.listdir(folder))

    def start(self, *arguments, output="small.onnx"):
        command = [self.program, "quantize", "big.onnx", "-o", output, "--threads", "2", "-q", *arguments]
        return subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def new_files(self):
        return set(os.listdir(self.folder)) - self.inputs

    def temporaries(self):
        return {name for name in self.new_files() if name.startswith(".") and name.endswith(".tmp")}

    def clear(self):
        for name in self.new_files():
            os.remove(os.path.join(self.folder, name))

    def whole(self, *arguments):
        """What a run that nobody disturbs writes: {file: digest}, and the seconds it takes."""
        begin = time.monotonic()
        run = self.start(*arguments)
        said = run.communicate()[1]
        seconds = time.monotonic() - begin
        expect(run.returncode == 0, f"an undisturbed run ends with {run.returncode}: {said}")
        expect(not self.temporaries(), f"an undisturbed run leaves {self.temporaries()}")
        files = {name: digest(os.path.join(self.folder, name)) for name in self.new_files()}
        self.clear()
        return files, seconds


def expect(holds, what):
    if not holds:
        sys.exit("FAILED: " + what)


def check_files(place, wanted, moment):
    """Everything but temporaries is what a whole run writes; a model that names a sidecar has it."""
    found = place.new_files() - place.temporaries()
    for name in found:
        expect(name in wanted, f"{moment}: {name} has a final name and is no output of a whole run")
        expect(digest(os.path.join(place.folder, name)) == wanted[name], f"{moment}: {name} is not whole")
    if "small.onnx" in found:
        expect(found == set(wanted), f"{moment}: the model is there without its weights: {found}")


def own_temporary(place, name):
    """A temporary as this living process would name it."""
    with open("/proc/self/stat") as file:
        start = file.read().rpartition(")")[2].split()[19]
    path = os.path.join(place.folder, f".{name}.vetquant-{os.getpid()}-{start}-0.tmp")
    with open(path, "w") as file:
        file.write("mine")
    return path


class Moments:
    """When to send the signal: anywhere in a run, as long as the shortest seen so far."""

    def __init__(self, seconds):
        self.random, self.seconds = random.Random(SEED), seconds

    def disturb(self, place, number, arguments, wanted):
        """Runs once and sends the signal at a moment of it; returns (exit code, seconds from the signal to the end)."""
        begin = time.monotonic()
        run = place.start(*arguments)
        delay = self.random.uniform(0, self.seconds)
        try:
            run.wait(delay)
            self.seconds = min(self.seconds, time.monotonic() - begin)
        except subprocess.TimeoutExpired:
            run.send_signal(number)
        begin = time.monotonic()
        run.communicate()
        took = time.monotonic() - begin
        check_files(place, wanted, f"{signal.Signals(number).name} after {delay:.4f} s")
        return run.returncode, took


def kills(place, count):
    mine = own_temporary(place, "small.onnx")
    place.inputs.add(os.path.basename(mine))
    kinds = [([], *place.whole()), (SIDECAR, *place.whole(*SIDECAR))]
    moments = Moments(min(seconds for _, _, seconds in kinds))
    left = ended = 0
    for i in range(count):
        arguments, wanted, _ = kinds[i % 2]
        code, _ = moments.disturb(place, signal.SIGKILL, arguments, wanted)
        expect(code in (0, -signal.SIGKILL), f"a killed run ends with {code}")
        ended += code == 0
        left += bool(place.temporaries())
        expect(len(place.temporaries()) <= 2, f"leftovers pile up: {place.temporaries()}")
        for name in place.new_files() - place.temporaries():  # for the next run; its leftovers stay for it to remove
            os.remove(os.path.join(place.folder, name))
    place.whole()  # fails where temporaries of dead runs are left
    expect(os.path.exists(mine), "a temporary of a living process was removed")
    print(f"{count} kills: {left} left temporaries, which the next run removed; {ended} came too late")
    expect(left > 0, "no kill left anything: they come at the wrong moments")


def interrupts(place, count):
    wanted, seconds = place.whole()
    moments, times = Moments(seconds), []
    for _ in range(count):
        code, took = moments.disturb(place, signal.SIGINT, [], wanted)
        # -SIGINT: it came before the program looked for it, so there was nothing yet.
        expect(code in (0, 130, -signal.SIGINT), f"an interrupted run ends with {code}")
        expect(not place.temporaries(), f"an interrupted run leaves {place.temporaries()}")
        expect((code == 0) == ("small.onnx" in place.new_files()), f"exit code {code}, files: {place.new_files()}")
        if code == 130:
            times.append(1000 * took)
        place.clear()
    expect(times, "no interrupt came while the program worked")
    print(f"{len(times)} of {count} came in time: ended after {statistics.median(times):.0f} ms (median), "
          f"{sorted(times)[int(0.95 * len(times))]:.0f} ms (95 %), {max(times):.0f} ms (most)")


def evals(place, count):
    """^C to a judge with its judged processes: no process, no folder of theirs and no report is left."""
    models = os.path.join(place.folder, "models")
    subprocess.run([place.fixture, "models", models], check=True)
    with open(os.path.join(models, "noise.yaml"), "w") as file:
        file.write("version: 1\ntask: tensors\nname: noise\nrandom: {seed: 1, samples: 4}\n")
    whole, small, noise = (os.path.join(models, name) for name in ("mlp.onnx", "mlp.int8.onnx", "noise.yaml"))
    subprocess.run([place.program, "quantize", whole, "-o", small, "-q"], check=True, stdout=subprocess.DEVNULL)
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "bench", "interrupt.py")
    report = ["--report", "report.json", "-q"]
    run = subprocess.run([sys.executable, script, "--count", str(count), "--out", "report.json", "--", place.program, "eval", whole,
                          small, "--test-set", noise, *report])
    expect(run.returncode == 0, "an interrupted judge left something, or ended otherwise than with 130")


def races(place, count):
    policies = ("int8", "int4")
    wanted = {policy: place.whole("--policy", policy)[0] for policy in policies}
    expect(wanted["int8"] != wanted["int4"], "both policies write the same: nothing could be mixed")
    winners = dict.fromkeys(policies, 0)
    for i in range(count):
        order = policies if i % 2 else policies[::-1]
        runs = {policy: place.start("--policy", policy) for policy in order}
        said = {policy: run.communicate()[1] for policy, run in runs.items()}
        codes = {policy: run.returncode for policy, run in runs.items()}
        expect(sorted(codes.values()) == [0, 5], f"two runs to one output end with {codes}: {said}")
        winner, loser = sorted(policies, key=codes.get)
        expect("exists already" in said[loser], f"the loser says: {said[loser]}")
        expect(not place.temporaries(), f"a race leaves {place.temporaries()}")
        check_files(place, wanted[winner], f"a race that {winner} won")
        expect("small.onnx" in place.new_files(), "nobody's model is there")
        winners[winner] += 1
        place.clear()
    print(f"{count} races: {winners}")


def main():
    actions = {"kills": kills, "interrupts": interrupts, "evals": evals, "races": races}
    if len(sys.argv) != 4 or sys.argv[1] not in actions:
        sys.exit(__doc__)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))  # the folder is removed all the same
    count = int(os.environ.get("VETQUANT_KILLS", "200"))
    with tempfile.TemporaryDirectory(prefix="vetquant-stress-") as folder:
        place = Place(sys.argv[2], os.path.abspath(sys.argv[3]), folder)
        actions[sys.argv[1]](place, min(count, 6) if sys.argv[1] == "races" else count)


if __name__ == "__main__":
    main()
