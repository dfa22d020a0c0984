//! What is too large to be written: a run reads no larger file back.

use crate::diag::{Diagnostic, Diagnostics};
use crate::sys::root::limits;
use crate::tree::{Artifact, Tree};

/// Reports each file of a tree that is larger than [`limits::OUTPUT`]: the next run, and the undo record of this one,
/// would not read it.
pub(super) fn check<S>(tree: &Tree<S>, diags: &mut Diagnostics) {
    for artifact in tree
        .iter()
        .filter(|artifact| is_too_large(artifact, limits::OUTPUT))
    {
        diags.push(finding(artifact));
    }
}

fn is_too_large(artifact: &Artifact, limit: u64) -> bool {
    [artifact.text(), artifact.render()]
        .iter()
        .any(|text| u64::try_from(text.len()).unwrap_or(u64::MAX) > limit)
}

fn finding(artifact: &Artifact) -> Diagnostic {
    let (path, limit) = (&artifact.path, limits::OUTPUT >> 20);
    let message = format!("`{path}` would be larger than {limit} MiB, which no run reads back");
    let finding = Diagnostic::error("render/too-large", message)
        .note("etcd takes objects of up to 1.5 MiB, and Flux artifacts of up to 50 MiB in all")
        .note("nothing was changed");
    match &artifact.origin.template {
        Some(template) => finding
            .in_file(format!("templates/{template}"))
            .help("let the template write less, or split it into several"),
        None => finding
            .in_file(path.as_str())
            .help(format!("see what `{}` puts into it", artifact.origin.app)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Origin, RepoPath, Text};

    fn artifact(text: String, template: Option<&str>) -> Artifact {
        let origin = Origin {
            app: "media/x".to_owned(),
            template: template.map(str::to_owned),
            reason: Vec::new(),
            fingerprint: None,
        };
        Artifact::new(RepoPath::parse("big.yaml").expect("a path"), text, origin)
    }

    #[test]
    fn the_limit_is_that_of_reading_and_holds_for_the_render_as_well() {
        let text = |len: usize| "x".repeat(len);
        assert!(!is_too_large(&artifact(text(9), None), 9));
        assert!(is_too_large(&artifact(text(10), None), 9));
        let mut merged = artifact(text(1), None);
        merged.content = Text::Edited {
            text: text(1),
            render: text(10),
            moved_from: None,
        };
        assert!(is_too_large(&merged, 9));
    }

    #[test]
    fn the_finding_names_the_template() {
        let shown = |template| {
            let finding = finding(&artifact(String::new(), template));
            (finding.path.unwrap_or_default(), finding.message)
        };
        let (path, message) = shown(Some("apps/media/x/big.yaml.tera"));
        assert_eq!(path, "templates/apps/media/x/big.yaml.tera");
        assert!(
            message.contains("`big.yaml`") && message.contains("16 MiB"),
            "{message}"
        );
        assert_eq!(shown(None).0, "big.yaml");
    }
}
