//! Half a year in the life of a cluster's repository, step by step. After every step: no edit is lost, no secret stands
//! in clear, the second run writes nothing, and git finds its repository whole.

use std::collections::BTreeMap;

use sops::{Identities, MacCheck, decrypt, generate_identity, status};

use crate::support::{AGE_KEY, EVERYTHING, GITIGNORE, PRIVATE, RECIPIENT, Repo};

const LOKI: &str = "kubernetes/apps/monitoring/loki/app/helmrelease.yaml";
const SECRETS: &str = "kubernetes/components/sops/cluster-secrets.sops.yaml";

struct Life {
    repo: Repo,
    /// What a person or Renovate wrote: file → a piece that must stand in it.
    edits: BTreeMap<String, String>,
}

impl Life {
    /// A configured and committed repository.
    fn begin() -> Self {
        let repo =
            Repo::with(&EVERYTHING.replace("loki_enabled: true", "loki_enabled: true\nlogs_retention: 7d"));
        repo.write(".gitignore", GITIGNORE);
        repo.git(&["init", "-q"]);
        let life = Self {
            repo,
            edits: BTreeMap::new(),
        };
        life.repo.ok(&["configure", "--yes"]);
        life.check("the first commit");
        life
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
        let tracked = repo.git(&["ls-files"]);
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
    let mut life = Life::begin();
    life.people_and_renovate_edit();
    life.keys_and_flags_change();
    life.nodes_secrets_and_recipients_change();
    life.apps_and_templates_come();
    life.conflicts_are_settled_and_a_run_taken_back();
    life.history_and_lock_are_lost();
}

impl Life {
    fn people_and_renovate_edit(&mut self) {
        // Ten files by hand.
        for (i, file) in self
            .files("/app/helmrelease.yaml")
            .into_iter()
            .take(10)
            .enumerate()
        {
            let name = self.repo.read(&file);
            let name = name
                .lines()
                .find(|line| line.starts_with("  name: "))
                .expect("a name")
                .to_owned();
            self.edit(
                &file,
                &format!("{name}\n"),
                &format!("{name}\n  labels:\n    mine: \"{i}\" # by hand\n"),
            );
        }
        self.edit(LOKI, "timeout: 10m", "timeout: 42m # slow disks");
        self.check("hand edits");

        // Renovate raises twenty charts; the bootstrap follows with the next run.
        let charts = self.files("/app/ocirepository.yaml");
        let raised: Vec<String> = charts.into_iter().take(20).collect();
        assert!(raised.len() >= 15, "{}", raised.len());
        for file in &raised {
            let text = self.repo.read(file);
            let tag = text.lines().find(|line| line.contains("tag:")).expect("a tag");
            let tag = tag.trim_end_matches('"').to_owned();
            let (rest, patch) = tag.rsplit_once('.').expect("a version");
            let patch: u32 = patch.parse().expect("a number");
            self.edit(file, &tag, &format!("{rest}.{}", patch + 1));
        }
        self.configure("Renovate");
        let plan = self.repo.ok(&["plan"]).stdout;
        assert!(raised.iter().all(|file| plan.contains(file.as_str())), "{plan}");
        self.check("Renovate");
    }

    fn keys_and_flags_change(&mut self) {
        // A key changes in a file that was edited.
        self.config("logs_retention: 7d", "logs_retention: 14d");
        assert!(self.configure("retention").contains("merged with your edits"));
        assert!(self.repo.read(LOKI).contains("retention_period: \"14d\""));
        self.check("retention");

        // Flags off and on: Loki's file was edited, so somebody decides.
        self.config("tracing_enabled: true", "tracing_enabled: false");
        self.configure("tracing off");
        self.edits.retain(|file, _| !file.contains("/tempo/"));
        self.check("tracing off");
        self.config("loki_enabled: true", "loki_enabled: false");
        let before = self.repo.files();
        let run = self.repo.fails(&["configure", "--yes"]);
        assert!(run.stderr.contains("diff/edited-delete"), "{}", run.stderr);
        assert_eq!(self.repo.files(), before, "a conflict writes nothing");
        self.config("loki_enabled: false", "loki_enabled: true");
        self.config("tracing_enabled: false", "tracing_enabled: true");
        self.configure("tracing on");
        self.check("tracing on");
    }

