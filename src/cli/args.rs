//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::secrets::args::Secrets;

/// Compiles one typed cluster.yaml into a complete, checked, encrypted GitOps tree for Talos and Flux, and shows what
/// will change before it writes anything.
#[derive(Debug, Parser)]
#[command(name = "clusterwright", version, max_term_width = 100)]
pub(super) struct Cli {
    /// Directory that holds cluster.yaml
    #[arg(short = 'C', long, global = true, default_value = ".", value_name = "DIR")]
    pub(super) root: PathBuf,

    /// How findings and results are printed
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Human)]
    pub(super) output: Format,

    /// What to do
    #[command(subcommand)]
    pub(super) command: Command,
}

/// How findings and results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people: the source line, carets, and what to do
    Human,
    /// One finding a line, with path, line and column
    Concise,
    /// For machines; results of validate, plan, diff and configure included
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create what is missing: cluster.yaml to fill in, keys and tokens, git-ignore entries
    Init(Init),
    /// Scaffold an example repository, configure it and show the result
    Demo(Demo),
    /// Check cluster.yaml against the schema and the rules between keys
    Validate,
    /// List every app, on or off and why, and the order in which Flux applies them
    Plan,
    /// Print the graph of the Flux Kustomizations: what waits for what
    Graph(Graph),
    /// List the apps of the catalogue, or what they ask of the nodes
    Apps(Apps),
    /// Write the folder of an app of your own, ready to configure
    NewApp(NewApp),
    /// Print rendered files, with secrets masked
    Render(Render),
    /// Render, check and compare with the work tree: everything that configure does, but no write
    Check(Raw),
    /// Validate, render, check, seal, show the changes and write them
    Configure(Configure),
    /// Take files of an existing repository over: show what differs, then replace or keep what you name
    Adopt(Adopt),
    /// Take the last run that wrote something back
    Undo(Undo),
    /// Settle conflicts between your edits and the render, place by place, then configure
    Resolve(Resolve),
    /// Show how the rendered tree differs from HEAD, another revision or the work tree
    Diff(Diff),
    /// Print the JSON Schema of cluster.yaml
    Schema(Schema),
    /// Print the documentation of a rule, or list all rules
    Explain(Explain),
    /// Check what lies around the configuration: keys, git-ignore entries, schema, lock, interrupted runs
    Doctor,
    /// Work with SOPS files
    #[command(subcommand)]
    Secrets(Secrets),
    /// Print completions for a shell
    Completions(Completions),
}

/// Arguments of raw mode.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Raw mode")]
#[expect(clippy::struct_field_names, reason = "the field is the name of the flag")]
pub(super) struct Raw {
    /// Render the repository's own Jinja2 tree, as its makejinja.toml describes it, in place of the catalogue
    #[arg(long)]
    pub(super) raw: bool,
    /// Read more data for the templates, after that of makejinja.toml: YAML, JSON or TOML; later files win
    #[arg(long, value_name = "FILE", requires = "raw")]
    pub(super) data: Vec<PathBuf>,
    /// Let makejinja.toml name this path outside of the repository, exactly as given; relative to the repository
    #[arg(long, value_name = "PATH", requires = "raw")]
    pub(super) allow_outside: Vec<PathBuf>,
    /// Let templates read a variable of the environment, as `env.NAME` or `get_env('NAME')`
    #[arg(long, value_name = "NAME", requires = "raw")]
    pub(super) env: Vec<String>,
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// Do not ask before creating files
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Make age.key a post-quantum key (for sops from 3.12 and Flux from 2.9)
    #[arg(long, conflicts_with = "key_from_env")]
    pub(super) pq: bool,
    /// Make age.key of the key that `SOPS_AGE_KEY_FILE`, `SOPS_AGE_KEY` or `SOPS_AGE_KEY_CMD` names, in place of a new one
    #[arg(long)]
    pub(super) key_from_env: bool,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Directory to create; it must not exist, or be empty
    #[arg(default_value = "clusterwright-demo", value_name = "DIR")]
    pub(super) directory: PathBuf,
}

/// Arguments of `graph`.
#[derive(Debug, Args)]
pub(super) struct Graph {
    /// Language of the graph
    #[arg(long, value_enum, default_value_t = GraphFormat::Mermaid)]
    pub(super) format: GraphFormat,
}

