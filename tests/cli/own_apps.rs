//! Apps of a repository's own: `new-app`, and the keys that they add to cluster.yaml.

use crate::support::{MINIMAL, Repo};

const CHART: [&str; 4] = [
    "--chart",
    "oci://ghcr.io/bjw-s-labs/helm/app-template",
    "--version",
    "4.5.0",
];

/// The worked example of `docs/apps.md`, and more: an app with a switch, a host name and a token.
const MANIFEST: &str = "\
# yaml-language-server: $schema=../../../../.clusterwright/app.schema.json
summary: Start page with links to everything
when: homepage_enabled
schema:
  homepage_enabled:
    type: boolean
    description: Whether the start page is installed.
    default: false
  homepage_host:
    type: string
    format: dns-label
    description: First part of the start page's host name.
    default: home
  homepage_token:
    type: string
    description: Token that the start page reads the weather with.
    x-secret: true
  homepage_links:
    type: array
    description: Links of the start page.
    example: [{name: Router, url: \"https://10.0.0.1\"}]
    items:
      type: object
      required: [name, url]
      additionalProperties: false
      properties:
        name: {type: string}
        url: {type: string}
        icon: {type: string, default: link}
";

const CONFIG: &str = "\
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: homepage
data:
  host: #{ homepage_host }#.${SECRET_DOMAIN}
#% if homepage_links %#
  links: |
#% for link in homepage_links %#
    #{ link.icon }# #{ link.name }# #{ link.url }#
#% endfor %#
#% endif %#
";

const SECRET: &str = "\
#% if homepage_token %#
---
apiVersion: v1
kind: Secret
metadata:
  name: homepage
stringData:
  token: #{ homepage_token }#
#% endif %#
";

const SETTINGS: &str = "\
homepage_enabled: true
homepage_token: zqcanaryzq
homepage_links:
  - name: Router
    url: https://10.0.0.1
";

fn with(settings: &str) -> Repo {
    let repo = Repo::with(&format!("{settings}{MINIMAL}"));
    repo.write("templates/apps/default/homepage/app.yaml", MANIFEST);
    repo.write("templates/apps/default/homepage/app/configmap.yaml.tera", CONFIG);
    repo.write(
        "templates/apps/default/homepage/app/secret.sops.yaml.tera",
        SECRET,
    );
    repo
}

fn seen_nowhere(repo: &Repo, secret: &str) {
    for (path, bytes) in repo.files() {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(path == "cluster.yaml" || !text.contains(secret), "in {path}");
    }
}

#[test]
fn new_apps_pass_every_check_as_they_are() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    for args in [
        [&["new-app", "default/charted"][..], &CHART[..]].concat(),
        [&["new-app", "media/charted-too"][..], &CHART[..]].concat(),
        vec!["new-app", "default/plain"],
        vec!["new-app", "media/plain-too"],
    ] {
        repo.ok(&args);
    }
    assert!(repo.path(".clusterwright/app.schema.json").exists());
    repo.ok(&["validate"]);
    let run = repo.ok(&["configure", "--yes"]);
    assert!(
        !run.stderr.contains("warning") && !run.stderr.contains("note["),
        "{}",
        run.stderr
    );
    let run = repo.ok(&["check"]);
    assert_eq!(run.stderr, "");
    assert!(
        repo.ok(&["configure", "--yes"])
            .stdout
            .contains("Nothing changes")
    );
    let namespace = repo.read("kubernetes/apps/media/namespace.yaml");
    assert!(namespace.contains("name: media\n"), "{namespace}");
    let list = repo.read("kubernetes/apps/media/kustomization.yaml");
    assert!(
        list.contains("./namespace.yaml") && list.contains("./charted-too/ks.yaml"),
        "{list}"
    );
    let release = repo.read("kubernetes/apps/default/charted/app/helmrelease.yaml");
    assert!(
        !release.contains('#'),
        "comments for the author stay in the template: {release}"
    );
    assert!(
        repo.read("kubernetes/apps/default/charted/app/ocirepository.yaml")
            .contains("tag: \"4.5.0\"")
    );
}

#[test]
fn the_modeline_of_a_new_app_leads_to_the_schema_and_what_is_commented_out_is_right() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&[&["new-app", "default/mine"][..], &CHART[..]].concat());
    let file = "templates/apps/default/mine/app.yaml";
    let text = repo.read(file);
    let schema = text
        .lines()
        .next()
        .and_then(|line| line.split_once("$schema="))
        .expect("a modeline")
        .1;
    assert!(
        repo.path("templates/apps/default/mine").join(schema).is_file(),
        "{schema}"
    );
    let all: String = text
        .lines()
        .map(|line| {
            let code = line.trim_start().strip_prefix('#').filter(|rest| {
                let word = rest.trim_start_matches([' ', '-', '{']);
                !rest.starts_with(' ') || rest.starts_with("  ") || word.starts_with("name:")
            });
            let indent = line.len() - line.trim_start().len();
            match code {
                Some(code) if !line.contains("$schema") && !code.trim_start().contains(". ") => {
                    format!("{}{code}\n", " ".repeat(indent))
                }
                _ => format!("{line}\n"),
            }
        })
        .collect();
    repo.write(file, &all.replace("name: victoria-metrics", "name: loki"));
    repo.write(
        "cluster.yaml",
        &format!("mine_enabled: true\nmine_token: zqcanaryzq\n{MINIMAL}"),
    );
    assert!(
        all.contains("\nwhen: mine_enabled\n")
            && all.contains("\n    depends_on:\n")
            && all.contains("\nschema:\n"),
        "{all}"
    );
    repo.ok(&["configure", "--yes"]);
    assert!(
        repo.read("kubernetes/apps/default/mine/ks.yaml")
            .contains("name: cert-manager")
    );
    seen_nowhere(&repo, "zqcanaryzq");
}

