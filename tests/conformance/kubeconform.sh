#!/usr/bin/env bash
# Lets kubeconform judge every rendered object, strictly, by schema/kinds.json.gz: tests/conformance/kubeconform.sh SET BINARY
#
# Kinds without a schema are named and counted as skipped.
set -euo pipefail
binary=$(realpath "${2:?path of the clusterwright binary}")
. "$(dirname "$0")/tools.sh"

if ! command -v python3 >/dev/null; then
    skip kubeconform "python3, which unpacks the schemas, is not installed"
    finish
    exit
fi
need_kubeconform || { finish; exit; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# schema/kinds.json.gz has a line for each kind: `group/version/Kind SCHEMA`. For kubeconform, the group of v1 is v1.
python3 - "$root/schema/kinds.json.gz" "$work/schemas" <<'PY'
import gzip, os, sys
for line in gzip.open(sys.argv[1], "rt"):
    name, schema = line.rstrip("\n").split(" ", 1)
    api, kind = name.rsplit("/", 1)
    group, version = api.rsplit("/", 1) if "/" in api else ("", api)
    folder = os.path.join(sys.argv[2], group or version)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, f"{kind.lower()}_{version}.json"), "w") as file:
        file.write(schema)
PY

judge() { # judge NAME LINES: the minimal cluster with LINES, or the whole of everything.yaml
    local name=$1 repo=$work/$1
    mkdir -p "$repo"
    cp "$root/tests/support/age.key" "$root/tests/support/github-deploy.key" \
        "$root/tests/support/cloudflare-tunnel.json" "$repo/"
    echo 5f2b7f7e0c1d4b8fa3b96f0d3f1c2e4a >"$repo/github-push-token.txt"
    if [ "$name" = everything ]; then
        cp "$root/tests/clusters/everything.yaml" "$repo/cluster.yaml"
    else
        { printf '%s' "$2"; cat "$root/tests/clusters/minimal.yaml"; } >"$repo/cluster.yaml"
    fi
    "$binary" -C "$repo" render --output json >"$repo/render.json"
    python3 - "$repo/render.json" "$repo/out" <<'PY'
import json, os, sys
for file in json.load(open(sys.argv[1]))["files"]:
    path = file["path"]
    objects = path.startswith("kubernetes/") or path.startswith("bootstrap/") and ".sops." in path
    if objects and path.endswith(".yaml") and not path.endswith("/kustomization.yaml"):
        name = os.path.join(sys.argv[2], path)
        os.makedirs(os.path.dirname(name), exist_ok=True)
        open(name, "w").write(file["text"])
PY
    kubeconform -strict -ignore-missing-schemas -verbose -output json \
        -schema-location "$work/schemas/{{ .Group }}/{{ .ResourceKind }}_{{ .ResourceAPIVersion }}.json" \
        "$repo/out" >"$repo/report.json" || true
    python3 - "$repo/report.json" "$name" >"$repo/counts" <<'PY'
import collections, json, sys
resources = json.load(open(sys.argv[1]))["resources"]
skipped = collections.Counter()
for r in resources:
    what = f'{r["version"]}/{r["kind"]} {r["name"]}'
    if r["status"] == "statusValid":
        print("pass")
    elif r["status"] == "statusSkipped":
        skipped[f'{r["version"]}/{r["kind"]}'] += 1
    else:
        print(f'fail {sys.argv[2]}: {what}: {r["msg"]}')
for kind, count in sorted(skipped.items()):
    print(f"skip {sys.argv[2]}: {count} × {kind}")
PY
    [ -s "$repo/counts" ] || fail "$name: kubeconform judged nothing"
    while read -r word rest; do
        case $word in
        pass) pass ;;
        fail) fail "$rest" ;;
        skip) skip "${rest%%: *}" "no schema: ${rest#*: }" ;;
        esac
    done <"$repo/counts"
}

monitoring=$'monitoring_enabled: true\ngrafana_admin_password: test-grafana-password\n'
judge everything ""
judge minimal ""
judge prometheus "$monitoring"$'monitoring_stack: prometheus\nloki_enabled: true\ntracing_enabled: true\nhubble_enabled: true\n'
judge policies "$monitoring"$'network_policies_enabled: true\nnetwork_policies_mode: enforce\n'
finish
