"""Times pairs of commands, one after the other in turns, and prints their ratios. Called by ratios.sh."""

import os
import shutil
import statistics
import sys
import time

binary, work, repetitions = sys.argv[1], sys.argv[2], int(sys.argv[3])
full, first, output, copy, secrets, sealed, clear = (
    os.path.join(work, name) for name in ("full", "first", "output", "copy", "secrets", "sealed", "clear"))
seeds = {directory: set(os.listdir(directory)) for directory in (first, secrets)}


def clear_first(directory=first):
    """Leaves what a person wrote, as before a first run."""
    for name in set(os.listdir(directory)) - seeds[directory]:
        path = os.path.join(directory, name)
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


def in_turns(cases, times, repetitions, warm):
    """Times all cases, one after the other, as often as said."""
    for name in cases:
        times[name] = []
    for turn in range(repetitions + warm):
        for name, (command, directory, prepare) in cases.items():
            if prepare:
                prepare()
            taken = run(command, directory)
            if turn >= warm:  # the first turns warm the caches
                times[name].append(taken)


def copy_clear():
    """Puts the 500 files in clear back."""
    there = os.path.join(work, "encrypted")
    shutil.rmtree(there, ignore_errors=True)
    shutil.copytree(clear, there)


def file_by_file(program, directory):
    """A script: a process for every file."""
    return ["sh", "-c", f'for file in {directory}/*.sops.yaml; do {program} "$file" >/dev/null 2>&1 || exit; done']


cases = {
    "no-op configure": ([binary, "configure"], full, None),
    "git status": (["git", "status"], full, None),
    "render and check": ([binary, "check"], full, None),
    "validate": ([binary, "validate"], full, None),
    "first configure": ([binary, "configure", "--yes"], first, clear_first),
    "cp -r": (["cp", "-r", output, copy], work, clear_copy),
    "start (--version)": ([binary, "--version"], full, None),
}
times = {}
in_turns(cases, times, repetitions, 3)

# A script that checks whether 500 secrets have changed has to decrypt them all, as a no-op `configure` does.
apps = "kubernetes/apps/bench/secrets/app"
cases = {
    "configure seals 500": ([binary, "configure", "--yes"], secrets, lambda: clear_first(secrets)),
    "secrets encrypt, each": (file_by_file(f"{binary} secrets encrypt -i", "kubernetes"), f"{work}/encrypted", copy_clear),
    "configure compares 500": ([binary, "configure"], sealed, None),
    "secrets decrypt, each": (file_by_file(f"{binary} secrets decrypt", apps), sealed, None),
}
with_sops = shutil.which("sops") is not None
if with_sops:
    key = f"SOPS_AGE_KEY_FILE={sealed}/age.key"
    cases["sops encrypt, each"] = (file_by_file("sops encrypt -i", "kubernetes"), f"{work}/encrypted", copy_clear)
    cases["sops decrypt, each"] = (file_by_file(f"{key} sops decrypt", apps), sealed, None)
os.mkdir(os.path.join(work, "encrypted"))
in_turns(cases, times, max(3, repetitions // 15), 0)

anchor = makejinja()
if anchor:
    name, command, directory, _ = anchor
    times[name] = [run(command, directory) for _ in range(max(3, repetitions // 15))]

count = size = 0
for folder, _, names in os.walk(output):
    count += len(names)
    size += sum(os.path.getsize(os.path.join(folder, name)) for name in names)
print(f"tree: {count} files, {size} bytes; {repetitions} repetitions, interleaved; {os.cpu_count()} CPUs\n")
print(f"{'':24}{'best':>10}{'median':>10}")
for name, values in times.items():
    print(f"{name:24}{min(values) * 1e3:8.2f}ms{statistics.median(values) * 1e3:8.2f}ms")
print()


def ratio(above, below, aim=None):
    best = min(times[above]) / min(times[below])
    median = statistics.median(times[above]) / statistics.median(times[below])
    print(f"{above + ' / ' + below:46} best {best:6.2f}  median {median:6.2f}" + (f"  ({aim})" if aim else ""))


ratio("no-op configure", "git status", "aim: at most 3")
ratio("first configure", "cp -r", "aim: at most 3")
# What `check` does beyond `validate`: render the whole library, merge, parse what comes out, run all rules.
spent = min(times["render and check"]) - min(times["validate"])
print(f"{'files rendered and checked':46} {count / spent:6.0f} per second")
if anchor:
    ratio("makejinja", "no-op configure", "aim: at least 40")
else:
    print("SKIP makejinja: not installed")
if with_sops:
    for above, ours in (("sops encrypt, each", ("configure seals 500", "secrets encrypt, each")),
                        ("sops decrypt, each", ("configure compares 500", "secrets decrypt, each"))):
        for below in ours:
            ratio(above, below)
else:
    print("500 secrets beside sops: skipped: sops is not installed")
