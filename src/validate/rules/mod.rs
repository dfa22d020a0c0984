//! Rules over several fields, one file per rule.
//!
//! A rule sees only fields that are valid on their own ([`Facts`]); what is invalid has its own finding already. Adding
//! one: a file here, one line in [`RULES`], one fixture per code in `tests/config/invalid`.

mod addresses_differ;
mod addresses_placed;
mod alert_receiver;
mod backup_complete;
mod bgp_asns;
mod bgp_complete;
mod bgp_timers;
mod bgp_unused;
mod cidrs_overlap;
mod controllers;
mod cut_secrets;
mod deploy_key;
mod disk_encryption;
mod dns_gateway;
mod external_secrets;
mod grafana_password;
mod hubble_ui;
mod kubelet_certificates;
mod monitoring;
mod node_addresses;
mod node_uniqueness;
mod oidc_pair;
mod policy_audit;
mod proxmox_ccm;
mod proxmox_csi;
mod proxmox_host;
mod proxmox_tokens;
mod router_address;
mod tunnel_id;
mod unifi_pair;

use super::facts::Facts;
use crate::diag::Diagnostic;

/// One rule.
pub struct KeyRule {
    /// The file's name.
    pub name: &'static str,
    /// The codes of its findings.
    pub codes: &'static [&'static str],
    pub(super) check: fn(&Facts<'_>, &mut Vec<Diagnostic>),
}

/// All rules, sorted by name.
pub static RULES: &[KeyRule] = &[
    addresses_differ::RULE,
    addresses_placed::RULE,
    alert_receiver::RULE,
    backup_complete::RULE,
    bgp_asns::RULE,
    bgp_complete::RULE,
    bgp_timers::RULE,
    bgp_unused::RULE,
    cidrs_overlap::RULE,
    controllers::RULE,
    cut_secrets::RULE,
    deploy_key::RULE,
    disk_encryption::RULE,
    dns_gateway::RULE,
    external_secrets::RULE,
    grafana_password::RULE,
    hubble_ui::RULE,
    kubelet_certificates::RULE,
    monitoring::RULE,
    node_addresses::RULE,
    node_uniqueness::RULE,
    oidc_pair::RULE,
    policy_audit::RULE,
    proxmox_ccm::RULE,
    proxmox_csi::RULE,
    proxmox_host::RULE,
    proxmox_tokens::RULE,
    router_address::RULE,
    tunnel_id::RULE,
    unifi_pair::RULE,
];

/// The keys of load balancer addresses.
const LB_ADDRESSES: [&str; 3] = [
    "cluster_gateway_addr",
    "cloudflare_gateway_addr",
    "cluster_dns_gateway_addr",
];

/// The keys that switch BGP on together.
const BGP_SWITCHES: [&str; 3] = [
    "cilium_bgp_router_addr",
    "cilium_bgp_router_asn",
    "cilium_bgp_node_asn",
];

/// Reports keys that only work together and are not all set.
fn all_or_none(facts: &Facts<'_>, keys: &[&str], code: &'static str, what: &str, out: &mut Vec<Diagnostic>) {
    let (set, missing): (Vec<&str>, Vec<&str>) = keys.iter().partition(|key| facts.has(key));
    if set.is_empty() || missing.is_empty() {
        return;
    }
    let verb = if missing.len() == 1 { "is" } else { "are" };
    let message = format!("{what} needs {} as well, which {verb} not set", listed(&missing));
    let mut finding = Diagnostic::error(code, message);
    for (index, span) in set.iter().filter_map(|key| facts.key_span(key)).enumerate() {
        finding = if index == 0 {
            finding.at(span, "set here")
        } else {
            finding.also(span, "set here")
        };
    }
    out.push(finding.help(format!("set {}, or remove {}", listed(&missing), listed(&set))));
}

/// Reports keys that what `switch` has chosen needs and that are not set.
fn needs(facts: &Facts<'_>, switch: &str, keys: &[&str], code: &'static str, out: &mut Vec<Diagnostic>) {
    let missing: Vec<&str> = keys.iter().copied().filter(|key| !facts.has(key)).collect();
    if missing.is_empty() {
        return;
    }
    let verb = if missing.len() == 1 { "is" } else { "are" };
    let message = format!("`{switch}` needs {}, which {verb} not set", listed(&missing));
    out.push(
        Diagnostic::error(code, message)
            .at_opt(facts.key_span(switch), "chosen here")
            .help(format!("set {}, or remove `{switch}`", listed(&missing))),
    );
}

fn listed(keys: &[&str]) -> String {
    let quoted: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_sorted_and_each_file_is_registered() {
        let names: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
        assert!(names.is_sorted());
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/src/validate/rules");
        let mut files: Vec<String> = std::fs::read_dir(directory)
            .expect("readable")
            .map(|entry| {
                entry
                    .expect("entry")
                    .file_name()
                    .to_string_lossy()
                    .replace(".rs", "")
            })
            .filter(|name| name != "mod")
            .collect();
        files.sort();
        assert_eq!(names, files);
    }
}
