//! Secrets in clear text: what a hook looks for before a commit. No finding ever holds a value.

use std::borrow::Cow;
use std::ops::Range;

use sops::{Format, SopsError};

use super::template::Templates;
use crate::config;
use crate::config::schema::Keys;
use crate::diag::{Diagnostic, Diagnostics, argument};
use crate::known::{Known, hidden};
use crate::model::{is_no_secret, is_no_secret_in_base64};
use crate::world::secrecy::{SecretValue, claims_sops, is_sops_name, secret_values};

/// Largest file that is looked through, in bytes: larger ones are no configuration. Whoever reads files tells how many were
/// left out.
pub const MAX_BYTES: u64 = 5 << 20;

/// Something that should not be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// Stable name, `secrets/…`.
    pub code: &'static str,
    /// What it is, in words; holds no value.
    pub what: String,
    /// Where, in bytes.
    pub span: Range<usize>,
    /// What to do; `FILE` stands for the file.
    pub help: &'static str,
}

/// Looks through one file. `path` is relative to the repository.
pub fn scan(path: &str, bytes: &[u8], known: &Known, templates: &Templates) -> Vec<Leak> {
    let mut found = Vec::new();
    for (key, span) in known.find(bytes) {
        found.push(Leak {
            code: "secrets/known-value",
            what: format!("the value of the secret `{key}` stands here"),
            span,
            help: "reference the secret instead, or put it into an encrypted file",
        });
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let named = is_sops_name(path);
    let readable = readable(bytes);
    let text = readable.as_ref();
    keys(text, &mut found);
    if named && matches!(readable, Cow::Owned(_)) {
        found.push(not_encrypted("", UNLIKE_ITS_NAME));
        return found;
    }
    let made = Templates::made(name);
    let format = Format::of_text(made.unwrap_or(name), text);
    let manifests = matches!(format, Format::Yaml | Format::Json) && !name.starts_with(".sops.");
    if claims_sops(text) || named && made.is_none() {
        sops_file(format, text, named, &mut found);
    } else if made.is_some() && manifests {
        // It is encrypted when it is rendered; what it prints is not in it.
        let (text, printed) = templates.blanked(text);
        kubernetes(&text, Printed(&printed), &mut found);
    } else if manifests {
        kubernetes(text, Printed(&[]), &mut found);
    }
    found.sort_by_key(|one| one.span.start);
    found.dedup_by(|a, b| a.span == b.span);
    found
}

/// Looks through the comments of a configuration file for values of secret keys.
pub fn commented(bytes: &[u8], keys: &Keys) -> Vec<Leak> {
    let found = config::commented_secrets(&readable(bytes), keys).into_iter();
    found
        .map(|(key, span)| Leak {
            code: "secrets/known-value",
            what: format!("a value of the secret `{key}` stands in a comment"),
            span,
            help: "take the comment out; a value that was pushed is everybody's: change it where it counts",
        })
        .collect()
}

/// Returns a text with a byte for each byte, so that places hold: what is no UTF-8 as its ASCII. What is looked for is ASCII
/// but for values, which are looked for in the bytes.
fn readable(bytes: &[u8]) -> Cow<'_, str> {
    let ascii = |byte: &u8| if byte.is_ascii() { char::from(*byte) } else { '?' };
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().map(ascii).collect(), Cow::Borrowed)
}

/// Private keys of age, and those in PEM.
fn keys(text: &str, found: &mut Vec<Leak>) {
    let mut done = 0;
    for (at, _) in text.match_indices("AGE-SECRET-KEY-") {
        // Part of the word that was looked at.
        if at < done {
            continue;
        }
        let length = text[at..].find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let end = length.map_or(text.len(), |length| at + length);
        done = end;
        // A real one has 74 characters; documentation abbreviates.
        if end - at >= 60 && text[at..end].contains("KEY-1") | text[at..end].contains("KEY-PQ-1") {
            found.push(Leak {
                code: "secrets/age-identity",
                what: "a private age key".to_owned(),
                span: at..end,
                help: "keep it out of git; if it was pushed, make a new key and rotate every file",
            });
        }
    }
    let mut done = 0;
    for (at, _) in text.match_indices("-----BEGIN ") {
        // The first of a line stands for the others.
        if at < done {
            continue;
        }
        let line = text[at..].lines().next().unwrap_or_default();
        done = at + line.len();
        let body = text[at..].lines().nth(1).map(str::trim).unwrap_or_default();
        let looks_real = body.len() >= 16 && body.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if line.contains("PRIVATE KEY")
            && line.trim_end().ends_with("-----")
            && (looks_real || line.contains("\\n"))
        {
            found.push(Leak {
                code: "secrets/private-key",
                what: "a private key".to_owned(),
                span: at..at + line.trim_end().len(),
                help: "keep it out of git, or put it into an encrypted file; if it was pushed, replace it",
            });
        }
    }
}

