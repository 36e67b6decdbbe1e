#!/usr/bin/env python3
"""The memory that quantizing a huge model takes: memory.py PROGRAM FIXTURE [BYTES].

The model is $VETQUANT_SPARSE_BYTES (or BYTES; default 8 GiB) of holes in a sparse file, which costs no disk. While two
threads quantize it, RssAnon + RssShmem of the process is sampled; it may reach 64 MiB and 2 MiB a thread. A second run has
all its private memory limited to 128 MiB (RLIMIT_DATA).
"""
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time

THREADS = 2
OWN_LIMIT_KIB = (64 + 2 * THREADS) * 1024
DATA_LIMIT = 128 << 20
SAMPLE_S = 0.005


def own_kib(pid):
    """RssAnon + RssShmem, or 0 where the process has ended."""
    try:
        with open(f"/proc/{pid}/status") as file:
            fields = dict(line.split(":", 1) for line in file)
    except OSError:
        return 0
    return sum(int(fields[key].split()[0]) for key in ("RssAnon", "RssShmem") if key in fields)


def children_cpu_s():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def quantize(program, folder, limit):
    command = [program, "quantize", "big.onnx", "-o", "small.onnx", "--threads", str(THREADS), "--overwrite", "-q"]
    begin, cpu_s = time.monotonic(), children_cpu_s()
    run = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=limit)
    most = samples = 0
    try:
        while run.poll() is None:
            most = max(most, own_kib(run.pid))
            samples += 1
            time.sleep(SAMPLE_S)
    finally:
        run.kill()
    said = run.stderr.read()
    if run.returncode != 0:
        sys.exit(f"FAILED: exit code {run.returncode}: {said}")
    return most, samples, time.monotonic() - begin, children_cpu_s() - cpu_s


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    size = int(sys.argv[3] if len(sys.argv) == 4 else os.environ.get("VETQUANT_SPARSE_BYTES", 8 << 30))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))  # the folder is removed all the same
    program, fixture = map(os.path.abspath, sys.argv[1:3])
    with tempfile.TemporaryDirectory(prefix="vetquant-memory-") as folder:
        subprocess.run([fixture, "sparse", os.path.join(folder, "big.onnx"), str(size)], check=True)
        for name, limit in (("as it is", None),
                            ("RLIMIT_DATA 128 MiB", lambda: resource.setrlimit(resource.RLIMIT_DATA, (DATA_LIMIT, DATA_LIMIT)))):
            most, samples, seconds, cpu_s = quantize(program, folder, limit)
            print(f"{size / 2**30:.2f} GiB of holes, {THREADS} threads, {name}: {most / 1024:.1f} MiB own memory at most "
                  f"({samples} samples), {seconds:.1f} s, {cpu_s:.1f} s of CPU", flush=True)
            if samples < 10 or most == 0:
                sys.exit("FAILED: the run was too short to be sampled; use a larger model")
            if most > OWN_LIMIT_KIB:
                sys.exit(f"FAILED: {most} KiB are more than {OWN_LIMIT_KIB} KiB")


if __name__ == "__main__":
    main()
