//! Raw mode: a repository's own tree of Jinja2 templates.

use crate::support::{AGE_KEY, DEPLOY_KEY, RECIPIENT, Repo, Run, TUNNEL};

const SETTINGS: &str = r##"[makejinja]
inputs = ["./templates/overrides", "./templates/config"]
output = "./"
exclude_patterns = ["*.partial.yaml.j2"]
data = ["./cluster.yaml", "./nodes.yaml"]
import_paths = ["./templates/scripts"]
loaders = ["plugin:Plugin"]
jinja_suffix = ".j2"
copy_metadata = true
force = true
undefined = "chainable"

[makejinja.delimiter]
block_start = "#%"
block_end = "%#"
comment_start = "#|"
comment_end = "#|"
variable_start = "#{"
variable_end = "}#"
"##;

const SOPS: &str = "creation_rules:\n  - path_regex: talos/.*\\.sops\\.ya?ml\n    mac_only_encrypted: true\n    age: \"#{ age_key('public') }#\"\n  - path_regex: (bootstrap|kubernetes)/.*\\.sops\\.ya?ml\n    encrypted_regex: ^(data|stringData)$\n    mac_only_encrypted: true\n    age: \"#{ age_key('public') }#\"\nstores:\n  yaml:\n    indent: 2\n";

const SECRET: &str = "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: app\nstringData:\n  token: \"#{ cloudflare_token }#\"\n  upper: #{ cloudflare_token | upper }#\n  port: 5432\n  key: |\n    #% filter indent(4, true) %#\n#{ github_deploy_key() }#\n    #%- endfilter %#\n\n  push: '#{ github_push_token() }#'\n  tunnel: #{ cloudflare_tunnel_secret() }#\n  private: #{ age_key('private') | b64encode }#\n";

const CONFIG: &str = "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\ndata:\n  gateway: \"#{ node_default_gateway }#\"\n  #% for node in nodes %#\n  #{ node.name }#: \"#{ '%s/32' % node.address }#\"\n  #% endfor %#\n  branch: #{ repository_branch }#\n  spegel: \"#{ spegel_enabled | lower }#\"\n  from: theirs\n  tunnel: #{ cloudflare_tunnel_id() }#\n";

/// The secrets of [`tree`]; no output may hold one.
const CANARIES: [&str; 6] = [
    "canary-cloudflare-token",
    "CANARY-CLOUDFLARE-TOKEN",
    "canary-push-token-0123456789",
    "dGVzdC10dW5uZWwtc2VjcmV0",
    "AGE-SECRET-KEY-1",
    "b3BlbnNzaC1rZXk",
];

/// A repository as a cluster template makes it.
fn tree() -> Repo {
    let repo = Repo::empty();
    repo.write("makejinja.toml", SETTINGS);
    repo.write(
        "cluster.yaml",
        "node_cidr: 10.10.10.0/24\ncloudflare_token: canary-cloudflare-token\nfeature: yes\n",
    );
    repo.write(
        "nodes.yaml",
        "nodes:\n  - {name: k8s-1, address: 10.10.10.11}\n  - {name: k8s-2, address: 10.10.10.12}\n",
    );
    repo.write("age.key", AGE_KEY);
    repo.write("github-push-token.txt", "canary-push-token-0123456789\n");
    repo.write("github-deploy.key", DEPLOY_KEY);
    repo.write("cloudflare-tunnel.json", TUNNEL);
    repo.write("templates/config/.sops.yaml.j2", SOPS);
    repo.write(
        "templates/config/kubernetes/apps/default/app/secret.sops.yaml.j2",
        SECRET,
    );
    repo.write(
        "templates/config/kubernetes/apps/default/app/config.yaml.j2",
        CONFIG,
    );
    repo.write("templates/config/kubernetes/notes.txt", "copied #{ as it is }#\n");
    repo.write(
        "templates/config/kubernetes/off.yaml.j2",
        "#% if nothing %#\na: 1\n#% endif %#\n",
    );
    repo.write("templates/config/broken.partial.yaml.j2", "#% if %#");
    repo
}

/// Writes a template and expects it to fail.
#[track_caller]
fn refused(repo: &Repo, path: &str, text: &str) -> Run {
    repo.write(&format!("templates/config/{path}"), text);
    let before = repo.files();
    let run = repo.fails(&["configure", "--raw", "--yes"]);
    assert_eq!(repo.files(), before, "nothing is written");
    without_canaries(&run);
    run
}

