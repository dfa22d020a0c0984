//! What a build cannot do: because kustomize refuses it, or because nobody can know it from the files alone.

use std::fmt;

use crate::node::Spot;

/// Why kustomize refuses a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusalKind {
    /// A folder without a build file.
    NoBuildFile,
    /// A folder with two build files.
    TwoBuildFiles,
    /// A build file in which nothing stands.
    EmptyBuildFile,
    /// A build file with a field that there is not, or with a value of another type than wanted.
    BadBuildFile,
    /// Text that is not YAML.
    NotYaml,
    /// A document without kind or name, or with something else in it that no manifest may have.
    NotAManifest,
    /// A file or folder that is not there.
    MissingFile,
    /// A file outside of the folder of its build file.
    OutsideFile,
    /// A folder that includes itself, or a folder around it.
    Cycle,
    /// A component among the resources, or something else among the components.
    WrongKind,
    /// Two objects of one id.
    TwiceTheSame,
    /// A patch, a generator or another entry that changes an object which is not there.
    NoMatch,
    /// An entry that fits several objects where one is wanted.
    SeveralMatches,
    /// A patch that cannot be read.
    BadPatch,
    /// A change that cannot be made to the object that it is for.
    CannotApply,
    /// A generator whose sources cannot be read.
    BadGenerator,
    /// An object that cannot be written out in the end.
    CannotWrite,
    /// More than this build takes on; kustomize itself may need long for it.
    TooLarge,
}

/// Something that kustomize refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub kind: RefusalKind,
    /// What exactly, in one sentence without a full stop.
    pub message: String,
    /// Where; without one the whole folder is meant.
    pub spot: Option<Spot>,
    /// A second place, such as that of the first of two objects.
    pub other: Option<Spot>,
    /// The folder whose build file is worked on.
    pub folder: Option<String>,
}

impl Refusal {
    pub(crate) fn new(kind: RefusalKind, spot: Option<Spot>, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            spot,
            other: None,
            folder: None,
        }
    }

    pub(crate) fn with_other(mut self, other: Option<Spot>) -> Self {
        self.other = other;
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What kind of thing is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnknownKind {
    /// A file or folder elsewhere.
    Remote,
    /// A Helm chart that would be rendered.
    Helm,
    /// A program, or a plug-in that is not built in.
    Plugin,
    /// `vars`, the older form of replacements.
    Vars,
    /// A schema of one's own, which says how lists are merged.
    Schema,
    /// Annotations and labels that say how an object was built.
    BuildMetadata,
    /// Something that had to be left out because another part is not known.
    Follows,
}

/// A part of the result that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// What kind of thing.
    pub kind: UnknownKind,
    /// Its name: the address, the chart, the plug-in.
    pub name: String,
    /// Where it is asked for.
    pub spot: Option<Spot>,
}

/// What stops a build.
pub(crate) type Halt = Refusal;

/// Makes a stop.
pub(crate) fn halt(kind: RefusalKind, spot: Option<Spot>, message: impl Into<String>) -> Halt {
    Refusal::new(kind, spot, message)
}
