//! `apps:` and `vars:` of cluster.yaml.

use crate::support::{MINIMAL, Repo};

const ECHO: &str = "kubernetes/apps/default/echo/app/helmrelease.yaml";

/// The worked example of `docs/apps.md`.
const EXAMPLE: &str = "\
apps:
  echo:
    version: 4.4.0
    values:
      controllers:
        echo:
          replicas: 2
          containers:
            app:
              env:
                LOG_IGNORE_PATH: null
              resources:
                limits:
                  memory: 128Mi
";

fn with(apps: &str) -> Repo {
    Repo::with(&format!("{MINIMAL}{apps}"))
}

#[test]
fn values_and_version_arrive_and_nothing_else_changes() {
    let plain = Repo::with(MINIMAL);
    plain.ok(&["configure", "--yes"]);
    let repo = with(EXAMPLE);
    repo.ok(&["configure", "--yes"]);
    let (before, after) = (plain.files(), repo.files());
    let changed: Vec<&String> = before
        .iter()
        .filter(|(path, bytes)| after.get(*path) != Some(bytes))
        .map(|(path, _)| path)
        .filter(|path| !path.contains("sops") && !path.starts_with(".clusterwright/undo/"))
        .collect();
    assert_eq!(
        changed,
        [
            "cluster.yaml",
            "clusterwright.lock",
            ECHO,
            "kubernetes/apps/default/echo/app/ocirepository.yaml"
        ]
    );
    let (old, new) = (plain.read(ECHO), repo.read(ECHO));
    let removed: Vec<&str> = old.lines().filter(|line| !new.contains(line)).collect();
    assert_eq!(
        removed,
        [
            "              LOG_IGNORE_PATH: /healthz",
            "                memory: 64Mi"
        ]
    );
    assert!(new.contains("                memory: 128Mi\n"), "{new}");
    assert!(new.contains("        replicas: 2\n"), "{new}");
    let source = repo.read("kubernetes/apps/default/echo/app/ocirepository.yaml");
    assert!(source.contains("tag: \"4.4.0\""), "{source}");
    assert!(
        repo.ok(&["configure", "--yes"])
            .stdout
            .contains("Nothing changes")
    );
    assert!(repo.ok(&["apps"]).stdout.contains("4.4.0"));
}

#[test]
fn a_chosen_version_may_be_older_than_what_stands_in_the_tree() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    repo.write(
        "cluster.yaml",
        &format!("{MINIMAL}apps:\n  echo:\n    version: 4.4.0\n"),
    );
    repo.ok(&["configure", "--yes"]);
    let source = "kubernetes/apps/default/echo/app/ocirepository.yaml";
    assert!(repo.read(source).contains("tag: \"4.4.0\""));
    repo.write("cluster.yaml", MINIMAL);
    repo.ok(&["configure", "--yes"]);
    assert!(repo.read(source).contains("tag: \"4.5.0\""));
}

#[test]
fn a_version_reaches_the_bootstrap_and_charts_of_repositories() {
    let repo = with("apps:\n  coredns:\n    version: 1.2.3\n");
    repo.ok(&["configure", "--yes"]);
    let bootstrap: Vec<u8> = repo
        .files()
        .into_iter()
        .filter(|(path, _)| path.starts_with("bootstrap/"))
        .flat_map(|(_, bytes)| bytes)
        .collect();
    assert!(String::from_utf8_lossy(&bootstrap).contains("1.2.3"));
}

#[test]
fn rules_see_merged_values() {
    let repo = with(
        "apps:\n  echo:\n    values:\n      controllers:\n        echo:\n          containers:\n            app:\n              image:\n                tag: latest\n",
    );
    let run = repo.fails(&["check"]);
    assert!(run.stderr.contains("error[unpinned-version]"), "{}", run.stderr);
}