#[track_caller]
fn without_canaries(run: &Run) {
    for canary in CANARIES {
        assert!(!run.stdout.contains(canary), "{canary} in {}", run.stdout);
        assert!(!run.stderr.contains(canary), "{canary} in {}", run.stderr);
    }
}

#[test]
fn a_tree_is_rendered_sealed_and_written() {
    let repo = tree();
    repo.write(
        "templates/overrides/kubernetes/notes.txt.j2",
        "mine: #{ feature }#\n",
    );
    without_canaries(&repo.ok(&["configure", "--raw", "--yes"]));
    assert_eq!(
        repo.read("kubernetes/apps/default/app/config.yaml"),
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\ndata:\n  gateway: \"10.10.10.1\"\n  k8s-1: \"10.10.10.11/32\"\n  k8s-2: \"10.10.10.12/32\"\n  branch: main\n  spegel: \"true\"\n  from: theirs\n  tunnel: 6ff42ae2-765d-4adf-8112-31c55c1551ef\n"
    );
    assert_eq!(
        repo.read("kubernetes/notes.txt"),
        "mine: True\n",
        "the first input wins"
    );
    assert!(
        !repo.path("kubernetes/off.yaml").exists(),
        "nothing but white space is no file"
    );
    assert!(repo.read(".sops.yaml").contains(RECIPIENT));
    let sealed = repo.read("kubernetes/apps/default/app/secret.sops.yaml");
    for canary in CANARIES {
        assert!(!sealed.contains(canary), "{sealed}");
    }
    let clear = repo
        .ok(&[
            "secrets",
            "decrypt",
            "kubernetes/apps/default/app/secret.sops.yaml",
        ])
        .stdout;
    for expected in [
        "token: canary-cloudflare-token",
        "upper: CANARY-CLOUDFLARE-TOKEN",
        "port: \"5432\"",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "push: canary-push-token-0123456789",
    ] {
        assert!(clear.contains(expected), "{expected}\n{clear}");
    }
    let before = repo.files();
    repo.ok(&["configure", "--raw", "--check"]);
    repo.ok(&["configure", "--raw", "--yes"]);
    assert_eq!(repo.files(), before, "a second run writes nothing");
}

#[test]
fn a_changed_secret_changes_its_line_alone() {
    let repo = tree();
    repo.ok(&["configure", "--raw", "--yes"]);
    let path = "kubernetes/apps/default/app/secret.sops.yaml";
    let before = repo.read(path);
    repo.edit("github-push-token.txt", "0123456789", "9876543210");
    repo.ok(&["configure", "--raw", "--yes"]);
    let after = repo.read(path);
    let changed: Vec<&str> = before
        .lines()
        .zip(after.lines())
        .filter(|(a, b)| a != b)
        .map(|(a, _)| a.trim())
        .collect();
    let known = |line: &&str| {
        ["push:", "lastmodified:", "mac:"]
            .iter()
            .any(|key| line.starts_with(key))
    };
    assert!(changed.len() >= 2 && changed.iter().all(known), "{changed:?}");
    assert!(changed[0].starts_with("push:"), "{changed:?}");
}

