"""Jinja2 as makejinja sets it up, over the cases in tests/jinja/cases.

jinja.py update           writes what Jinja2 gives into the cases
jinja.py check OUT        compares the cases with Jinja2, and makes one tree for each set of options below OUT
jinja.py compare OUT      compares what was rendered from these trees with the cases
"""

import base64
import ipaddress
import json
import pathlib
import sys

import jinja2

HERE = pathlib.Path(__file__).resolve().parent.parent / "jinja"
UNDEFINED = {
    "default": jinja2.Undefined,
    "chainable": jinja2.ChainableUndefined,
    "strict": jinja2.StrictUndefined,
}
# block, variable, comment
DELIMITERS = {
    "library": (("#%", "%#"), ("#{", "}#"), ("#|", "#|")),
    "other-comment": (("#%", "%#"), ("#{", "}#"), ("#|", "|#")),
    "jinja": (("{%", "%}"), ("{{", "}}"), ("{#", "#}")),
    "angles": (("<%", "%>"), ("[[", "]]"), ("<#", "#>")),
}
PATCHES = ["global/a-first.yaml", "global/b-second.yaml", "controller/c.yaml"]


# What the plugins of cluster templates define, in our own words.
def nthhost(cidr, number):
    try:
        network = ipaddress.ip_network(cidr, strict=False)
        return str(network[number]) if 0 <= number < network.num_addresses else False
    except ValueError:
        return False


FILTERS = {
    "basename": lambda path: pathlib.Path(path).stem,
    "nthhost": nthhost,
    "b64encode": lambda text: base64.b64encode(text.encode()).decode(),
}
FUNCTIONS = {
    "age_key": lambda kind: (HERE.parent / "support" / "age.key").read_text().split("public key: ")[1].split()[0],
    "cloudflare_tunnel_id": lambda: json.loads((HERE.parent / "support" / "cloudflare-tunnel.json").read_text())["TunnelID"],
    "talos_patches": lambda folder: [
        f"templates/talos/patches/{path}.j2" for path in PATCHES if path.startswith(f"{folder}/")
    ],
    "infrastructure_enabled": lambda data: bool(data.get("proxmox_api_url") and data.get("proxmox_node")),
    "get_env": lambda name, default: default,
}


def environment(case):
    options = case.get("options", {})
    block, variable, comment = DELIMITERS[options.get("delimiters", "library")]
    env = jinja2.Environment(
        loader=jinja2.DictLoader({**case.get("files", {}), "case": case["template"]}),
        extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"],
        block_start_string=block[0],
        block_end_string=block[1],
        variable_start_string=variable[0],
        variable_end_string=variable[1],
        comment_start_string=comment[0],
        comment_end_string=comment[1],
        trim_blocks=options.get("trim_blocks", True),
        lstrip_blocks=options.get("lstrip_blocks", True),
        keep_trailing_newline=options.get("keep_trailing_newline", True),
        undefined=UNDEFINED[options.get("undefined", "default")],
    )
    env.filters.update(FILTERS)
    env.globals.update(FUNCTIONS)
    env.globals.update(json.loads((HERE / "data.json").read_text(encoding="utf-8")))
    return env


def render(case):
    """The output, or None for an error."""
    try:
        return environment(case).get_template("case").render()
    except Exception:
        return None


def groups():
    for path in sorted((HERE / "cases").glob("*.json")):
        yield path, json.loads(path.read_text(encoding="utf-8"))


def update():
    for path, cases in groups():
        for case in cases:
            case["expected"] = render(case)
        lines = ",\n".join("  " + json.dumps(case, ensure_ascii=False) for case in cases)
        path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def trees():
    """The cases by their options: each set makes one tree.

    Those with an error come alone, for an error stops a run, and those with files of their own. Those in which we
    knowingly differ are left out.
    """
    trees = {}
    for path, cases in groups():
        for index, case in enumerate(cases):
            if "differs" in case:
                continue
            name = f"{path.stem}-{index:03}"
            options = json.dumps(case.get("options", {}), sort_keys=True)
            alone = case["expected"] is None or "files" in case
            key = (options, name if alone else "")
            trees.setdefault(key, []).append((name, case))
    return enumerate(sorted(trees.items()))


def toml(options):
    block, variable, comment = DELIMITERS[options.get("delimiters", "library")]
    flag = lambda name: str(options.get(name, True)).lower()
    return (
        "[makejinja]\n"
        'inputs = ["./templates"]\noutput = "./out"\ndata = ["./data.json"]\njinja_suffix = ".j2"\nkeep_empty = true\n'
        f'exclude_patterns = ["*.part"]\nundefined = "{options.get("undefined", "default")}"\n'
        'extensions = ["jinja2.ext.do", "jinja2.ext.loopcontrols"]\n'
        f"[makejinja.whitespace]\ntrim_blocks = {flag('trim_blocks')}\nlstrip_blocks = {flag('lstrip_blocks')}\n"
        f"keep_trailing_newline = {flag('keep_trailing_newline')}\n"
        "[makejinja.delimiter]\n"
        + "".join(
            f"{name}_start = {json.dumps(pair[0])}\n{name}_end = {json.dumps(pair[1])}\n"
            for name, pair in (("block", block), ("variable", variable), ("comment", comment))
        )
    )


def check(out):
    wrong = 0
    for path, cases in groups():
        for index, case in enumerate(cases):
            given = render(case)
            if given != case["expected"]:
                wrong += 1
                print(f"FAIL {path.stem}-{index:03}: Jinja2 gives {given!r}, the case expects {case['expected']!r}")
    for number, ((options, _), cases) in trees():
        tree = out / f"{number:04}"
        (tree / "templates").mkdir(parents=True)
        (tree / "makejinja.toml").write_text(toml(json.loads(options)))
        (tree / "data.json").write_text((HERE / "data.json").read_text(encoding="utf-8"), encoding="utf-8")
        (tree / "expects").write_text("error" if cases[0][1]["expected"] is None else "output")
        for name in ("age.key", "cloudflare-tunnel.json"):
            (tree / name).write_text((HERE.parent / "support" / name).read_text())
        for patch in PATCHES:
            file = tree / "templates" / "talos" / "patches" / f"{patch}.j2"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("patch: true\n")
        for name, case in cases:
            file = tree / "templates" / f"{name}.txt.j2"
            with file.open("w", newline="", encoding="utf-8") as stream:
                stream.write(case["template"])
            for other, text in case.get("files", {}).items():
                file = tree / "templates" / other
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
    return wrong


def compare(out):
    wrong = right = 0
    for number, (_, cases) in trees():
        tree = out / f"{number:04}"
        for name, case in cases:
            file = tree / "out" / f"{name}.txt"
            if case["expected"] is None:
                fine = (tree / "code").read_text().strip() == "1"
                given = "no error"
            else:
                given = file.read_bytes().decode() if file.exists() else None
                fine = given == case["expected"]
            right += fine
            wrong += not fine
            if not fine:
                print(f"FAIL {name}: {given!r}, expected {case['expected']!r}: {case['template']!r}")
    print(f"COUNT {right}")
    return wrong


if __name__ == "__main__":
    if sys.argv[1] == "update":
        update()
    else:
        work = pathlib.Path(sys.argv[2])
        sys.exit(min(1, (check if sys.argv[1] == "check" else compare)(work)))
