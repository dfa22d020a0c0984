//! Writing the `sops` block: the same keys in every format, in alphabetical order as SOPS 3.13 has them.

use std::fmt::Write as _;

use crate::text::json;
use crate::text::metadata::{Metadata, Wrapped};
use crate::text::write;

/// What stands behind a key of the block.
enum Item {
    /// Text.
    Text(String),
    /// A number or boolean.
    Plain(String),
    /// A list of mappings.
    List(Vec<Entries>),
}

type Entries = Vec<(&'static str, Item)>;

/// Returns the block's keys.
fn entries(metadata: &Metadata) -> Entries {
    let mut keys: Entries = vec![
        (
            metadata.selector.key(),
            Item::Text(metadata.selector.text().to_owned()),
        ),
        ("lastmodified", Item::Text(metadata.lastmodified.clone())),
        ("mac", Item::Text(metadata.mac.clone().unwrap_or_default())),
        ("version", Item::Text(metadata.version.clone())),
    ];
    match &metadata.groups {
        None => keys.push(("age", people(&metadata.age))),
        Some(groups) => {
            let item =
                |group: &Vec<Wrapped>| vec![("age", people(group)), ("hc_vault", Item::List(Vec::new()))];
            keys.push(("key_groups", Item::List(groups.all.iter().map(item).collect())));
            keys.push(("shamir_threshold", Item::Plain(groups.threshold.to_string())));
        }
    }
    if metadata.mac_only_encrypted {
        keys.push(("mac_only_encrypted", Item::Plain("true".to_owned())));
    }
    keys.retain(|(key, item)| !(*key == metadata.selector.key() && is_empty(item)));
    keys.sort_unstable_by_key(|(key, _)| *key);
    keys
}

fn is_empty(item: &Item) -> bool {
    matches!(item, Item::Text(text) if text.is_empty())
}

fn people(wrapped: &[Wrapped]) -> Item {
    let item = |Wrapped { recipient, enc }: &Wrapped| {
        vec![
            ("enc", Item::Text(format!("{}\n", enc.trim()))),
            ("recipient", Item::Text(recipient.clone())),
        ]
    };
    Item::List(wrapped.iter().map(item).collect())
}

impl Metadata {
    /// Writes the block in YAML. `indent` is that of the file, `column` where the document's keys start.
    pub(crate) fn block(&self, indent: usize, column: usize) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "{:column$}sops:", "");
        for (key, item) in entries(self) {
            let _ = write!(out, "{:width$}{key}:", "", width = column + indent);
            yaml(&mut out, key, &item, column + indent, indent);
        }
        out
    }

    /// Writes the block on one line, for a YAML document in braces.
    pub(crate) fn flow(&self) -> String {
        let mut out = "\"sops\": ".to_owned();
        flow(&mut out, &entries(self));
        out
    }

    /// Writes the block for a JSON object, as its last entry. Lines start with `start`, and go deeper by `unit`.
    pub(crate) fn json(&self, start: &str, unit: &str) -> String {
        let mut out = format!("{start}\"sops\": ");
        object(&mut out, &entries(self), start, unit);
        out
    }

    /// Returns the block flattened, as dotenv and INI have it: keys in alphabetical order.
    pub(crate) fn flat(&self) -> Vec<(String, String)> {
        let mut out = Vec::new();
        flatten(&mut out, "", &entries(self));
        out
    }
}

/// Writes what follows `key:`. `column` is that of the key.
fn yaml(out: &mut String, key: &str, item: &Item, column: usize, indent: usize) {
    match item {
        Item::Plain(text) => {
            let _ = writeln!(out, " {text}");
        }
        Item::Text(text) if key == "enc" => {
            out.push_str(" |\n");
            for line in text.trim().lines() {
                let _ = writeln!(out, "{:width$}{}", "", line.trim(), width = column + 2);
            }
        }
        // Unquoted, SOPS 3.13 takes it for a time and refuses the file.
        Item::Text(text) if key == "lastmodified" => {
            let _ = writeln!(out, " {}", yaml::double_quoted(text).as_str());
        }
        Item::Text(text) if key == "mac" => {
            let _ = writeln!(out, " {text}");
        }
        Item::Text(text) => {
            let _ = writeln!(out, " {}", write::string(text, false).as_str());
        }
        Item::List(items) if items.is_empty() => out.push_str(" []\n"),
        Item::List(items) => {
            out.push('\n');
            let dash = column
                + if key == "age" && column > indent {
                    2
                } else {
                    indent
                };
            for entries in items {
                for (i, (key, item)) in entries.iter().enumerate() {
                    let mark = if i == 0 { "- " } else { "  " };
                    let _ = write!(out, "{:dash$}{mark}{key}:", "");
                    yaml(out, key, item, dash + 2, indent);
                }
            }
        }
    }
}

fn flow(out: &mut String, entries: &Entries) {
    out.push('{');
    for (i, (key, item)) in entries.iter().enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        let _ = write!(out, "{comma}\"{key}\": ");
        match item {
            Item::Plain(text) => out.push_str(text),
            Item::Text(text) => out.push_str(&json::quoted(text)),
            Item::List(items) => {
                out.push('[');
                for (i, entries) in items.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { ", " });
                    flow(out, entries);
                }
                out.push(']');
            }
        }
    }
    out.push('}');
}

fn object(out: &mut String, entries: &Entries, start: &str, unit: &str) {
    let inner = format!("{start}{unit}");
    out.push_str("{\n");
    for (i, (key, item)) in entries.iter().enumerate() {
        out.push_str(if i == 0 { "" } else { ",\n" });
        let _ = write!(out, "{inner}\"{key}\": ");
        match item {
            Item::Plain(text) => out.push_str(text),
            Item::Text(text) => out.push_str(&json::quoted(text)),
            Item::List(items) if items.is_empty() => out.push_str("[]"),
            Item::List(items) => {
                out.push_str("[\n");
                let deeper = format!("{inner}{unit}");
                for (i, entries) in items.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { ",\n" });
                    out.push_str(&deeper);
                    object(out, entries, &deeper, unit);
                }
                let _ = write!(out, "\n{inner}]");
            }
        }
    }
    let _ = write!(out, "\n{start}}}");
}

fn flatten(out: &mut Vec<(String, String)>, prefix: &str, entries: &Entries) {
    for (key, item) in entries {
        match item {
            Item::Plain(text) | Item::Text(text) => {
                out.push((format!("{prefix}{key}"), text.replace('\n', "\\n")));
            }
            Item::List(items) => {
                for (i, entries) in items.iter().enumerate() {
                    flatten(out, &format!("{prefix}{key}__list_{i}__map_"), entries);
                }
            }
        }
    }
}
