//! Secrets never leave memory: every secret of a configuration is unique, and after every command, in every format, with
//! good and with broken input, none of them is in any file, on stdout or on stderr.

use base64::Engine as _;

use crate::support::{DEPLOY_KEY, EVERYTHING, PRIVATE, Repo, Run};

/// Secrets of `everything.yaml` and what stands for them here; then those of lines that are added, and of side files.
const REPLACED: [(&str, &str); 9] = [
    ("test-cloudflare-token", "canary-cloudflare-8f3a1c"),
    ("test-bgp-password", "canary-bgp-77d20e"),
    ("test-grafana-password", "canary-grafana-51b9f4"),
    ("test-s3-access-key", "canary-s3-id-1be07a"),
    ("test-s3-secret-key", "canary-s3-key-c90d55"),
    ("test-proxmox-csi-secret", "canary-csi-4a17f0"),
    ("test-proxmox-ccm-secret", "canary-ccm-e83b26"),
    ("test-onepassword-token", "canary-onepassword-09d4e1"),
    ("test-slack-path", "canary-slack-6c5ff2"),
];
const ADDED: [(&str, &str); 4] = [
    ("unifi_api_key", "canaryunifi0a6c3d"),
    ("alert_pagerduty_routing_key", "canary-pagerduty-20b7aa"),
    (
        "alert_webhook_url",
        "https://alerts.example.com/canary-webhook-b1c6",
    ),
    ("bitwarden_access_token", "canary-bitwarden-7712fe"),
];
/// The secret key that an own app brings.
const OWN: (&str, &str) = ("homepage_token", "canary-own-app-7f21c9");
const PUSH_TOKEN: &str = "c0ffee11c0ffee22c0ffee33c0ffee44";
const TUNNEL_SECRET: &str = "canary-tunnel-5d0e93";
const CLOUDFLARE: &str = REPLACED[0].1;
const GRAFANA: &str = REPLACED[2].1;

/// The secret part of the private key.
fn needles(repo: &Repo) -> Vec<String> {
    let key = repo.read("age.key");
    let key = key
        .lines()
        .find(|line| line.starts_with("AGE-SECRET-KEY-"))
        .expect("a key")
        .to_owned();
    let of_keys = REPLACED.iter().chain(&ADDED).map(|(_, canary)| *canary);
    let mut needles: Vec<String> = of_keys
        .chain([PUSH_TOKEN, TUNNEL_SECRET, OWN.1])
        .map(str::to_owned)
        .collect();
    needles.push(key);
    // The body of the deploy key; its first lines are the same in every key.
    needles.extend(
        DEPLOY_KEY
            .lines()
            .skip(3)
            .filter(|line| line.len() > 30)
            .map(str::to_owned),
    );
    // The token that is computed from the tunnel's credentials.
    let token =
        format!(r#"{{"a":"canary","t":"6ff42ae2-765d-4adf-8112-31c55c1551ef","s":"{TUNNEL_SECRET}"}}"#);
    needles.push(base64::engine::general_purpose::STANDARD.encode(token));
    let encoded: Vec<String> = needles
        .iter()
        .map(|needle| base64::engine::general_purpose::STANDARD_NO_PAD.encode(needle))
        .collect();
    needles.extend(encoded);
    needles
}

fn config() -> String {
    let text = REPLACED.iter().fold(EVERYTHING.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in everything.yaml");
        text.replace(from, to)
    });
    let added: String = ADDED
        .iter()
        .map(|(key, canary)| format!("{key}: {canary}\n"))
        .collect();
    let (key, canary) = OWN;
    format!("unifi_host: https://10.10.10.1\n{added}{key}: {canary}\n{text}")
}

/// A key that is added later must be added here.
#[test]
fn every_secret_key_has_a_canary() {
    let config = config();
    for key in clusterwright::config::schema::keys().secrets() {
        let line = config.lines().find(|line| line.starts_with(&format!("{key}: ")));
        assert!(
            line.is_some_and(|line| line.contains("canary")),
            "{key}: {line:?}"
        );
    }
}

