//! Files that people and Renovate changed: merged, kept, or a clear choice.

use clusterwright::sys::OsEntropy;
use sops::{Config, Identities, MacCheck, Updated, decrypt, update};

use crate::support::{AGE_KEY, GITIGNORE, MINIMAL, Repo};

const ON: &str = "monitoring_enabled: true\ngrafana_admin_password: test-grafana-password\nloki_enabled: true\nlogs_retention: 7d\n";
const LOKI: &str = "kubernetes/apps/monitoring/loki/app/helmrelease.yaml";

/// A configured and committed repository.
fn committed() -> Repo {
    let repo = Repo::with(&format!("{ON}{MINIMAL}"));
    repo.write(".gitignore", GITIGNORE);
    repo.git(&["init", "-q"]);
    repo.ok(&["configure", "--yes"]);
    commit(&repo);
    repo
}

fn commit(repo: &Repo) {
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-qm", "x", "--allow-empty"]);
}

fn nothing_changes(repo: &Repo) {
    let before = repo.files();
    let run = repo.ok(&["configure", "--yes"]);
    assert!(run.stdout.contains("Nothing changes"), "{}", run.stdout);
    assert_eq!(repo.files(), before);
    assert_eq!(repo.run(&["configure", "--check"]).code, 0);
}

#[test]
fn an_edit_and_a_changed_key_meet_in_one_file_again_and_again() {
    let repo = committed();
    repo.edit(LOKI, "timeout: 10m", "timeout: 42m # slow disks");
    nothing_changes(&repo);
    commit(&repo);
    for retention in ["14d", "30d", "60d"] {
        let text = repo.read("cluster.yaml");
        let line = text
            .lines()
            .find(|line| line.starts_with("logs_retention"))
            .expect("there")
            .to_owned();
        repo.edit("cluster.yaml", &line, &format!("logs_retention: {retention}"));
        let run = repo.ok(&["configure", "--yes"]);
        assert!(run.stdout.contains("1 merged with your edits"), "{}", run.stdout);
        let loki = repo.read(LOKI);
        assert!(loki.contains("timeout: 42m # slow disks"), "{loki}");
        assert!(
            loki.contains(&format!("retention_period: \"{retention}\"")),
            "{loki}"
        );
        nothing_changes(&repo);
        // The render of a merged file was never written: its base is kept beside the lock, one at a time.
        let bases = std::fs::read_dir(repo.path(".clusterwright/base"))
            .expect("kept")
            .count();
        assert_eq!(bases, 1);
        commit(&repo);
    }
    // Edits taken back: the base goes as well.
    repo.ok(&["configure", "--yes", "--overwrite", LOKI]);
    assert!(!repo.read(LOKI).contains("42m"));
    assert!(
        !repo.path(".clusterwright/base").exists(),
        "no base is left, nor its directory"
    );
    nothing_changes(&repo);
}

