//! Templates in the user's repository.

use crate::support::{MINIMAL, Repo};

const APP: &str = "summary: An app of mine\n";

#[test]
fn a_secret_in_a_value_is_refused_with_template_line_and_key() {
    let repo = Repo::with(MINIMAL);
    repo.write("templates/apps/default/mine/app.yaml", APP);
    repo.write(
        "templates/apps/default/mine/app/helmrelease.yaml.tera",
        "---\nkind: HelmRelease\nspec:\n  values:\n    token: #{ cloudflare_token }#\n",
    );
    let before = repo.files();
    let run = repo.fails(&["configure"]);
    assert!(run.stderr.contains("secret/in-clear"), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("templates/apps/default/mine/app/helmrelease.yaml.tera:5:"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("`cloudflare_token`"), "{}", run.stderr);
    assert!(!run.stderr.contains("test-cloudflare-token"));
    assert_eq!(repo.files(), before);
}

#[test]
fn a_secret_outside_of_the_encrypted_part_is_refused() {
    for text in [
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\n  annotations:\n    x: #{ cloudflare_token }#\nstringData:\n  a: b\n",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\n# #{ cloudflare_token }#\nstringData:\n  a: b\n",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\nstringData:\n  #{ cloudflare_token }#: b\n",
    ] {
        let repo = Repo::with(MINIMAL);
        repo.write("templates/apps/default/mine/app.yaml", APP);
        repo.write("templates/apps/default/mine/app/secret.sops.yaml.tera", text);
        let run = repo.fails(&["configure"]);
        assert!(run.stderr.contains("secret/in-clear"), "{text}\n{}", run.stderr);
        assert!(!repo.path("kubernetes").exists());
    }
}

#[test]
fn a_filter_comparison_or_slice_of_a_secret_is_refused() {
    for expression in [
        "#{ cloudflare_token | upper }#",
        "#{ cloudflare_token | length }#",
        "#{ cloudflare_token[0:4] }#",
        "#% if cloudflare_token == 'x' %#a#% else %##{ cloudflare_token | replace(from='c', to='d') }##% endif %#",
        "#{ secrets.age_key | truncate(length=5) }#",
        "#{ secrets | json }#x#{ cloudflare_token | reverse }#",
    ] {
        let repo = Repo::with(MINIMAL);
        repo.write("templates/apps/default/mine/app.yaml", APP);
        repo.write(
            "templates/apps/default/mine/app/secret.sops.yaml.tera",
            &format!(
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\nstringData:\n  a: \"{expression}\"\n"
            ),
        );
        let run = repo.fails(&["configure"]);
        let refused = run.stderr.contains("secret/transformed") || run.stderr.contains("template/");
        assert!(refused, "{expression}\n{}", run.stderr);
        assert!(!repo.path("kubernetes").exists());
    }
}

#[test]
fn asking_whether_a_secret_is_set_is_fine() {
    let repo = Repo::with(MINIMAL);
    repo.write("templates/apps/default/mine/app.yaml", APP);
    repo.write(
        "templates/apps/default/mine/app/config.yaml.tera",
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: mine\ndata:\n  token: \"#% if cloudflare_token %#set#% endif %#\"\n",
    );
    repo.ok(&["configure", "--yes"]);
    assert!(
        repo.read("kubernetes/apps/default/mine/app/config.yaml")
            .contains("token: \"set\"")
    );
    assert!(
        repo.read("kubernetes/apps/default/kustomization.yaml")
            .contains("./mine/ks.yaml")
    );
}

#[test]
fn the_same_path_overrides_a_built_in_file() {
    let repo = Repo::with(MINIMAL);
    repo.write(
        "templates/apps/default/echo/app/helmrelease.yaml.tera",
        "---\n# mine: #{ app.version }#\nkind: X\n",
    );
    repo.ok(&["configure", "--yes"]);
    assert_eq!(
        repo.read("kubernetes/apps/default/echo/app/helmrelease.yaml"),
        "---\n# mine: 4.5.0\nkind: X\n"
    );
}

#[test]
fn typos_in_names_and_syntax_errors_have_a_place() {
    let repo = Repo::with(MINIMAL);
    repo.write("templates/apps/default/mine/app.yaml", APP);
    repo.write(
        "templates/apps/default/mine/app/a.yaml.tera",
        "a: 1\n#% if monitoring_enbled %#\nb: 2\n#% endif %#\n",
    );
    let run = repo.fails(&["check"]);
    assert!(run.stderr.contains("mine/app/a.yaml.tera:2:7"), "{}", run.stderr);
    assert!(
        run.stderr.contains("did you mean `monitoring_enabled`?"),
        "{}",
        run.stderr
    );
    repo.write("templates/apps/default/mine/app/a.yaml.tera", "a: #{ 1 + }#\n");
    repo.write(
        "templates/apps/default/mine/app/b.yaml.tera",
        "#% if cluster_name %#\n",
    );
    let run = repo.fails(&["check"]);
    assert!(
        run.stderr.contains("a.yaml.tera:1:") && run.stderr.contains("b.yaml.tera:"),
        "both: {}",
        run.stderr
    );
}

#[test]
fn a_template_that_renders_no_yaml_is_refused() {
    let repo = Repo::with(MINIMAL);
    repo.write("templates/apps/default/mine/app.yaml", APP);
    repo.write("templates/apps/default/mine/app/a.yaml.tera", "a: 1\na: 2\n");
    let run = repo.fails(&["check"]);
    assert!(run.stderr.contains("template/not-yaml"), "{}", run.stderr);
    assert!(
        run.stderr.contains("kubernetes/apps/default/mine/app/a.yaml:2:1"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_jinja_template_is_an_app_like_any_other() {
    let repo = Repo::with(MINIMAL);
    repo.write("templates/apps/default/mine/app.yaml", APP);
    repo.write(
        "templates/apps/default/mine/app/config.yaml.j2",
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: #{ app.name }#\ndata:\n  #% for n in nodes if n.controller %#\n  #{ n.name }#: \"#{ '%s/32' % n.address }#\"\n  #% endfor %#\n  gateway: \"#{ node_cidr | nthhost(1) }#\"\n  loki: \"#{ loki_enabled | default(false) | lower }#\"\n",
    );
    repo.write(
        "templates/apps/default/mine/app/secret.sops.yaml.j2",
        "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: mine\nstringData:\n  token: \"#{ cloudflare_token }#\"\n  key: |\n    #% filter indent(4, true) %#\n#{ age_key('private') }#\n    #%- endfilter %#\n\n  tunnel: #{ cloudflare_tunnel_secret() }#\n",
    );
    repo.ok(&["configure", "--yes"]);
    let config = repo.read("kubernetes/apps/default/mine/app/config.yaml");
    assert!(
        config.contains(
            "name: mine\ndata:\n  k8s-1: \"10.10.10.11/32\"\n  gateway: \"10.10.10.1\"\n  loki: \"false\"\n"
        ),
        "{config}"
    );
    let sealed = repo.read("kubernetes/apps/default/mine/app/secret.sops.yaml");
    assert!(
        !sealed.contains("test-cloudflare-token") && sealed.contains("ENC["),
        "{sealed}"
    );
    let clear = repo
        .ok(&[
            "secrets",
            "decrypt",
            "kubernetes/apps/default/mine/app/secret.sops.yaml",
        ])
        .stdout;
    assert!(clear.contains("token: test-cloudflare-token"), "{clear}");
    assert!(clear.contains("AGE-SECRET-KEY-1"), "{clear}");
    repo.ok(&["configure", "--check"]);
}

#[test]
fn a_jinja_template_overrides_the_built_in_file_of_the_same_output() {
    let repo = Repo::with(MINIMAL);
    repo.write(
        "templates/apps/default/echo/app/helmrelease.yaml.j2",
        "---\n# mine: #{ app.version }#\nkind: X\n",
    );
    repo.ok(&["configure", "--yes"]);
    assert_eq!(
        repo.read("kubernetes/apps/default/echo/app/helmrelease.yaml"),
        "---\n# mine: 4.5.0\nkind: X\n"
    );
}

#[test]
fn a_jinja_template_may_only_place_a_secret() {
    for (file, text) in [
        ("config.yaml.j2", "token: #{ cloudflare_token }#\n"),
        ("config.yaml.j2", "token: #{ age_key('private') }#\n"),
        (
            "secret.sops.yaml.j2",
            "stringData:\n  token: \"#{ cloudflare_token | upper }#\"\n",
        ),
        (
            "secret.sops.yaml.j2",
            "stringData:\n  token: \"#{ cloudflare_token | b64encode }#\"\n",
        ),
        (
            "secret.sops.yaml.j2",
            "stringData:\n  token: \"#{ 'yes' if cloudflare_token[0] == 'c' else 'no' }#\"\n",
        ),
        (
            "secret.sops.yaml.j2",
            "metadata:\n  name: #{ cloudflare_token }#\nstringData:\n  a: b\n",
        ),
    ] {
        let repo = Repo::with(MINIMAL);
        repo.write("templates/apps/default/mine/app.yaml", APP);
        repo.write(&format!("templates/apps/default/mine/app/{file}"), text);
        let run = repo.fails(&["configure"]);
        assert!(run.stderr.contains("secret/"), "{text}\n{}", run.stderr);
        assert!(!run.stderr.contains("test-cloudflare-token"));
        assert!(!repo.path("kubernetes").exists());
    }
}

#[test]
fn mistakes_in_jinja_templates_have_a_place() {
    let repo = Repo::with(MINIMAL);
    repo.write("templates/apps/default/mine/app.yaml", APP);
    repo.write(
        "templates/apps/default/mine/app/a.yaml.j2",
        "a: 1\n#% if monitoring_enbled %#\nb: 2\n#% endif %#\n",
    );
    repo.write("templates/apps/default/mine/app/b.yaml.j2", "a: #{ 1 + }#\n");
    let run = repo.fails(&["check"]);
    assert!(run.stderr.contains("mine/app/a.yaml.j2:2:7"), "{}", run.stderr);
    assert!(
        run.stderr.contains("did you mean `monitoring_enabled`?"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("mine/app/b.yaml.j2:1:"), "{}", run.stderr);
    repo.write(
        "templates/apps/default/mine/app/a.yaml.j2",
        "a: 1\nb: #{ 'x' | encrypt_it }#\n",
    );
    repo.write(
        "templates/apps/default/mine/app/b.yaml.j2",
        "a: #{ 'it' ~ my_function(1) }#\n",
    );
    let run = repo.fails(&["check"]);
    assert!(run.stderr.contains("mine/app/a.yaml.j2:2:"), "{}", run.stderr);
    assert!(
        run.stderr.contains("there is no filter `encrypt_it`"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("`my_function`"), "{}", run.stderr);
}

#[test]
fn a_file_that_no_run_would_read_back_is_refused_with_its_template() {
    let repo = Repo::with(MINIMAL);
    let line = "x".repeat(20_000);
    repo.write(
        "templates/repo/docs/big.md.tera",
        &format!("#% for i in range(end=900) %#{line}\n#% endfor %#\n"),
    );
    let before = repo.files();
    let run = repo.fails(&["configure", "--yes"]);
    for part in ["render/too-large", "templates/repo/docs/big.md.tera", "16 MiB"] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    assert_eq!(repo.files(), before);
}

#[test]
fn a_part_of_ones_own_is_included_and_gives_no_file() {
    let repo = Repo::with(MINIMAL);
    repo.write("templates/apps/default/mine/app.yaml", APP);
    let config =
        |name: &str| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n");
    repo.write(
        "templates/apps/default/mine/app/a.yaml.tera",
        &format!(
            "{}#% include 'apps/default/mine/app/_names.yaml.tera' %#\n#% include 'shared/_cluster.yaml.tera' %#\n  end: x\n",
            config("a")
        ),
    );
    repo.write(
        "templates/apps/default/mine/app/_names.yaml.tera",
        "  app: #{ app.name }#\n",
    );
    repo.write(
        "templates/shared/_cluster.yaml.tera",
        "#| For all. |#\n  cluster: #{ cluster_name }#\n",
    );
    repo.write(
        "templates/apps/default/mine/app/b.yaml.j2",
        &format!("{}#% include 'shared/_cluster.yaml.j2' %#\n", config("b")),
    );
    repo.write(
        "templates/shared/_cluster.yaml.j2",
        "  cluster: #{ cluster_name }#\n",
    );
    repo.ok(&["configure", "--yes"]);
    let dir = "kubernetes/apps/default/mine/app";
    let cluster = "  cluster: talos-cluster\n";
    let made = repo.read(&format!("{dir}/a.yaml"));
    assert_eq!(made, format!("{}  app: mine\n{cluster}  end: x\n", config("a")));
    assert_eq!(
        repo.read(&format!("{dir}/b.yaml")),
        format!("{}{cluster}", config("b"))
    );
    let made: Vec<String> = repo
        .files()
        .into_keys()
        .filter(|path| path.contains("kubernetes/"))
        .collect();
    assert!(!made.iter().any(|path| path.contains("/_")), "{made:?}");
    repo.ok(&["configure", "--check"]);
    // A changed part is a change of what includes it.
    repo.write("templates/shared/_cluster.yaml.tera", "  cluster: other\n");
    repo.ok(&["configure", "--yes"]);
    assert!(repo.read(&format!("{dir}/a.yaml")).contains("  cluster: other\n"));
}

#[test]
fn a_part_that_is_missing_or_holds_a_secret_is_refused_at_its_place() {
    let repo = Repo::with(MINIMAL);
    repo.write("templates/apps/default/mine/app.yaml", APP);
    repo.write(
        "templates/apps/default/mine/app/a.yaml.tera",
        "a: 1\n#% include '_part.yaml.tera' %#\n",
    );
    repo.write("templates/apps/default/mine/app/_part.yaml.tera", "b: 1\n");
    repo.write(
        "templates/apps/default/mine/app/b.yaml.j2",
        "a: 1\n#% include '_none.yaml.j2' %#\n",
    );
    let run = repo.fails(&["check"]);
    assert!(run.stderr.contains("mine/app/a.yaml.tera:2:13"), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("did you mean `apps/default/mine/app/_part.yaml.tera`?"),
        "{}",
        run.stderr
    );
    repo.write(
        "templates/apps/default/mine/app/a.yaml.tera",
        "stringData:\n#% include 'apps/default/mine/app/_part.yaml.tera' %#\n",
    );
    let run = repo.fails(&["check"]);
    assert!(run.stderr.contains("mine/app/b.yaml.j2:2:"), "{}", run.stderr);
    assert!(run.stderr.contains("'_none.yaml.j2'"), "{}", run.stderr);
    std::fs::remove_file(repo.path("templates/apps/default/mine/app/b.yaml.j2")).expect("there");
    repo.write(
        "templates/apps/default/mine/app/_part.yaml.tera",
        "  token: #{ cloudflare_token | upper }#\n",
    );
    repo.write(
        "templates/apps/default/mine/app/a.sops.yaml.tera",
        &repo.read("templates/apps/default/mine/app/a.yaml.tera"),
    );
    let run = repo.fails(&["configure"]);
    assert!(run.stderr.contains("secret/"), "{}", run.stderr);
    assert!(
        !run.stderr.to_lowercase().contains("test-cloudflare-token"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_finding_on_what_a_template_gives_names_the_template_and_the_key_behind_it() {
    let app = "templates/apps/default/homepage";
    let repo = Repo::with(&format!("homepage_enabled: true\n{MINIMAL}"));
    repo.write(
        &format!("{app}/app.yaml"),
        "summary: Start page\nwhen: homepage_enabled\nschema:\n  homepage_enabled:\n    type: boolean\n    \
         description: The start page.\n    default: false\n",
    );
    repo.write(
        &format!("{app}/app/secret.yaml.tera"),
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: homepage\nstringData:\n  token: in-clear-by-mistake\n",
    );
    let run = repo.fails(&["configure", "--yes"]);
    for part in [
        "error[plain-secret]",
        "the file belongs to `default/homepage`; on because of `homepage_enabled: true`",
        &format!("rendered from `{app}/app/secret.yaml.tera`"),
    ] {
        assert!(run.stderr.contains(part), "{part}\n{}", run.stderr);
    }
    assert!(!repo.root().join("kubernetes").exists());
}
