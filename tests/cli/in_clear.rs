//! A known secret's value in clear is an error wherever it stands.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::support::{MINIMAL, Repo, Run};

const TOKEN: &str = "test-cloudflare-token";

fn forms() -> Vec<String> {
    let mut forms = vec![TOKEN.to_owned(), format!("Bearer {TOKEN}")];
    for before in ["", "u:", "user:"] {
        forms.push(STANDARD.encode(format!("{before}{TOKEN}?>")));
        forms.push(URL_SAFE.encode(format!("{before}{TOKEN}")));
    }
    forms
}

#[track_caller]
fn refused(run: &Run, place: &str) {
    assert!(
        run.stderr.contains("secret/in-clear")
            && run.stderr.contains("cloudflare_token")
            && run.stderr.contains(place),
        "{place}: {}{}",
        run.stdout,
        run.stderr
    );
    for form in forms() {
        assert!(
            !run.stderr.contains(&form) && !run.stdout.contains(&form),
            "{form} is told"
        );
    }
}

#[test]
fn in_other_keys_of_the_configuration() {
    for form in forms() {
        for (text, line) in [
            (format!("vars:\n  a:\n    - {{b: \"{form}\"}}\n"), 3),
            (format!("vars:\n  \"{form}\": 1\n"), 2),
            (format!("apps:\n  echo:\n    values:\n      x: \"{form}\"\n"), 4),
        ] {
            let repo = Repo::with(&format!("{text}{MINIMAL}"));
            for command in [&["validate"][..], &["render"], &["configure", "--yes"]] {
                let args: Vec<&str> = ["-o", "concise"].iter().chain(command).copied().collect();
                refused(&repo.fails(&args), &format!("cluster.yaml:{line}:"));
            }
            refused(&repo.fails(&["validate"]), "cluster.yaml");
            assert!(!repo.path("kubernetes").exists());
        }
    }
    let named = format!("cluster_name: {TOKEN}\n{MINIMAL}");
    refused(&Repo::with(&named).fails(&["validate"]), "cluster.yaml");
}

#[test]
fn in_own_templates_and_in_what_they_give() {
    for (name, text) in [
        (
            "app/config.yaml",
            "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata:\n  a: FORM\n",
        ),
        (
            "app/secret.sops.yaml.tera",
            "kind: Secret\napiVersion: v1\nmetadata: {name: a}\nstringData:\n  a: FORM\n",
        ),
    ] {
        for form in forms() {
            let repo = Repo::with(MINIMAL);
            repo.write("templates/apps/default/own/app.yaml", "summary: Own\n");
            let path = format!("templates/apps/default/own/{name}");
            repo.write(&path, &text.replace("FORM", &format!("\"{form}\"")));
            let run = repo.fails(&["-o", "concise", "configure", "--yes"]);
            refused(&run, &format!("{path}:"));
        }
    }
    // Only put together by the template.
    let repo = Repo::with(&format!("vars: {{half: cloudflare-token}}\n{MINIMAL}"));
    repo.write("templates/apps/default/own/app.yaml", "summary: Own\n");
    repo.write(
        "templates/apps/default/own/app/config.yaml.tera",
        "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata:\n  a: test-#{ vars.half }#\n",
    );
    let run = repo.fails(&["-o", "concise", "configure", "--yes"]);
    refused(&run, "kubernetes/apps/default/own/app/config.yaml:5:");
}

#[test]
fn in_files_that_a_person_edited() {
    for form in forms() {
        let repo = Repo::with(MINIMAL);
        repo.ok(&["configure", "--yes"]);
        let plain = "kubernetes/apps/default/echo/app/helmrelease.yaml";
        let text = repo.read(plain);
        repo.write(plain, &format!("{text}# {form}\n"));
        refused(&repo.fails(&["configure", "--yes"]), plain);
        repo.write(plain, &text);
        // Outside of what SOPS encrypts.
        let sealed = "kubernetes/apps/cert-manager/cert-manager/app/secret.sops.yaml";
        let text = repo.read(sealed);
        repo.write(
            sealed,
            &text.replacen("metadata:\n", &format!("metadata:\n    # {form}\n"), 1),
        );
        refused(&repo.fails(&["configure", "--yes"]), sealed);
    }
}

#[test]
fn in_files_that_a_person_keeps() {
    let path = "kubernetes/apps/default/echo/app/helmrelease.yaml";
    for form in forms() {
        let repo = Repo::with(MINIMAL);
        repo.write(path, &format!("kind: HelmRelease\n# {form}\n"));
        let run = repo.fails(&["-o", "concise", "configure", "--yes", "--keep", path]);
        refused(&run, &format!("{path}:2:"));
        assert_eq!(run.stderr.matches("secret/in-clear").count(), 1, "{}", run.stderr);
        assert!(!repo.path("clusterwright.lock").exists(), "nothing was written");
    }
}

#[test]
fn values_that_are_short_or_words_of_ours_are_no_findings() {
    let repo = Repo::with(&format!(
        "cilium_bgp_router_addr: 10.10.10.1\ncilium_bgp_router_asn: \"64513\"\ncilium_bgp_node_asn: \"64514\"\n\
         cilium_bgp_password: kubernetes\nvars: {{a: kubernetes}}\n{}",
        MINIMAL.replace(TOKEN, "default")
    ));
    let run = repo.ok(&["configure", "--yes"]);
    assert!(
        run.stderr.contains("secret/common-word") && run.stderr.contains("cilium_bgp_password"),
        "{}",
        run.stderr
    );
}