/// Language of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum GraphFormat {
    /// For Markdown files: GitHub draws it
    Mermaid,
    /// For Graphviz
    Dot,
}

/// Arguments of `apps`.
#[derive(Debug, Args)]
pub(super) struct Apps {
    /// Show what each component requests: CPU, memory and volumes
    #[arg(long)]
    pub(super) resources: bool,
}

/// Arguments of `new-app`.
#[derive(Debug, Args)]
pub(super) struct NewApp {
    /// Namespace and name of the app, such as media/homepage
    #[arg(value_name = "NAMESPACE/NAME")]
    pub(super) name: String,
    /// Address of its Helm chart, oci://…; without it, the app has plain manifests
    #[arg(long, value_name = "ADDRESS", requires = "version")]
    pub(super) chart: Option<String>,
    /// Exact version of the chart
    #[arg(long, requires = "chart")]
    pub(super) version: Option<String>,
    /// Folder of the apps, instead of templates/apps
    #[arg(long)]
    pub(super) dir: Option<String>,
}

/// Arguments of `render`.
#[derive(Debug, Args)]
pub(super) struct Render {
    /// Print only these files, or the files below these directories
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<String>,
    /// Print the paths alone
    #[arg(long)]
    pub(super) list: bool,
    #[command(flatten)]
    pub(super) raw: Raw,
}

/// Arguments of `configure`.
#[derive(Debug, Args)]
pub(super) struct Configure {
    /// Write without asking
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Show the changes and write nothing
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
    /// Write nothing and exit with 2 when there are changes
    #[arg(long)]
    pub(super) check: bool,
    /// Take the rendered version of a file that you edited or that is not ours
    #[arg(long, value_name = "PATH")]
    pub(super) overwrite: Vec<String>,
    /// Keep your version of a file in conflict
    #[arg(long, value_name = "PATH")]
    pub(super) keep: Vec<String>,
    #[command(flatten)]
    pub(super) raw: Raw,
}

/// Arguments of `adopt`.
#[derive(Debug, Args)]
pub(super) struct Adopt {
    /// What to take over: apps, files or folders; without any, all of them are shown
    #[arg(value_name = "APP|PATH", conflicts_with = "all")]
    pub(super) what: Vec<String>,
    /// Take over everything that is rendered and not ours yet
    #[arg(long)]
    pub(super) all: bool,
    /// Take over the files that equal the render already: only the lock changes
    #[arg(long)]
    pub(super) identical: bool,
    /// Record that your version of this app, file or folder stays
    #[arg(long, value_name = "APP|PATH")]
    pub(super) keep: Vec<String>,
    /// Write our layout also where your file has the same content
    #[arg(long)]
    pub(super) rewrite: bool,
    /// Write without asking
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Show what would be written and write nothing
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
}

/// Arguments of `undo`.
#[derive(Debug, Args)]
pub(super) struct Undo {
    /// Take it back without asking
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Show what would be taken back and write nothing
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
}

/// Arguments of `resolve`.
#[derive(Debug, Args)]
pub(super) struct Resolve {
    /// Settle only the conflicts in these files
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<String>,
    #[command(flatten)]
    pub(super) raw: Raw,
    /// Do not ask: which side wins at every place
    #[arg(long, value_enum)]
    pub(super) take: Option<Take>,
    /// With --take and one PATH: only at this place, such as spec.values.replicas
    #[arg(long, value_name = "PLACE", requires = "take")]
    pub(super) at: Vec<String>,
    /// Write without asking
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Show the changes and write nothing
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
}

/// Which side of a conflict wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Take {
    /// The file as you edited it
    Yours,
    /// What is rendered now
    Template,
}

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// Revision to compare with
    #[arg(default_value = "HEAD", value_name = "REV", conflicts_with = "worktree")]
    pub(super) revision: String,
    /// Compare with the files as they are now
    #[arg(short, long)]
    pub(super) worktree: bool,
    /// Exit with 2 when there are differences
    #[arg(long)]
    pub(super) exit_code: bool,
    #[command(flatten)]
    pub(super) raw: Raw,
}

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// Print the schema of app.yaml, the manifest of a template folder
    #[arg(long)]
    pub(super) app: bool,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// Name of the rule
    pub(super) rule: Option<String>,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}
