//! Secrets never leave memory: every secret of a configuration is unique, and after every command, in every format, with
//! good and with broken input, none of them is in any file, on stdout or on stderr.

use base64::Engine as _;

use crate::support::{EVERYTHING, PRIVATE, Repo, Run};

const CANARIES: [&str; 5] = [
    "canary-cloudflare-8f3a1c",
    "canary-bgp-77d20e",
    "canary-grafana-51b9f4",
    "canaryunifi0a6c3d",
    "c0ffee11c0ffee22c0ffee33c0ffee44",
];

/// The secret part of the private key.
fn needles(repo: &Repo) -> Vec<String> {
    let key = repo.read("age.key");
    let key = key
        .lines()
        .find(|line| line.starts_with("AGE-SECRET-KEY-"))
        .expect("a key")
        .to_owned();
    let mut needles: Vec<String> = CANARIES.iter().map(|canary| (*canary).to_owned()).collect();
    needles.push(key);
    let encoded: Vec<String> = needles
        .iter()
        .map(|needle| base64::engine::general_purpose::STANDARD_NO_PAD.encode(needle))
        .collect();
    needles.extend(encoded);
    needles
}

fn config() -> String {
    format!(
        "unifi_host: https://10.10.10.1\nunifi_api_key: {}\n{}",
        CANARIES[3],
        EVERYTHING
            .replace("test-cloudflare-token", CANARIES[0])
            .replace("test-bgp-password", CANARIES[1])
            .replace("test-grafana-password", CANARIES[2])
    )
}

fn repo() -> Repo {
    let repo = Repo::with(&config());
    repo.write("github-push-token.txt", CANARIES[4]);
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
    &["configure", "--check"],
    &["init", "--yes"],
    &["schema"],
];

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
    assert!(sealed >= 6, "{sealed} sealed files were looked at");
    let clear = repo.ok(&[
        "secrets",
        "decrypt",
        "kubernetes/apps/kube-system/cilium/app/secret.sops.yaml",
    ]);
    assert!(
        clear.stdout.contains(CANARIES[1]),
        "the canaries are really in there"
    );
}

#[test]
fn broken_input() {
    let good = config();
    let line = |key: &str| {
        good.lines()
            .find(|line| line.starts_with(key))
            .expect("there")
            .to_owned()
    };
    let (token, grafana) = (line("cloudflare_token"), line("grafana_admin_password"));
    let broken = [
        (
            "misspelt secret key",
            good.replace("cloudflare_token:", "cloudflare_tokn:"),
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
        ("too short", good.replace(CANARIES[2], "canary1")),
        ("duplicate key", format!("{good}\n{token}\n")),
        ("indented", good.replace(&token, &format!("  {token}"))),
        (
            "block",
            good.replace(
                &token,
                &format!("cloudflare_token: |\n  {}\n  {}", CANARIES[0], CANARIES[0]),
            ),
        ),
        (
            "block unindented",
            good.replace(&token, &format!("cloudflare_token: |\n{}", CANARIES[0])),
        ),
        (
            "secret as a key",
            good.replace(&token, &format!("{}: x", CANARIES[0])),
        ),
        (
            "secret in a list of addresses",
            format!("node_dns_servers: [{}]\n{good}", CANARIES[0]),
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
    ];
    for (what, text) in &broken {
        let repo = repo();
        let mut needles = needles(&repo);
        if *what == "too short" {
            needles.push("canary1".to_owned());
        }
        if *what == "secret in a list of addresses" || *what == "secret as a key" {
            // Here the person wrote the text where no secret belongs; it is quoted as any wrong value.
            needles.retain(|needle| needle != CANARIES[0]);
        }
        repo.write("cluster.yaml", text);
        for format in ["human", "concise", "json"] {
            for command in [
                &["validate"][..],
                &["configure", "--yes"],
                &["diff", "--worktree"],
                &["plan"],
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
fn broken_key_files() {
    let key = Repo::with("").read("age.key");
    for text in [
        key.to_lowercase(),
        key.replace('1', "2"),
        format!("  {key}"),
        key.trim_end()[..key.trim_end().len() - 4].to_owned(),
        format!("{key}garbage-{}", CANARIES[0]),
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
