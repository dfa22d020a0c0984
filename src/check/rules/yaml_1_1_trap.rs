//! Plain text that YAML 1.1 reads as something else is quoted.

use yaml::scalar::yaml11_trap;
use yaml::{Kind, Node, Style};

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;
use crate::tree::RepoPath;

pub(super) static RULE: Rule = Rule {
    name: "yaml-1-1-trap",
    level: Severity::Error,
    summary: "an unquoted value means one thing in YAML 1.2 and another in YAML 1.1",
    docs: include_str!("yaml_1_1_trap.md"),
    run,
};

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for (path, documents) in manifests.files() {
        for document in documents {
            visit(path, document, findings);
        }
    }
}

fn visit(path: &RepoPath, node: &Node, findings: &mut Vec<Finding>) {
    if let Kind::Scalar {
        value,
        style: Style::Plain,
    } = &node.kind
        && node.tag.is_none()
        && let Some(trap) = yaml11_trap(value)
    {
        let message = format!("unquoted `{value}` is {} in YAML 1.1", trap.reading());
        let finding = Finding::new(path, message, format!("write `\"{value}\"`"));
        findings.push(finding.at(node.span.clone(), "quote this"));
    }
    for item in node.items() {
        visit(path, item, findings);
    }
    for (key, value) in node.entries() {
        visit(path, key, findings);
        visit(path, value, findings);
    }
}
