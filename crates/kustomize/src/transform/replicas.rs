//! `replicas`: how many pods a workload has.

use super::{cannot, replace_scalar};
use crate::build_file::ReplicaEntry;
use crate::config::{TransformerConfig, Use};
use crate::field_spec::Make;
use crate::finding::Halt;
use crate::node::{Datum, Scalar, Tag};
use crate::set::ResourceSet;

/// Sets the number of replicas. Returns whether there was a workload of this name.
pub(crate) fn apply(
    set: &mut ResourceSet,
    entry: &ReplicaEntry,
    config: &TransformerConfig,
) -> Result<bool, Halt> {
    let mut found = false;
    for field in config.fields(Use::Replicas) {
        let matches = set.by_any_id(|id| id.name == entry.name.value && id.gvk.is_selected_by(&field.gvk));
        for at in matches {
            found = true;
            let resource = &mut set.list_mut()[at];
            let gvk = resource.gvk();
            let mut count = |node: &mut Datum| {
                let scalar = Scalar {
                    tag: Tag::Int,
                    ..Scalar::text(entry.count.to_string())
                };
                replace_scalar(node, scalar, entry.spot)
            };
            let done = field.apply(resource.data_mut(), &gvk, Make::Scalar, &mut count);
            done.map_err(|error| cannot(&error, resource, entry.spot))?;
        }
    }
    Ok(found)
}
