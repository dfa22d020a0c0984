//! The rules, one a file.

mod blocked_flux_operator_metrics;
mod crd_race;
mod dangling_depends_on;
mod dashboard_sidecar_conflict;
mod doubtful_unifi_settings;
mod grafana_default_login;
mod grafana_without_route;
mod incomplete_envoy_metrics;
mod ingress;
mod l7_metrics_without_policy;
mod missing_dependency;
mod missing_prometheus_datasource;
mod misspelled_storage_class;
mod mixed_loki_modes;
mod network_policy_beside_monitor;
mod persistence_without_storage_class;
mod plain_secret;
mod unchecked_dependency;
mod unordered_certificate;
mod unprivileged_node_exporter;
mod unreachable_kustomization;
mod unscrapable_control_plane;
mod unscrapable_etcd;
mod yaml_1_1_trap;

use super::rule::Rule;

/// All rules, sorted by name.
pub const ALL: &[&Rule] = &[
    &blocked_flux_operator_metrics::RULE,
    &crd_race::RULE,
    &dangling_depends_on::RULE,
    &dashboard_sidecar_conflict::RULE,
    &doubtful_unifi_settings::RULE,
    &grafana_default_login::RULE,
    &grafana_without_route::RULE,
    &incomplete_envoy_metrics::RULE,
    &ingress::RULE,
    &l7_metrics_without_policy::RULE,
    &missing_dependency::RULE,
    &missing_prometheus_datasource::RULE,
    &misspelled_storage_class::RULE,
    &mixed_loki_modes::RULE,
    &network_policy_beside_monitor::RULE,
    &persistence_without_storage_class::RULE,
    &plain_secret::RULE,
    &unchecked_dependency::RULE,
    &unordered_certificate::RULE,
    &unprivileged_node_exporter::RULE,
    &unreachable_kustomization::RULE,
    &unscrapable_control_plane::RULE,
    &unscrapable_etcd::RULE,
    &yaml_1_1_trap::RULE,
];