#[test]
fn no_output_shows_a_secret() {
    let repo = tree();
    repo.git(&["init", "-q"]);
    repo.write(".gitignore", crate::support::GITIGNORE);
    for format in ["human", "concise", "json"] {
        without_canaries(&repo.ok(&["render", "--raw", "-o", format]));
        without_canaries(&repo.ok(&["check", "--raw", "-o", format]));
        without_canaries(&repo.ok(&["diff", "--raw", "--worktree", "-o", format]));
        without_canaries(&repo.ok(&["configure", "--raw", "--dry-run", "-o", format]));
    }
    let run = repo.ok(&["render", "--raw", "kubernetes/apps/default/app/secret.sops.yaml"]);
    assert!(run.stdout.contains("token: <secret token>"), "{}", run.stdout);
    repo.ok(&["configure", "--raw", "--yes"]);
    without_canaries(&repo.ok(&["diff", "--raw", "--worktree"]));
    for (path, bytes) in repo.files() {
        let source = [
            "cluster.yaml",
            "age.key",
            "github-push-token.txt",
            "github-deploy.key",
            "cloudflare-tunnel.json",
        ];
        if source.contains(&path.as_str()) {
            continue;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for canary in CANARIES {
            assert!(!text.contains(canary), "{canary} in {path}");
        }
    }
}

#[test]
fn a_secret_outside_of_what_is_encrypted_is_refused_with_template_and_line() {
    for (path, text, name) in [
        (
            "kubernetes/a.yaml.j2",
            "a: 1\nb: #{ cloudflare_token }#\n",
            "cloudflare_token",
        ),
        (
            "kubernetes/a.yaml.j2",
            "b: #{ cloudflare_token | b64encode }#\n",
            "cloudflare_token",
        ),
        ("kubernetes/a.txt.j2", "#{ age_key('private') }#\n", "age_key"),
        (
            "kubernetes/a.txt.j2",
            "#{ github_deploy_key() }#\n",
            "github_deploy_key",
        ),
        (
            "kubernetes/a.txt.j2",
            "#{ cloudflare_tunnel_secret() }#\n",
            "cloudflare_tunnel_secret",
        ),
        (
            "kubernetes/a.txt.j2",
            "#{ github_push_token() }#\n",
            "github_push_token",
        ),
        (
            "kubernetes/x.sops.yaml.j2",
            "metadata:\n  name: #{ cloudflare_token }#\nstringData:\n  a: b\n",
            "cloudflare_token",
        ),
        (
            "kubernetes/x.sops.yaml.j2",
            "# #{ cloudflare_token }#\nstringData:\n  a: b\n",
            "cloudflare_token",
        ),
    ] {
        let run = refused(&tree(), path, text);
        assert!(run.stderr.contains("secret/in-clear"), "{text}\n{}", run.stderr);
        assert!(
            run.stderr.contains(&format!("templates/config/{path}:")),
            "{text}\n{}",
            run.stderr
        );
        assert!(run.stderr.contains(name), "{text}\n{}", run.stderr);
    }
}

#[test]
fn a_sops_file_is_never_written_in_clear() {
    let run = refused(&tree(), "elsewhere/x.sops.yaml.j2", "a: canary\n");
    assert!(run.stderr.contains("seal/sops"), "no rule: {}", run.stderr);
    let run = refused(&tree(), "kubernetes/x.sops.json.j2", "{\"a\": 1}\n");
    assert!(run.stderr.contains("seal/not-yaml"), "{}", run.stderr);
    let run = refused(
        &tree(),
        "kubernetes/x.sops.yaml.j2",
        "stringData:\n  a: [#{ cloudflare_token }#\n",
    );
    assert!(run.stderr.contains("not YAML"), "{}", run.stderr);
    let repo = tree();
    std::fs::remove_file(repo.path("templates/config/.sops.yaml.j2")).expect("there");
    let run = repo.fails(&["configure", "--raw", "--yes"]);
    assert!(run.stderr.contains("seal/no-config"), "{}", run.stderr);
    // The rules may also stand in the repository already.
    repo.write(".sops.yaml", &SOPS.replace("#{ age_key('public') }#", RECIPIENT));
    repo.ok(&["configure", "--raw", "--yes"]);
    let copied = repo.read("kubernetes/apps/default/app/secret.sops.yaml");
    repo.write("templates/config/kubernetes/copied.sops.yaml", &copied);
    repo.ok(&["configure", "--raw", "--yes"]);
    assert_eq!(
        repo.read("kubernetes/copied.sops.yaml"),
        copied,
        "what is sealed is copied"
    );
}

#[test]
fn errors_in_templates_show_no_value() {
    for (text, expected) in [
        ("#{ cloudflare_token + 1 }#", "template/render"),
        ("#{ cloudflare_token | int(base='x') + [] }#", "template/render"),
        ("#{ cloudflare_token.nope() }#", "no method"),
        ("#% include cloudflare_token %#", "template/render"),
        (
            "#{ github_push_token() | encrypt }#",
            "there is no filter `encrypt`",
        ),
        ("#{ bcrypt(cloudflare_token) }#", "there is no function `bcrypt`"),
        ("#{ '%d' % cloudflare_token }#", "template/render"),
        ("#% if cloudflare_token %#", "template/syntax"),
        (
            "#{ age_key('private', cloudflare_token) }#",
            "only `age.key` is read",
        ),
        ("#{ cloudflare_token | tojosn }#", "did you mean `tojson`?"),
    ] {
        let run = refused(&tree(), "kubernetes/a.yaml.j2", &format!("a: 1\nb: {text}\n"));
        assert!(run.stderr.contains(expected), "{text}\n{}", run.stderr);
        assert!(
            run.stderr.contains("templates/config/kubernetes/a.yaml.j2:"),
            "{text}\n{}",
            run.stderr
        );
    }
}

#[test]
fn what_a_plugin_gave_can_come_from_a_data_file() {
    let repo = tree();
    repo.write(
        "templates/config/kubernetes/a.yaml.j2",
        "hash: #{ hash }#\nbranch: #{ repository_branch }#\nname: #{ nodes[0].name }#\n",
    );
    repo.write("more.toml", "hash = \"abc\"\nrepository_branch = \"trunk\"\n");
    repo.write("last.json", "{\"repository_branch\": \"last\"}\n");
    repo.ok(&[
        "configure",
        "--raw",
        "--yes",
        "--data",
        "more.toml",
        "--data",
        "last.json",
    ]);
    assert_eq!(
        repo.read("kubernetes/a.yaml"),
        "hash: abc\nbranch: last\nname: k8s-1\n"
    );
    let run = repo.fails(&["render", "--raw", "--data", "none.yaml"]);
    assert!(run.stderr.contains("none.yaml"), "{}", run.stderr);
    let run = repo.fails(&["render", "--data", "more.toml"]);
    assert!(run.stderr.contains("--raw"), "{}", run.stderr);
}

#[test]
fn the_environment_is_handed_over_by_name() {
    let repo = tree();
    repo.write(
        "templates/config/a.txt.j2",
        "#{ get_env('HOME_NAME') }# #{ env.HOME_NAME }# #{ get_env('NONE', 'default') }#\n",
    );
    let run = repo.fails(&["render", "--raw", "a.txt"]);
    assert!(run.stderr.contains("--env HOME_NAME"), "{}", run.stderr);
    let run = repo.run_with(
        &["render", "--raw", "--env", "HOME_NAME", "a.txt"],
        &[("HOME_NAME", "home")],
    );
    assert!(
        run.stdout.contains("home home default\n"),
        "{}\n{}",
        run.stdout,
        run.stderr
    );
}

#[test]
fn an_encrypted_data_file_is_opened_in_memory() {
    let repo = tree();
    repo.write(
        "templates/config/kubernetes/data.sops.yaml.j2",
        "stringData:\n  password: canary-cloudflare-token\n",
    );
    repo.ok(&["configure", "--raw", "--yes"]);
    let sealed = repo.read("kubernetes/data.sops.yaml");
    repo.write("private.yaml", &sealed);
    std::fs::remove_file(repo.path("templates/config/kubernetes/data.sops.yaml.j2")).expect("there");
    repo.write(
        "templates/config/kubernetes/again.sops.yaml.j2",
        "stringData:\n  again: #{ stringData.password }#\n",
    );
    without_canaries(&repo.ok(&["configure", "--raw", "--yes", "--data", "private.yaml"]));
    let clear = repo
        .ok(&["secrets", "decrypt", "kubernetes/again.sops.yaml"])
        .stdout;
    assert!(clear.contains("again: canary-cloudflare-token"), "{clear}");
}

#[test]
fn the_rules_warn_about_a_tree_of_others_and_refuse_what_is_broken() {
    let repo = tree();
    repo.write("templates/config/kubernetes/apps/default/app/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - ./config.yaml\n  - ./by-hand.yaml\n");
    let run = repo.fails(&["configure", "--raw", "--yes"]);
    assert!(run.stderr.contains("error[missing-resource]"), "{}", run.stderr);
    repo.write("kubernetes/apps/default/app/by-hand.yaml", "kind: X\n");
    repo.ok(&["configure", "--raw", "--yes"]);
    repo.write(
        "templates/config/kubernetes/apps/default/app/config.yaml.j2",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\nstringData:\n  a: some-text\n",
    );
    let run = repo.fails(&["configure", "--raw", "--yes"]);
    assert!(run.stderr.contains("error[plain-secret]"), "{}", run.stderr);
}

#[test]
fn without_the_flag_the_settings_get_a_hint_and_without_settings_raw_mode_says_so() {
    let run = tree().run(&["check"]);
    assert!(
        run.stderr.contains("raw/hint") && run.stderr.contains("`--raw`"),
        "{}",
        run.stderr
    );
    let run = Repo::empty().fails(&["configure", "--raw"]);
    assert!(run.stderr.contains("raw/no-settings"), "{}", run.stderr);
}

#[test]
fn edits_of_the_output_are_merged() {
    let repo = tree();
    repo.git(&["init", "-q"]);
    repo.write(".gitignore", crate::support::GITIGNORE);
    repo.ok(&["configure", "--raw", "--yes"]);
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-qm", "first"]);
    repo.edit(
        "kubernetes/apps/default/app/config.yaml",
        "from: theirs",
        "from: mine",
    );
    repo.edit(
        "templates/config/kubernetes/apps/default/app/config.yaml.j2",
        "branch:",
        "trunk:",
    );
    repo.ok(&["configure", "--raw", "--yes"]);
    let text = repo.read("kubernetes/apps/default/app/config.yaml");
    assert!(
        text.contains("from: mine") && text.contains("trunk: main"),
        "{text}"
    );
}

/// The first fenced block after a place in the chapter.
fn block(chapter: &str, start: &str) -> String {
    let from = chapter
        .find(start)
        .unwrap_or_else(|| panic!("{start} is not in the chapter"));
    let rest = &chapter[from..];
    rest[..=rest.find("\n```\n").expect("a closed block")].to_owned()
}

#[test]
fn the_example_of_the_documentation_gives_what_it_says() {
    let chapter = include_str!("../../docs/jinja.md");
    let repo = Repo::empty();
    for file in ["makejinja.toml", "cluster.yaml"] {
        repo.write(file, &block(chapter, &format!("# {file}\n")));
    }
    let template = "templates/config/kubernetes/apps/default/echo/app/config.yaml.j2";
    let text = block(chapter, &format!("# {template}\n"));
    let (_, text) = text.split_once('\n').expect("a first line");
    repo.write(template, text);
    let shown = block(chapter, "$ clusterwright render --raw kubernetes\n");
    let (command, expected) = shown.split_once('\n').expect("a first line");
    let args: Vec<&str> = command.split(' ').skip(2).collect();
    assert_eq!(repo.ok(&args).stdout, expected);
}

#[test]
fn a_data_file_that_is_not_there_is_told_where_it_is_named() {
    let repo = tree();
    let settings = repo.read("makejinja.toml");
    repo.write(
        "makejinja.toml",
        &settings.replace("./cluster.yaml", "./clster.yaml"),
    );
    let run = repo.fails(&["render", "--raw", "--data", "clustr.yaml", "--data", "nope.json"]);
    for words in [
        "the data file `clster.yaml` does not exist",
        "makejinja.toml:5:",
        "\"./clster.yaml\"",
        "did you mean `cluster.yaml`?",
        "correct FILE of `--data`",
        "the data file `nope.json` does not exist",
    ] {
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
    assert_eq!(run.stderr.matches("did you mean `cluster.yaml`?").count(), 2);
}

#[test]
fn what_only_python_gives_is_told_once_for_each_name() {
    let repo = tree();
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: more\ndata:\n  a: \"#{ from_plugin }#\"\n  \
                    b: \"#{ 'x-' ~ from_plugin.deep }#\"\n  c: \"#{ other | default('') }#\"\n  \
                    #% if other is defined %#\n  d: \"#{ other }#\"\n  #% endif %#\n";
    repo.write(
        "templates/config/kubernetes/apps/default/app/more.yaml.j2",
        template,
    );
    let run = repo.run(&["render", "--raw"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stderr.matches("raw/empty-value").count(), 1, "{}", run.stderr);
    for words in [
        "`from_plugin` has no value",
        "more.yaml.j2:6:",
        "2 places",
        "makejinja.toml:7:",
        "--data FILE",
        "from_plugin|default('')",
    ] {
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
    repo.write("own.yaml", "from_plugin: {deep: x}\n");
    let run = repo.ok(&["render", "--raw", "--data", "own.yaml"]);
    assert!(!run.stderr.contains("raw/empty-value"), "{}", run.stderr);
}
