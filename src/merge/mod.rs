//! What people and Renovate changed in our files goes into the new render: three-way merge.
//!
//! | file on the disk | render | result |
//! | --- | --- | --- |
//! | as the lock has it | any | the render |
//! | edited | as the lock has it | the edited file |
//! | edited | changed | merged, or conflicts, which write nothing |
//! | not in the lock | any | the render, with versions that are newer on the disk |
//!
//! The base of a merge is the render that the lock names by its hash ([`Bases`](crate::world::Bases)). YAML merges by key and by the
//! identity of list items, other text by lines. Rules see the result, which is
//! what will stand on the disk. SOPS files merge by value, in [`crate::seal`], with [`three_way`].

mod by_key;
mod carried;
mod charts;
mod diff3;
mod identity;
mod kubernetes;
mod stage;
#[cfg(test)]
mod tests;
mod verify;
pub mod version;

pub use carried::{Standing, carry, standing};
pub use charts::{TreeVersion, newer_charts};
pub use kubernetes::kept_kubernetes;
pub use stage::{MergeInput, merge};
pub use version::{KeptVersion, keep_newer};

use crate::tree::Conflict;
use crate::world::{Resolutions, Side};

/// Merges what changed from `base` to `render` into `yours`.
///
/// # Errors
/// With the places that both sides changed, in different ways.
pub fn three_way(
    is_yaml: bool,
    [base, yours, render]: [&str; 3],
    resolutions: &Resolutions,
) -> Result<String, Vec<Conflict>> {
    if yours == render || render == base {
        return Ok(yours.to_owned());
    }
    if yours == base {
        return Ok(render.to_owned());
    }
    if is_yaml && let Some(merged) = by_key::merge([base, yours, render], resolutions) {
        return merged;
    }
    if let Some(merged) = diff3::lines(base, yours, render)
        && (!is_yaml || verify::texts([base, yours, render], &merged))
    {
        return Ok(merged);
    }
    match resolutions.get("") {
        Some(Side::Yours) => Ok(yours.to_owned()),
        Some(Side::Render) => Ok(render.to_owned()),
        None => Err(vec![Conflict {
            place: String::new(),
            hidden: false,
            base: Some(base.to_owned()),
            yours: Some(yours.to_owned()),
            render: Some(render.to_owned()),
            span: None,
        }]),
    }
}

/// Spells the way to a value: `spec.values.env[LOG_LEVEL]`.
fn place(keys: &[String]) -> String {
    let mut out = String::new();
    for key in keys {
        if !out.is_empty() && !key.starts_with('[') {
            out.push('.');
        }
        out.push_str(key);
    }
    out
}