#[test]
fn names_are_checked_with_a_suggestion() {
    let repo = with("apps:\n  ehco: {}\n  default/echo:\n    enabled: true\n  echo:\n    enabled: true\n");
    let run = repo.fails(&["validate", "--output", "concise"]);
    assert!(run.stderr.contains("config/unknown-app"), "{}", run.stderr);
    assert!(run.stderr.contains("write `echo`"), "{}", run.stderr);
    assert!(
        run.stderr.contains("the app `default/echo` has two entries"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_way_an_entry_is_written_does_not_hide_what_is_wrong_with_it() {
    let said = |apps: &str| {
        let run = with(apps).fails(&["validate", "--output", "concise"]);
        assert!(!run.stderr.contains("zqcanaryzq"), "{}", run.stderr);
        run.stderr
    };
    let one_line = said("apps: {ecko: {enabled: false}, zqCanary9!zqcanaryzq: {}}\n");
    assert!(one_line.contains("there is no app `ecko`"), "{one_line}");
    assert!(one_line.contains("there is no app ("), "a secret? {one_line}");
    let shifted = said("apps:\n  echo:\n  version: 4.4.0\n");
    for words in [
        "`echo` has no value (help: indent `values`, `version` or `enabled` by four spaces",
        "`version` is a choice about an app",
        "below the name of its app",
    ] {
        assert!(shifted.contains(words), "{words}: {shifted}");
    }
}

#[test]
fn a_name_of_two_apps_needs_its_namespace() {
    let app = "summary: Another echo\nkustomizations:\n  - name: other-echo\n";
    let file = "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n";
    let repo = with("apps:\n  echo:\n    enabled: false\n");
    repo.write("templates/apps/network/echo/app.yaml", app);
    repo.write("templates/apps/network/echo/app/configmap.yaml", file);
    let run = repo.fails(&["validate"]);
    assert!(
        run.stderr.contains("`default/echo` or `network/echo`"),
        "{}",
        run.stderr
    );
    repo.edit("cluster.yaml", "  echo:", "  network/echo:");
    let run = repo.ok(&["plan"]);
    let off =
        |line: &&str| line.contains("network/echo") && line.contains("apps.network/echo.enabled: false");
    assert!(run.stdout.lines().any(|line| off(&line)), "{}", run.stdout);
    assert!(run.stdout.contains("on  default/echo"), "{}", run.stdout);
}

#[test]
fn enabled_only_narrows() {
    let repo = with("apps:\n  loki:\n    enabled: true\n");
    // `validate` says what `configure` would say.
    for command in ["plan", "validate", "configure"] {
        let run = repo.fails(&[command]);
        assert!(run.stderr.contains("plan/app-off"), "{command}: {}", run.stderr);
        assert!(
            run.stderr.contains("`monitoring_enabled: true`"),
            "{command}: {}",
            run.stderr
        );
    }
    repo.edit("cluster.yaml", "loki:", "echo:");
    repo.ok(&["configure", "--yes"]);
    assert!(repo.path(ECHO).exists());
    repo.edit("cluster.yaml", "enabled: true", "enabled: false");
    let run = repo.ok(&["configure", "--yes"]);
    assert!(run.stdout.contains("apps.echo.enabled: false"), "{}", run.stdout);
    assert!(!repo.path("kubernetes/apps/default/echo").exists());
}

/// A name that follows from other keys cannot be written: the help names those.
#[test]
fn the_keys_behind_a_derived_name_are_proposed() {
    let repo = with("apps:\n  unifi-dns:\n    enabled: true\n");
    let run = repo.fails(&["plan"]);
    let said = "set `unifi_host` and `unifi_api_key` to switch the app on";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    assert!(
        !run.stderr.contains("`unifi_dns_enabled: true`"),
        "{}",
        run.stderr
    );
    let keys = "unifi_host: https://10.10.10.1\nunifi_api_key: abcdefgh12345678\n";
    repo.edit("cluster.yaml", "apps:\n  unifi-dns:\n    enabled: true\n", keys);
    repo.ok(&["validate"]);
    let run = repo.ok(&["plan"]);
    assert!(run.stdout.contains("on  network/unifi-dns"), "{}", run.stdout);
}

#[test]
fn what_needs_an_app_that_is_switched_off_is_named_with_it() {
    let repo = with("apps:\n  coredns:\n    enabled: false\n");
    for command in ["validate", "configure"] {
        let run = repo.fails(&[command]);
        assert!(
            run.stderr.contains(
                "`cert-manager` depends on `coredns`, which `apps.coredns.enabled: false` switches off"
            ),
            "{command}: {}",
            run.stderr
        );
    }
    let run = repo.fails(&["doctor"]);
    assert!(
        run.stdout.contains("cluster.yaml has errors (1)"),
        "{}",
        run.stdout
    );
    assert!(!repo.path("kubernetes").exists());
}

#[test]
fn an_optional_edge_to_an_app_that_is_switched_off_is_dropped() {
    let manifest =
        "summary: Mine\nkustomizations:\n  - name: mine\n    depends_on: [{name: echo, optional: true}]\n";
    let repo = with("apps:\n  echo:\n    enabled: false\n");
    repo.write("templates/apps/default/mine/app.yaml", manifest);
    repo.write(
        "templates/apps/default/mine/app/configmap.yaml",
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: mine\n",
    );
    repo.ok(&["configure", "--yes"]);
    assert!(
        !repo
            .read("kubernetes/apps/default/mine/ks.yaml")
            .contains("dependsOn")
    );
    repo.edit("cluster.yaml", "enabled: false", "enabled: true");
    repo.ok(&["configure", "--yes"]);
    assert!(
        repo.read("kubernetes/apps/default/mine/ks.yaml")
            .contains("name: echo")
    );
}

#[test]
fn values_and_version_need_something_to_act_on() {
    let release = "---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: NAME\nspec:\n  \
                   interval: 1h\n  chartRef:\n    kind: OCIRepository\n    name: mine\n";
    let repo = with("apps:\n  mine:\n    version: 1.2.3\n    values:\n      a: 1\n");
    repo.write("templates/apps/default/mine/app.yaml", "summary: Mine\n");
    repo.write(
        "templates/apps/default/mine/app/configmap.yaml",
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: mine\n",
    );
    let run = repo.fails(&["check", "--output", "concise"]);
    assert!(
        run.stderr
            .contains("`apps.mine.version` has no effect: the app has no chart"),
        "{}",
        run.stderr
    );
    repo.edit("cluster.yaml", "    version: 1.2.3\n", "");
    let run = repo.fails(&["check", "--output", "concise"]);
    assert!(run.stderr.contains("renders no HelmRelease"), "{}", run.stderr);
    repo.write(
        "templates/apps/default/mine/app/a.yaml",
        &release.replace("NAME", "a"),
    );
    repo.write(
        "templates/apps/default/mine/app/b.yaml",
        &release.replace("NAME", "b"),
    );
    let run = repo.fails(&["check"]);
    assert!(run.stderr.contains("renders 2 HelmReleases"), "{}", run.stderr);
    assert!(run.stderr.contains("mine/app/b.yaml"), "{}", run.stderr);
}

#[test]
fn a_version_that_a_file_of_the_app_ignores_is_refused() {
    let repo = with("apps:\n  echo:\n    version: 4.4.0\n");
    repo.write(
        "templates/apps/default/echo/app/ocirepository.yaml",
        "---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata:\n  name: echo\nspec:\n  interval: \
         30m\n  url: oci://ghcr.io/bjw-s-labs/helm/app-template\n  ref:\n    tag: 4.5.0\n",
    );
    let run = repo.fails(&["check"]);
    assert!(run.stderr.contains("plan/version"), "{}", run.stderr);
}

#[test]
fn what_stands_in_values_is_never_quoted() {
    let repo = with(
        "apps:\n  echo:\n    values:\n      a: zqcanaryzq\n      zqcanaryzq: [zqcanaryzq]\n    bogus: zqcanaryzq\n",
    );
    let run = repo.fails(&["validate"]);
    assert!(run.stderr.contains("not a choice about an app"), "{}", run.stderr);
    assert!(!run.stderr.contains("zqcanaryzq") && !run.stdout.contains("zqcanaryzq"));
}

#[test]
fn templates_and_conditions_read_vars() {
    let manifest = "summary: Mine\nwhen: vars.mine.enabled\n";
    let template = "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: mine\ndata:\n  zone: #{ vars.mine.zone }#\n\
                    #% for host in vars.hosts %#\n  #{ host.name }#: \"#{ host.port | default(value=80) }#\"\n#% endfor %#\n";
    let repo = with(
        "vars:\n  mine:\n    enabled: true\n    zone: Europe/Berlin\n  hosts:\n    - {name: a}\n    - {name: b, port: 81}\n",
    );
    repo.write("templates/apps/default/mine/app.yaml", manifest);
    repo.write("templates/apps/default/mine/app/configmap.yaml.tera", template);
    repo.ok(&["configure", "--yes"]);
    let text = repo.read("kubernetes/apps/default/mine/app/configmap.yaml");
    assert!(
        text.ends_with("data:\n  zone: Europe/Berlin\n  a: \"80\"\n  b: \"81\"\n"),
        "{text}"
    );
    repo.edit("cluster.yaml", "    zone: ", "    zones: ");
    let run = repo.fails(&["check"]);
    assert!(run.stderr.contains("did you mean `zones`?"), "{}", run.stderr);
    repo.write(
        "templates/apps/default/mine/app.yaml",
        "summary: Mine\nwhen: vars.mine.enable\n",
    );
    let run = repo.fails(&["check"]);
    for words in [
        "`when`: `vars.mine.enable` does not exist",
        "templates/apps/default/mine/app.yaml:2:7",
        "did you mean `enabled`?",
    ] {
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
    repo.write(
        "templates/apps/default/mine/app.yaml",
        "summary: Mine\nwhen: \"vars.mine.enabled and zqnothing\"\n",
    );
    let run = repo.fails(&["check"]);
    assert!(
        run.stderr.contains("app.yaml:2:30") && run.stderr.contains("below `schema:`"),
        "{}",
        run.stderr
    );
}
