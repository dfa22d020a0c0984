//! What may be shown of a file that is not ours: it can hold anything, secrets as well.

use yaml::Node;

/// The parts of a Secret that hold what is secret.
const SECRET_PARTS: [&str; 2] = ["data", "stringData"];

/// Returns a copy of the same length in bytes, fit for findings to quote. In a file that is or may be a Secret, every
/// value and comment is `*`; offsets hold.
pub fn display(path: &str, text: &str) -> String {
    let may_be_secret = path.contains(".sops.")
        || path.to_ascii_lowercase().contains("secret")
        || text.lines().any(|line| {
            let line = line.replace(['"', '\''], "");
            line.split_once("kind:")
                .is_some_and(|(_, kind)| kind.contains("Secret"))
                || line.trim_start().starts_with("stringData:")
        });
    if !may_be_secret {
        return text.to_owned();
    }
    text.split_inclusive('\n').map(masked).collect()
}

/// Returns a message about a file without what its Secrets hold: a rule may quote a value.
pub fn redact(text: &str, documents: &[Node]) -> String {
    let secrets = documents
        .iter()
        .filter(|node| node.str_at(&["kind"]) == Some("Secret"));
    let mut values = Vec::new();
    for part in secrets.flat_map(|node| SECRET_PARTS.into_iter().filter_map(|part| node.get(part))) {
        scalars(part, &mut values);
    }
    // The longest first: one may be a part of another.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    let hide = |text: String, value: &&str| text.replace(value, "***");
    values
        .iter()
        .filter(|value| !value.is_empty())
        .fold(text.to_owned(), hide)
}

fn scalars<'n>(node: &'n Node, found: &mut Vec<&'n str>) {
    found.extend(node.as_str());
    node.items().iter().for_each(|item| scalars(item, found));
    node.entries().iter().for_each(|(_, value)| scalars(value, found));
}

/// Keeps the key of a line; what identifies an object stays as well.
fn masked(line: &str) -> String {
    let shown = match line.split_once(": ") {
        Some((key, _)) if is_key(key) && is_identity(key) => line.len(),
        Some((key, _)) if is_key(key) => key.len() + 1,
        None if line.trim_end().strip_suffix(':').is_some_and(is_key) => line.len(),
        _ if line.trim() == "---" => line.len(),
        _ => 0,
    };
    let (start, rest) = line.split_at(shown);
    let mut out = start.to_owned();
    for c in rest.chars() {
        match c {
            ' ' | '\n' | '\r' => out.push(c),
            c => out.extend(std::iter::repeat_n('*', c.len_utf8())),
        }
    }
    out
}

fn is_key(text: &str) -> bool {
    let key = text.trim_start_matches([' ', '-']);
    let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/');
    !key.is_empty() && key.len() <= 63 && key.bytes().all(word)
}

fn is_identity(key: &str) -> bool {
    let indent = key.len() - key.trim_start().len();
    match key.trim() {
        "apiVersion" | "kind" => indent == 0,
        "name" | "namespace" => indent == 2,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secrets_are_masked_in_place() {
        let text = "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: x # note\nstringData:\n  a: hunter2\n  b: |\n    \
                    hünter3\n  - hunter4\n";
        let shown = display("kubernetes/apps/a/b/app/x.yaml", text);
        assert_eq!(shown.len(), text.len());
        assert!(!shown.contains("nter"), "{shown}");
        assert!(shown.contains("kind: Secret\nmetadata:\n  name: x"), "{shown}");
        assert!(shown.contains("\n  a: *******\n"), "{shown}");
    }

    #[test]
    fn messages_do_not_quote_what_secrets_hold() {
        let documents = yaml::parse("kind: Secret\nstringData:\n  a: 0777\n  b: 07771\n").expect("YAML");
        assert_eq!(
            redact("unquoted `0777` and `07771` in `a`", &documents),
            "unquoted `***` and `***` in `a`"
        );
        let documents = yaml::parse("kind: ConfigMap\ndata:\n  a: 0777\n").expect("YAML");
        assert_eq!(redact("unquoted `0777`", &documents), "unquoted `0777`");
    }

    #[test]
    fn other_files_are_shown_as_they_are() {
        let text = "kind: ConfigMap\ndata:\n  a: b\n";
        assert_eq!(display("a/b.yaml", text), text);
        assert_ne!(display("a/b.sops.yaml", text), text);
        assert_ne!(display("a/secret.yaml", text), text);
    }
}
