//! Whether the Flux that is rendered can open what is sealed for the repository's own key.

use sops::RecipientKind;
use yaml::Node;

use super::Configuration;
use crate::catalog::BUILT_IN;
use crate::diag::{Diagnostic, Diagnostics};
use crate::render::Rendered;
use crate::tree::{RepoPath, Tree};

/// The HelmRelease that installs Flux; its values say which version.
const FLUX: &str = "kubernetes/apps/flux-system/flux-instance/app/helmrelease.yaml";

/// Its template.
const TEMPLATE: &str = "apps/flux-system/flux-instance/app/helmrelease.yaml.tera";

/// Where the version stands in it.
const VERSION: [&str; 5] = ["spec", "values", "instance", "distribution", "version"];

/// The first Flux whose SOPS knows post-quantum keys: 2.7 and 2.8 find no identity for them.
const POST_QUANTUM: (u64, u64) = (2, 9);

/// Returns whether a Flux can open what is sealed for a post-quantum key. One whose version cannot be told is taken to.
pub fn opens_post_quantum(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map(str::parse::<u64>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= POST_QUANTUM,
        _ => true,
    }
}

/// Returns the version of Flux that the library renders.
pub fn flux_of_library() -> Option<String> {
    let (_, text) = BUILT_IN.iter().find(|(path, _)| *path == TEMPLATE)?;
    // Not YAML before it is rendered; the line is plain text.
    let mut lines = text.lines().map(str::trim);
    lines.find(|line| line.starts_with("distribution:"))?;
    let line = lines.find_map(|line| line.strip_prefix("version:"))?;
    Some(line.trim().trim_matches('"').to_owned())
}

/// Adds which Flux is needed, and how it is had.
pub fn needs_newer_flux(finding: Diagnostic) -> Diagnostic {
    let (major, minor) = POST_QUANTUM;
    finding
        .note(format!("Flux opens files for keys that start with `age1pq1` from {major}.{minor} on"))
        .help(format!(
            "set `apps.flux-instance.values.instance.distribution.version` to {major}.{minor}.0 or newer in cluster.yaml, \
             with the `artifact` of a flux-operator that knows it"
        ))
        .help("or use a key that starts with `age1` and no `pq1`, as `clusterwright init` makes it without `--pq`")
}

/// Reports an own key that the Flux of the tree cannot use. Further recipients may be of any kind: Flux opens files by its
/// own key.
pub(super) fn check(tree: &Tree<Rendered>, configuration: &Configuration, diags: &mut Diagnostics) {
    let own = configuration.secrets.keys.own_recipients();
    let is_pq = |name: &String| RecipientKind::of(name) == Some(RecipientKind::PostQuantum);
    if own.is_empty() || !own.iter().all(is_pq) {
        return;
    }
    let artifact = RepoPath::parse(FLUX).ok().and_then(|path| tree.get(&path));
    let Some(artifact) = artifact else { return };
    let documents = yaml::parse(artifact.text()).unwrap_or_default();
    let node = documents.iter().find_map(|document| {
        VERSION
            .iter()
            .try_fold(document, |node: &Node, key| node.get(key))
    });
    let Some((node, version)) = node.and_then(|node| Some((node, node.as_str()?))) else {
        return;
    };
    if opens_post_quantum(version) {
        return;
    }
    let message =
        format!("Flux {version} cannot open what is sealed for the post-quantum key of this repository");
    let finding = Diagnostic::error("config/post-quantum-flux", message);
    let finding = if let Some(place) = configuration.places.get("age_recipients") {
        finding.at(*place, "a post-quantum key")
    } else {
        let id = diags.sources.add(FLUX, artifact.text().to_owned());
        finding.at(id.span(node.span.clone()), "this Flux")
    };
    diags.push(needs_newer_flux(finding));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_apart() {
        for old in ["2.7.5", "v2.8.3", "1.99.0", "2.7.x"] {
            assert!(!opens_post_quantum(old), "{old}");
        }
        for new in ["2.9.0", "v2.10.1", "3.0.0", "2.x", "latest"] {
            assert!(opens_post_quantum(new), "{new}");
        }
    }

    #[test]
    fn the_library_names_its_flux() {
        let version = flux_of_library().expect("a version");
        assert!(
            version.split('.').all(|part| part.parse::<u64>().is_ok()),
            "{version}"
        );
    }
}
