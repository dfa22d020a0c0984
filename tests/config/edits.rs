//! What a finding proposes is right: every help that names an exact edit is applied, and mends what it was for.
//!
//! An edit is a line in backquotes, `key: value` or `- value`, or a word for the one that is underlined. Helps whose line
//! is an example of a form (`key: value`), holds a placeholder (`NAME`, `…`) or needs more beside it are no edits.

use std::path::Path;

use clusterwright::diag::{Diagnostic, Diagnostics, Severity};

use super::fixtures::{beside, fixtures};
use super::{all_beside, check_beside};

/// An edit that a help names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Edit {
    /// A key with its value.
    Line(String, String),
    /// An item of a list.
    Item(String),
    /// Another word in place of what is underlined.
    Word(String),
}

/// Returns the edits of a help: alternatives, each of which is to be carried out whole.
fn edits(help: &str) -> Vec<Vec<Edit>> {
    let is_form = [
        "one `key: value`",
        "this line and the one",
        "`: `",
        " with `",
        "'…'",
        "after `",
    ];
    if is_form.iter().any(|word| help.contains(word)) {
        return Vec::new();
    }
    let quoted: Vec<(usize, &str)> = help
        .split('`')
        .scan(0, |at, part| {
            let start = *at;
            *at += part.len() + 1;
            Some((start, part))
        })
        .enumerate()
        .filter_map(|(number, part)| (number % 2 == 1).then_some(part))
        .collect();
    let mut all: Vec<Vec<Edit>> = Vec::new();
    let mut end = 0;
    for (start, text) in quoted {
        let is_key = |key: &str| {
            !key.is_empty()
                && key
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b"_0123456789".contains(&b))
        };
        let edit = match text.split_once(": ") {
            Some((key, value)) if is_key(key) && !value.is_empty() && value != "NAME" => {
                Edit::Line(key.to_owned(), value.to_owned())
            }
            _ if let Some(item) = text.strip_prefix("- ") => Edit::Item(item.to_owned()),
            _ if help == format!("write `{text}`") => Edit::Word(text.to_owned()),
            _ => continue,
        };
        match all.last_mut() {
            Some(last) if help[end..start].contains(" and ") => last.push(edit),
            _ => all.push(vec![edit]),
        }
        end = start + text.len();
    }
    all
}

/// Carries out an edit of a finding: where the finding points, where the key stands, or as a new line.
fn apply(text: &str, finding: &Diagnostic, diags: &Diagnostics, edit: &Edit) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let place = finding.primary.as_ref().map(|label| {
        let source = diags.sources.get(label.span.source);
        (source.position(label.span.start), source.position(label.span.end))
    });
    let here = place.map_or(0, |(start, _)| start.line - 1);
    let gives = |line: &str, key: &str| {
        line.trim_start_matches([' ', '-'])
            .starts_with(&format!("{key}:"))
    };
    match edit {
        Edit::Word(word) => {
            let (start, end) = place.expect("a word replaces what is underlined");
            let line: Vec<char> = lines[here].chars().collect();
            let before: String = line[..start.column - 1].iter().collect();
            let after: String = line[end.column - 1..].iter().collect();
            lines[here] = format!("{before}{word}{after}");
        }
        Edit::Item(item) => {
            let blanks = lines[here].len() - lines[here].trim_start().len();
            lines[here] = format!("{}- {item}", " ".repeat(blanks));
        }
        Edit::Line(key, value) => {
            let known = |line: &String| line.starts_with(&format!("{key}:"));
            let at = if gives(&lines[here], key) {
                Some(here)
            } else {
                lines.iter().position(known)
            };
            if let Some(at) = at {
                let start = lines[at].find(&format!("{key}:")).expect("the key");
                let below = |line: &String| {
                    line.starts_with(&" ".repeat(start + 1))
                        || line.trim_start().starts_with("- ")
                            && line.len() - line.trim_start().len() >= start
                };
                let rest = lines[at + 1..].iter().take_while(|line| below(line)).count();
                let is_open = lines[at].trim_end().ends_with([':', '|', '>', '-']);
                lines.drain(at + 1..at + 1 + if is_open { rest } else { 0 });
                lines[at] = format!("{}{key}: {value}", &lines[at][..start]);
            } else {
                let indent = lines[here].len() - lines[here].trim_start_matches([' ', '-']).len();
                let is_below = indent > 0 && lines[here].starts_with(' ');
                let at = if is_below { here + 1 } else { lines.len() };
                let blanks = " ".repeat(if is_below { indent } else { 0 });
                lines.insert(at, format!("{blanks}{key}: {value}"));
            }
        }
    }
    lines.join("\n") + "\n"
}

fn said(diags: &Diagnostics) -> Vec<(Severity, &'static str, String)> {
    let found = diags.sorted().into_iter();
    found
        .map(|finding| (finding.severity, finding.code, finding.message.clone()))
        .collect()
}

