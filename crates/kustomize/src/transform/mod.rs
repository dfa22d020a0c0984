//! What a build file changes in the objects, one kind of change a file.

pub(crate) mod affix;
pub(crate) mod field_path;
pub(crate) mod images;
pub(crate) mod labels;
pub(crate) mod namespace;
pub(crate) mod replacements;
pub(crate) mod replicas;

use crate::field_spec::OffPath;
use crate::finding::{Halt, RefusalKind, halt};
use crate::node::{Content, Datum, Scalar, Spot};
use crate::resource::Resource;

/// A change that cannot be made to an object.
pub(crate) fn cannot(error: &OffPath, resource: &Resource, spot: Option<Spot>) -> Halt {
    let message = format!("the {} does not fit: {}", resource.id(), error.message);
    let mut halt = halt(RefusalKind::CannotApply, error.spot.or(resource.spot()), message);
    halt.other = spot;
    halt
}

/// Replaces a scalar, which keeps its quotes.
pub(crate) fn replace_scalar(node: &mut Datum, scalar: Scalar, spot: Option<Spot>) -> Result<(), OffPath> {
    if !matches!(node.content, Content::Scalar(_)) {
        return Err(OffPath {
            message: "a scalar is wanted here".to_owned(),
            spot: node.spot,
        });
    }
    node.set_scalar(scalar, spot);
    Ok(())
}
