//! The rules, one a file.

mod bootstrap_version_drift;
mod closed_apiserver_port;
mod crd_race;
mod dangling_depends_on;
mod dangling_health_check;
mod dead_metric;
mod dependency_cycle;
mod double_chart;
mod doubled_hubble_metric;
mod duplicate_lb_address;
mod duplicate_object;
mod lb_address_outside_pool;
mod missing_chart_source;
mod missing_reference_grant;
mod missing_resource;
mod missing_source;
mod missing_substitute_source;
mod outdated_api_version;
mod plain_secret;
mod talos_version_drift;
mod two_owners;
mod undefined_substitution;
mod unlisted_namespace;
mod unmatched_selector;
mod unpinned_version;
mod unpublished_oci_chart;
mod unreachable_kustomization;
mod unreferenced_file;
mod yaml_1_1_trap;

use super::rule::Rule;

/// All rules, sorted by name.
pub const ALL: &[&Rule] = &[
    &bootstrap_version_drift::RULE,
    &closed_apiserver_port::RULE,
    &crd_race::RULE,
    &dangling_depends_on::RULE,
    &dangling_health_check::RULE,
    &dead_metric::RULE,
    &dependency_cycle::RULE,
    &double_chart::RULE,
    &doubled_hubble_metric::RULE,
    &duplicate_lb_address::RULE,
    &duplicate_object::RULE,
    &lb_address_outside_pool::RULE,
    &missing_chart_source::RULE,
    &missing_reference_grant::RULE,
    &missing_resource::RULE,
    &missing_source::RULE,
    &missing_substitute_source::RULE,
    &outdated_api_version::RULE,
    &plain_secret::RULE,
    &talos_version_drift::RULE,
    &two_owners::RULE,
    &undefined_substitution::RULE,
    &unlisted_namespace::RULE,
    &unmatched_selector::RULE,
    &unpinned_version::RULE,
    &unpublished_oci_chart::RULE,
    &unreachable_kustomization::RULE,
    &unreferenced_file::RULE,
    &yaml_1_1_trap::RULE,
];
