# shellcheck shell=bash
# Sourced by the scripts beside it: the peers that judge us, at pinned versions, and the counts.
#
# A peer is taken from target/conformance, else installed there (`go install`, `npm install`). One that cannot be had
# is reported as skipped, by name and with the reason, and never counts as passed.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
peers=$root/target/conformance
bin=$peers/bin
mkdir -p "$bin"
export PATH=$bin:$PATH

passed=0 failed=0 skipped=0
# The depth of the subshell that counts. What is counted in another is lost with it, failures too: that ends the script. A
# script that runs parts side by side sets it in each, and brings their counts back.
counting=0
counts() { # counts WHAT…
    [ "$BASH_SUBSHELL" = "$counting" ] && return
    echo "FAIL counted in a subshell, which loses it: $*"
    kill $$
    exit 1
}
pass() {
    counts pass
    passed=$((passed + 1))
}
fail() {
    counts "$@"
    failed=$((failed + 1))
    echo "FAIL $*"
}
skip() { # skip NAME WHY
    counts "$@"
    skipped=$((skipped + 1))
    echo "SKIP $1: $2"
}
# check NAME COMMAND…: the command must succeed; the head of what it says is shown when it does not.
check() {
    local name=$1 said
    shift
    if said=$("$@" 2>&1); then
        pass
    else
        fail "$name: $*"
        head -5 <<<"$said"
    fi
}
# fails NAME CODE COMMAND…: the command must fail with this exit code.
fails() {
    local name=$1 code=$2 found=0
    shift 2
    "$@" >/dev/null 2>&1 || found=$?
    if [ "$found" = "$code" ]; then pass; else fail "$name: $* (exit $found, not $code)"; fi
}
into() { # into FILE COMMAND…
    local file=$1
    shift
    "$@" >"$file"
}
# differs NAME CODE COMMAND…: a known difference between releases: the command must still fail with this exit code.
declare -A known=()
differs() {
    local name=$1
    fails "$@"
    known[$name]=$((${known[$name]:-0} + 1))
}
# Prints the counts; the script's exit code. A script that counted nothing has failed: something in it was never run.
finish() {
    local name
    [ $((passed + failed + skipped)) != 0 ] || fail "nothing was judged"
    for name in "${!known[@]}"; do echo "known difference: $name (${known[$name]} times)"; done | sort -V
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
}

# go_peer NAME MODULE@VERSION [COMMAND…]: installs the commands of a Go module as NAME (or under their own names, when
# COMMANDs are given). Its log stays beside the tools.
go_peer() {
    local name=$1 module=$2 log=$peers/$1.log stage
    shift 2
    [ -e "$bin/${1:-$name}" ] && return
    if ! command -v go >/dev/null; then
        skip "$name" "not installed, and no Go to install it with"
        return 1
    fi
    stage=$(mktemp -d "$peers/install.XXXXXX")
    if (cd "$stage" && GOBIN=$stage GOFLAGS=-buildvcs=false timeout 600 go install "$module") >"$log" 2>&1; then
        if [ $# = 0 ]; then mv "$stage"/* "$bin/$name"; else mv "$stage"/* "$bin/"; fi
        rm -rf "$stage"
    else
        rm -rf "$stage"
        skip "$name" "go install failed: $(tail -1 "$log")"
        return 1
    fi
}

need_sops() { go_peer sops github.com/getsops/sops/v3/cmd/sops@v3.13.3; }
# need_release VERSION: an older `sops`, as sops-VERSION; only for the full set, because building it takes minutes.
need_release() {
    local name=sops-$1 log=$peers/sops-$1.log
    case $1 in 3.7.*) ;; *)
        go_peer "$name" "github.com/getsops/sops/v3/cmd/sops@v$1"
        return
        ;;
    esac
    [ -e "$bin/$name" ] && return
    if ! command -v go >/dev/null; then
        skip "$name" "not installed, and no Go to install it with"
        return 1
    fi
    # Its golang.org/x/sys does not build with a Go of today.
    if ! (
        set -e
        cd "$(mktemp -d "$peers/install.XXXXXX")"
        trap 'rm -rf "$PWD"' EXIT
        go mod init peer
        source=$(go mod download -json "go.mozilla.org/sops/v3@v$1" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
        cp -R "$source" sops
        chmod -R u+w sops
        cd sops
        go mod edit -require=golang.org/x/sys@v0.30.0
        timeout 600 go build -mod=mod -buildvcs=false -o "$bin/$name" ./cmd/sops
        cd ..
    ) >"$log" 2>&1; then
        skip "$name" "go build failed: $(tail -1 "$log")"
        return 1
    fi
}
need_age() { go_peer age filippo.io/age/cmd/...@v1.3.1 age age-keygen; }
need_kustomize() { go_peer kustomize sigs.k8s.io/kustomize/kustomize/v5@v5.7.1; }
need_kubectl() { command -v kubectl >/dev/null || { skip kubectl "not installed"; return 1; }; }
need_kubeconform() { go_peer kubeconform github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0; }

# promtool of Prometheus 3.8.1. `go install` refuses its module, whose go.mod has `exclude` lines; and without the plugins
# that find targets in clouds, which judge no rule, it builds in a minute.
need_promtool() {
    local log=$peers/promtool.log
    [ -e "$bin/promtool" ] && return
    if ! command -v go >/dev/null; then
        skip promtool "not installed, and no Go to install it with"
        return 1
    fi
    if ! (
        set -e
        cd "$(mktemp -d "$peers/install.XXXXXX")"
        trap 'rm -rf "$PWD"' EXIT
        go mod init peer
        source=$(go mod download -json github.com/prometheus/prometheus@v0.308.1 | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
        cp -R "$source" prometheus
        chmod -R u+w prometheus
        cd prometheus
        rm plugins/plugins.go
        timeout 600 go build -mod=mod -buildvcs=false -o "$bin/promtool" ./cmd/promtool
        cd ..
    ) >"$log" 2>&1; then
        skip promtool "go build failed: $(tail -1 "$log")"
        return 1
    fi
}

need_language_server() {
    server=$peers/node/node_modules/yaml-language-server/bin/yaml-language-server
    [ -e "$server" ] && return
    if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
        skip yaml-language-server "not installed, and no Node.js to install it with"
        return 1
    fi
    if ! timeout 600 npm install --prefix "$peers/node" --no-audit --no-fund yaml-language-server@2.0.0 \
        >"$peers/node.log" 2>&1; then
        skip yaml-language-server "npm install failed: $(grep -m1 'npm error' "$peers/node.log")"
        return 1
    fi
}

# Jinja2 at the version that makejinja brings.
need_jinja() {
    jinja=$peers/venv/bin/python
    "$jinja" -c 'import jinja2' 2>/dev/null && return
    if ! command -v python3 >/dev/null; then
        skip jinja2 "not installed, and no Python to install it with"
        return 1
    fi
    if ! { python3 -m venv "$peers/venv" && timeout 300 "$jinja" -m pip install --quiet jinja2==3.1.6; } \
        >"$peers/venv.log" 2>&1; then
        skip jinja2 "pip install failed: $(tail -1 "$peers/venv.log")"
        return 1
    fi
}
