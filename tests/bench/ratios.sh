#!/usr/bin/env bash
# Ratios against tools that everyone has, measured in one run, interleaved: tests/bench/ratios.sh BINARY [REPETITIONS]
#
#   a no-op `configure` of the full tree    against `git status` on that tree     (aim: at most 3)
#   a first `configure`                     against `cp -r` of its output         (aim: at most 3)
#   makejinja's render of templates as large, where it is installed, against a no-op `configure` (aim: at least 40)
#   `sops encrypt` and `sops decrypt` of 500 secrets, where it is installed, against a `configure` that seals or compares them
#
# Absolute times belong to the machine; the ratios are what is compared over time.
set -euo pipefail
binary=$(realpath "${1:?path of a release build of clusterwright}")
repetitions=${2:-60}
root=$(cd "$(dirname "$0")/../.." && pwd)

# Memory, where there is a file system of it: the disk of the day is not what is measured.
base=$root/target
[ -w /dev/shm ] && base=/dev/shm
work=$(mktemp -d "$base/clusterwright-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
export HOME=$work GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
unset SOPS_AGE_KEY SOPS_AGE_KEY_FILE
# The `sops` of `just conformance`, where there is one.
export PATH=$root/target/conformance/bin:$PATH

seed() { # seed DIR CLUSTER: a repository that holds what a person writes, and no output.
  mkdir -p "$1"
  cp "$root/tests/clusters/$2.yaml" "$1/cluster.yaml"
  cp "$root/tests/support/age.key" "$1/age.key"
  echo 5f2b7f7e0c1d4b8fa3b96f0d3f1c2e4a >"$1/github-push-token.txt"
  cp "$root/tests/support/github-deploy.key" "$root/tests/support/cloudflare-tunnel.json" "$1/"
  printf '/%s\n' cluster.yaml age.key github-push-token.txt github-deploy.key cloudflare-tunnel.json >"$1/.gitignore"
  git -C "$1" init --quiet
}
seed "$work/full" everything
seed "$work/first" everything
(cd "$work/full" && "$binary" configure --yes >/dev/null)
git -C "$work/full" add --all
git -C "$work/full" -c user.name=bench -c user.email=bench@example.com commit --quiet --message full
mkdir "$work/output"
git -C "$work/full" archive HEAD | tar -x -C "$work/output"

# 500 secrets: templates of an own app in a repository, and the same text in clear for `sops`.
secret() { # secret NUMBER TOKEN
  printf '%s\n' --- 'apiVersion: v1' 'kind: Secret' 'metadata:' "  name: secret-$1" 'stringData:' "  user: user-$1" "  token: \"$2\""
}
seed "$work/secrets" minimal
echo 'bench_token: 5f2b7f7e0c1d4b8fa3b96f0d3f1c2e4a' >>"$work/secrets/cluster.yaml"
app=$work/secrets/templates/apps/bench/secrets
mkdir -p "$app/app" "$work/clear/kubernetes"
cat >"$app/app.yaml" <<'YAML'
summary: 500 secrets
kustomizations:
  - name: secrets
    path: app
schema:
  bench_token:
    type: string
    description: A token.
    x-secret: true
YAML
for number in $(seq 500); do
  secret "$number" '#{ bench_token }#' >"$app/app/secret-$number.sops.yaml.tera"
  secret "$number" 5f2b7f7e0c1d4b8fa3b96f0d3f1c2e4a >"$work/clear/kubernetes/secret-$number.sops.yaml"
done
cp -r "$work/secrets" "$work/sealed"
(cd "$work/sealed" && "$binary" configure --yes >/dev/null)
cp "$work/sealed/.sops.yaml" "$work/sealed/age.key" "$work/clear/"

exec_python() { python3 "$(dirname "$0")/ratios.py" "$@"; }
exec_python "$binary" "$work" "$repetitions"