#[test]
fn nothing_is_ever_replaced() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["new-app", "default/mine"]);
    let before = repo.files();
    for args in [
        vec!["new-app", "default/mine"],
        vec!["new-app", "default/echo"],
        vec!["new-app", "mine"],
        vec!["new-app", "a/b/c"],
        vec!["new-app", "../mine"],
        vec!["new-app", "default/Mine"],
        vec!["new-app", "default/other", "--dir", "../elsewhere"],
        vec!["new-app", "default/other", "--chart", "oci://ghcr.io/a/b"],
        vec![
            "new-app",
            "default/other",
            "--chart",
            "oci://ghcr.io/a/b",
            "--version",
            "latest",
        ],
        vec![
            "new-app",
            "default/other",
            "--chart",
            "oci://ghcr.io/a/b:1.0.0",
            "--version",
            "1.0.0",
        ],
        vec![
            "new-app",
            "default/other",
            "--chart",
            "https://charts.example.com",
            "--version",
            "1.0.0",
        ],
    ] {
        repo.fails(&args);
        assert_eq!(repo.files(), before, "{args:?}");
    }
    repo.write("kubernetes/apps/default/by-hand/ks.yaml", "---\n");
    let run = repo.fails(&["new-app", "default/by-hand"]);
    assert!(run.stderr.contains("was added by hand"), "{}", run.stderr);
}

#[test]
fn a_name_that_a_kustomization_has_gets_the_namespace_before_it() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["new-app", "network/echo"]);
    repo.ok(&["configure", "--yes"]);
    assert!(
        repo.read("kubernetes/apps/network/echo/ks.yaml")
            .contains("name: network-echo\n")
    );
    let run = repo.ok(&["new-app", "default/other", "--dir", "elsewhere"]);
    assert!(
        run.stderr.contains("elsewhere/default/other/app.yaml"),
        "{}",
        run.stderr
    );
    let line = repo.read("elsewhere/default/other/app.yaml");
    assert!(line.contains("$schema=../../../.clusterwright/"), "{line}");
}

