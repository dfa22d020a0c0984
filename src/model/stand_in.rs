//! What stands in a Secret and is none: a reference that somebody else resolves, a placeholder, a public key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Returns whether a value of `stringData` gives nothing away.
pub fn is_no_secret(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || is_reference(text) || is_placeholder(text) || is_public(text)
}

/// The same of a value of `data`, which is base64; what is none is taken as it is.
pub fn is_no_secret_in_base64(text: &str) -> bool {
    let compact: String = text.split_ascii_whitespace().collect();
    let decoded = STANDARD.decode(&compact).ok();
    let decoded = decoded
        .as_deref()
        .and_then(|bytes| std::str::from_utf8(bytes).ok());
    is_no_secret(text) || decoded.is_some_and(is_no_secret)
}

/// Schemes of references: 1Password (`op inject`), vals, and bank-vaults.
const SCHEMES: [&str; 3] = ["op://", "ref+", "vault:secret/"];

/// Marks around the references of Flux and shells, of Helm and External Secrets, and of our templates.
const MARKS: [(&str, &str); 3] = [("${", "}"), ("{{", "}}"), ("#{", "}#")];

/// Returns whether a value only says where the secret comes from: `${SECRET_DOMAIN}`, `op://vault/item/field`,
/// `<path:vault#key>`, a template, or ciphertext. Several in a row, with signs between them, are no more than one.
fn is_reference(text: &str) -> bool {
    if sops::is_ciphertext(text) || is_uri(text) {
        return true;
    }
    let mut rest = text;
    let mut found = false;
    while let Some((start, end)) = MARKS.iter().find(|(start, _)| rest.starts_with(start)) {
        let Some(at) = rest.find(end).filter(|at| *at >= start.len()) else {
            return false;
        };
        found = true;
        rest = rest[at + end.len()..].trim_start_matches(|c: char| {
            !c.is_alphanumeric() && !MARKS.iter().any(|(start, _)| start.starts_with(c))
        });
    }
    found && rest.is_empty()
}

fn is_uri(text: &str) -> bool {
    let bare = text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}"));
    let bare = bare.unwrap_or(text).trim();
    SCHEMES
        .iter()
        .any(|scheme| bare.len() > scheme.len() && bare.starts_with(scheme))
        && !bare.contains(char::is_whitespace)
}

/// Words that people put where a value belongs, without signs and in small letters.
const WORDS: [&str; 16] = [
    "changeme",
    "changeit",
    "changethis",
    "replaceme",
    "replacethis",
    "fillme",
    "fillmein",
    "fillin",
    "insertme",
    "inserthere",
    "placeholder",
    "redacted",
    "removed",
    "todo",
    "fixme",
    "tbd",
];

/// Returns whether a value is there to be replaced: `<token>`, `CHANGE_ME`, `your-api-key-here`, `xxxx`, `***`.
fn is_placeholder(text: &str) -> bool {
    let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix('>'));
    if inner.is_some_and(|inner| !inner.is_empty() && !inner.contains(['<', '>', '\n'])) {
        return true;
    }
    let word: String = text
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect::<String>()
        .to_lowercase();
    let repeated = text.len() >= 3
        && ["*", ".", "x", "X", "…"]
            .iter()
            .any(|c| text.replace(c, "").is_empty());
    let yours = word.starts_with("your")
        && ["here", "key", "token", "password", "secret"]
            .iter()
            .any(|end| word.ends_with(end))
        && word.bytes().all(|b| b.is_ascii_lowercase());
    let asks = |start: &str| word.starts_with(start) && word.bytes().all(|b| b.is_ascii_lowercase());
    repeated || yours || WORDS.contains(&word.as_str()) || asks("changeme") || asks("replacewith")
}

/// The labels of PEM blocks that everybody may see.
const PUBLIC_PEM: [&str; 8] = [
    "CERTIFICATE",
    "TRUSTED CERTIFICATE",
    "X509 CERTIFICATE",
    "X509 CRL",
    "CERTIFICATE REQUEST",
    "PUBLIC KEY",
    "RSA PUBLIC KEY",
    "PGP PUBLIC KEY BLOCK",
];

/// Kinds of SSH keys, as a public key begins.
const SSH: [&str; 4] = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-sha2-"];

