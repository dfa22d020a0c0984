//! The example file: complete, and valid in all its forms.

use clusterwright::config::example::{DemoSecrets, Fill, WIDTH, text};
use clusterwright::config::schema;

use super::check;

fn secrets() -> DemoSecrets {
    DemoSecrets {
        cloudflare_token: "demo-token-0123456789".to_owned(),
        grafana_admin_password: "demo-password".to_owned(),
    }
}

/// Returns the codes and messages of all findings, in order.
fn findings(text: &str) -> Vec<(&'static str, String)> {
    let (diags, _) = check(&[("cluster.yaml", text.to_owned())]);
    let sorted = diags.sorted().into_iter();
    sorted
        .map(|finding| (finding.code, finding.message.clone()))
        .collect()
}

/// Returns the key of a line that is a commented-out one.
fn commented_key(line: &str) -> Option<&str> {
    let (key, _) = line.trim_start().strip_prefix('#')?.split_once(':')?;
    (!key.is_empty()
        && key
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'))
    .then_some(key)
}

fn uncommented(text: &str, wanted: impl Fn(&str) -> bool) -> String {
    let line = |line: &str| match commented_key(line) {
        Some(key) if wanted(key) => line.replacen('#', "", 1) + "\n",
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[test]
fn mentions_every_key_once() {
    let text = text(Fill::Placeholders);
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.trim_start_matches([' ', '#', '-']))
        .collect();
    for key in schema::keys().top().chain(schema::keys().node()) {
        let count = lines
            .iter()
            .filter(|line| line.starts_with(&format!("{key}:")))
            .count();
        assert_eq!(count, 1, "{key}");
    }
}

#[test]
fn comments_wrap() {
    let long: Vec<String> = text(Fill::Placeholders)
        .lines()
        .filter(|line| line.chars().count() > WIDTH && commented_key(line).is_none())
        .map(str::to_owned)
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn a_demo_has_no_findings() {
    assert_eq!(findings(&text(Fill::Demo(&secrets()))), []);
}

#[test]
fn placeholders_are_the_only_findings_of_a_new_file() {
    let text = text(Fill::Placeholders);
    let expected = text
        .lines()
        .filter(|line| line.contains(": <") && commented_key(line).is_none())
        .count();
    assert_eq!(
        findings(&text),
        [(
            "config/placeholder",
            format!("{expected} values are still placeholders")
        )]
    );
}

#[test]
fn each_optional_key_is_valid_when_uncommented() {
    let demo = text(Fill::Demo(&secrets()));
    for key in demo.lines().filter_map(commented_key) {
        // A rule may ask for the keys that go with it; the value itself must be fine.
        let wrong: Vec<_> = findings(&uncommented(&demo, |k| k == key))
            .into_iter()
            .filter(|(code, _)| !code.contains("incomplete") && !code.contains("unused"))
            .filter(|(code, _)| key != "cilium_lb_pool_cidr" || !code.contains("outside-network"))
            .filter(|(code, _)| *code != "config/placeholder" || !schema::keys().secrets().any(|k| k == key))
            .collect();
        assert_eq!(wrong, [], "{key}");
    }
}

#[test]
fn all_optional_keys_together_are_valid() {
    let demo = text(Fill::Demo(&secrets()));
    let text = uncommented(&demo, |key| key != "cilium_lb_pool_cidr");
    let text = schema::keys().secrets().fold(text, |text, key| {
        let property = schema::at(&format!("/{key}")).expect("known");
        let placeholder = property["x-placeholder"].as_str().expect("a text");
        let is_url = property["format"]
            .as_str()
            .is_some_and(|format| format.contains("url"));
        text.replace(placeholder, if is_url { "https://example.com/x" } else { "demo" })
    });
    assert_eq!(findings(&text), []);
}
