//! Traces.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Quantity, TextValue as _, TraceRetention};

/// Traces of requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tracing {
    /// Switches on traces: Tempo stores them, Envoy and Alloy send them, Grafana shows them. Needs
    /// `monitoring_enabled`.
    #[serde(default)]
    #[schemars(example = true)]
    pub tracing_enabled: bool,

    /// Share of requests that Envoy traces, in percent.
    #[serde(default = "sample_rate")]
    #[schemars(range(min = 1, max = 100), example = 25)]
    pub tracing_sample_rate: u8,

    /// How long traces are kept, in hours (`h`) or days (`d`).
    #[serde(default = "retention")]
    #[schemars(example = &"7d")]
    pub trace_retention: TraceRetention,

    /// Size of the volume for traces.
    #[serde(default = "size")]
    #[schemars(example = &"10Gi")]
    pub trace_storage_size: Quantity,

    /// What the cluster is for; Envoy adds it to traces as a tag.
    #[serde(default)]
    #[schemars(example = &"staging")]
    pub environment: Environment,
}

/// What a cluster is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Environment {
    /// People rely on it.
    #[default]
    Production,
    /// Changes are tried here before production.
    Staging,
    /// For experiments.
    Development,
}

fn sample_rate() -> u8 {
    10
}

fn retention() -> TraceRetention {
    TraceRetention::parse("72h").expect("valid default")
}

fn size() -> Quantity {
    Quantity::parse("10Gi").expect("valid default")
}
