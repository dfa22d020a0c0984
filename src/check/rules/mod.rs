//! The rules, one a file.

mod blocked_flux_address;
mod blocked_flux_operator_metrics;
mod bootstrap_version_drift;
mod closed_apiserver_port;
mod crd_race;
mod dangling_depends_on;
mod dangling_health_check;
mod dashboard_sidecar_conflict;
mod dead_metric;
mod dead_service_address;
mod dependency_cycle;
mod double_chart;
mod doubled_hubble_metric;
mod doubtful_unifi_settings;
mod duplicate_lb_address;
mod duplicate_object;
mod expired_setting;
mod grafana_default_login;
mod grafana_without_route;
mod incomplete_envoy_metrics;
mod ingress;
mod l7_metrics_without_policy;
mod lb_address_outside_pool;
mod missing_chart_source;
mod missing_dependency;
mod missing_field;
mod missing_prometheus_datasource;
mod missing_reference_grant;
mod missing_resource;
mod missing_source;
mod missing_substitute_source;
mod misspelled_storage_class;
mod mixed_loki_modes;
mod network_policy_beside_monitor;
mod outdated_api_version;
mod persistence_without_storage_class;
mod plain_secret;
mod taken_address_in_pool;
mod talos_version_drift;
mod two_owners;
mod unapproved_kubelet_certificates;
mod unchecked_dependency;
mod undefined_substitution;
mod unknown_field;
mod unlisted_namespace;
mod unloaded_dashboards;
mod unmatched_selector;
mod unordered_certificate;
mod unpinned_version;
mod unprivileged_node_exporter;
mod unpublished_oci_chart;
mod unreachable_kustomization;
mod unreferenced_file;
mod unscrapable_control_plane;
mod unscrapable_etcd;
mod unsupported_kubernetes;
mod wrong_type;
mod yaml_1_1_trap;

use super::rule::Rule;

/// All rules, sorted by name.
pub const ALL: &[&Rule] = &[
    &blocked_flux_address::RULE,
    &blocked_flux_operator_metrics::RULE,
    &bootstrap_version_drift::RULE,
    &closed_apiserver_port::RULE,
    &crd_race::RULE,
    &dangling_depends_on::RULE,
    &dangling_health_check::RULE,
    &dashboard_sidecar_conflict::RULE,
    &dead_metric::RULE,
    &dead_service_address::RULE,
    &dependency_cycle::RULE,
    &double_chart::RULE,
    &doubled_hubble_metric::RULE,
    &doubtful_unifi_settings::RULE,
    &duplicate_lb_address::RULE,
    &duplicate_object::RULE,
    &expired_setting::RULE,
    &grafana_default_login::RULE,
    &grafana_without_route::RULE,
    &incomplete_envoy_metrics::RULE,
    &ingress::RULE,
    &l7_metrics_without_policy::RULE,
    &lb_address_outside_pool::RULE,
    &missing_chart_source::RULE,
    &missing_dependency::RULE,
    &missing_field::RULE,
    &missing_prometheus_datasource::RULE,
    &missing_reference_grant::RULE,
    &missing_resource::RULE,
    &missing_source::RULE,
    &missing_substitute_source::RULE,
    &misspelled_storage_class::RULE,
    &mixed_loki_modes::RULE,
    &network_policy_beside_monitor::RULE,
    &outdated_api_version::RULE,
    &persistence_without_storage_class::RULE,
    &plain_secret::RULE,
    &taken_address_in_pool::RULE,
    &talos_version_drift::RULE,
    &two_owners::RULE,
    &unapproved_kubelet_certificates::RULE,
    &unchecked_dependency::RULE,
    &undefined_substitution::RULE,
    &unknown_field::RULE,
    &unlisted_namespace::RULE,
    &unloaded_dashboards::RULE,
    &unmatched_selector::RULE,
    &unordered_certificate::RULE,
    &unpinned_version::RULE,
    &unprivileged_node_exporter::RULE,
    &unpublished_oci_chart::RULE,
    &unreachable_kustomization::RULE,
    &unreferenced_file::RULE,
    &unscrapable_control_plane::RULE,
    &unscrapable_etcd::RULE,
    &unsupported_kubernetes::RULE,
    &wrong_type::RULE,
    &yaml_1_1_trap::RULE,
];