/// Every edit that a finding about a wrong configuration proposes mends that finding, and makes none about its place.
#[test]
fn every_proposed_edit_mends_what_it_is_for() {
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for path in fixtures("invalid") {
        let text = std::fs::read_to_string(&path).expect("text");
        let side = beside(&text);
        let (before, _) = check_beside(&[("cluster.yaml", text.clone())], &side);
        let old = said(&before);
        for finding in before.sorted() {
            for alternative in finding.help.iter().flat_map(|help| edits(help)) {
                let after = alternative
                    .iter()
                    .fold(text.clone(), |text, edit| apply(&text, finding, &before, edit));
                let (now, _) = check_beside(&[("cluster.yaml", after.clone())], &side);
                let new = said(&now);
                let this = (finding.severity, finding.code, finding.message.clone());
                let key = match &alternative[0] {
                    Edit::Line(key, _) => format!("`{key}`"),
                    Edit::Item(word) | Edit::Word(word) => format!("`{word}`"),
                };
                let is_bad = |one: &(Severity, &str, String)| {
                    *one == this
                        || one.1 == "config/not-yaml"
                        || !old.contains(one) && one.2.starts_with(&key)
                };
                tried += 1;
                if let Some(bad) = new.iter().find(|one| is_bad(one)) {
                    let name = path.file_stem().expect("a name").to_string_lossy();
                    wrong.push(format!("{name}: {alternative:?}: {}: {}", bad.1, bad.2));
                }
            }
        }
    }
    assert!(tried > 60, "{tried}");
    assert_eq!(wrong, [""; 0]);
}

/// What stands in an otherwise right configuration, and what its finding says to write there instead.
const CLEAN: [(&str, &str); 12] = [
    ("talos_version: 1.12", "talos_version: 1.12.0"),
    ("logs_retention: 7", "logs_retention: 7d"),
    ("node_vlan_tag: 042", "node_vlan_tag: \"42\""),
    ("node_vlan_tag: 42", "node_vlan_tag: \"42\""),
    ("tracing_sample_rate: \"10\"", "tracing_sample_rate: 10"),
    ("node_dns_servers: 1.1.1.1", "node_dns_servers: [1.1.1.1]"),
    (
        "node_dns_servers: \"1.1.1.1, 9.9.9.9\"",
        "node_dns_servers: [1.1.1.1, 9.9.9.9]",
    ),
    ("trace_retention: 72", "trace_retention: 72d"),
    ("storage_class: 5", "storage_class: \"5\""),
    ("spegel_enabled: yes", "spegel_enabled: true"),
    ("metrics_storage_size: 50GB", "metrics_storage_size: 50Gi"),
    ("unifi_site: 1.5", "unifi_site: \"1.5\""),
];

#[test]
fn the_next_run_is_clean() {
    let right =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clusters/minimal.yaml"))
            .expect("text");
    let mut wrong = Vec::new();
    for (written, meant) in CLEAN {
        let text = format!("{right}{written}\n");
        let (before, _) = check_beside(&[("cluster.yaml", text.clone())], &all_beside());
        let (key, value) = meant.split_once(": ").expect("a line");
        let edit = Edit::Line(key.to_owned(), value.to_owned());
        let findings = before.sorted();
        let proposed = findings.iter().flat_map(|finding| &finding.help);
        let proposed: Vec<Edit> = proposed.flat_map(|help| edits(help)).flatten().collect();
        if findings.len() != 1 || proposed != [edit.clone()] {
            wrong.push(format!("{written}: {:?} {proposed:?}", said(&before)));
            continue;
        }
        let after = apply(&text, findings[0], &before, &edit);
        let (now, result) = check_beside(&[("cluster.yaml", after.clone())], &all_beside());
        if result.is_err() || !now.sorted().is_empty() {
            wrong.push(format!("{written}: {:?} in\n{after}", said(&now)));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn edits_are_told_from_examples_of_a_form() {
    let line = |key: &str, value: &str| Edit::Line(key.to_owned(), value.to_owned());
    let two = edits("write `a: true` and `b: true`; `docs/verify.md` tells more");
    assert_eq!(two, [vec![line("a", "true"), line("b", "true")]]);
    assert_eq!(
        edits("write `a: true`, or `b: false`"),
        [[line("a", "true")], [line("b", "false")]]
    );
    assert_eq!(edits("write `- 1.1.1.1`"), [[Edit::Item("1.1.1.1".to_owned())]]);
    assert_eq!(
        edits("write `monitoring_enabled`"),
        [[Edit::Word("monitoring_enabled".to_owned())]]
    );
    for none in [
        "add `proxmox_host: NAME` to each",
        "remove `a`, or set `b`",
        "write one `key: value` a line",
    ] {
        assert!(edits(none).is_empty(), "{none}");
    }
}