fn repo() -> Repo {
    let repo = Repo::with(&config());
    repo.write(
        "templates/apps/default/homepage/app.yaml",
        "summary: Start page\nschema:\n  homepage_token:\n    type: string\n    description: Token.\n    x-secret: true\n",
    );
    repo.write(
        "templates/apps/default/homepage/app/secret.sops.yaml.tera",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: homepage\nstringData:\n  token: \"#{ homepage_token }#\"\n",
    );
    repo.write("github-push-token.txt", PUSH_TOKEN);
    repo.write(
        "cloudflare-tunnel.json",
        &format!(
            r#"{{"AccountTag":"canary","TunnelSecret":"{TUNNEL_SECRET}","TunnelID":"6ff42ae2-765d-4adf-8112-31c55c1551ef"}}"#
        ),
    );
    repo
}

#[track_caller]
fn silent(what: &str, run: &Run, needles: &[String]) {
    for needle in needles {
        for (stream, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
            assert!(!text.contains(needle), "{what}: {stream} holds a secret");
        }
    }
}

#[track_caller]
fn no_file_holds(what: &str, repo: &Repo, needles: &[String]) {
    let private = ["cluster.yaml"].into_iter().chain(PRIVATE).collect::<Vec<_>>();
    for (name, bytes) in repo
        .files()
        .iter()
        .filter(|(name, _)| !private.contains(&name.as_str()))
    {
        let text = String::from_utf8_lossy(bytes);
        for needle in needles {
            assert!(!text.contains(needle), "{what}: {name} holds a secret");
        }
    }
}

const COMMANDS: &[&[&str]] = &[
    &["validate"],
    &["plan"],
    &["render"],
    &["render", "--list"],
    &["check"],
    &["configure", "--dry-run"],
    &["diff"],
    &["diff", "--worktree"],
    &["configure", "--yes"],
    &["adopt"],
    &["adopt", "--all", "--dry-run"],
    &["undo", "--dry-run"],
    &["undo", "--yes"],
    &["configure", "--yes"],
    &["configure", "--check"],
    &["init", "--yes"],
    &["schema"],
    &["graph"],
    &["graph", "--format", "dot"],
    &["apps"],
    &["apps", "--resources"],
    &["doctor"],
    &["secrets", "status"],
    &["secrets", "scan"],
    &["secrets", "scan", "--staged"],
    &["secrets", "scan", "cluster.yaml", "age.key", "github-deploy.key"],
    &["secrets", "explain", "cluster.yaml"],
    &["secrets", "explain", SEALED],
    &["secrets", "textconv", SEALED],
    &["secrets", "textconv", "cluster.yaml"],
    &["secrets", "diff", SEALED],
    &["secrets", "diff", SEALED, "cluster.yaml"],
    &["secrets", "encrypt", "cluster.yaml"],
    &["secrets", "encrypt", SEALED],
    &["secrets", "rotate", SEALED],
    &["secrets", "updatekeys", "--check"],
    &["secrets", "unset", SEALED, "stringData.none"],
    &["secrets", "merge", SEALED, SEALED, SEALED],
];

/// A file that `configure` seals.
const SEALED: &str = "kubernetes/apps/kube-system/cilium/app/secret.sops.yaml";

