//! Half a year in the life of a cluster's repository, step by step. After every step: no edit is lost, no secret stands
//! in clear, the second run writes nothing, and git finds its repository whole.

use std::collections::BTreeMap;

use clusterwright::sops::{Identities, MacCheck, decrypt, generate_identity, status};

use crate::support::{AGE_KEY, EVERYTHING, GITIGNORE, PRIVATE, RECIPIENT, Repo};

const LOKI: &str = "kubernetes/apps/monitoring/loki/app/helmrelease.yaml";
const SECRETS: &str = "kubernetes/components/sops/cluster-secrets.sops.yaml";

struct Life {
    repo: Repo,
    /// What a person or Renovate wrote: file → a piece that must stand in it.
    edits: BTreeMap<String, String>,
}

impl Life {
    /// A configured and committed repository; `None` without git.
    fn begin() -> Option<Self> {
        let repo =
            Repo::with(&EVERYTHING.replace("loki_enabled: true", "loki_enabled: true\nlogs_retention: 7d"));
        repo.write(".gitignore", GITIGNORE);
        repo.git(&["init", "-q"])?;
        let life = Self {
            repo,
            edits: BTreeMap::new(),
        };
        life.repo.ok(&["configure", "--yes"]);
        life.check("the first commit");
        Some(life)
    }

    /// Files of the tree whose path ends so, sorted.
    fn files(&self, end: &str) -> Vec<String> {
        let files = self.repo.files();
        files
            .into_keys()
            .filter(|path| path.starts_with("kubernetes/") && path.ends_with(end))
            .collect()
    }

    /// Changes a file as a person does, in a place that only they care about.
    fn edit(&mut self, file: &str, from: &str, to: &str) {
        let text = self.repo.read(file);
        assert!(text.contains(from), "{file} holds no {from:?}");
        self.repo.write(file, &text.replacen(from, to, 1));
        self.edits.insert(file.to_owned(), to.to_owned());
    }

    fn config(&self, from: &str, to: &str) {
        self.repo.edit("cluster.yaml", from, to);
    }

    fn configure(&self, step: &str) -> String {
        let run = self.repo.run(&["configure", "--yes"]);
        assert_eq!(run.code, 0, "{step}: {}\n{}", run.stdout, run.stderr);
        run.stdout
    }

    /// Commits, and looks at everything that must hold at any time.
    #[track_caller]
    fn check(&self, step: &str) {
        let repo = &self.repo;
        repo.git(&["add", "-A"]);
        repo.git(&["commit", "-q", "--allow-empty", "-m", step]);
        let before = repo.files();
        let run = repo.run(&["configure", "--yes"]);
        assert!(
            run.code == 0 && run.stdout.contains("Nothing changes"),
            "{step}: {}\n{}",
            run.stdout,
            run.stderr
        );
        assert_eq!(repo.run(&["configure", "--check"]).code, 0, "{step}");
        let after = repo.files();
        let differs = |path: &&String| before.get(*path) != after.get(*path);
        assert_eq!(
            after.keys().filter(differs).collect::<Vec<_>>(),
            [""; 0],
            "{step}: the second run writes"
        );
        for (file, piece) in &self.edits {
            assert!(
                repo.read(file).contains(piece.as_str()),
                "{step}: {file} has lost {piece:?}"
            );
        }
        let tracked = repo.git(&["ls-files"]).expect("git");
        for file in tracked.lines() {
            let text = String::from_utf8_lossy(&before[file]).into_owned();
            let secret = SECRETS_IN_CLEAR.iter().find(|secret| text.contains(*secret));
            assert_eq!(secret, None, "{step}: {file}");
            assert!(!PRIVATE.contains(&file), "{step}: {file} is committed");
            if file.contains(".sops.yaml") && file != ".sops.yaml" {
                assert!(
                    status(&text).is_ok_and(|status| status.is_sealed()),
                    "{step}: {file}"
                );
            }
        }
        repo.git(&["fsck", "--strict", "--no-dangling"]);
    }
}

/// Values of secrets, old and new ones.
const SECRETS_IN_CLEAR: [&str; 6] = [
    "test-grafana-password",
    "a-new-grafana-password",
    "test-bgp-password",
    "test-cloudflare-token",
    "test-s3-secret-key",
    "AGE-SECRET-KEY-1",
];