#[test]
fn contradicting_edits_write_nothing_until_somebody_chooses() {
    let repo = committed();
    repo.edit(LOKI, "retention_period: \"7d\"", "retention_period: \"8d\"");
    repo.edit(LOKI, "timeout: 10m", "timeout: 42m");
    commit(&repo);
    repo.edit("cluster.yaml", "logs_retention: 7d", "logs_retention: 14d");
    let before = repo.files();
    let run = repo.fails(&["configure", "--yes"]);
    assert!(run.stderr.contains("error[merge/conflict]"), "{}", run.stderr);
    assert!(
        run.stderr.contains("was `retention_period: \"7d\"`, yours `retention_period: \"8d\"`, rendered `retention_period: \"14d\"`"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains(&format!("clusterwright resolve {LOKI}")),
        "{}",
        run.stderr
    );
    let run = repo.fails(&["resolve"]);
    assert!(run.stderr.contains("resolve/no-terminal"), "{}", run.stderr);
    let run = repo.fails(&["resolve", LOKI, "--take", "yours", "--at", "spec.nonsense"]);
    assert!(run.stderr.contains("resolve/no-such-place"), "{}", run.stderr);
    // What matches nothing is no answer to anything, and says what was meant.
    let whole = format!("`clusterwright resolve {LOKI}`");
    for (typed, said) in [
        ("loki", whole.as_str()),
        ("kubernetes/apps/monitoring", whole.as_str()),
        (&LOKI.replace("app/", "app"), "did you mean `"),
        ("docs/x.md", "`clusterwright configure --dry-run` lists"),
    ] {
        let run = repo.fails(&["resolve", typed, "--take", "yours", "--yes"]);
        assert!(
            run.stderr.contains("resolve/no-such-path") && run.stderr.contains(said),
            "{typed}: {}",
            run.stderr
        );
    }
    assert_eq!(repo.files(), before, "nothing was written");

    repo.ok(&["resolve", LOKI, "--take", "yours", "--yes"]);
    let loki = repo.read(LOKI);
    assert!(
        loki.contains("retention_period: \"8d\"") && loki.contains("timeout: 42m"),
        "{loki}"
    );
    nothing_changes(&repo);

    // The choice was about that render: the next one asks again, and the template may win at the place alone.
    repo.edit("cluster.yaml", "logs_retention: 14d", "logs_retention: 30d");
    let place = "spec.values.loki.limits_config.retention_period";
    repo.ok(&["resolve", LOKI, "--take", "template", "--at", place, "--yes"]);
    let loki = repo.read(LOKI);
    assert!(
        loki.contains("retention_period: \"30d\"") && loki.contains("timeout: 42m"),
        "{loki}"
    );
    nothing_changes(&repo);
    assert!(repo.ok(&["resolve"]).stdout.contains("There are no conflicts"));
    assert!(
        repo.ok(&["resolve", LOKI])
            .stdout
            .contains("There are no conflicts")
    );
    let run = repo.fails(&["resolve", "loki"]);
    assert!(
        run.stderr.contains("there are no conflicts: leave it out"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_version_that_renovate_raised_stays_and_is_told() {
    let repo = committed();
    let file = "kubernetes/apps/default/echo/app/helmrelease.yaml";
    let text = repo.read(file);
    let line = text
        .lines()
        .find(|line| line.trim_start().starts_with("tag:"))
        .expect("an image tag")
        .to_owned();
    repo.edit(
        file,
        &line,
        &format!("{}tag: 99.1.0", &line[..line.len() - line.trim_start().len()]),
    );
    commit(&repo);
    nothing_changes(&repo);
    let plan = repo.ok(&["plan"]);
    assert!(
        plan.stdout.contains("99.1.0") && plan.stdout.contains(file),
        "{}",
        plan.stdout
    );
    // Also when nothing says any more what was ours.
    std::fs::remove_file(repo.path("clusterwright.lock")).expect("removed");
    repo.ok(&["configure", "--yes"]);
    assert!(repo.read(file).contains("99.1.0"));
    nothing_changes(&repo);
}

/// What breaks in a file that nobody touched is told with the file that somebody did, and stops nothing.
#[test]
fn what_an_edit_breaks_elsewhere_names_the_edited_file() {
    const FOLDER: &str = "kubernetes/apps/cert-manager/cert-manager/app";
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    for (file, old, new, said) in [
        (
            "helmrelease.yaml",
            "kind: HelmRelease",
            "kind: Helmrelease",
            ["write `HelmRelease` in", "has no kind `Helmrelease`"],
        ),
        (
            "helmrelease.yaml",
            "  name: cert-manager\n",
            "  name: cert-manger\n",
            ["waits for HelmRelease `cert-manager`", "dangling-health-check"],
        ),
        (
            "kustomization.yaml",
            "  - ./helmrelease.yaml\n",
            "",
            ["unreferenced-file", "dangling-health-check"],
        ),
    ] {
        let file = format!("{FOLDER}/{file}");
        let before = repo.read(&file);
        repo.write(&file, &before.replacen(old, new, 1));
        for command in ["configure", "check"] {
            let run = repo.ok(&[command]);
            let named = format!("you edited `{file}`, which brings this about");
            for words in said.into_iter().chain([named.as_str()]) {
                assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
            }
            assert!(!run.stderr.contains("error["), "{}", run.stderr);
        }
        repo.write(&file, &before);
    }
}

#[test]
fn an_edited_secret_merges_by_value_and_keeps_other_ciphertext() {
    let repo = committed();
    let file = "kubernetes/components/sops/cluster-secrets.sops.yaml";
    let sealed = repo.read(file);
    let identities = Identities::parse(AGE_KEY).expect("a key");
    let plain = decrypt(&sealed, &identities, MacCheck::Verify).expect("opens");
    let rule = Config::parse(&repo.read(".sops.yaml"))
        .expect("rules")
        .rule_for(file)
        .expect("a rule");
    let mine = format!("{}\n  MY_OWN: canary-my-own\n", plain.expose().trim_end());
    let Ok(Updated::Changed { text, .. }) = update(&sealed, &mine, &rule, &identities, &mut OsEntropy) else {
        panic!("the edit changes the file")
    };
    repo.write(file, &text);
    commit(&repo);
    nothing_changes(&repo);
    assert_eq!(repo.read(file), text);

    let old = repo.read("cluster.yaml");
    let line = old
        .lines()
        .find(|line| line.starts_with("cloudflare_domain"))
        .expect("there")
        .to_owned();
    repo.edit("cluster.yaml", &line, "cloudflare_domain: other.example.org");
    let run = repo.ok(&["configure", "--yes"]);
    assert!(!run.stdout.contains("canary") && !run.stderr.contains("canary"));
    let after = repo.read(file);
    let plain = decrypt(&after, &identities, MacCheck::Verify).expect("opens");
    assert!(plain.expose().contains("canary-my-own") && plain.expose().contains("other.example.org"));
    let own = |text: &str| {
        text.lines()
            .find(|line| line.contains("MY_OWN"))
            .map(str::to_owned)
    };
    assert_eq!(
        own(&after),
        own(&text),
        "the untouched value keeps its ciphertext"
    );
    nothing_changes(&repo);
}

#[test]
fn without_a_base_a_person_chooses() {
    let repo = committed();
    repo.edit(LOKI, "timeout: 10m", "timeout: 42m");
    std::fs::remove_dir_all(repo.path(".git")).expect("removed");
    repo.edit("cluster.yaml", "logs_retention: 7d", "logs_retention: 14d");
    let before = repo.files();
    let run = repo.fails(&["configure", "--yes"]);
    assert!(
        run.stderr.contains("error[diff/edited]") && run.stderr.contains("not in git"),
        "{}",
        run.stderr
    );
    assert_eq!(repo.files(), before);
    repo.ok(&["configure", "--yes", "--keep", LOKI]);
    assert!(repo.read(LOKI).contains("timeout: 42m"));
    // From now on the base is known, also without git.
    repo.edit("cluster.yaml", "logs_retention: 14d", "logs_retention: 30d");
    repo.edit(LOKI, "retention_period: \"7d\"", "retention_period: \"14d\"");
    repo.ok(&["configure", "--yes"]);
    let loki = repo.read(LOKI);
    assert!(
        loki.contains("timeout: 42m") && loki.contains("\"30d\""),
        "{loki}"
    );
}

#[test]
fn an_edit_that_breaks_the_yaml_is_told_where() {
    let repo = committed();
    repo.edit(LOKI, "timeout: 10m", "timeout: [10m");
    let before = repo.files();
    let run = repo.fails(&["configure", "--yes"]);
    assert!(
        run.stderr.contains("error[merge/not-yaml]") && run.stderr.contains(LOKI),
        "{}",
        run.stderr
    );
    assert_eq!(repo.files(), before);
    // What a merge of git's left says more than what a reader of YAML makes of it.
    repo.edit(
        LOKI,
        "timeout: [10m",
        "timeout: 10m\n<<<<<<< HEAD\n  a: 1\n=======\n  a: 2\n>>>>>>> b",
    );
    let run = repo.fails(&["configure", "--yes"]);
    assert!(
        run.stderr.contains("marks of a merge") && run.stderr.contains("<<<<<<< HEAD"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_rule_that_your_edit_breaks_is_a_warning() {
    let repo = committed();
    repo.edit(LOKI, "kind: OCIRepository", "kind: OCIRepositroy");
    let run = repo.ok(&["configure", "--yes"]);
    assert!(run.stderr.contains("you edited this file"), "{}", run.stderr);
    assert!(repo.read(LOKI).contains("OCIRepositroy"));
}

#[test]
fn plan_tells_where_pending_changes_come_from() {
    let repo = committed();
    repo.edit("cluster.yaml", "logs_retention: 7d", "logs_retention: 14d");
    repo.edit(
        "kubernetes/apps/default/echo/app/helmrelease.yaml",
        "kind: HelmRelease",
        "kind: HelmRelease # mine",
    );
    let own = "templates/apps/kube-system/reloader/app/helmrelease.yaml.tera";
    let text = repo.read("kubernetes/apps/kube-system/reloader/app/helmrelease.yaml");
    repo.write(own, &format!("{text}# a newer template\n"));
    let plan = repo.ok(&["plan"]).stdout;
    let pending = plan.split("Pending changes").nth(1).expect("a section");
    assert_eq!(
        pending.trim(),
        format!(
            "from cluster.yaml (1)\n    update       {LOKI}\n  from new templates (1)\n    update       kubernetes/apps/kube-system/reloader/app/helmrelease.yaml\n  from your edits (1)\n    kept (yours) kubernetes/apps/default/echo/app/helmrelease.yaml"
        )
    );
    let run = repo.ok(&["configure", "--yes"]);
    assert!(run.stdout.contains("new templates"), "{}", run.stdout);
    assert!(repo.ok(&["plan"]).stdout.contains("kept (yours)"));
}

#[test]
fn a_chart_that_renovate_raised_stays_everywhere_until_the_library_is_newer() {
    let repo = committed();
    let file = "kubernetes/apps/kube-system/coredns/app/ocirepository.yaml";
    let tag = |repo: &Repo| {
        let text = repo.read(file);
        let line = text
            .lines()
            .find(|line| line.contains("tag:"))
            .expect("a tag")
            .to_owned();
        line.trim()
            .trim_start_matches("tag:")
            .trim()
            .trim_matches('"')
            .to_owned()
    };
    let library = tag(&repo);
    repo.edit(file, &library, "98.1.0");
    commit(&repo);
    // Nothing is pending but the bootstrap, which follows.
    repo.ok(&["configure", "--yes"]);
    assert!(repo.read("bootstrap/helmfile.d/01-apps.yaml").contains("98.1.0"));
    assert_eq!(tag(&repo), "98.1.0");
    nothing_changes(&repo);
    let plan = repo.ok(&["plan"]).stdout;
    assert!(
        plan.contains(&format!("98.1.0 (the library has {library})")),
        "{plan}"
    );

    // A newer library, as an own template here, wins and says so; then a choice in cluster.yaml wins over both.
    let own = format!("{ON}{MINIMAL}apps:\n  coredns:\n    version: {library}\n");
    repo.write("cluster.yaml", &own);
    repo.ok(&["configure", "--yes"]);
    assert_eq!(tag(&repo), library, "a choice may go back");
    nothing_changes(&repo);
}

#[test]
fn a_version_of_the_library_that_overtakes_yours_is_told() {
    let repo = committed();
    let file = "kubernetes/apps/kube-system/reloader/app/helmrelease.yaml";
    let image = "    image:\n      tag: ";
    let own = "templates/apps/kube-system/reloader/app/helmrelease.yaml.tera";
    let rendered = repo.read(file);
    let with = |tag: &str| rendered.replacen("  values:\n", &format!("  values:\n{image}{tag}\n"), 1);
    repo.write(own, &with("1.0.0"));
    repo.ok(&["configure", "--yes"]);
    commit(&repo);
    repo.edit(file, "tag: 1.0.0", "tag: 1.1.0");
    commit(&repo);
    nothing_changes(&repo);
    repo.write(own, &with("1.2.0"));
    let run = repo.ok(&["configure", "--yes"]);
    assert!(
        run.stderr.contains("version/overtaken")
            && run
                .stderr
                .contains("from `1.1.0`, which your tree had, to `1.2.0`"),
        "{}",
        run.stderr
    );
    assert_eq!(repo.read(file), with("1.2.0"));
    nothing_changes(&repo);
}

#[test]
fn the_commands_of_the_chapter_settle_the_conflict_that_it_shows() {
    let page = include_str!("../../docs/edits.md");
    let chapter = page.split("\n## ").next().unwrap_or_default();
    let repo = committed();
    repo.edit(LOKI, "retention_period: \"7d\"", "retention_period: \"8d\"");
    commit(&repo);
    repo.edit("cluster.yaml", "logs_retention: 7d", "logs_retention: 14d");
    let shown = repo.fails(&["configure", "--yes"]).stderr;
    let (_, finding) = chapter.split_once("error[merge/conflict]").expect("a finding");
    for line in finding.split("```").next().unwrap_or_default().lines().skip(2) {
        assert!(shown.contains(line.trim_end()), "{line}\n{shown}");
    }
    let commands: Vec<&str> = chapter
        .lines()
        .filter_map(|line| line.strip_prefix("$ clusterwright "))
        .collect();
    assert_eq!(commands.len(), 4);
    for (command, retention) in commands.iter().zip(["8d", "14d", "8d", "14d"]) {
        repo.git(&["checkout", "-q", "."]);
        repo.ok(&command.split(' ').collect::<Vec<_>>());
        assert!(
            repo.read(LOKI)
                .contains(&format!("retention_period: \"{retention}\"")),
            "{command}"
        );
        nothing_changes(&repo);
    }
}

#[test]
fn edits_follow_a_template_that_moves() {
    let repo = committed();
    let dir = "templates/apps/default/own";
    let manifest = |path: &str| {
        format!("summary: An app of my own.\nkustomizations:\n  - name: own\n    path: {path}\n")
    };
    let object = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: own\ndata:\n  a: one\n";
    repo.write(&format!("{dir}/app.yaml"), &manifest("app"));
    repo.write(&format!("{dir}/app/settings.yaml"), object);
    repo.ok(&["configure", "--yes"]);
    commit(&repo);
    let (old, new) = (
        "kubernetes/apps/default/own/app/settings.yaml",
        "kubernetes/apps/default/own/deploy/settings.yaml",
    );
    repo.edit(old, "  a: one\n", "  a: one\n  mine: \"yes\" # by hand\n");
    commit(&repo);
    repo.write(&format!("{dir}/app.yaml"), &manifest("deploy"));
    std::fs::remove_dir_all(repo.path(&format!("{dir}/app"))).expect("removed");
    repo.write(
        &format!("{dir}/deploy/settings.yaml"),
        &object.replace("a: one", "a: two"),
    );
    repo.ok(&["configure", "--yes"]);
    assert_eq!(
        repo.read(new),
        object.replace("  a: one\n", "  a: two\n  mine: \"yes\" # by hand\n")
    );
    assert!(!repo.path(old).exists());
    nothing_changes(&repo);
    commit(&repo);
    // And go on from there.
    repo.write(
        &format!("{dir}/deploy/settings.yaml"),
        &object.replace("a: one", "a: three"),
    );
    repo.ok(&["configure", "--yes"]);
    assert!(repo.read(new).contains("a: three\n  mine: \"yes\" # by hand"));
}

/// A person may put a Secret into a file of ours; no finding about that file shows it.
#[test]
fn a_secret_in_an_edited_file_is_never_shown() {
    let repo = committed();
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: mine\nstringData:\n  key: canary-edited\n  kind: [canary-edited\n";
    let loki = repo.read(LOKI);
    let quiet = |repo: &Repo| {
        for args in [
            &["configure", "--yes"][..],
            &["configure", "--yes", "--output", "json"],
            &["plan"],
            &["check"],
            &["diff"],
            &["diff", "--worktree"],
            &["resolve"],
            &["adopt"],
        ] {
            let run = repo.run(args);
            let said = format!("{}{}", run.stdout, run.stderr);
            assert!(!said.contains("canary"), "{args:?}: {said}");
        }
    };
    // Broken YAML, then a Secret in clear with a contradiction beside it.
    repo.write(LOKI, &format!("{loki}{secret}"));
    quiet(&repo);
    assert!(
        repo.fails(&["configure", "--yes"])
            .stderr
            .contains("merge/not-yaml")
    );
    let whole = secret.replace("  kind: [canary-edited\n", "");
    repo.write(
        LOKI,
        &format!(
            "{}{whole}",
            loki.replace("retention_period: \"7d\"", "retention_period: \"8d\"")
        ),
    );
    quiet(&repo);
    assert!(
        repo.fails(&["configure", "--yes"])
            .stderr
            .contains("plain-secret")
    );
    repo.edit("cluster.yaml", "logs_retention: 7d", "logs_retention: 14d");
    quiet(&repo);
    assert_eq!(repo.run(&["configure", "--yes"]).code, 1);
}