#[test]
fn good_input() {
    let repo = repo();
    let needles = needles(&repo);
    repo.git(&["init", "-q"]);
    for format in ["human", "concise", "json"] {
        for command in COMMANDS {
            let args: Vec<&str> = command.iter().copied().chain(["--output", format]).collect();
            let run = repo.run(&args);
            silent(&format!("{args:?}"), &run, &needles);
            no_file_holds(&format!("{args:?}"), &repo, &needles);
        }
        repo.edit("cluster.yaml", "test\n", "test-two\n");
        repo.edit("cluster.yaml", "test-two\n", "test\n");
    }
    let sealed = repo
        .files()
        .keys()
        .filter(|name| name.ends_with(".sops.yaml"))
        .count();
    assert!(sealed >= 14, "{sealed} sealed files were looked at");
    let clear = repo.ok(&[
        "secrets",
        "decrypt",
        "kubernetes/apps/kube-system/cilium/app/secret.sops.yaml",
    ]);
    assert!(
        clear.stdout.contains(REPLACED[1].1),
        "the canaries are really in there"
    );
}

/// The configuration, broken in many ways.
fn broken() -> Vec<(&'static str, String)> {
    let good = config();
    let line = |key: &str| {
        good.lines()
            .find(|line| line.starts_with(key))
            .expect("there")
            .to_owned()
    };
    let (token, grafana) = (line("cloudflare_token"), line("grafana_admin_password"));
    vec![
        (
            "misspelt secret key",
            good.replace("cloudflare_token:", "cloudflare_tokn:"),
        ),
        (
            "misspelt secret key of an own app",
            good.replace("homepage_token:", "homepage_tokn:"),
        ),
        (
            "secret in vars",
            format!("vars: {{a: \"x {CLOUDFLARE}\"}}\n{good}"),
        ),
        (
            "secret in the values of an app",
            format!("apps: {{echo: {{values: {{a: [{CLOUDFLARE}]}}}}}}\n{good}"),
        ),
        (
            "secret as a name",
            good.replace(&line("cluster_name"), &format!("cluster_name: {CLOUDFLARE}")),
        ),
        (
            "recipients who are strangers",
            format!(
                "age_recipients: [age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p]\n{good}"
            ),
        ),
        ("no colon", good.replace(&token, &token.replace(": ", " "))),
        (
            "no blank after the colon",
            good.replace(&token, &token.replace(": ", ":")),
        ),
        (
            "unclosed quote",
            good.replace(&token, &token.replace(": ", ": \"")),
        ),
        (
            "unclosed single quote",
            good.replace(&grafana, &grafana.replace(": ", ": '")),
        ),
        ("tab", good.replace(&token, &format!("\t{token}"))),
        ("list", good.replace(&token, &token.replace(": ", ": [").clone())),
        (
            "list closed",
            good.replace(&token, &format!("{}]", token.replace(": ", ": ["))),
        ),
        (
            "mapping",
            good.replace(&token, &format!("{}}}", token.replace(": ", ": {x: "))),
        ),
        ("too short", good.replace(GRAFANA, "canary1")),
        ("duplicate key", format!("{good}\n{token}\n")),
        ("indented", good.replace(&token, &format!("  {token}"))),
        (
            "block",
            good.replace(
                &token,
                &format!("cloudflare_token: |\n  {CLOUDFLARE}\n  {CLOUDFLARE}"),
            ),
        ),
        (
            "block unindented",
            good.replace(&token, &format!("cloudflare_token: |\n{CLOUDFLARE}")),
        ),
        (
            "secret as a key",
            good.replace(&token, &format!("{CLOUDFLARE}: x")),
        ),
        (
            "secret in a list of addresses",
            format!("node_dns_servers: [{CLOUDFLARE}]\n{good}"),
        ),
        ("anchor", good.replace(&token, &token.replace(": ", ": &a "))),
        ("alias", good.replace(&token, &token.replace(": ", ": *"))),
        ("tag", good.replace(&token, &token.replace(": ", ": !!int "))),
        (
            "one line",
            format!("{{{}}}", good.lines().take(12).collect::<Vec<_>>().join(", ")),
        ),
        ("directive", format!("%{token}\n---\n{good}")),
        ("comment", format!("# {token}\nbogus: 1\n{good}")),
    ]
}

