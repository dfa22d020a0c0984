//! The tree of a command: from the catalogue, or in raw mode from the repository's own templates.

use std::path::PathBuf;

use super::{Session, variable};
use crate::catalog::Catalog;
use crate::check::Checked;
use crate::config::Vault;
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::pipeline::{self, Before};
use crate::plan::Plan;
use crate::raw::Request;
use crate::seal::Keys;
use crate::tree::Tree;
use crate::world::Choices;

/// Arguments of raw mode.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Raw mode")]
#[group(skip)]
pub(super) struct Args {
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

/// A checked tree, and what the later stages need.
pub(super) struct Prepared {
    /// The tree.
    pub(super) tree: Tree<Checked>,
    /// The secrets.
    pub(super) vault: Vault,
    /// Who can decrypt, and what we can decrypt.
    pub(super) keys: Keys,
    /// The repository before the run.
    pub(super) before: Before,
    /// Which apps are on; nothing in raw mode.
    pub(super) plan: Option<Plan>,
}

/// Loads, plans, renders and checks. `catalog` is where the catalogue is kept; `guard` looks at the repository before
/// anything is rendered, and at which files of the configuration hold secrets in clear.
pub(super) fn prepare(
    args: &Args,
    choices: Choices,
    catalog: &mut Option<Catalog>,
    guard: impl FnOnce(&Before, &[&str], &mut Diagnostics) -> Result<(), Aborted>,
    session: &mut Session<'_>,
) -> Result<Prepared, Aborted> {
    let (world, diags) = (&mut session.world, &mut session.diags);
    if args.raw {
        let request = request(args, diags)?;
        let mut before = pipeline::before(world, diags)?;
        before.choices = choices;
        let clear = pipeline::clear_configs(&world.root, &pipeline::vocabulary_of_any(&world.root));
        guard(&before, &clear, diags)?;
        let (tree, run) = pipeline::raw(world, &request, &before, diags)?;
        return Ok(Prepared {
            tree,
            vault: run.vault,
            keys: run.keys,
            before,
            plan: None,
        });
    }
    let catalog = catalog.insert(pipeline::catalog(world, diags)?);
    let configuration = pipeline::configuration(world, catalog, diags)?;
    let plan = pipeline::plan(catalog, &configuration, diags)?;
    let mut before = pipeline::before(world, diags)?;
    before.choices = choices;
    let clear = pipeline::clear_configs(&world.root, &catalog.vocabulary());
    guard(&before, &clear, diags)?;
    let tree = pipeline::check(world, catalog, &plan, &configuration, &before, diags)?;
    Ok(Prepared {
        tree,
        vault: configuration.vault,
        keys: configuration.keys,
        before,
        plan: Some(plan),
    })
}

/// The same for a command that only looks: no choices, and nothing to guard.
pub(super) fn look(
    args: &Args,
    catalog: &mut Option<Catalog>,
    session: &mut Session<'_>,
) -> Result<Prepared, Aborted> {
    prepare(args, Choices::default(), catalog, |_, _, _| Ok(()), session)
}

/// What raw mode is asked for.
fn request(args: &Args, diags: &mut Diagnostics) -> Result<Request, Aborted> {
    let mut request = Request {
        data: args.data.clone(),
        outside: args.allow_outside.clone(),
        ..Request::default()
    };
    for name in &args.env {
        match variable(name) {
            Some(value) => {
                request.env.insert(name.clone(), value);
            }
            None => diags.push(
                Diagnostic::error(
                    "usage/env",
                    format!("`--env {name}`: the environment has no such variable"),
                )
                .help("set it, or leave it out"),
            ),
        }
    }
    diags.checkpoint()?;
    Ok(request)
}