    fn nodes_secrets_and_recipients_change(&mut self) {
        // A new node.
        let config = self.repo.read("cluster.yaml");
        self.repo.write(
            "cluster.yaml",
            &format!(
                "{}\n  - name: k8s-5\n    address: 10.10.10.15\n    controller: false\n    disk: /dev/sdb\n    mac_addr: bc:24:11:0a:00:05\n    schematic_id: 376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba\n",
                config.trim_end()
            ),
        );
        self.configure("a node");
        assert!(self.repo.read("talos/talconfig.yaml").contains("k8s-5"));
        self.check("a node");

        // A secret changes: one file, and in it one value.
        let sealed = |life: &Self| -> BTreeMap<String, Vec<u8>> {
            let files = life.repo.files();
            files
                .into_iter()
                .filter(|(path, _)| path.contains(".sops.yaml") && path != ".sops.yaml")
                .collect()
        };
        let before = sealed(self);
        self.config("test-grafana-password", "a-new-grafana-password");
        self.configure("a secret");
        let after = sealed(self);
        let changed: Vec<&String> = after
            .iter()
            .filter(|(path, text)| before.get(*path) != Some(text))
            .map(|(path, _)| path)
            .collect();
        assert_eq!(changed.len(), 1, "{changed:?}");
        self.check("a secret");

        // A second recipient comes and goes.
        let (other, public) = generate_identity();
        let config = self.repo.read("cluster.yaml");
        self.repo.write(
            "cluster.yaml",
            &format!("age_recipients: [{RECIPIENT}, {public}]\n{config}"),
        );
        self.configure("a second recipient");
        let opens = |life: &Self, key: &str| {
            let identities = Identities::parse(key).expect("a key");
            decrypt(&life.repo.read(SECRETS), &identities, MacCheck::Verify).is_ok()
        };
        assert!(opens(self, AGE_KEY) && opens(self, other.expose()));
        self.check("a second recipient");
        self.repo.write(
            "cluster.yaml",
            &format!("age_recipients: [{RECIPIENT}]\n{config}"),
        );
        self.configure("the second recipient goes");
        assert!(opens(self, AGE_KEY) && !opens(self, other.expose()));
        self.check("the second recipient goes");
    }

    fn apps_and_templates_come(&mut self) {
        // An app added by hand.
        let app = "kubernetes/apps/default/homepage";
        self.repo.write(&format!("{app}/ks.yaml"), HOMEPAGE);
        self.repo.write(
            &format!("{app}/app/kustomization.yaml"),
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [./configmap.yaml]\n",
        );
        self.repo.write(
            &format!("{app}/app/configmap.yaml"),
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: homepage}\ndata: {mine: \"yes\"}\n",
        );
        self.configure("an app by hand");
        assert!(
            self.repo
                .read("kubernetes/apps/default/kustomization.yaml")
                .contains("./homepage/ks.yaml")
        );
        self.edits
            .insert(format!("{app}/ks.yaml"), "name: homepage".to_owned());
        self.check("an app by hand");

        // A newer template, of a file that was edited.
        let template = include_str!("../../templates/apps/monitoring/loki/app/helmrelease.yaml.tera");
        let newer = template.replacen("  interval: 1h\n", "  interval: 2h\n  maxHistory: 3\n", 1);
        assert_ne!(template, newer);
        self.repo
            .write("templates/apps/monitoring/loki/app/helmrelease.yaml.tera", &newer);
        let plan = self.repo.ok(&["plan"]).stdout;
        assert!(plan.contains("from new templates (1)"), "{plan}");
        self.configure("a newer template");
        assert!(self.repo.read(LOKI).contains("maxHistory: 3"));
        self.check("a newer template");
    }

    fn conflicts_are_settled_and_a_run_taken_back(&mut self) {
        // A contradiction, settled.
        self.edit(LOKI, "retention_period: \"14d\"", "retention_period: \"15d\"");
        self.edits
            .insert(LOKI.to_owned(), "timeout: 42m # slow disks".to_owned());
        self.check("an edit");
        self.config("logs_retention: 14d", "logs_retention: 30d");
        let run = self.repo.fails(&["configure", "--yes"]);
        assert!(run.stderr.contains("merge/conflict"), "{}", run.stderr);
        self.repo.ok(&["resolve", LOKI, "--take", "template", "--yes"]);
        assert!(self.repo.read(LOKI).contains("retention_period: \"30d\""));
        self.check("a conflict");

        // The last run taken back, and made again.
        let before = self.repo.files_without_record();
        self.config("logs_retention: 30d", "logs_retention: 31d");
        self.configure("a run");
        self.repo.ok(&["undo", "--yes"]);
        self.config("logs_retention: 31d", "logs_retention: 30d");
        let after = self.repo.files_without_record();
        assert!(before == after, "undo brings every byte back");
        self.check("undo");
    }

    fn history_and_lock_are_lost(&mut self) {
        // A shallow clone has no history; what was merged before has its base beside the lock.
        let clone = Repo::empty();
        let url = format!("file://{}", self.repo.root().display());
        clone.git(&["clone", "-q", "--depth", "1", &url, "."]);
        for file in PRIVATE.iter().chain(&["cluster.yaml"]) {
            clone.write(file, &self.repo.read(file));
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
        std::fs::remove_file(self.repo.path("clusterwright.lock")).expect("removed");
        let before = self.repo.files();
        let run = self.repo.fails(&["configure", "--yes"]);
        assert!(run.stderr.contains("diff/foreign"), "{}", run.stderr);
        assert_eq!(self.repo.files(), before, "nothing is overwritten");
        let mut args = vec!["adopt".to_owned(), "--all".to_owned(), "--yes".to_owned()];
        for file in self
            .edits
            .keys()
            .filter(|file| !file.contains("homepage") && !file.ends_with("ocirepository.yaml"))
        {
            args.extend(["--keep".to_owned(), file.clone()]);
        }
        self.repo.ok(&args.iter().map(String::as_str).collect::<Vec<_>>());
        self.configure("a lost lock");
        self.check("a lost lock");
        self.config("logs_retention: 30d", "logs_retention: 60d");
        self.configure("and on it goes");
        assert!(self.repo.read(LOKI).contains("\"60d\""));
        self.check("and on it goes");
    }
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
