#!/usr/bin/env bash
# Lets kustomize build what we render, and sops and age open what we seal: tests/conformance/kustomize.sh SET BINARY
#
# For each combination of features a repository is configured from nothing. Then every directory with a
# kustomization.yaml must build, every built object that came out of a SOPS file must still carry its ciphertext, every
# SOPS file must decrypt, and the data key of each must be an age file that age itself opens.
set -euo pipefail
set_name=${1:?short or full}
binary=$(realpath "${2:?path of the clusterwright binary}")
. "$(dirname "$0")/tools.sh"

builders=() openers=()
need_kubectl && builders+=("kubectl kustomize")
need_kustomize && builders+=("kustomize build")
need_sops && openers+=(sops)
if [ "$set_name" = full ] && need_release 3.12.2; then openers+=(sops-3.12.2); fi
with_age=no
need_age && with_age=yes

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Nothing of the person who runs this is read.
export HOME=$work XDG_CONFIG_HOME=$work GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
unset SOPS_AGE_KEY SOPS_AGE_KEY_CMD SOPS_AGE_RECIPIENTS SOPS_CONFIG SOPS_AGE_KEY_FILE

monitoring=$'monitoring_enabled: true\ngrafana_admin_password: test-grafana-password\n'
bgp=$'cilium_bgp_router_addr: 10.10.10.1\ncilium_bgp_router_asn: "64513"\ncilium_bgp_node_asn: "64514"\n'
node() { # node NUMBER: a further controller
    sed -n '/^  - name/,$p' "$root/tests/clusters/minimal.yaml" |
        sed "s/k8s-1/k8s-$1/; s/10\.10\.10\.11/10.10.10.1$1/; s/:01\$/:0$1/"
}
# config NAME: the minimal cluster with the lines of a combination.
config() {
    case $1 in
    everything) cat "$root/tests/clusters/everything.yaml" && return ;;
    monitoring) printf %s "$monitoring" ;;
    loki) printf %s "$monitoring"$'loki_enabled: true\n' ;;
    tracing) printf %s "$monitoring"$'tracing_enabled: true\n' ;;
    loki-and-tracing) printf %s "$monitoring"$'loki_enabled: true\ntracing_enabled: true\n' ;;
    hubble) printf %s "$monitoring"$'hubble_enabled: true\nhubble_ui_enabled: true\n' ;;
    bgp) printf %s "$bgp"$'cilium_lb_pool_cidr: 10.20.0.0/24\n' ;;
    policies) printf 'network_policies_enabled: true\n' ;;
    enforce) printf %s "$monitoring"$'network_policies_enabled: true\nnetwork_policies_mode: enforce\n' ;;
    prometheus) printf %s "$monitoring"$'monitoring_stack: prometheus\n' ;;
    prometheus-loki) printf %s "$monitoring"$'monitoring_stack: prometheus\nloki_enabled: true\n' ;;
    prometheus-tracing) printf %s "$monitoring"$'monitoring_stack: prometheus\ntracing_enabled: true\n' ;;
    prometheus-both) printf %s "$monitoring"$'monitoring_stack: prometheus\nloki_enabled: true\ntracing_enabled: true\n' ;;
    unifi) printf 'unifi_host: https://10.10.10.1\nunifi_api_key: test\n' ;;
    proxmox) printf '%s\n' 'proxmox_endpoint: https://pve.example.com:8006' 'proxmox_ccm_enabled: true' \
        'proxmox_ccm_token_id: a@pve!ccm' 'proxmox_ccm_token_secret: test' 'proxmox_csi_enabled: true' \
        'proxmox_csi_token_id: a@pve!csi' 'proxmox_csi_token_secret: test' 'proxmox_csi_storage: local-zfs' ;;
    stores) printf '%s\n' 'external_secrets_enabled: true' 'onepassword_connect_host: http://connect.example.com' \
        'onepassword_connect_token: test' 'onepassword_vaults: [home]' ;;
    backup) printf '%s\n' 'backup_s3_endpoint: https://s3.example.com' 'backup_s3_bucket: etcd' \
        'backup_s3_access_key: test' 'backup_s3_secret_key: test' \
        'backup_age_public_key: age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p' ;;
    esac
    # With BGP, addresses come from a pool outside of the nodes' network.
    case $1 in
    bgp) sed 's/10\.10\.10\.25\([123]\)/10.20.0.\1/' "$root/tests/clusters/minimal.yaml" |
        sed 's/^cluster_api_addr.*/cluster_api_addr: 10.10.10.254/' ;;
    *) cat "$root/tests/clusters/minimal.yaml" ;;
    esac
    case $1 in three-nodes) node 2 && node 3 ;; esac
}

