//! What `adopt` asks of the stages.

use super::{Before, Compared, Configuration, World, changes, read_existing};
use crate::adopt::{self, Picked, Survey};
use crate::check::Checked;
use crate::diag::{Aborted, Diagnostics};
use crate::seal;
use crate::tree::Tree;
use crate::world::Choices;

/// Seals the tree and looks at what stands in the repository beside it. SOPS files of others that no key at hand opens
/// are no hindrance here: they count as different.
///
/// # Errors
/// When something cannot be sealed or compared at all.
pub fn survey(
    world: &mut World<'_>,
    tree: Tree<Checked>,
    configuration: &Configuration,
    before: &Before,
    diags: &mut Diagnostics,
) -> Result<(Compared, Survey), Aborted> {
    let Configuration { vault, keys, .. } = configuration;
    let existing = read_existing(world, &tree, before);
    let readable = existing.without(&adopt::locked(&existing, &before.lock, keys));
    let bases = before.bases();
    let committed = seal::Committed {
        existing: &readable,
        git: None,
        lock: &before.lock,
        bases: &bases,
        choices: &before.choices,
    };
    let tree = seal::seal(&tree, vault, keys, &committed, world.entropy, diags)?;
    let changes = changes(&tree, &existing, before, &Choices::default(), diags)?;
    let survey = Survey::new(&world.root, &tree, &existing, &before.lock, &changes, keys);
    let compared = Compared {
        tree,
        existing,
        changes,
    };
    Ok((compared, survey))
}

/// Narrows a comparison to what a person picked: nothing else will be written, nothing else enters the lock.
///
/// # Errors
/// When the choices do not fit; all findings are reported.
pub fn pick(
    compared: Compared,
    before: &Before,
    picked: &Picked,
    diags: &mut Diagnostics,
) -> Result<Compared, Aborted> {
    let Compared { tree, existing, .. } = compared;
    let changes = changes(&tree, &existing, before, &picked.choices, diags)?.only(&picked.paths);
    Ok(Compared {
        tree,
        existing,
        changes,
    })
}