#[test]
fn half_a_year() {
    let Some(mut life) = Life::begin() else { return };

    // Ten files by hand.
    for (i, file) in life
        .files("/app/helmrelease.yaml")
        .into_iter()
        .take(10)
        .enumerate()
    {
        let name = life.repo.read(&file);
        let name = name
            .lines()
            .find(|line| line.starts_with("  name: "))
            .expect("a name")
            .to_owned();
        life.edit(
            &file,
            &format!("{name}\n"),
            &format!("{name}\n  labels:\n    mine: \"{i}\" # by hand\n"),
        );
    }
    life.edit(LOKI, "timeout: 10m", "timeout: 42m # slow disks");
    life.check("hand edits");

    // Renovate raises twenty charts; the bootstrap follows with the next run.
    let charts = life.files("/app/ocirepository.yaml");
    let raised: Vec<String> = charts.into_iter().take(20).collect();
    assert!(raised.len() >= 15, "{}", raised.len());
    for file in &raised {
        let text = life.repo.read(file);
        let tag = text.lines().find(|line| line.contains("tag:")).expect("a tag");
        let tag = tag.trim_end_matches('"').to_owned();
        let (rest, patch) = tag.rsplit_once('.').expect("a version");
        let patch: u32 = patch.parse().expect("a number");
        life.edit(file, &tag, &format!("{rest}.{}", patch + 1));
    }
    life.configure("Renovate");
    let plan = life.repo.ok(&["plan"]).stdout;
    assert!(raised.iter().all(|file| plan.contains(file.as_str())), "{plan}");
    life.check("Renovate");

    // A key changes in a file that was edited.
    life.config("logs_retention: 7d", "logs_retention: 14d");
    assert!(life.configure("retention").contains("merged with your edits"));
    assert!(life.repo.read(LOKI).contains("retention_period: \"14d\""));
    life.check("retention");

    // Flags off and on: Loki's file was edited, so somebody decides.
    life.config("tracing_enabled: true", "tracing_enabled: false");
    life.configure("tracing off");
    life.edits.retain(|file, _| !file.contains("/tempo/"));
    life.check("tracing off");
    life.config("loki_enabled: true", "loki_enabled: false");
    let before = life.repo.files();
    let run = life.repo.fails(&["configure", "--yes"]);
    assert!(run.stderr.contains("diff/edited-delete"), "{}", run.stderr);
    assert_eq!(life.repo.files(), before, "a conflict writes nothing");
    life.config("loki_enabled: false", "loki_enabled: true");
    life.config("tracing_enabled: false", "tracing_enabled: true");
    life.configure("tracing on");
    life.check("tracing on");

    // A new node.
    let config = life.repo.read("cluster.yaml");
    life.repo.write(
        "cluster.yaml",
        &format!(
            "{}\n  - name: k8s-5\n    address: 10.10.10.15\n    controller: false\n    disk: /dev/sdb\n    mac_addr: bc:24:11:0a:00:05\n    schematic_id: 376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba\n",
            config.trim_end()
        ),
    );
    life.configure("a node");
    assert!(life.repo.read("talos/talconfig.yaml").contains("k8s-5"));
    life.check("a node");

    // A secret changes: one file, and in it one value.
    let sealed = |life: &Life| -> BTreeMap<String, Vec<u8>> {
        let files = life.repo.files();
        files
            .into_iter()
            .filter(|(path, _)| path.contains(".sops.yaml") && path != ".sops.yaml")
            .collect()
    };
    let before = sealed(&life);
    life.config("test-grafana-password", "a-new-grafana-password");
    life.configure("a secret");
    let after = sealed(&life);
    let changed: Vec<&String> = after
        .iter()
        .filter(|(path, text)| before.get(*path) != Some(text))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    life.check("a secret");

    // A second recipient comes and goes.
    let (other, public) = generate_identity();
    let config = life.repo.read("cluster.yaml");
    life.repo.write(
        "cluster.yaml",
        &format!("age_recipients: [{RECIPIENT}, {public}]\n{config}"),
    );
    life.configure("a second recipient");
    let opens = |life: &Life, key: &str| {
        let identities = Identities::parse(key).expect("a key");
        decrypt(&life.repo.read(SECRETS), &identities, MacCheck::Verify).is_ok()
    };
    assert!(opens(&life, AGE_KEY) && opens(&life, other.expose()));
    life.check("a second recipient");
    life.repo.write(
        "cluster.yaml",
        &format!("age_recipients: [{RECIPIENT}]\n{config}"),
    );
    life.configure("the second recipient goes");
    assert!(opens(&life, AGE_KEY) && !opens(&life, other.expose()));
    life.check("the second recipient goes");

    // An app added by hand.
    let app = "kubernetes/apps/default/homepage";
    life.repo.write(&format!("{app}/ks.yaml"), HOMEPAGE);
    life.repo.write(
        &format!("{app}/app/kustomization.yaml"),
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [./configmap.yaml]\n",
    );
    life.repo.write(
        &format!("{app}/app/configmap.yaml"),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: homepage}\ndata: {mine: \"yes\"}\n",
    );
    life.configure("an app by hand");
    assert!(
        life.repo
            .read("kubernetes/apps/default/kustomization.yaml")
            .contains("./homepage/ks.yaml")
    );
    life.edits
        .insert(format!("{app}/ks.yaml"), "name: homepage".to_owned());
    life.check("an app by hand");

    // A newer template, of a file that was edited.
    let template = include_str!("../../templates/apps/monitoring/loki/app/helmrelease.yaml.tera");
    let newer = template.replacen("  interval: 1h\n", "  interval: 2h\n  maxHistory: 3\n", 1);
    assert_ne!(template, newer);
    life.repo
        .write("templates/apps/monitoring/loki/app/helmrelease.yaml.tera", &newer);
    let plan = life.repo.ok(&["plan"]).stdout;
    assert!(plan.contains("from new templates (1)"), "{plan}");
    life.configure("a newer template");
    assert!(life.repo.read(LOKI).contains("maxHistory: 3"));
    life.check("a newer template");

    // A contradiction, settled.
    life.edit(LOKI, "retention_period: \"14d\"", "retention_period: \"15d\"");
    life.edits
        .insert(LOKI.to_owned(), "timeout: 42m # slow disks".to_owned());
    life.check("an edit");
    life.config("logs_retention: 14d", "logs_retention: 30d");
    let run = life.repo.fails(&["configure", "--yes"]);
    assert!(run.stderr.contains("merge/conflict"), "{}", run.stderr);
    life.repo.ok(&["resolve", LOKI, "--take", "template", "--yes"]);
    assert!(life.repo.read(LOKI).contains("retention_period: \"30d\""));
    life.check("a conflict");

    // The last run taken back, and made again.
    let before = life.repo.files_without_record();
    life.config("logs_retention: 30d", "logs_retention: 31d");
    life.configure("a run");
    life.repo.ok(&["undo", "--yes"]);
    life.config("logs_retention: 31d", "logs_retention: 30d");
    let after = life.repo.files_without_record();
    assert!(before == after, "undo brings every byte back");
    life.check("undo");

    // A shallow clone has no history; what was merged before has its base beside the lock.
    let clone = Repo::empty();
    let url = format!("file://{}", life.repo.root().display());
    clone.git(&["clone", "-q", "--depth", "1", &url, "."]);
    for file in PRIVATE.iter().chain(&["cluster.yaml"]) {
        clone.write(file, &life.repo.read(file));
    }
    assert!(
        clone
            .ok(&["configure", "--yes"])
            .stdout
            .contains("Nothing changes")
    );
    clone.edit("cluster.yaml", "logs_retention: 30d", "logs_retention: 60d");
    clone.ok(&["configure", "--yes"]);
    let loki = clone.read(LOKI);
    assert!(
        loki.contains("timeout: 42m # slow disks") && loki.contains("\"60d\""),
        "{loki}"
    );

    // A lost lock: what is identical is ours again, and for the rest a person decides.
    std::fs::remove_file(life.repo.path("clusterwright.lock")).expect("removed");
    let before = life.repo.files();
    let run = life.repo.fails(&["configure", "--yes"]);
    assert!(run.stderr.contains("diff/foreign"), "{}", run.stderr);
    assert_eq!(life.repo.files(), before, "nothing is overwritten");
    let mut args = vec!["adopt".to_owned(), "--all".to_owned(), "--yes".to_owned()];
    for file in life
        .edits
        .keys()
        .filter(|file| !file.contains("homepage") && !file.ends_with("ocirepository.yaml"))
    {
        args.extend(["--keep".to_owned(), file.clone()]);
    }
    life.repo.ok(&args.iter().map(String::as_str).collect::<Vec<_>>());
    life.configure("a lost lock");
    life.check("a lost lock");
    life.config("logs_retention: 30d", "logs_retention: 60d");
    life.configure("and on it goes");
    assert!(life.repo.read(LOKI).contains("\"60d\""));
    life.check("and on it goes");
}

const HOMEPAGE: &str = "\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: homepage
spec:
  interval: 1h
  path: ./kubernetes/apps/default/homepage/app
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system, namespace: flux-system}
  targetNamespace: default
";
