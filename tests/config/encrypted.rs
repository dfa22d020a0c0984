//! A `cluster.yaml` that is itself encrypted, and where secrets go.

use clusterwright::config::{Cluster, Decrypted, Vault, Vocabulary, parse};
use clusterwright::diag::{Diagnostic, Diagnostics, concise};
use clusterwright::sys::{FixedEntropy, SecretText};
use clusterwright::validate::validate;

use super::{TUNNEL_ID, all_beside, no_identity};

const CIPHERTEXT: &str = "ENC[AES256_GCM,data:abcd,iv:abcd,tag:abcd,type:str]";

fn minimal() -> String {
    std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/config/valid/minimal.yaml"
    ))
    .expect("a fixture")
}

/// Returns the minimal configuration as SOPS would leave it.
fn encrypted() -> String {
    let text = minimal().replace("a-secret-that-no-finding-shows", CIPHERTEXT);
    let text = text.replace("nodes:", &format!("cloudflare_tunnel_id: {TUNNEL_ID}\nnodes:"));
    format!("{text}sops:\n  age: []\n  mac: {CIPHERTEXT}\n  version: 3.11.0\n")
}

type Decrypt<'a> = &'a dyn Fn(&str) -> Result<Decrypted, Diagnostic>;

fn run(text: &str, decrypt: Decrypt<'_>) -> (Option<Cluster>, Vault, String) {
    let mut diags = Diagnostics::default();
    let mut vault = Vault::new(&mut FixedEntropy::new(1));
    let cluster = parse(
        &[("cluster.yaml", text.to_owned())],
        &Vocabulary::built_in(),
        decrypt,
        &mut diags,
    )
    .and_then(|document| validate(&document, &all_beside(), &mut vault, &mut diags));
    (cluster.ok(), vault, concise::render(&diags))
}

#[test]
fn a_cluster_holds_tokens_in_place_of_secrets() {
    let (cluster, vault, findings) = run(&minimal(), &no_identity);
    let cluster = cluster.expect("valid");
    assert_eq!(findings, "");
    let entry = vault
        .lookup(cluster.cloudflare.cloudflare_token.token())
        .expect("a token");
    assert_eq!(entry.key, "cloudflare_token");
    let value = entry.value.as_ref().expect("known");
    assert_eq!(value.expose(), "a-secret-that-no-finding-shows");
    assert!(!format!("{cluster:?}{vault:?}").contains("a-secret"));
}

#[test]
fn without_a_private_key_secrets_are_present_but_unknown() {
    let (cluster, vault, findings) = run(&encrypted(), &no_identity);
    assert_eq!(findings, "");
    let cluster = cluster.expect("valid");
    let entry = vault
        .lookup(cluster.cloudflare.cloudflare_token.token())
        .expect("a token");
    assert!(entry.value.is_none());
}

#[test]
fn decrypted_values_are_used() {
    let decrypt = |text: &str| {
        assert_eq!(text, encrypted());
        Ok(Decrypted::Text(SecretText::new(encrypted().replacen(
            CIPHERTEXT,
            "from-sops",
            1,
        ))))
    };
    let (cluster, vault, findings) = run(&encrypted(), &decrypt);
    assert_eq!(findings, "");
    let cluster = cluster.expect("valid");
    let entry = vault
        .lookup(cluster.cloudflare.cloudflare_token.token())
        .expect("a token");
    assert_eq!(entry.value.as_ref().expect("known").expose(), "from-sops");
}

#[test]
fn findings_about_decrypted_values_point_into_the_encrypted_file() {
    let text = encrypted().replace(
        "nodes:\n",
        &format!("monitoring_enabled: true\ngrafana_admin_password: {CIPHERTEXT}\nnodes:\n"),
    );
    let decrypt = |text: &str| {
        let clear = text
            .replacen(CIPHERTEXT, "a-longer-value", 1)
            .replacen(CIPHERTEXT, "hunter2", 1);
        Ok(Decrypted::Text(SecretText::new(clear)))
    };
    let (cluster, _, findings) = run(&text, &decrypt);
    assert!(cluster.is_none() && !findings.contains("hunter2"));
    insta::assert_snapshot!(findings);
}

#[test]
fn encrypted_settings_need_the_private_key() {
    let text = encrypted()
        .replace("10.10.10.0/24", CIPHERTEXT)
        .replace("k8s-1", CIPHERTEXT);
    insta::assert_snapshot!(run(&text, &no_identity).2);
}

#[test]
fn what_decryption_reports_ends_the_run() {
    let decrypt = |_: &str| Err(Diagnostic::error("seal/bad-mac", "the file was changed by hand"));
    let (cluster, _, findings) = run(&encrypted(), &decrypt);
    assert!(cluster.is_none());
    insta::assert_snapshot!(findings);
}

#[test]
fn decrypted_text_that_is_not_yaml_is_not_quoted() {
    let decrypt = |_: &str| Ok(Decrypted::Text(SecretText::new("a: [hunter2".to_owned())));
    insta::assert_snapshot!(run(&encrypted(), &decrypt).2);
}

#[test]
fn a_plain_sops_key_does_not_make_a_file_encrypted() {
    let text = format!("sops: yes\n{}", minimal());
    insta::assert_snapshot!(run(&text, &no_identity).2);
}

#[test]
fn nodes_may_stand_in_a_file_of_their_own() {
    let text = minimal();
    let (cluster, nodes) = text.split_at(text.find("nodes:").expect("nodes"));
    let mut diags = Diagnostics::default();
    let mut vault = Vault::new(&mut FixedEntropy::new(1));
    let nodes = nodes.replace("10.10.10.11", "10.10.11.11");
    let texts = [("cluster.yaml", cluster.to_owned()), ("nodes.yaml", nodes)];
    let document = parse(&texts, &Vocabulary::built_in(), &no_identity, &mut diags).expect("YAML");
    assert!(validate(&document, &all_beside(), &mut vault, &mut diags).is_err());
    insta::assert_snapshot!(concise::render(&diags));
}

#[test]
fn a_key_in_both_files_is_an_error_with_both_places() {
    let mut diags = Diagnostics::default();
    let texts = [
        ("cluster.yaml", minimal()),
        (
            "nodes.yaml",
            "nodes: []\ncluster_api_addr: 10.10.10.9\n".to_owned(),
        ),
    ];
    assert!(parse(&texts, &Vocabulary::built_in(), &no_identity, &mut diags).is_err());
    let findings = diags.sorted();
    assert!(findings.iter().all(|finding| finding.secondary.len() == 1));
    insta::assert_snapshot!(concise::render(&diags));
}