# The objects that a kustomize build gave, which have data and no ciphertext, by kind Secret.
open_secrets() {
    awk 'BEGIN { RS = "---\n" }
        /(^|\n)kind: Secret\n/ && /(^|\n)(data|stringData):\n/ && (!/ENC\[/ || !/(^|\n)sops:\n/) { print; bad = 1 }
        END { exit !bad }' "$1"
}
# data_key FILE: the first wrapped data key, without the indentation of its block.
data_key() { sed -n '/-----BEGIN AGE/,/-----END AGE/p' "$1" | sed 's/^[ -]*\(enc: .*\)\{0,1\}\(-----\)/\2/; s/^ *//' | sed '/-----END/q'; }

for name in defaults monitoring loki tracing loki-and-tracing hubble bgp policies enforce prometheus prometheus-loki \
    prometheus-tracing prometheus-both unifi proxmox stores backup three-nodes everything; do
    repo=$work/$name
    mkdir "$repo"
    cd "$repo"
    config "$name" >cluster.yaml
    cp "$root/tests/support/age.key" age.key
    echo 5f2b7f7e0c1d4b8fa3b96f0d3f1c2e4a >github-push-token.txt
    cp "$root/tests/support/github-deploy.key" "$root/tests/support/cloudflare-tunnel.json" .
    printf '/%s\n' cluster.yaml age.key github-push-token.txt github-deploy.key cloudflare-tunnel.json >.gitignore
    git init --quiet
    check "$name: configure" "$binary" configure --yes
    check "$name: configure again changes nothing" "$binary" configure --check

    built=0 opened=0
    while read -r file; do
        built=$((built + 1))
        dir=$(dirname "$file")
        # Components are no bases: kustomize builds them only as part of what includes them.
        grep -q '^kind: Component' "$file" && continue
        for builder in "${builders[@]}"; do
            # shellcheck disable=SC2086 # a command of two words
            if $builder "$dir" >"$work/built.yaml" 2>"$work/err.log"; then
                pass
            else
                fail "$name: $builder $dir"
                head -5 "$work/err.log"
                continue
            fi
            if open_secrets "$work/built.yaml" >"$work/open.log"; then
                fail "$name: $builder $dir gives a Secret in clear"
                grep -m1 -A3 '^metadata' "$work/open.log"
            else
                pass
            fi
        done
    done < <(find . -name kustomization.yaml | sort)

    while read -r file; do
        opened=$((opened + 1))
        for opener in "${openers[@]}"; do
            check "$name: $opener decrypt $file" env SOPS_AGE_KEY_FILE="$repo/age.key" "$opener" decrypt "$file"
        done
        if [ "$with_age" = yes ]; then
            data_key "$file" >"$work/key.age"
            check "$name: age --decrypt the data key of $file" \
                sh -c '[ "$(age --decrypt --identity "$1" "$2" | wc -c)" = 32 ]' sh "$repo/age.key" "$work/key.age"
        fi
    done < <(find . -name '*.sops.yaml' ! -name .sops.yaml | sort)
    [ "$built" -gt 0 ] && [ "$opened" -gt 0 ] || fail "$name: nothing to build, or nothing to open"
done
finish
