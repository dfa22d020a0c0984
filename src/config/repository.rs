//! The repository that Flux follows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Branch, RepositoryName, TextValue as _};

/// The repository on GitHub that Flux follows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RepositoryKeys {
    /// Repository that holds the generated tree, as `owner/name` on GitHub.
    #[schemars(example = &"octocat/home-ops", extend("x-placeholder" = "<owner/name of this repository on GitHub>"))]
    pub repository_name: RepositoryName,

    /// Branch that Flux follows.
    #[serde(default = "repository_branch")]
    #[schemars(example = &"main")]
    pub repository_branch: Branch,

    /// Whether the repository can be read without a key.
    #[serde(default)]
    #[schemars(example = &"private")]
    pub repository_visibility: Visibility,
}

/// Whether a repository can be read without a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Visibility {
    /// Flux reads it over HTTPS without a key.
    #[default]
    Public,
    /// Flux reads it over SSH with the deploy key in `github-deploy.key`.
    Private,
}

fn repository_branch() -> Branch {
    Branch::parse("main").expect("valid default")
}
