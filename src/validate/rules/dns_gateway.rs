//! k8s-gateway needs an address, unless UniFi DNS replaces it.

use super::KeyRule;
use crate::diag::Diagnostic;
use crate::validate::facts::Facts;

pub(super) const RULE: KeyRule = KeyRule {
    name: "dns_gateway",
    codes: &["config/missing-dns-gateway"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    // Half of the UniFi pair has its own finding.
    if facts.has("cluster_dns_gateway_addr") || facts.has("unifi_host") || facts.has("unifi_api_key") {
        return;
    }
    let near = facts
        .key_span("cluster_gateway_addr")
        .or_else(|| facts.key_span("node_cidr"));
    out.push(
        Diagnostic::error("config/missing-dns-gateway", "`cluster_dns_gateway_addr` is missing, and UniFi DNS is off")
            .at_opt(near, "")
            .note("k8s-gateway answers DNS queries for your domain at this address")
            .help("add `cluster_dns_gateway_addr: ` with an unused address, or set `unifi_host` and `unifi_api_key`"),
    );
}