const UNLIKE_ITS_NAME: &str = "the name says that SOPS encrypts it, and it is not encrypted";

fn not_encrypted(text: &str, what: &str) -> Leak {
    Leak {
        code: "secrets/not-encrypted",
        what: what.to_owned(),
        span: 0..text.lines().next().unwrap_or_default().len(),
        help: "encrypt it: `clusterwright secrets encrypt -i FILE`",
    }
}

/// A file that should be encrypted, or says that it is.
fn sops_file(format: Format, text: &str, named: bool, found: &mut Vec<Leak>) {
    match format.status(text) {
        // There is nothing to hide.
        Err(_) if text.trim().is_empty() => {}
        Ok(status) => {
            for (path, span) in status.unsealed {
                found.push(Leak {
                    code: "secrets/plain-value",
                    what: format!("`{path}` should be encrypted and is not"),
                    span,
                    help: "encrypt it where it stands: `clusterwright secrets encrypt -i FILE`",
                });
            }
            for span in status.without_block {
                found.push(Leak {
                    code: "secrets/no-block",
                    what: "a document without a `sops` block in an encrypted file".to_owned(),
                    span,
                    help: "put it into a file of its own and encrypt that",
                });
            }
            if status.sealed == 0 {
                let what = "nothing in it is encrypted: its selector matches no value";
                found.push(not_encrypted(text, what));
            }
        }
        Err(SopsError::NotEncrypted) if named => found.push(not_encrypted(text, UNLIKE_ITS_NAME)),
        Err(SopsError::NotEncrypted) => kubernetes(text, Printed(&[]), found),
        Err(error) => found.push(Leak {
            code: "secrets/broken",
            what: error.to_string(),
            span: error.span().unwrap_or(0..0),
            help: error.help(),
        }),
    }
}

/// Kubernetes Secrets with data in clear, but for values that tell nothing and those that a template prints.
fn kubernetes(text: &str, printed: Printed<'_>, found: &mut Vec<Leak>) {
    // An escape can spell the words; else they stand there.
    if !["data", "Data", "\\"].iter().any(|word| text.contains(word)) {
        return;
    }
    let values = secret_values(text);
    found.extend(values.into_iter().filter_map(|value| in_clear(value, printed)));
}

/// Where a template prints, in order.
#[derive(Clone, Copy)]
struct Printed<'t>(&'t [Range<usize>]);

impl Printed<'_> {
    /// Returns whether a part of a place is printed.
    fn touches(self, span: &Range<usize>) -> bool {
        let next = self.0.partition_point(|range| range.end <= span.start);
        self.0.get(next).is_some_and(|range| range.start < span.end)
    }
}

/// Looks at one value of a Secret.
fn in_clear(found: SecretValue, printed: Printed<'_>) -> Option<Leak> {
    let SecretValue {
        section,
        key,
        value,
        span,
    } = found;
    let harmless = match section {
        "data" => is_no_secret_in_base64(&value),
        _ => is_no_secret(&value),
    };
    (!harmless && !printed.touches(&span)).then(|| Leak {
        code: "secrets/plain-secret",
        what: format!("`{section}.{key}` of a Secret in clear text"),
        span,
        help: "encrypt the file: `clusterwright secrets encrypt -i FILE`",
    })
}

