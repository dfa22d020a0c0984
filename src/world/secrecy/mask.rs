//! What may be shown of a file that is not ours: it can hold anything, secrets as well.

use yaml::Node;

use super::holds_secret;
use super::objects::secrets;

/// Returns whether a file is, or may be, one that holds secrets, so that [`display`] hides its values.
pub fn is_masked(path: &str, text: &str) -> bool {
    let says_so = |line: &str| {
        let line = line.replace(['"', '\''], "");
        line.split_once("kind:")
            .is_some_and(|(_, kind)| kind.contains("Secret"))
            || line.trim_start().starts_with("stringData:")
    };
    path.contains(".sops.")
        || path.to_ascii_lowercase().contains("secret")
        || text.lines().any(says_so)
        || holds_secret(text)
}

/// Returns a copy of the same length in bytes, fit for findings to quote. In a file that is or may be a Secret, every
/// value and comment is `*`; offsets hold.
pub fn display(path: &str, text: &str) -> String {
    if !is_masked(path, text) {
        return text.to_owned();
    }
    text.split_inclusive('\n').map(masked).collect()
}

/// Returns a message about a file without what its Secrets hold: a rule may quote a value.
pub fn redact(text: &str, documents: &[Node]) -> String {
    let all = documents.iter().flat_map(secrets);
    let values: Vec<_> = all.flat_map(|secret| secret.values).collect();
    let mut values: Vec<&str> = values.iter().flat_map(|value| scalars(value.node)).collect();
    // The longest first: one may be a part of another.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    let hide = |text: String, value: &&str| text.replace(value, "***");
    values
        .iter()
        .filter(|value| !value.is_empty())
        .fold(text.to_owned(), hide)
}

fn scalars(node: &Node) -> Vec<&str> {
    let values = node.entries().iter().map(|(_, value)| value);
    let below = node.items().iter().chain(values).flat_map(scalars);
    node.as_str().into_iter().chain(below).collect()
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
    fn messages_do_not_quote_what_secrets_of_a_list_hold() {
        for text in [
            "kind: List\nitems:\n  - kind: Secret\n    stringData: {a: 0777}\n",
            "x: &x 0777\nkind: Secret\nstringData: {a: *x}\n",
            "<<: {kind: Secret}\ndata: {a: [0777]}\n",
        ] {
            let documents = yaml::parse(text).expect("YAML");
            assert_eq!(redact("unquoted `0777`", &documents), "unquoted `***`", "{text}");
        }
    }

    #[test]
    fn other_files_are_shown_as_they_are() {
        let text = "kind: ConfigMap\ndata:\n  a: b\n";
        assert_eq!(display("a/b.yaml", text), text);
        assert_ne!(display("a/b.sops.yaml", text), text);
        assert_ne!(display("a/secret.yaml", text), text);
    }
}