#[test]
fn keys_of_an_app_have_defaults_and_secrets_are_sealed() {
    let repo = with(SETTINGS);
    let run = repo.ok(&["configure", "--yes"]);
    assert!(!run.stdout.contains("zqcanaryzq"));
    let text = repo.read("kubernetes/apps/default/homepage/app/configmap.yaml");
    assert!(
        text.ends_with("  host: home.${SECRET_DOMAIN}\n  links: |\n    link Router https://10.0.0.1\n"),
        "{text}"
    );
    let secret = repo.read("kubernetes/apps/default/homepage/app/secret.sops.yaml");
    assert!(secret.contains("token: ENC["), "{secret}");
    seen_nowhere(&repo, "zqcanaryzq");
    assert!(
        repo.ok(&["configure", "--yes"])
            .stdout
            .contains("Nothing changes")
    );
    assert!(
        repo.ok(&[
            "secrets",
            "decrypt",
            "kubernetes/apps/default/homepage/app/secret.sops.yaml"
        ])
        .stdout
        .contains("token: zqcanaryzq")
    );

    // Off by default, and without the optional secret.
    let repo = with("");
    repo.ok(&["configure", "--yes"]);
    assert!(!repo.path("kubernetes/apps/default/homepage").exists());
    let repo = with("homepage_enabled: true\n");
    repo.ok(&["configure", "--yes"]);
    assert!(
        !repo
            .path("kubernetes/apps/default/homepage/app/secret.sops.yaml")
            .exists()
    );
}

#[test]
fn keys_of_an_app_are_validated_in_place() {
    let repo = with(
        "homepage_enabled: yes\nhomepage_host: a.b\nhomepage_token: ''\nhomepage_links: [{name: zqcanaryzq}]\nhomepage_hots: x\n",
    );
    let run = repo.fails(&["validate", "--output", "concise"]);
    for expected in [
        "cluster.yaml:1:19: error[config/wrong-type]",
        "cluster.yaml:2:16: error[config/bad-label]",
        "cluster.yaml:3:17: error[config/empty-value]",
        "error[config/missing-key]: the required key `url` is missing",
        "unknown key `homepage_hots` (help: remove it: `homepage_host` is already set)",
        "(help: add a line `url: ` with its value)",
    ] {
        assert!(run.stderr.contains(expected), "{expected}\n{}", run.stderr);
    }
}

#[test]
fn a_secret_of_an_app_is_as_opaque_as_ours() {
    for (file, text) in [
        (
            "configmap.yaml.tera",
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: #{ homepage_token }#}\n",
        ),
        (
            "secret.sops.yaml.tera",
            "---\napiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {a: #{ homepage_token | upper }#}\n",
        ),
    ] {
        let repo = with(SETTINGS);
        repo.write(&format!("templates/apps/default/homepage/app/{file}"), text);
        let run = repo.fails(&["configure"]);
        assert!(run.stderr.contains("secret/"), "{}", run.stderr);
        assert!(!run.stderr.contains("zqcanaryzq") && !repo.path("kubernetes").exists());
    }
    // A slip elsewhere in the file does not show it either.
    for slip in [
        "homepage_token: zqcanaryzq: x\n",
        "homepage_token: [zqcanaryzq\n",
        "homepage_tokn: zqcanaryzq\n",
        "homepage_token: &a zqcanaryzq\n",
    ] {
        let run = with(slip).fails(&["validate"]);
        assert!(!run.stderr.contains("zqcanaryzq"), "{}", run.stderr);
    }
}

#[test]
fn the_copy_of_the_schema_has_the_keys_and_names_of_own_apps() {
    let repo = with(SETTINGS);
    repo.ok(&["configure", "--yes"]);
    let schema: serde_json::Value =
        serde_json::from_str(&repo.read(".clusterwright/cluster.schema.json")).expect("JSON");
    let properties = &schema["properties"];
    assert_eq!(properties["homepage_host"]["default"], "home");
    assert_eq!(properties["homepage_token"]["x-secret"], true);
    assert_eq!(properties["homepage_links"]["examples"][0][0]["name"], "Router");
    let apps = &properties["apps"]["properties"];
    assert!(
        apps["homepage"]["description"]
            .as_str()
            .is_some_and(|text| text.contains("Start page"))
    );
    assert!(apps["loki"].is_object());
    let printed = repo.ok(&["schema"]).stdout;
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&printed).expect("JSON"),
        schema
    );
    let doctor = repo.run(&["doctor"]).stdout;
    assert!(
        doctor.contains("cluster.schema.json` is that of this version"),
        "{doctor}"
    );
    let schema: serde_json::Value =
        serde_json::from_str(&repo.read(".clusterwright/app.schema.json")).expect("JSON");
    assert!(schema["properties"]["schema"].is_object());
    let plain = Repo::with(MINIMAL);
    plain.ok(&["configure", "--yes"]);
    assert!(!plain.path(".clusterwright/app.schema.json").exists());
}

