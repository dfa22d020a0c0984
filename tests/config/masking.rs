//! No finding shows a secret, whatever is wrong with the file.

use clusterwright::config::example::{DemoSecrets, Fill, text};
use clusterwright::config::{mask, schema};
use clusterwright::diag::{concise, human, json};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{Index, select};
use proptest::{prop_assert, prop_assert_eq, proptest};

use super::check;

/// What must never be seen. Lower case and letters only, so that it reads like a name as much as a secret can.
const CANARY: &str = "zqcanaryzq";

/// Ways to write a value that holds the canary.
fn value() -> impl Strategy<Value = String> {
    let around = "[a-zA-Z0-9 :#,\\[\\]{}&*!|>%@=/.é-]{0,6}";
    (around, around, 0..14_u8).prop_map(|(before, after, style)| {
        let line = format!("{before}{CANARY}{after}");
        match style {
            0 | 1 => line,
            2 | 3 => format!("\"{line}\""),
            4 => format!("'{line}'"),
            5 => format!("|\n  {line}\n  second: {line}"),
            6 => format!(">-\n    {line}\n    - {line}"),
            7 => format!("\"{before}\n  {CANARY}: x\n  - {CANARY}\""),
            8 => format!("\n  - {CANARY}\n  - name: {CANARY}"),
            9 => format!("\n- {CANARY}\n- name: {CANARY}"),
            10 => format!("\n  name: {CANARY}\n  address: {CANARY}"),
            11 => format!("{{name: {CANARY}, address: \"{CANARY}\"}}"),
            12 => format!("&anchor {CANARY}\nstorage_class: *anchor\ncluster_name: *anchor"),
            _ => format!("[{CANARY}, {CANARY}]"),
        }
    })
}

/// A secret key, as it should be or with a slip of the finger.
fn key() -> impl Strategy<Value = String> {
    let secrets: Vec<&'static str> = schema::keys().secrets().collect();
    let misspelt = |(key, at, slip): (&'static str, Index, u8)| {
        let at = at.index(key.len());
        match slip {
            0 => key.to_owned(),
            1 => format!("{}{}", &key[..at], &key[at + 1..]),
            2 => format!("{}x{}", &key[..at], &key[at..]),
            3 => key.replacen('_', "-", 1),
            4 => key.to_uppercase(),
            5 => format!("\"{key}\""),
            6 => format!("{key} "),
            7 => format!("? {key}\n"),
            _ => format!("# {key}"),
        }
    };
    (select(secrets), any::<Index>(), 0..9_u8).prop_map(misspelt)
}

/// What goes wrong with the file.
#[derive(Debug, Clone)]
enum Accident {
    None,
    Cut(Index),
    Lost(Index),
    Added(Index, char),
}

fn accident() -> impl Strategy<Value = Accident> {
    prop_oneof![
        Just(Accident::None),
        any::<Index>().prop_map(Accident::Cut),
        any::<Index>().prop_map(Accident::Lost),
        (
            any::<Index>(),
            select(vec![
                '\t', '"', '\'', ':', '#', ' ', '\n', '-', '{', '\r', '|', 'é'
            ])
        )
            .prop_map(|(at, c)| Accident::Added(at, c)),
    ]
}

impl Accident {
    fn happen(&self, text: &str) -> String {
        let places: Vec<usize> = text.char_indices().map(|(i, _)| i).collect();
        match self {
            Self::None => text.to_owned(),
            Self::Cut(at) => text[..places[at.index(places.len())]].to_owned(),
            Self::Lost(at) => {
                let (before, rest) = text.split_at(places[at.index(places.len())]);
                before.to_owned() + &rest.chars().skip(1).collect::<String>()
            }
            Self::Added(at, c) => {
                let (before, rest) = text.split_at(places[at.index(places.len())]);
                format!("{before}{c}{rest}")
            }
        }
    }
}

/// A short configuration without its secrets.
fn base() -> String {
    let demo = text(Fill::Demo(&DemoSecrets {
        cloudflare_token: "gone".to_owned(),
        grafana_admin_password: "gone".to_owned(),
    }));
    let lines = demo.lines().filter(|line| {
        let line = line.trim_start();
        !line.starts_with('#') && !line.is_empty() && !line.contains("gone")
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Puts lines before the line at `at`.
fn planted(base: &str, at: Index, indent: &str, key: &str, value: &str) -> String {
    let mut lines: Vec<String> = base.lines().map(str::to_owned).collect();
    let at = at.index(lines.len() + 1);
    let written = format!("{key}: {value}").replace('\n', &format!("\n{indent}"));
    lines.insert(at, format!("{indent}{written}"));
    lines.join("\n") + "\n"
}

/// Returns everything that is shown about a text.
fn shown(text: &str) -> String {
    let (diags, _) = check(&[("cluster.yaml", text.to_owned())]);
    let findings = serde_json::to_string(&json::findings(&diags)).expect("JSON");
    format!(
        "{}\n{}\n{findings}",
        human::render(&diags),
        concise::render(&diags)
    )
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_secret_is_shown(
        (key, value) in (key(), value()),
        (at, indent) in (any::<Index>(), select(vec!["", "", "", "    "])),
        accident in accident(),
    ) {
        let text = accident.happen(&planted(&base(), at, indent, &key, &value));
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let shown = shown(text);
        prop_assert!(!shown.contains(CANARY), "{text}\n{shown}");
    }

    #[test]
    fn a_masked_text_has_the_same_lines_and_length(text in "[a-z_:#\\-\"'|>{}é😀\\t\\r\\n ]{0,200}") {
        let masked = mask(&text, schema::keys());
        prop_assert_eq!(masked.len(), text.len());
        let breaks = |text: &str| text.match_indices('\n').map(|(i, _)| i).collect::<Vec<_>>();
        prop_assert_eq!(breaks(&masked), breaks(&text));
    }
}

#[test]
fn only_lines_of_known_keys_are_shown() {
    let text = "\
# a comment with an old token: abc
node_cidr: 10.10.10.0/24 # was abc
cloudflare_token: \"äbc\" # abc
cloudflare_tokn: |
  abc
  node_cidr: abc
unifi_host: https://admin:abc@10.10.10.1
storage_class: x, cloudflare_token: abc
cluster_name: local abc_def: abc
talos_version: {token: abc}
node_dns_servers:
  - 1.1.1.1
  - token: abc
oidc_jwks_uri: https://auth.example.com:8443/certs?key=abc
nodes:
  # abc
  - name: k8s-1
    mac_addr: bc:24:11:0a:00:01
    kernel_modules:
      - nbd
    token: abc
    disk: >-
      abc
abc
";
    insta::assert_snapshot!(mask(text, schema::keys()));
}

#[test]
fn below_apps_only_names_and_plain_choices_are_shown() {
    let text = "apps:\n  loki: # canary\n    values:\n      password: canary\n      version: 1.2.3\n    version: 6.49.0\n    \
                enabled: false\n    token: canary\n  monitoring/tempo:\n    version: canary-canary\n    enabled: canary\n  \
                canary: canary\n  echo: {values: canary}\nvars:\n  a: canary\n  - b\nmonitoring_enabled: true\n";
    insta::assert_snapshot!(mask(text, schema::keys()));
}
