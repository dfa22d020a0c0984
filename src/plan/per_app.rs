//! What the configuration says about single apps.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{DecidingKey, PlannedApp};
use crate::catalog::{App, Catalog};
use crate::config::{AppChoice, schema};
use crate::diag::{Diagnostic, Diagnostics};
use crate::source::Span;

/// The choices of `apps:`, by `namespace/name`.
#[derive(Debug, Default)]
pub struct PerApp {
    choices: BTreeMap<String, PlacedChoice>,
    in_tree: BTreeMap<String, String>,
}

/// A choice with its places.
#[derive(Debug, Clone, Default)]
pub struct PlacedChoice {
    /// The name under which it is written.
    pub name: String,
    /// What was chosen.
    pub chosen: AppChoice,
    places: BTreeMap<String, Span>,
}

impl PerApp {
    /// Assigns choices to the apps that they name; names that no app has were reported before. `places` knows
    /// `apps/NAME` and `apps/NAME/KEY`, `in_tree` the chart versions of the work tree that are newer than the library's.
    pub fn new(
        chosen: &BTreeMap<String, AppChoice>,
        catalog: &Catalog,
        places: &BTreeMap<String, Span>,
        in_tree: BTreeMap<String, String>,
    ) -> Self {
        let choices = chosen.iter().filter_map(|(name, chosen)| {
            let mut apps = catalog.apps.iter();
            let app = apps.find(|app| app.id() == *name || app.name == *name)?;
            let prefix = format!("apps/{name}/");
            let places = places
                .iter()
                .filter_map(|(place, span)| Some((place.strip_prefix(&prefix)?.to_owned(), *span)));
            let choice = PlacedChoice {
                name: name.clone(),
                chosen: chosen.clone(),
                places: places.collect(),
            };
            Some((app.id(), choice))
        });
        Self {
            choices: choices.collect(),
            in_tree,
        }
    }

    /// Returns the newer chart version that the work tree has of an app.
    pub(super) fn in_tree(&self, app: &App) -> Option<String> {
        self.in_tree.get(&app.id()).cloned()
    }

    /// Returns the choice about an app.
    pub(super) fn about(&self, app: &App) -> Option<&PlacedChoice> {
        self.choices.get(&app.id())
    }
}

impl PlacedChoice {
    /// Returns a key as findings name it, such as `apps.loki.version`.
    pub fn key(&self, key: &str) -> String {
        format!("apps.{}.{key}", self.name)
    }

    /// Returns the place of a key.
    pub fn place(&self, key: &str) -> Option<Span> {
        self.places.get(key).copied()
    }

    /// Returns the reason for an app that this choice switches off.
    fn off(&self) -> DecidingKey {
        DecidingKey {
            key: self.key("enabled"),
            value: Value::Bool(false),
        }
    }
}

/// Applies a choice to what the settings have decided.
pub(super) fn choose(
    planned: &mut PlannedApp,
    choice: &PlacedChoice,
    context: &Map<String, Value>,
    diags: &mut Diagnostics,
) {
    if choice.chosen.version.is_some() && planned.app.manifest.chart.is_none() {
        let message = format!("`{}` has no effect: the app has no chart", choice.key("version"));
        diags.push(
            Diagnostic::error("plan/no-chart", message)
                .at_opt(choice.place("version"), "no chart to have a version")
                .help("remove `version`"),
        );
    }
    match choice.chosen.enabled {
        Some(false) if planned.enabled => {
            planned.enabled = false;
            planned.reasons = vec![choice.off()];
        }
        Some(true) if !planned.enabled => diags.push(cannot_switch_on(planned, choice, context)),
        _ => {}
    }
    planned.choice = Some(choice.clone());
}

/// Names that conditions read and no configuration can set, with the keys that make each true together; none where only
/// removing keys does. Source: [`crate::context::Derived`], and a test there.
pub(crate) const DERIVED: &[(&str, &[&str])] = &[
    (
        "cilium_bgp_enabled",
        &[
            "cilium_bgp_router_addr",
            "cilium_bgp_router_asn",
            "cilium_bgp_node_asn",
        ],
    ),
    ("image_volume_gate", &[]),
    ("k8s_gateway_enabled", &[]),
    ("oidc_enabled", &["oidc_issuer_url", "oidc_jwks_uri"]),
    (
        "talos_backup_enabled",
        &[
            "backup_s3_endpoint",
            "backup_s3_bucket",
            "backup_s3_access_key",
            "backup_s3_secret_key",
            "backup_age_public_key",
        ],
    ),
    ("unifi_dns_enabled", &["unifi_host", "unifi_api_key"]),
];

/// Returns keys as a sentence names them.
fn listed(keys: &[&str]) -> String {
    let quoted: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// `enabled: true` for an app that the settings leave out.
fn cannot_switch_on(planned: &PlannedApp, choice: &PlacedChoice, context: &Map<String, Value>) -> Diagnostic {
    let reasons: Vec<String> = planned.reasons.iter().map(|r| format!("`{r}`")).collect();
    let message = format!(
        "`{}` is true, but your settings leave the app out: {}",
        choice.key("enabled"),
        reasons.join(", ")
    );
    let mut finding = Diagnostic::error("plan/app-off", message)
        .at_opt(choice.place("enabled"), "this can only switch an app off");
    if let Some(when) = &planned.app.manifest.when {
        finding = finding.note(format!("the app is on when `{when}`"));
    }
    let own = |key: &str| schema::keys().top_kind(key).is_none() && context.contains_key(key);
    let set = planned
        .reasons
        .iter()
        .filter(|reason| reason.value == Value::Bool(false))
        .map(|reason| reason.key.as_str());
    let flags: Vec<String> = set
        .filter_map(|key| match DERIVED.iter().find(|(derived, _)| *derived == key) {
            _ if schema::at(&format!("/{key}")).is_some() => Some(format!("`{key}: true`")),
            Some((_, [])) => None,
            Some((_, keys)) => Some(listed(keys)),
            None => own(key).then(|| format!("`{key}: true`")),
        })
        .collect();
    if flags.is_empty() {
        return finding.help(format!("remove `{}`", choice.key("enabled")));
    }
    finding.help(format!(
        "remove this line, and set {} to switch the app on",
        flags.join(" and ")
    ))
}
