//! What the rules about metrics of the control plane share: the addresses of its nodes, Talos patches, scrape settings.

use std::collections::BTreeSet;

use yaml::Node;

use super::helm::{PROMETHEUS, Release, VICTORIA_METRICS, text};
use super::manifests::Manifests;
use super::rule::Finding;
use crate::tree::RepoPath;

const TALCONFIG: &str = "talos/talconfig.yaml";
const TALOS: &str = "talos/";

/// Returns the releases of both metrics stacks that scrape a component of the control plane.
pub(super) fn scrapers<'m, 'a>(manifests: &'m Manifests<'a>, component: &str) -> Vec<&'m Release<'a>> {
    let switch = format!("{component}.enabled");
    manifests
        .releases
        .iter()
        .filter(|release| [VICTORIA_METRICS, PROMETHEUS].contains(&release.chart))
        .filter(|release| release.values.flag(&switch) != Some(false))
        .collect()
}

/// Checks that a path has a value; the help is to set it.
pub(super) fn wants(release: &Release<'_>, path: &str, wanted: &str, why: &str, findings: &mut Vec<Finding>) {
    let found = release.values.text(path);
    if found == Some(wanted) {
        return;
    }
    let message = match found {
        Some(found) => format!("`{path}` is `{found}`: {why}"),
        None => format!("`{path}` is not set: {why}"),
    };
    findings.push(release.finding(path, message, "", set(path, wanted)));
}

/// Checks that every scraped endpoint of a component of the VictoriaMetrics stack has these values, and that they are
/// where the chart reads them.
pub(super) fn wants_endpoints(
    release: &Release<'_>,
    component: &str,
    wanted: &[(&str, &str)],
    why: &str,
    findings: &mut Vec<Finding>,
) {
    let dead = format!("{component}.spec");
    if let Some((key, _)) = release.values.entry(&dead) {
        let message = format!("the chart does not read `{dead}`");
        let help = format!("move it below `vmScrape`: `{component}.vmScrape.spec`");
        findings.push(Finding::new(release.object.path, message, help).at(key.span.clone(), "ignored"));
        return;
    }
    let path = format!("{component}.vmScrape.spec.endpoints");
    let endpoints: Vec<&Node> = release.values.items(&path).collect();
    if endpoints.is_empty() {
        let lines: Vec<String> = wanted
            .iter()
            .map(|(key, value)| format!("`{key}: {}`", quoted(value)))
            .collect();
        let message = format!("`{path}` is not set: {why}");
        let help = format!("add `{path}` with one entry: {}", lines.join(", "));
        findings.push(release.finding(&path, message, "", help));
    }
    for endpoint in endpoints {
        for (key, value) in wanted {
            let mut node = Some(endpoint);
            let mut place = endpoint.entries().first().map(|(key, _)| key);
            for part in key.split('.') {
                let entry = node.and_then(|node| release.values.entry_of(node, part));
                place = entry.map(|(key, _)| key).or(place);
                node = entry.map(|(_, value)| value);
            }
            if node.and_then(text) == Some(value) {
                continue;
            }
            let span = node.or(place).unwrap_or(endpoint).span.clone();
            let message = format!("`{key}` of `{path}` is not `{value}`: {why}");
            findings.push(Finding::new(release.object.path, message, set(key, value)).at(span, ""));
        }
    }
}

/// Checks that the addresses of a component are those of the controllers in `talos/talconfig.yaml`.
pub(super) fn wants_controllers(
    manifests: &Manifests<'_>,
    release: &Release<'_>,
    component: &str,
    findings: &mut Vec<Finding>,
) {
    let Some(controllers) = controllers(manifests) else {
        return;
    };
    let path = format!("{component}.endpoints");
    let entries: Vec<&Node> = release.values.items(&path).collect();
    let listed: BTreeSet<&str> = entries.iter().filter_map(|entry| entry.as_str()).collect();
    for entry in entries {
        let address = entry.as_str().unwrap_or_default();
        if !controllers.contains(address) {
            let message = format!("`{address}` in `{path}` is no controller of {TALCONFIG}");
            let help = format!("remove `- {address}` from `{path}`");
            findings.push(Finding::new(release.object.path, message, help).at(entry.span.clone(), ""));
        }
    }
    let missing: Vec<String> = controllers
        .difference(&listed)
        .map(|address| format!("`- {address}`"))
        .collect();
    if !missing.is_empty() {
        let message = format!("`{path}` leaves out controllers of {TALCONFIG}");
        let help = format!("add {} to `{path}`", missing.join(", "));
        findings.push(release.finding(&path, message, "not all are scraped", help));
    }
}

/// Checks that a Talos patch has a value, when `talos/` is in the tree.
pub(super) fn wants_patch(
    manifests: &Manifests<'_>,
    keys: &[&str],
    wanted: &str,
    why: &str,
    findings: &mut Vec<Finding>,
) {
    let files: Vec<(&RepoPath, &[Node])> = manifests
        .files()
        .filter(|(path, _)| path.as_str().starts_with(TALOS))
        .collect();
    let dotted = keys.join(".");
    let mut nearest: Option<(usize, &RepoPath, &Node)> = None;
    for (path, documents) in files {
        for document in documents {
            if path.as_str() == TALCONFIG
                && inline_patches(document).any(|patch| patch.str_at(keys) == Some(wanted))
            {
                return;
            }
            let Some(patches) = document
                .entry("cluster")
                .or_else(|| document.entry("controlPlane"))
            else {
                continue;
            };
            let (mut depth, mut place, mut node) = (0, &patches.0, Some(document));
            for key in keys {
                let entry = node.and_then(|node| node.entry(key));
                if let Some((key, value)) = entry {
                    depth += 1;
                    place = if value.as_str().is_some() { value } else { key };
                }
                node = entry.map(|(_, value)| value);
            }
            if node.and_then(Node::as_str) == Some(wanted) {
                return;
            }
            if nearest.is_none_or(|(deepest, ..)| depth > deepest) {
                nearest = Some((depth, path, place));
            }
        }
    }
    if let Some((_, path, place)) = nearest {
        let message = format!("no Talos patch sets `{dotted}: {wanted}`: {why}");
        findings.push(Finding::new(path, message, set(&dotted, wanted)).at(place.span.clone(), ""));
    }
}

/// Returns the addresses of the controllers; `None` without `talos/talconfig.yaml`.
fn controllers<'a>(manifests: &Manifests<'a>) -> Option<BTreeSet<&'a str>> {
    let (_, documents) = manifests.files().find(|(path, _)| path.as_str() == TALCONFIG)?;
    let nodes = documents.first()?.get("nodes")?.items().iter();
    Some(
        nodes
            .filter(|node| node.str_at(&["controlPlane"]) == Some("true"))
            .filter_map(|node| node.str_at(&["ipAddress"])?.split(',').next())
            .map(str::trim)
            .collect(),
    )
}

/// Patches that `talconfig.yaml` holds as text.
fn inline_patches(talconfig: &Node) -> impl Iterator<Item = Node> {
    let all = talconfig.get("patches");
    let controllers = talconfig.path(&["controlPlane", "patches"]);
    [all, controllers]
        .into_iter()
        .flatten()
        .flat_map(Node::items)
        .filter_map(|item| yaml::parse(item.as_str()?).ok())
        .flatten()
}

fn set(path: &str, value: &str) -> String {
    format!("set `{path}: {}`", quoted(value))
}

/// Quotes an address, which reads better in quotes than as a number.
fn quoted(value: &str) -> String {
    if value == "127.0.0.1" {
        format!("\"{value}\"")
    } else {
        value.to_owned()
    }
}
