//! The bootstrap installs the versions that Flux will keep.

use yaml::Node;

use crate::check::manifests::Manifests;
use crate::check::releases::InstalledChart;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;
use crate::tree::RepoPath;

pub(super) static RULE: Rule = Rule {
    name: "bootstrap-version-drift",
    level: Severity::Error,
    summary: "a helmfile of the bootstrap installs another version than Flux",
    docs: include_str!("bootstrap_version_drift.md"),
    run,
};

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    let owned = manifests.releases();
    for (path, documents) in manifests
        .files()
        .filter(|(path, _)| path.as_str().starts_with("bootstrap/"))
    {
        for release in documents.iter().filter_map(|document| document.get("releases")) {
            for release in release.items() {
                findings.extend(check(path, release, &owned));
            }
        }
    }
}

fn check(path: &RepoPath, release: &Node, owned: &[InstalledChart<'_>]) -> Option<Finding> {
    let name = release.str_at(&["name"])?;
    let namespace = release.str_at(&["namespace"])?;
    let version = release.get("version")?;
    let text = version.as_str()?;
    let (file, tag) = owned
        .iter()
        .find(|owned| owned.object.name == name && owned.namespace == namespace)?
        .version?;
    let wanted = tag.as_str()?;
    if text.contains("{{") || text.trim_start_matches('v') == wanted.trim_start_matches('v') {
        return None;
    }
    let message = format!("the bootstrap installs `{name}` {text}, Flux {wanted}");
    let help = format!("write `version: {wanted}`");
    let mut finding = Finding::new(path, message, help).at(version.span.clone(), "");
    finding
        .also
        .push((file.clone(), tag.span.clone(), "what Flux installs".to_owned()));
    Some(finding)
}
