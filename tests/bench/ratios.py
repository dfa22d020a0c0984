"""Times pairs of commands, one after the other in turns, and prints their ratios. Called by ratios.sh."""

import os
import shutil
import statistics
import sys
import time

binary, work, repetitions = sys.argv[1], sys.argv[2], int(sys.argv[3])
full, first, output, copy = (os.path.join(work, name) for name in ("full", "first", "output", "copy"))
seeds = set(os.listdir(first))


def clear_first():
    """Leaves what a person wrote, as before a first run."""
    for name in set(os.listdir(first)) - seeds:
        path = os.path.join(first, name)
        shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)


def clear_copy():
    shutil.rmtree(copy, ignore_errors=True)


def run(command, directory):
    """Returns the seconds from start to exit; output goes nowhere, a failure ends the bench."""
    os.chdir(directory)
    start = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=[
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
    ])
    _, status = os.waitpid(pid, 0)
    taken = time.perf_counter() - start
    if status:
        sys.exit(f"failed: {' '.join(command)}")
    return taken


def makejinja():
    """Prepares templates as many and as large as the output, for the render of makejinja alone.

    Nearly all of their text is raw, which is the least work that a template can be.
    """
    if shutil.which("makejinja") is None:
        return None
    there = os.path.join(work, "makejinja")
    for folder, _, names in os.walk(output):
        for name in names:
            source = os.path.join(folder, name)
            target = os.path.join(there, "in", os.path.relpath(source, output) + ".j2")
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(source, encoding="utf-8") as file:
                text = file.read()
            with open(target, "w", encoding="utf-8") as file:
                file.write("{% raw %}" + text.replace("{% endraw", "") + "{% endraw %}{% if cluster %}# {{ cluster }}{% endif %}\n")
    with open(os.path.join(there, "data.yaml"), "w", encoding="utf-8") as file:
        file.write("cluster: bench\n")
    command = ["makejinja", "--input", "in", "--output", "out", "--data", "data.yaml", "--force", "--quiet"]
    return ("makejinja", command, there, None)


cases = {
    "no-op configure": ([binary, "configure"], full, None),
    "git status": (["git", "status"], full, None),
    "render and check": ([binary, "check"], full, None),
    "validate": ([binary, "validate"], full, None),
    "first configure": ([binary, "configure", "--yes"], first, clear_first),
    "cp -r": (["cp", "-r", output, copy], work, clear_copy),
    "start (--version)": ([binary, "--version"], full, None),
}
times = {name: [] for name in cases}
for turn in range(repetitions + 3):
    for name, (command, directory, prepare) in cases.items():
        if prepare:
            prepare()
        taken = run(command, directory)
        if turn >= 3:  # the first turns warm the caches
            times[name].append(taken)

anchor = makejinja()
if anchor:
    name, command, directory, _ = anchor
    times[name] = [run(command, directory) for _ in range(max(3, repetitions // 15))]

count = size = 0
for folder, _, names in os.walk(output):
    count += len(names)
    size += sum(os.path.getsize(os.path.join(folder, name)) for name in names)
print(f"tree: {count} files, {size} bytes; {repetitions} repetitions, interleaved; {os.cpu_count()} CPUs\n")
print(f"{'':20}{'best':>10}{'median':>10}")
for name, values in times.items():
    print(f"{name:20}{min(values) * 1e3:8.2f}ms{statistics.median(values) * 1e3:8.2f}ms")
print()


def ratio(above, below, aim):
    best = min(times[above]) / min(times[below])
    median = statistics.median(times[above]) / statistics.median(times[below])
    print(f"{above + ' / ' + below:34} best {best:6.2f}  median {median:6.2f}  ({aim})")


ratio("no-op configure", "git status", "aim: at most 3")
ratio("first configure", "cp -r", "aim: at most 3")
# What `check` does beyond `validate`: render the whole library, merge, parse what comes out, run all rules.
spent = min(times["render and check"]) - min(times["validate"])
print(f"{'files rendered and checked':34} {count / spent:6.0f} per second")
if anchor:
    ratio("makejinja", "no-op configure", "aim: at least 40")
else:
    print("SKIP makejinja: not installed")
