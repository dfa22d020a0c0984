//! Plain text that YAML 1.1 reads as something else is quoted.

use std::collections::BTreeSet;

use yaml::scalar::{Trap, yaml11_trap};
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
    let no_text = &manifests.kinds().no_text;
    for (path, documents) in manifests.files() {
        for document in documents {
            visit(path, document, no_text.get(path), findings);
        }
    }
}

fn visit(path: &RepoPath, node: &Node, no_text: Option<&BTreeSet<usize>>, findings: &mut Vec<Finding>) {
    if let Kind::Scalar {
        value,
        style: Style::Plain,
    } = &node.kind
        && node.tag.is_none()
        && let Some(trap) = yaml11_trap(value)
    {
        let message = format!("unquoted `{value}` is {} in YAML 1.1", trap.reading());
        let plain = no_text
            .filter(|places| places.contains(&node.span.start))
            .and_then(|_| read(value, trap));
        let (help, label) = match plain {
            // Quotes would make text of it, which the field does not take.
            Some(plain) => (
                format!("write `{plain}`, which YAML 1.1 and 1.2 read alike"),
                "write it plainly",
            ),
            None => (format!("write `\"{value}\"`"), "quote this"),
        };
        let finding = Finding::new(path, message, help);
        findings.push(finding.at(node.span.clone(), label));
    }
    for item in node.items() {
        visit(path, item, no_text, findings);
    }
    for (key, value) in node.entries() {
        visit(path, key, no_text, findings);
        visit(path, value, no_text, findings);
    }
}

/// Returns what YAML 1.1, and so Kubernetes, takes a text for, written as both versions read it.
fn read(text: &str, trap: Trap) -> Option<String> {
    let digits = text.replace('_', "");
    match trap {
        Trap::Boolean => {
            let is_on = matches!(text.to_ascii_lowercase().as_str(), "y" | "yes" | "on");
            Some(is_on.to_string())
        }
        Trap::Octal => Some(i64::from_str_radix(&digits, 8).ok()?.to_string()),
        Trap::Number => match digits.strip_prefix("0b") {
            Some(binary) => Some(i64::from_str_radix(binary, 2).ok()?.to_string()),
            None => digits.parse::<i64>().ok().map(|number| number.to_string()),
        },
        Trap::Sexagesimal | Trap::Timestamp => None,
    }
}
