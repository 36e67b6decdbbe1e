#!/usr/bin/env python3
"""Sends ^C at random moments of a run and measures how long it takes to end, and what it leaves.

    interrupt.py [--count 40] [--seed 1] [--out FILE]... [--within SECONDS] -- PROGRAM ARGUMENT...

The command runs in an empty folder (name files elsewhere by their whole paths) and in a terminal session of its own, once
to its end and then --count times until a SIGINT to its process group, as a terminal sends it. Ends with 1 where a run ends
otherwise than with 130, leaves a file in its folder or beside it in $TMPDIR, or a process; with 0 otherwise, however long
the runs took. A run that ended before its signal came is started again. --out names what an undisturbed run writes there;
--within spares the undisturbed run of a long command and spreads the signals over so many seconds.
"""
import argparse
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time


def processes_of(session):
    """Processes of a session that still live: judged models run as children."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/stat") as file:
                state, _, _, sid = file.read().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue
        if sid == str(session) and state != "Z":
            found.append(entry)
    return found


class Runner:
    def __init__(self, command, folder, outputs):
        self.command, self.outputs = command, outputs
        self.folder, self.temporary = os.path.join(folder, "run"), os.path.join(folder, "tmp")
        os.mkdir(self.folder)
        os.mkdir(self.temporary)

    def start(self):
        return subprocess.Popen(self.command, cwd=self.folder, env={**os.environ, "TMPDIR": self.temporary},
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                start_new_session=True)

    def files(self):
        return sorted(os.listdir(self.folder) + os.listdir(self.temporary))

    def clear(self):
        for folder in (self.folder, self.temporary):
            shutil.rmtree(folder)
            os.mkdir(folder)

    def whole(self):
        """Seconds that an undisturbed run takes."""
        begin = time.monotonic()
        run = self.start()
        said = run.communicate()[1]
        seconds = time.monotonic() - begin
        if run.returncode != 0:
            sys.exit(f"undisturbed, the command ends with {run.returncode}: {said.decode(errors='replace')}")
        if self.files() != sorted(self.outputs):
            sys.exit(f"undisturbed, the command leaves {self.files()}; name them by --out")
        self.clear()
        return seconds

    def interrupted(self, delay):
        """Seconds from the signal to the end, and what is wrong with it; None where the run ended before."""
        run = self.start()
        try:
            run.wait(delay)
            run.communicate()
            self.clear()
            return None
        except subprocess.TimeoutExpired:
            pass
        begin = time.monotonic()
        os.killpg(run.pid, signal.SIGINT)
        said = run.communicate()[1]
        seconds = time.monotonic() - begin
        left = processes_of(run.pid)
        wrong = []
        if run.returncode == 0 and self.files() == sorted(self.outputs):
            self.clear()
            return None  # it was all but done
        # -SIGINT: before the program looked for it.
        if run.returncode not in (130, -signal.SIGINT):
            wrong.append(f"exit code {run.returncode}: {said.decode(errors='replace').strip()}")
        if self.files():
            wrong.append(f"files {self.files()}")
        if left:
            wrong.append(f"processes {left}")
        self.clear()
        return seconds, "; ".join(wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", action="append", default=[], metavar="FILE")
    parser.add_argument("--within", type=float, metavar="SECONDS")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    command = [os.path.abspath(options.command[0]), *options.command[1:]]
    moments = random.Random(options.seed)
    times, failures = [], 0
    with tempfile.TemporaryDirectory(prefix="vetquant-interrupt-") as folder:
        runner = Runner(command, folder, options.out)
        whole = options.within or runner.whole()
        while len(times) < options.count:
            delay = moments.uniform(0, whole)
            outcome = runner.interrupted(delay)
            if outcome is None:
                whole = max(whole * 0.98, 0.01)
                continue
            seconds, wrong = outcome
            times.append((1000 * seconds, delay))
            if wrong:
                failures += 1
                print(f"after {delay:.3f} s: {wrong}")
    slowest = sorted(times, reverse=True)[:3]
    took = sorted(t for t, _ in times)
    print(f"{len(times)} interrupts within {whole:.2f} s: {statistics.median(took):.0f} ms (median), "
          f"{took[int(0.95 * (len(took) - 1))]:.0f} ms (95 %), {took[-1]:.0f} ms (most); slowest after "
          + ", ".join(f"{delay:.2f} s ({ms:.0f} ms)" for ms, delay in slowest))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
