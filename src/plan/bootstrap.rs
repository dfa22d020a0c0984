//! What is installed before Flux runs: the order of its Helm releases, from the same graph that Flux gets.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{KustomizationId, PlannedApp, PlannedKustomization, closest, manifest_error};
use crate::catalog::App;
use crate::diag::{Aborted, Diagnostic, Diagnostics};

/// A Helm release of the bootstrap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BootstrapRelease {
    /// Name of the app's Kustomization.
    pub name: String,
    /// Name of the app.
    pub app: String,
    /// Namespace of the release.
    pub namespace: String,
    /// Name of the release.
    pub release: String,
    /// `oci://` address of the chart.
    pub chart: String,
    /// Version of the chart.
    pub version: String,
    /// What must be installed first, as `namespace/release`, sorted.
    pub needs: Vec<String>,
}

/// Returns the releases in the order of their installation.
///
/// # Errors
/// When an app is to be installed after one that does not exist, or two after each other.
pub(super) fn releases(
    apps: &[PlannedApp],
    kustomizations: &[PlannedKustomization],
    diags: &mut Diagnostics,
) -> Result<Vec<BootstrapRelease>, Aborted> {
    let graph: BTreeMap<&KustomizationId, &PlannedKustomization> =
        kustomizations.iter().map(|k| (&k.id, k)).collect();
    let versions: BTreeMap<String, &str> = apps
        .iter()
        .filter_map(|planned| Some((planned.app.id(), planned.version()?)))
        .collect();
    let roots: BTreeMap<String, (&App, KustomizationId)> = apps
        .iter()
        .filter(|planned| planned.enabled && planned.app.manifest.bootstrap)
        .map(|planned| (planned.app.id(), (&*planned.app, first_of(&planned.app))))
        .collect();
    let mut needs: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (id, (app, root)) in &roots {
        let mut open = vec![root.clone()];
        open.extend(bootstrap_after(app, apps, diags));
        needs.insert(id, reachable(id, open, &graph, &roots));
    }
    diags.checkpoint()?;
    let order = ordered(&needs).ok_or_else(|| {
        diags.abort(
            Diagnostic::error(
                "plan/bootstrap-cycle",
                "apps of the bootstrap wait for each other through `bootstrap_after`",
            )
            .help("remove one of the entries"),
        )
    })?;
    let name = |id: &String| {
        let (app, _) = &roots[id];
        format!("{}/{}", app.namespace, app.release())
    };
    let release = |id: &str| {
        let (app, root) = &roots[id];
        let chart = app.manifest.chart.as_ref()?;
        Some(BootstrapRelease {
            name: root.name.clone(),
            app: app.name.clone(),
            namespace: app.namespace.clone(),
            release: app.release().to_owned(),
            chart: chart.oci.clone()?,
            version: (*versions.get(id)?).to_owned(),
            needs: needs[id].iter().map(name).collect(),
        })
    };
    Ok(order.into_iter().filter_map(release).collect())
}

/// The Kustomization that applies an app's release.
fn first_of(app: &App) -> KustomizationId {
    KustomizationId {
        namespace: app.namespace.clone(),
        name: app.kustomizations[0].name.clone(),
    }
}

/// What an app waits for in the bootstrap alone; apps that are off do not count.
fn bootstrap_after(app: &App, apps: &[PlannedApp], diags: &mut Diagnostics) -> Vec<KustomizationId> {
    let mut found = Vec::new();
    for name in &app.manifest.bootstrap_after {
        let has = |planned: &&PlannedApp| planned.app.kustomizations[0].name == *name;
        match apps.iter().find(has) {
            Some(planned) if planned.enabled => found.push(first_of(&planned.app)),
            Some(_) => {}
            None => {
                let message = format!("`{}` is installed after `{name}`, which no app has", app.name);
                let names = apps
                    .iter()
                    .map(|planned| planned.app.kustomizations[0].name.as_str());
                let mut finding = manifest_error("plan/missing-dependency", app, message);
                if let Some(near) = closest(name, names) {
                    finding = finding.help(format!("did you mean `{near}`?"));
                }
                diags.push(finding);
            }
        }
    }
    found
}

/// The nearest apps of the bootstrap that lie behind `open`, also through apps that are not part of it.
fn reachable(
    own: &str,
    mut open: Vec<KustomizationId>,
    graph: &BTreeMap<&KustomizationId, &PlannedKustomization>,
    roots: &BTreeMap<String, (&App, KustomizationId)>,
) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut found = BTreeSet::new();
    while let Some(id) = open.pop() {
        let Some(kustomization) = graph.get(&id).filter(|_| seen.insert(id.clone())) else {
            continue;
        };
        let app = kustomization.app.id();
        if app != own && roots.contains_key(&app) {
            found.insert(app);
        } else {
            open.extend(kustomization.depends_on.iter().cloned());
        }
    }
    found
}

/// Sorts so that each comes after what it needs; `None` when that cannot be.
fn ordered<'n>(needs: &BTreeMap<&'n str, BTreeSet<String>>) -> Option<Vec<&'n str>> {
    let mut order: Vec<&str> = Vec::new();
    while order.len() < needs.len() {
        let ready: Vec<&str> = needs
            .iter()
            .filter(|(id, _)| !order.contains(*id))
            .filter(|(_, needs)| needs.iter().all(|need| order.contains(&need.as_str())))
            .map(|(id, _)| *id)
            .collect();
        if ready.is_empty() {
            return None;
        }
        order.extend(ready);
    }
    Some(order)
}