#[test]
fn broken_input() {
    for (what, text) in &broken() {
        let repo = repo();
        let mut needles = needles(&repo);
        if *what == "too short" {
            needles.push("canary1".to_owned());
        }
        if *what == "secret in a list of addresses" || *what == "secret as a key" {
            // Here the person wrote the text where no secret belongs; it is quoted as any wrong value.
            needles.retain(|needle| needle != CLOUDFLARE);
        }
        repo.write("cluster.yaml", text);
        for format in ["human", "concise", "json"] {
            for command in [
                &["validate"][..],
                &["configure", "--yes"],
                &["diff", "--worktree"],
                &["plan"],
                &["render"],
                &["secrets", "status", "cluster.yaml"],
                &["secrets", "encrypt", "cluster.yaml"],
            ] {
                let args: Vec<&str> = command.iter().copied().chain(["--output", format]).collect();
                let run = repo.run(&args);
                silent(&format!("{what}: {args:?}"), &run, &needles);
                no_file_holds(what, &repo, &needles);
            }
        }
    }
}

#[test]
fn every_change_of_recipients() {
    use sops::{generate_identity, generate_post_quantum_identity};

    use super::recipients::{OWN_KEY_FILE, closed, opens};
    use crate::support::RECIPIENT;
    let (bob, bobs) = generate_identity();
    let (carol, carols) = generate_post_quantum_identity();
    let (eve, _) = generate_identity();
    let repo = repo();
    repo.write(".gitignore", crate::support::GITIGNORE);
    repo.git(&["init", "-q"]);
    let mut needles = needles(&repo);
    needles.extend([&bob, &carol].map(|key| key.expose().to_owned()));
    let own = repo.read("age.key");
    // Added, swapped, two of them, gone, by the default.
    let states: [&[&str]; 6] = [
        &[RECIPIENT],
        &[RECIPIENT, &bobs],
        &[RECIPIENT, &carols],
        &[&bobs, RECIPIENT, &carols],
        &[RECIPIENT],
        &[],
    ];
    for recipients in states {
        let line = if recipients.is_empty() {
            String::new()
        } else {
            format!("age_recipients: [{}]\n", recipients.join(", "))
        };
        repo.write("cluster.yaml", &format!("{line}{}", config()));
        let run = repo.ok(&["configure", "--yes"]);
        silent("a change of recipients", &run, &needles);
        no_file_holds("a change of recipients", &repo, &needles);
        assert_eq!(closed(&repo, &own), [""; 0], "the own key opens everything");
        assert_eq!(opens(&repo, eve.expose()), [""; 0], "a stranger opens nothing");
        for (key, public) in [(&bob, &bobs), (&carol, &carols)] {
            if recipients.contains(&public.as_str()) {
                assert_eq!(closed(&repo, key.expose()), [OWN_KEY_FILE]);
            } else {
                assert_eq!(opens(&repo, key.expose()), [""; 0]);
            }
        }
        repo.ok(&["secrets", "status", "bootstrap", "kubernetes"]);
        repo.ok(&["secrets", "updatekeys", "--check"]);
        repo.ok(&["configure", "--check"]);
        repo.git(&["add", "-A"]);
        repo.git(&["commit", "-qm", "x", "--allow-empty"]);
    }
}

#[test]
fn broken_key_files() {
    let key = Repo::with("").read("age.key");
    for text in [
        key.to_lowercase(),
        key.replace('1', "2"),
        format!("  {key}"),
        key.trim_end()[..key.trim_end().len() - 4].to_owned(),
        format!("{key}garbage-{CLOUDFLARE}"),
    ] {
        let repo = repo();
        let mut needles = needles(&repo);
        repo.write("age.key", &text);
        let secret = text.lines().last().unwrap_or_default().trim();
        needles.push(secret[secret.len().saturating_sub(30)..].to_owned());
        for format in ["human", "json"] {
            let run = repo.run(&["configure", "--yes", "--output", format]);
            silent("a broken key file", &run, &needles);
            no_file_holds("a broken key file", &repo, &needles);
        }
    }
}