/// Reports what was found in a file, with its lines masked.
pub fn report(name: &str, bytes: &[u8], found: Vec<Leak>, diags: &mut Diagnostics) {
    if found.is_empty() {
        return;
    }
    let shown = hidden(&readable(bytes), found.iter().map(|one| one.span.clone()));
    let source = diags.sources.add(name, shown);
    for one in found {
        let help = one.help.replace("FILE", &argument(name));
        let finding = Diagnostic::error(one.code, one.what).help(help);
        diags.push(finding.at(source.span(one.span), ""));
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn codes(path: &str, text: &str) -> Vec<&'static str> {
        let known = Known::new([("cloudflare_token".to_owned(), "canary-value-1")]);
        scan(path, text.as_bytes(), &known, &Templates::default())
            .iter()
            .map(|one| one.code)
            .collect()
    }

    #[test]
    fn secrets_in_clear_are_found() {
        let identity = format!("AGE-SECRET-KEY-1{}", "Q".repeat(58));
        for (path, text, code) in [
            (
                "a.yaml",
                "kind: Secret\nstringData:\n  a: b\n",
                "secrets/plain-secret",
            ),
            (
                "a.yaml",
                "x: 1\n---\nkind: Secret\ndata: {a: Yg==}\n",
                "secrets/plain-secret",
            ),
            (
                "a.yaml",
                "kind: List\nitems:\n  - kind: Secret\n    data: {a: Yg==}\n",
                "secrets/plain-secret",
            ),
            (
                "a.json",
                "{\"kind\": \"Secret\", \"data\": {\"a\": \"Yg==\"}}",
                "secrets/plain-secret",
            ),
            (
                "a.yaml",
                "kind: Secret\nstringData:\n  a: hunter2\n---\na: [\n",
                "secrets/plain-secret",
            ),
            (
                "a.yaml",
                "kind: Secret\nstringData:\n<<<<<<< HEAD\n  a: hunter2\n=======\n>>>>>>> x\n",
                "secrets/plain-secret",
            ),
            (
                "a.yaml",
                "kind: Secret\nstringData:\n  a: {{ .Values.a }}\n  b: hunter2\n",
                "secrets/plain-secret",
            ),
            (
                "a.yaml",
                "kind: \"Secr\\x65t\"\nstringData: {a: hunter2}\n",
                "secrets/plain-secret",
            ),
            (
                "a.yaml",
                "x: &k Secret\nkind: *k\nstringData: {a: hunter2}\n",
                "secrets/plain-secret",
            ),
            (
                "a.yaml",
                "<<: {kind: Secret}\nstringData: {a: hunter2}\n",
                "secrets/plain-secret",
            ),
            ("a.sops.yaml", "a: 1\n", "secrets/not-encrypted"),
            ("a.sops.env", "A=1\n", "secrets/not-encrypted"),
            ("a.sops.ini", "[a]\nb=1\n", "secrets/not-encrypted"),
            ("a.sops.json", "{\"a\": 1}\n", "secrets/not-encrypted"),
            ("a.sops.txt", "a: 1\n", "secrets/not-encrypted"),
            (
                "a.sops.yaml.tera",
                "kind: Secret\nstringData:\n  a: #{ b }#\n  c: hunter2\n",
                "secrets/plain-secret",
            ),
            (
                "a.yaml.j2",
                "#% if x %#\nkind: Secret\ndata:\n  a: aHVudGVyMg==\n#% endif %#\n",
                "secrets/plain-secret",
            ),
            ("x", &identity, "secrets/age-identity"),
            (
                "x",
                "k: |\n  -----BEGIN OPENSSH PRIVATE KEY-----\n  b3BlbnNzaC1rZXktdjEAAAAA\n",
                "secrets/private-key",
            ),
            ("x", "token: canary-value-1", "secrets/known-value"),
            (
                "x",
                &STANDARD.encode("x: canary-value-1 y"),
                "secrets/known-value",
            ),
        ] {
            assert_eq!(codes(path, text), [code], "{path}: {text}");
        }
    }

    #[test]
    fn a_secret_is_found_wherever_it_stands_and_in_what_is_no_yaml() {
        for text in [
            "kind: \"Secret\"\nstringData:\n  a: hunter2\nb: [\n",
            "kind: Secret # x\nstringData:\n  a: |\n    hunter2\nb: [\n",
            "kind: List\nitems:\n- kind: Secret\n  stringData:\n    a: hunter2\nb: [\n",
            "x: &x {kind: Secret, stringData: {a: hunter2}}\n<<: *x\n",
        ] {
            assert_eq!(codes("a.yaml", text), ["secrets/plain-secret"], "{text}");
        }
    }

    #[test]
    fn a_large_file_takes_no_longer_for_being_odd() {
        let start = std::time::Instant::now();
        let printing = "  k: #{ a }#\n".repeat(40_000);
        for (path, text) in [
            ("x", "AGE-SECRET-KEY-".repeat(60_000)),
            ("x", "-----BEGIN ".repeat(60_000)),
            (
                "x.yaml.tera",
                format!("kind: Secret\nstringData:\n{printing}---\na: [\n"),
            ),
            (
                "x.yaml.j2",
                format!("kind: Secret\nstringData:\n{}", "{{".repeat(60_000)),
            ),
        ] {
            codes(path, &text);
        }
        // It took minutes.
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    }

    #[test]
    fn what_only_looks_like_a_secret_is_left_alone() {
        for (path, text) in [
            (
                "a.yaml",
                "kind: Secret\nstringData:\n  a: ${SECRET_DOMAIN}\n  b: \"\"\n",
            ),
            ("a.yaml", "kind: ConfigMap\ndata: {a: b}\n"),
            ("a.yaml", "kind: ExternalSecret\ndata: [{secretKey: a}]\n"),
            ("a.yaml", "kind: Secret\ntype: Opaque\n"),
            (".sops.yaml", "creation_rules: []\n"),
            (
                "README.md",
                "Keep `AGE-SECRET-KEY-1…` safe, and -----BEGIN PRIVATE KEY----- too\n",
            ),
            ("x", "canary-value"),
            ("x.sops.env", "\n"),
            ("x.env", "A=1\n"),
            (
                "a.yaml",
                "kind: Secret\nstringData:\n  a: {{ .Values.a }}\n  b: \"{{ .Values.b }}\"\n",
            ),
            ("a.yaml", "kind: ConfigMap\ndata:\n  a: b\n---\na: [\n"),
            (
                "a.yaml",
                "kind: Secret\nstringData:\n  a: |\n    {{ .Values.a }}\n  b: CHANGEME # x\n",
            ),
            // Of a template, what it prints is not in it.
            (
                "x.sops.yaml.tera",
                "kind: Secret\nstringData:\n  token: \"#{ cloudflare_token }#\"\n  b: #{ c }#\n",
            ),
            (
                "x.sops.yaml.j2",
                "#% if a %#\nkind: Secret\nstringData:\n  token: #{ cloudflare_token }#\n#% endif %#\n",
            ),
            (
                "x.yaml.j2",
                "kind: Secret\nstringData:\n  url: https://{{ a }}:{{ b }}@c\n",
            ),
            ("talsecret.sops.yaml.j2", "secrets: #{ talsecret }#\n"),
            // Nor is what stands in for a secret one, or what everybody may see.
            (
                "a.yaml",
                "kind: Secret\nstringData:\n  a: op://vault/item/field\n  b: <token>\n  c: CHANGEME\n",
            ),
            ("a.yaml", "kind: Secret\ndata:\n  a: Q0hBTkdFTUU=\n"),
            (
                "a.yaml",
                "kind: Secret\nstringData:\n  cosign.pub: |\n    -----BEGIN PUBLIC KEY-----\n    MFkwEwYHKoZIzj0CAQYI\n    -----END PUBLIC KEY-----\n",
            ),
        ] {
            assert_eq!(codes(path, text), [""; 0], "{path}: {text}");
        }
    }

    #[test]
    fn an_encrypted_file_is_known_by_what_is_in_it() {
        let (_, public) = sops::generate_identity();
        let recipient = sops::Recipient::new(&public).unwrap();
        let rule = sops::EncryptionRule::secrets(vec![recipient]);
        let plain = "kind: Secret\nstringData:\n  a: hunter2\n";
        let mut entropy = crate::sys::FixedEntropy::new(1);
        let enc = sops::encrypt(plain, &rule, &mut entropy).unwrap();
        for path in [
            "a.enc.yaml",
            "a.yaml",
            "a.sops.yaml",
            "a.enc",
            "a",
            "a.yaml.tera",
            "a.yaml.j2",
        ] {
            assert_eq!(codes(path, &enc), [""; 0], "{path}");
        }
        let opened = enc.replace("  a: ENC", "  b: hunter2\n  a: ENC");
        for path in ["a.enc.yaml", "a.yaml", "a.sops.yaml"] {
            assert_eq!(codes(path, &opened), ["secrets/plain-value"], "{path}");
        }
    }

    #[test]
    fn what_is_shown_holds_no_value() {
        let templates = Templates::default();
        let text = "kind: Secret\nstringData:\n  pass: canary-two\n";
        let spans = scan("x.yaml", text.as_bytes(), &Known::default(), &templates)
            .into_iter()
            .map(|one| one.span);
        assert!(hidden(text, spans).contains("  pass: **********\n"));
    }
}
