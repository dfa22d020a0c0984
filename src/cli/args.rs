//! What can be typed. The arguments of a command are beside it.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueHint};

use super::ui::OutputFormat;
use super::{
    adopt, apps, check, completions, configure, demo, diff, doctor, explain, graph, init, man, new_app, plan,
    render, resolve, schema, secrets, undo, validate,
};

/// Compiles one typed cluster.yaml into a complete, checked, encrypted GitOps tree for Talos and Flux, and shows what
/// will change before it writes anything.
#[derive(Debug, Parser)]
#[command(name = "clusterwright", version, max_term_width = 100)]
pub(super) struct Cli {
    /// Directory that holds cluster.yaml; files that are named count from there
    #[arg(short = 'C', long, global = true, default_value = ".", value_name = "DIR", value_hint = ValueHint::DirPath)]
    #[arg(help_heading = "Global options")]
    pub(super) root: PathBuf,

    /// How findings and results are printed
    #[arg(short, long, global = true, value_enum, default_value_t = OutputFormat::Human)]
    #[arg(value_name = "FORMAT", help_heading = "Global options")]
    pub(super) output: OutputFormat,

    /// What to do
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create what is missing: cluster.yaml to fill in, keys and tokens, git-ignore entries
    Init(init::Args),
    /// Scaffold an example repository, configure it and show the result
    Demo(demo::Args),
    /// Check cluster.yaml against the schema and the rules between keys
    Validate(validate::Args),
    /// List every app, on or off and why, and the order in which Flux applies them
    Plan(plan::Args),
    /// Print the graph of the Flux Kustomizations: what waits for what
    Graph(graph::Args),
    /// List the apps of the catalogue, or what they ask of the nodes
    Apps(apps::Args),
    /// Write the folder of an app of your own, ready to configure
    NewApp(new_app::Args),
    /// Print rendered files, with secrets masked
    Render(render::Args),
    /// Render, check and compare with the work tree: everything that configure does, but no write
    Check(check::Args),
    /// Validate, render, check, seal, show the changes and write them
    Configure(configure::Args),
    /// Take files of an existing repository over: show what differs, then replace or keep what you name
    Adopt(adopt::Args),
    /// Take the last run that wrote something back
    Undo(undo::Args),
    /// Settle conflicts between your edits and the render, place by place, then configure
    Resolve(resolve::Args),
    /// Show how the rendered tree differs from HEAD, another revision or the work tree
    Diff(diff::Args),
    /// Print the JSON Schema of cluster.yaml
    Schema(schema::Args),
    /// Say what a rule or the code of a finding means, or list all
    Explain(explain::Args),
    /// Check what lies around the configuration: keys, git-ignore entries, schema, lock, interrupted runs
    Doctor(doctor::Args),
    /// Work with SOPS files
    #[command(subcommand)]
    Secrets(secrets::args::SecretsCommand),
    /// Print completions for a shell
    Completions(completions::Args),
    /// Print the manual page of the program or of a command
    Man(man::Args),
}