/// Returns whether a value is public: recipients of age, public keys of SSH and lists of hosts with theirs, certificates,
/// and public keys in PEM, such as those of cosign.
fn is_public(text: &str) -> bool {
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .peekable();
    let mut any = false;
    while let Some(line) = lines.next() {
        if line.starts_with('#') {
            continue;
        }
        any = true;
        let label = line
            .strip_prefix("-----BEGIN ")
            .and_then(|rest| rest.strip_suffix("-----"));
        if let Some(label) = label {
            let end = format!("-----END {label}-----");
            if !PUBLIC_PEM.contains(&label) || !lines.by_ref().any(|line| line == end) {
                return false;
            }
        } else if !is_recipients(line) && !is_ssh(line) {
            return false;
        }
    }
    any
}

fn is_recipients(line: &str) -> bool {
    let one = |text: &str| {
        let text = text.trim();
        text.starts_with("age1") && text.len() >= 50 && text.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    line.split(',').all(one)
}

/// A public key, with or without the hosts before it.
fn is_ssh(line: &str) -> bool {
    let mut words = line
        .split_ascii_whitespace()
        .skip_while(|word| !SSH.iter().any(|kind| word.starts_with(kind)));
    let before = line
        .split_ascii_whitespace()
        .position(|word| SSH.iter().any(|kind| word.starts_with(kind)));
    let key = words.nth(1).unwrap_or_default();
    // Every key begins with the length of its kind: three zero bytes.
    before.is_some_and(|before| before <= 2) && key.starts_with("AAAA") && STANDARD.decode(key).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &str =
        "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUZ\n-----END CERTIFICATE-----\n";
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMIIBszCCAVmgAwIBAgIUZ\n-----END PRIVATE KEY-----\n";
    const SSH_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

    #[test]
    fn references_placeholders_and_public_keys_are_no_secrets() {
        let age = format!("age1{}", "q".repeat(58));
        for text in [
            "",
            " ",
            "${SECRET_DOMAIN}",
            "${SECRET_DOMAIN/./-}",
            "${USER}:${PASSWORD}",
            "{{ .token }}",
            "{{ .user }}:{{ .password }}",
            "#{ cloudflare_token }#",
            "op://Kubernetes/cloudflare/token",
            "{{ op://Kubernetes/cloudflare/token }}",
            "ref+vault://kv/a#/b",
            "<path:vault#key>",
            "<your token>",
            "ENC[AES256_GCM,data:x]",
            "CHANGEME",
            "change-me",
            "ChangeMe!",
            "REPLACE_ME",
            "changeme-please",
            "replace with the token",
            "your-api-key-here",
            "YOUR_TOKEN",
            "xxxxxxxx",
            "***",
            "ToDo",
            "[REDACTED]",
            &age,
            &format!("{age},{age}\n"),
            &format!("# me\n{age}\n"),
            SSH_KEY,
            &format!("{SSH_KEY} flux\n{SSH_KEY}\n"),
            &format!("github.com {SSH_KEY}\n# comment\n|1|abc=|def= {SSH_KEY}\n"),
            CERTIFICATE,
            &format!("{CERTIFICATE}{CERTIFICATE}"),
            "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYI\n-----END PUBLIC KEY-----",
        ] {
            assert!(is_no_secret(text), "{text}");
            assert!(is_no_secret_in_base64(&STANDARD.encode(text)), "{text}");
        }
    }

    #[test]
    fn what_only_holds_one_is_a_secret() {
        let bundle = format!("{CERTIFICATE}{PRIVATE}");
        for text in [
            "hunter2",
            "password",
            "${USER}:hunter2",
            "hunter2${USER}",
            "${USER",
            "postgres://${USER}:hunter2@db",
            "op://",
            "see op://a/b",
            "op://a/b hunter2",
            "<a>hunter2<b>",
            "<>",
            "xx",
            "your0p3nsesame-key",
            "changeme123",
            "todolist",
            "age1short",
            "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ",
            "ssh-hunter2",
            "password ssh-ed25519 hunter2",
            "-----BEGIN CERTIFICATE-----\nhunter2",
            "# hunter2",
            PRIVATE,
            &bundle,
        ] {
            assert!(!is_no_secret(text), "{text}");
            assert!(!is_no_secret_in_base64(&STANDARD.encode(text)), "{text}");
        }
    }
}
