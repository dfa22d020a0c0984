//! The files beside `cluster.yaml`: what they must hold, and where it goes.

use crate::support::{DEPLOY_KEY, MINIMAL, Repo};

const TOKEN: &str = "kubernetes/apps/network/cloudflare-tunnel/app/secret.sops.yaml";

#[test]
fn the_tunnel_becomes_a_token_and_a_record() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    let clear = repo.ok(&["secrets", "decrypt", TOKEN]).stdout;
    // base64 of {"a":"0af1…","t":"6ff4…","s":"dGVz…"}
    assert!(clear.contains("TUNNEL_TOKEN: eyJhIjoiMGFmMWIyYz"), "{clear}");
    let record = repo.read("kubernetes/apps/network/cloudflare-tunnel/app/dnsendpoint.yaml");
    assert!(
        record.contains("\"6ff42ae2-765d-4adf-8112-31c55c1551ef.cfargotunnel.com\""),
        "{record}"
    );
}

#[test]
fn a_tunnel_file_that_is_wrong_is_explained() {
    let good = r#"{"AccountTag":"a","TunnelSecret":"canary-tunnel","TunnelID":"6ff42ae2-765d-4adf-8112-31c55c1551ef"}"#;
    let cases = [
        (None, "is missing"),
        (Some("canary-tunnel".to_owned()), "is not a JSON object"),
        (
            Some(good.replace("TunnelSecret", "Secret")),
            "has no field `TunnelSecret`",
        ),
        (Some(good.replace("6ff42ae2-", "")), "is not a UUID"),
    ];
    for (text, expected) in cases {
        let repo = Repo::with(MINIMAL);
        match text {
            Some(text) => repo.write("cloudflare-tunnel.json", &text),
            None => std::fs::remove_file(repo.path("cloudflare-tunnel.json")).expect("removed"),
        }
        let run = repo.fails(&["configure"]);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
        assert!(
            run.stderr
                .contains("cloudflared tunnel create --credentials-file"),
            "{}",
            run.stderr
        );
        assert!(!run.stderr.contains("canary"), "{}", run.stderr);
    }
}

#[test]
fn a_private_repository_gets_its_deploy_key_and_a_public_one_does_not_need_it() {
    let sealed = "bootstrap/github-deploy-key.sops.yaml";
    let repo = Repo::with(MINIMAL);
    std::fs::remove_file(repo.path("github-deploy.key")).expect("removed");
    let run = repo.ok(&["configure", "--yes"]);
    assert!(!run.stderr.contains("deploy"), "{}", run.stderr);
    assert!(!repo.path(sealed).exists());
    repo.write(
        "cluster.yaml",
        &format!("repository_visibility: private\n{MINIMAL}"),
    );
    let run = repo.fails(&["configure"]);
    assert!(run.stderr.contains("config/missing-deploy-key"), "{}", run.stderr);
    repo.ok(&["init", "--yes"]);
    repo.ok(&["configure", "--yes"]);
    repo.write("github-deploy.key", DEPLOY_KEY);
    repo.ok(&["configure", "--yes"]);
    let clear = repo.ok(&["secrets", "decrypt", sealed]).stdout;
    let first = DEPLOY_KEY.lines().nth(1).expect("a body");
    assert!(clear.contains(first), "the key is in there");
}

#[test]
fn a_key_with_a_passphrase_is_refused() {
    let repo = Repo::with(&format!("repository_visibility: private\n{MINIMAL}"));
    repo.write("github-deploy.key", include_str!("../support/passphrase.key"));
    let run = repo.fails(&["configure"]);
    assert!(run.stderr.contains("wants a passphrase"), "{}", run.stderr);
}

#[test]
fn init_makes_no_new_deploy_key_where_one_is_sealed() {
    let repo = Repo::with(&format!("repository_visibility: private\n{MINIMAL}"));
    repo.ok(&["configure", "--yes"]);
    std::fs::remove_file(repo.path("github-deploy.key")).expect("removed");
    repo.ok(&["init", "--yes"]);
    assert!(!repo.path("github-deploy.key").exists());
}