#[test]
fn in_raw_mode_inside_of_base64_and_in_edited_files() {
    let repo = Repo::empty();
    repo.write(
        "makejinja.toml",
        "[makejinja]\ninputs = [\"./templates/config\"]\noutput = \"./\"\ndata = [\"./cluster.yaml\"]\n",
    );
    repo.write("cluster.yaml", &format!("cloudflare_token: {TOKEN}\n"));
    repo.write(
        "templates/config/kubernetes/a.yaml.jinja",
        "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata:\n  a: \"{{ ('user:' ~ cloudflare_token) | b64encode }}\"\n",
    );
    let run = repo.fails(&["configure", "--raw", "--yes"]);
    refused(&run, "cloudflare_token");
    repo.write(
        "templates/config/kubernetes/a.yaml.jinja",
        "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata:\n  a: \"1\"\n",
    );
    repo.ok(&["configure", "--raw", "--yes"]);
    repo.edit("kubernetes/a.yaml", "data:\n", &format!("data:\n  b: {TOKEN}\n"));
    refused(&repo.fails(&["configure", "--raw", "--yes"]), "kubernetes/a.yaml");
}

/// Sealed, rendered, and with one encrypted value.
const SEALED: &str = "kubernetes/apps/cert-manager/cert-manager/app/secret.sops.yaml";

#[test]
fn typed_into_a_sealed_file_it_is_not_carried_on() {
    const TYPED: &str = "zqtypedcanaryzq";
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    let sealed = repo.read(SEALED);
    let line = sealed
        .lines()
        .find(|line| line.trim_start().starts_with("api-token:"));
    let line = line.expect("its value");
    let typed = sealed.replace(line, &format!("  api-token: {TYPED}"));
    let number = sealed.lines().take_while(|one| *one != line).count() + 1;
    let encrypt = format!("clusterwright secrets encrypt -i {SEALED}");
    let ignore_mac = format!("clusterwright secrets decrypt --ignore-mac -i {SEALED}");
    let place = format!("{SEALED}:{number}:");
    let marked = sealed.replace(
        line,
        &format!("<<<<<<< HEAD\n{line}\n=======\n  api-token: {TYPED}\n>>>>>>> x"),
    );
    let plain = repo.ok(&["secrets", "decrypt", SEALED]).stdout;
    for (text, code, help) in [
        (&typed, "secrets/plain-value", &encrypt),
        (
            &format!("{sealed}---\nkind: Secret\nstringData: {{a: {TYPED}}}\n"),
            "secrets/no-block",
            &String::new(),
        ),
        (&plain, "secrets/not-encrypted", &encrypt),
        (
            &marked,
            "merge/not-yaml",
            &format!("git checkout --ours {SEALED}"),
        ),
        (
            &sealed.replace(&format!("{line}\n"), ""),
            "seal/sops",
            &ignore_mac,
        ),
    ] {
        repo.write(SEALED, text);
        for command in [
            &["check"][..],
            &["configure", "--check"],
            &["configure", "--yes"],
            &["configure", "--yes", "--keep", SEALED],
        ] {
            let run = repo.fails(command);
            assert!(
                run.stderr.contains(&format!("error[{code}]")) && run.stderr.contains(help.as_str()),
                "{command:?}: {}",
                run.stderr
            );
            assert!(!run.stderr.contains("diff/edited"), "{}", run.stderr);
            assert!(
                !run.stderr.contains(TYPED) && !run.stderr.contains(TOKEN),
                "{}",
                run.stderr
            );
            assert_eq!(&repo.read(SEALED), text);
        }
    }
    repo.write(SEALED, &typed);
    let run = repo.fails(&["-o", "concise", "check"]);
    assert!(
        run.stderr.contains(&place) || run.stdout.contains(&place),
        "{}{}",
        run.stdout,
        run.stderr
    );
    // No key is needed to see it.
    let key = repo.read("age.key");
    std::fs::remove_file(repo.path("age.key")).expect("removed");
    repo.edit(
        "cluster.yaml",
        "cloudflare_token",
        "age_recipients: [RECIPIENT]\ncloudflare_token",
    );
    let recipient = crate::support::RECIPIENT;
    repo.edit("cluster.yaml", "RECIPIENT", recipient);
    let run = repo.fails(&["check"]);
    assert!(run.stderr.contains("secrets/plain-value"), "{}", run.stderr);
    repo.edit("cluster.yaml", &format!("age_recipients: [{recipient}]\n"), "");
    repo.write("age.key", &key);

    // The render takes its place.
    repo.ok(&["configure", "--yes", "--overwrite", SEALED]);
    let value = repo.ok(&["secrets", "decrypt", "--extract", "stringData.api-token", SEALED]);
    assert_eq!(value.stdout.trim_end(), TOKEN);
}

#[test]
fn what_the_help_for_a_wrong_mac_says_works() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    repo.ok(&["secrets", "encrypt", "-i", "cluster.yaml"]);
    for name in [SEALED, "cluster.yaml"] {
        let text = repo.read(name);
        let mac = text.lines().find(|line| line.trim_start().starts_with("mac: "));
        let mac = mac.expect("a MAC").to_owned();
        repo.write(name, &text.replace(&format!("{mac}\n"), ""));
        let run = repo.fails(&["secrets", "decrypt", name]);
        let told = format!("clusterwright secrets decrypt --ignore-mac -i {name}");
        assert!(run.stderr.contains(&told), "{}", run.stderr);
        repo.ok(&["secrets", "decrypt", "--ignore-mac", "-i", name]);
        repo.ok(&["secrets", "encrypt", "-i", name]);
        repo.ok(&["secrets", "decrypt", name]);
    }
}
