#!/usr/bin/env bash
# Lets promtool evaluate every alert of the catalogue over samples in which it must fire, and over samples in which it must
# not: tests/conformance/alerts.sh SET BINARY
#
# The rules are those of rendered trees, of either metrics stack; the cases are in alerts.txt. Every label that an alert's
# text uses must be there when it fires.
set -euo pipefail
binary=$(realpath "${2:?path of the clusterwright binary}")
. "$(dirname "$0")/tools.sh"

if ! command -v python3 >/dev/null; then
    skip promtool "python3, which unpacks the rendered tree, is not installed"
    finish
    exit
fi
need_promtool || { finish; exit; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cases=$root/tests/conformance/alerts.txt

for stack in victoriametrics prometheus; do
    repo=$work/$stack
    mkdir -p "$repo"
    cp "$root/tests/support/age.key" "$root/tests/support/github-deploy.key" \
        "$root/tests/support/cloudflare-tunnel.json" "$repo/"
    echo 5f2b7f7e0c1d4b8fa3b96f0d3f1c2e4a >"$repo/github-push-token.txt"
    {
        echo "monitoring_enabled: true"
        echo "monitoring_stack: $stack"
        echo "grafana_admin_password: test-grafana-password"
        cat "$root/tests/clusters/minimal.yaml"
    } >"$repo/cluster.yaml"
    "$binary" -C "$repo" render --output json >"$repo/render.json"
    python3 - "$repo/render.json" "$cases" "$repo" <<'PY'
import json, os, re, sys

rendered, cases, out = sys.argv[1:]
rules = []
for file in json.load(open(rendered))["files"]:
    for document in re.split(r"(?m)^---\n", file["text"]):
        if re.search(r"(?m)^kind: (PrometheusRule|VMRule)$", document):
            # The spec of either kind is a rule file, indented.
            spec = re.split(r"(?m)^spec:\n", document)[1]
            rules.append("".join(line[2:] or "\n" for line in spec.splitlines(True)))
names = []
for number, text in enumerate(rules):
    name = f"rules-{number}.yaml"
    open(os.path.join(out, name), "w").write(text)
    names.append(name)

# The labels that the texts of each alert use.
labels = {}
for text in rules:
    for body in re.split(r"(?m)^ *- (?=alert: )", text)[1:]:
        labels[body.split("\n")[0].split()[1]] = sorted(set(re.findall(r"\$labels\.(\w+)", body)))

seen, tests, current = set(), [], None
for number, line in enumerate(open(cases), 1):
    line = line.rstrip("\n")
    if not line.strip() or line.lstrip().startswith("#"):
        continue
    if line.startswith("  "):
        series, values = line.strip().rsplit("} ", 1)
        current["series"].append((series + "}", values))
        continue
    alert, verdict, at = line.split()
    if alert not in labels or verdict not in ("fires", "silent"):
        print(f"fail alerts.txt:{number}: no alert {alert}, or not fires or silent")
        continue
    matchers = ""
    if verdict == "fires" and (alert, verdict) not in seen:
        matchers = "".join(f',{label}!=""' for label in labels[alert])
    seen.add((alert, verdict))
    current = {"name": f"{alert} {verdict}", "alert": alert, "at": at, "fires": verdict == "fires",
               "matchers": matchers, "series": [], "line": number}
    tests.append(current)
for alert in labels:
    for verdict in ("fires", "silent"):
        if (alert, verdict) not in seen:
            print(f"fail alerts.txt: no case in which {alert} {verdict}")
print(f"count {len(labels)} alerts")

quote = lambda text: "'" + text.replace("'", "''") + "'"
for number, test in enumerate(tests):
    lines = ["rule_files:"] + [f"  - {name}" for name in names]
    # A day in steps of a minute would take longer than all others together.
    step = "10m" if test["at"].endswith("h") and int(test["at"][:-1]) > 12 else "1m"
    lines += [f"evaluation_interval: {step}", "tests:", "  - interval: 1m", "    input_series:"]
    for series, values in test["series"]:
        lines += [f"      - series: {quote(series)}", f"        values: {quote(values)}"]
    expression = f'count(ALERTS{{alertname="{test["alert"]}",alertstate="firing"{test["matchers"]}}}) > bool 0'
    lines += ["    promql_expr_test:", f"      - expr: {quote(expression)}", f"        eval_time: {test['at']}"]
    lines += ["        exp_samples: [{labels: '{}', value: 1}]" if test["fires"] else "        exp_samples: []"]
    open(os.path.join(out, f"case-{number:03}.yaml"), "w").write("\n".join(lines) + "\n")
    print(f"case {number:03} alerts.txt:{test['line']}: {test['name']}")
PY
done >"$work/found"

# Both stacks render the same rules, so the report of either is read.
stack=victoriametrics
while read -r word rest; do
    case $word in
    fail) fail "$rest" ;;
    count)
        check "$stack: $rest" promtool check rules "$work/$stack"/rules-*.yaml
        stack=prometheus
        ;;
    esac
done <"$work/found"
for stack in victoriametrics prometheus; do
    if [ "$stack" = prometheus ] && diff -q "$work"/{victoriametrics,prometheus}/rules-0.yaml >/dev/null &&
        [ ! -e "$work/prometheus/rules-1.yaml" ]; then
        # The same rules.
        break
    fi
    # One run for all cases; only when it fails is each looked at.
    if (cd "$work/$stack" && promtool test rules case-*.yaml >report 2>&1); then
        for _ in "$work/$stack"/case-*.yaml; do pass; done
        continue
    fi
    before=$failed
    cd "$work/$stack"
    while read -r word number name; do
        [ "$word" = case ] || continue
        check "$stack: $name" promtool test rules "case-$number.yaml"
    done < <(sort -u "$work/found")
    cd "$root"
    if [ "$failed" = "$before" ]; then
        fail "$stack: promtool fails all cases together, and no case alone"
        head -5 "$work/$stack/report"
    fi
done
finish
