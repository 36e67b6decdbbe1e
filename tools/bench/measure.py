"""Runs a command and says what it took."""
import os
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field

SAMPLE_S = 0.002  # and a thousandth of what has passed, so that sampling long runs costs nothing


@dataclass
class Run:
    code: int
    wall_s: float
    cpu_s: float
    peak_mib: float  # resident at most, with mapped files
    own_mib: float  # RssAnon + RssShmem at most, as sampled
    said: str = ""  # the end of what it wrote to stderr
    facts: dict = field(default_factory=dict)  # what a peer's script told about itself


def status(pid, *names):
    """Values of /proc/PID/status in KiB; what is missing counts 0."""
    found = dict.fromkeys(names, 0)
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name in found:
                    found[name] = int(value.split()[0])
    except (OSError, ValueError, IndexError):
        pass  # it ended while we looked
    return [found[name] for name in names]


def end_of(file, most_bytes=4096):
    file.seek(max(0, file.seek(0, os.SEEK_END) - most_bytes))
    return file.read().decode(errors="replace")


def run(command, environment=None, limit_s=1200):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        begin = time.monotonic()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=errors,
                                 env={**os.environ, **(environment or {})})
        peaks = [0, 0]
        done = threading.Event()

        def sample():
            while not done.is_set():
                anonymous, shared, high = status(child.pid, "RssAnon", "RssShmem", "VmHWM")
                peaks[0] = max(peaks[0], anonymous + shared)
                peaks[1] = max(peaks[1], high)
                if time.monotonic() - begin > limit_s:
                    child.kill()
                done.wait(SAMPLE_S + (time.monotonic() - begin) / 1000)

        sampler = threading.Thread(target=sample)
        sampler.start()
        _, wait_status, usage = os.wait4(child.pid, 0)
        wall_s = time.monotonic() - begin
        done.set()
        sampler.join()
        child.returncode = os.waitstatus_to_exitcode(wait_status)
        facts = {}
        for line in end_of(out).splitlines():
            key, _, value = line.partition("=")
            if key.startswith("bench."):
                facts[key[6:]] = value
        # ru_maxrss is exact, but begins at what this process had when it started the child.
        exact = usage.ru_maxrss if usage.ru_maxrss > status(os.getpid(), "VmHWM")[0] else 0
        return Run(child.returncode, wall_s, usage.ru_utime + usage.ru_stime, max(peaks[1], exact) / 1024, peaks[0] / 1024,
                   end_of(errors), facts)


def machine():
    """Processor, cores, memory: never a host's name."""
    processor, flags = "unknown processor", set()
    with open("/proc/cpuinfo") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "Processor"):
                processor = value.strip()
            elif key.strip() in ("flags", "Features"):
                flags = set(value.split())
    sets = [name for name in ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "asimddp", "i8mm") if name in flags]
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"processor": processor, "cores": len(os.sched_getaffinity(0)), "instruction_sets": sets,
            "memory_gib": round(memory_gib), "load_average": round(os.getloadavg()[0], 2)}


def forget(paths):
    """Makes the page cache cold: for all files where we may, else for `paths`. Returns how."""
    os.sync()
    try:
        with open("/proc/sys/vm/drop_caches", "w") as file:
            file.write("3\n")
        return "drop_caches"
    except OSError:
        for path in paths:
            descriptor = os.open(path, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)
        return "posix_fadvise on the input"