#[test]
fn keys_that_are_taken_or_wrong_are_refused_where_they_are_defined() {
    let bad = |schema: &str, expected: &str, place: &str| {
        let repo = Repo::with(MINIMAL);
        repo.write(
            "templates/apps/default/a/app.yaml",
            &format!("summary: A\nschema:\n{schema}"),
        );
        let run = repo.fails(&["validate", "--output", "concise"]);
        assert!(run.stderr.contains(expected), "{expected}\n{}", run.stderr);
        assert!(
            run.stderr
                .contains(&format!("templates/apps/default/a/app.yaml:{place}:")),
            "{}",
            run.stderr
        );
    };
    let key = "{type: string, description: x, default: x}";
    bad(
        &format!("  a: {key}\n  loki_enabled: {key}\n"),
        "a key of clusterwright's own",
        "4:3",
    );
    bad(
        &format!("  node_count: {key}\n"),
        "a name that templates have already",
        "3:3",
    );
    bad(
        &format!("  metrics_write_url: {key}\n"),
        "a name that templates have already",
        "3:3",
    );
    bad(&format!("  A-b: {key}\n"), "cannot be a key", "3:3");
    bad(
        "  a: {type: string, description: x}\n",
        "neither a default nor an example",
        "3:3",
    );
    bad(
        "  a: {type: integer, description: x, default: x}\n",
        "does not meet its own schema",
        "3:3",
    );
    bad(
        "  a: {type: string, format: cidr, description: x, default: x}\n",
        "does not meet its own schema",
        "3:3",
    );
    bad(
        "  a: {type: string, description: '', default: x}\n",
        "no description",
        "3:3",
    );
    bad(
        "  a: {type: string, description: x, default: x, x-secret: true}\n",
        "without default",
        "3:3",
    );
    bad(
        "  a: {type: array, description: x, default: [], items: {$ref: 'https://example.com'}}\n",
        "$ref",
        "3:3",
    );
    bad(
        "  a: {type: array, description: x, default: [], items: {type: nonsense}}\n",
        "no valid JSON Schema",
        "3:3",
    );

    let repo = Repo::with(MINIMAL);
    for app in ["a", "b"] {
        repo.write(
            &format!("templates/apps/default/{app}/app.yaml"),
            &format!("summary: A\nschema:\n  x: {key}\n"),
        );
    }
    let run = repo.fails(&["validate"]);
    assert!(
        run.stderr
            .contains("`x` is defined by two apps, `default/a` and `default/b`"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_secret_key_is_placed_by_its_name_and_one_that_is_not_set_is_told_how_to() {
    let repo = Repo::with(MINIMAL);
    repo.write(
        "templates/apps/default/homepage/app.yaml",
        "summary: Start page\nschema:\n  homepage_token:\n    type: string\n    description: Token.\n    x-secret: true\n",
    );
    let secret = |value: &str| {
        let text = format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: homepage\nstringData:\n  header: \"Bearer {value}\"\n"
        );
        repo.write("templates/apps/default/homepage/app/secret.sops.yaml.tera", &text);
    };
    secret("#{ homepage_token }#");
    let run = repo.fails(&["configure", "--yes"]);
    assert!(
        run.stderr.contains("`homepage_token` is not defined")
            && run
                .stderr
                .contains("`homepage_token` is not set: write it into cluster.yaml"),
        "{}",
        run.stderr
    );
    repo.write(
        "cluster.yaml",
        &format!("homepage_token: canary-own-token\n{MINIMAL}"),
    );
    secret("#{ secrets.homepage_token }#");
    let run = repo.fails(&["configure", "--yes"]);
    assert!(
        run.stderr.contains("write `homepage_token`") && !run.stderr.contains("push_token"),
        "{}",
        run.stderr
    );
    secret("#{ homepage_token }#");
    repo.ok(&["configure", "--yes"]);
    let sealed = "kubernetes/apps/default/homepage/app/secret.sops.yaml";
    let opened = repo.ok(&["secrets", "decrypt", sealed]).stdout;
    assert!(
        opened.contains("header: \"Bearer canary-own-token\"")
            || opened.contains("header: Bearer canary-own-token"),
        "{opened}"
    );
}
