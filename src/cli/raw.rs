//! Where the tree of a command comes from: from the catalogue, or in raw mode from the repository's own templates.

use std::path::PathBuf;

use super::variable;
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::pipeline::TreeSource;
use crate::raw::RawRequest;

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

impl Args {
    /// Returns where the tree comes from.
    pub(super) fn source(&self, diags: &mut Diagnostics) -> Result<TreeSource, Aborted> {
        if self.raw {
            Ok(TreeSource::Raw(request(self, diags)?))
        } else {
            Ok(TreeSource::Catalogue)
        }
    }
}

/// What raw mode is asked for.
fn request(args: &Args, diags: &mut Diagnostics) -> Result<RawRequest, Aborted> {
    let mut request = RawRequest {
        data: args.data.clone(),
        outside: args.allow_outside.clone(),
        ..RawRequest::default()
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
