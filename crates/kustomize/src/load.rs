//! What a build file reads: files of its folder, with the numbers that their places have.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use crate::build_file::decode::WrittenText;
use crate::files::{Files, is_remote, is_within, join};
use crate::finding::{Halt, RefusalKind, Unknown, UnknownKind, halt};
use crate::node::Datum;
use crate::node::Spot;
use crate::node::read::{TextFrame, Unreadable, documents};

/// Which files a build file may read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reach {
    /// Those in its own folder and below, as `kustomize build` has it.
    #[default]
    Folder,
    /// Any, as Flux has it.
    Anywhere,
}

/// A file that was read.
pub(crate) struct Loaded<'f> {
    pub(crate) content: Cow<'f, [u8]>,
    pub(crate) number: u32,
}

impl Loaded<'_> {
    /// The whole file.
    pub(crate) fn whole(&self) -> Spot {
        Spot {
            file: self.number,
            start: 0,
            end: u32::try_from(self.content.len()).unwrap_or(u32::MAX),
        }
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Result<&str, Halt> {
        std::str::from_utf8(&self.content).map_err(|error| {
            let at = u32::try_from(error.valid_up_to()).unwrap_or(u32::MAX);
            let spot = Spot {
                file: self.number,
                start: at,
                end: at,
            };
            halt(RefusalKind::NotYaml, Some(spot), "this is no text in UTF-8")
        })
    }
}

/// The documents of a file, or why they cannot be read.
pub(crate) type Parsed = Result<Vec<Arc<Datum>>, Halt>;

/// All files of a build.
pub(crate) struct Library<'f> {
    pub(crate) files: &'f dyn Files,
    pub(crate) reach: Reach,
    pub(crate) names: Vec<String>,
    numbers: HashMap<String, u32>,
    parsed: HashMap<u32, Arc<Parsed>>,
}

impl<'f> Library<'f> {
    pub(crate) fn new(files: &'f dyn Files, reach: Reach) -> Self {
        Self {
            files,
            reach,
            names: Vec::new(),
            numbers: HashMap::new(),
            parsed: HashMap::new(),
        }
    }

    fn number(&mut self, path: &str) -> u32 {
        if let Some(number) = self.numbers.get(path) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(path.to_owned());
        self.numbers.insert(path.to_owned(), number);
        number
    }

    /// Returns whether a path is that of a file.
    pub(crate) fn has_file(&self, path: &str) -> bool {
        self.numbers.contains_key(path)
            || (!self.files.has_folder(path) && self.files.content(path).is_some())
    }

    /// Reads a file.
    pub(crate) fn load(&mut self, path: &str) -> Option<Loaded<'f>> {
        let content = self.files.content(path)?;
        let number = self.number(path);
        Some(Loaded { content, number })
    }

    /// Reads the documents of a file, once.
    pub(crate) fn documents(&mut self, file: &Loaded<'_>) -> Arc<Parsed> {
        if let Some(parsed) = self.parsed.get(&file.number) {
            return Arc::clone(parsed);
        }
        let frame = TextFrame {
            file: file.number,
            block: None,
        };
        let parsed = file.text().and_then(|text| {
            let roots = documents(text, frame).map_err(|error| not_yaml(&error, frame))?;
            Ok(roots.into_iter().map(Arc::new).collect())
        });
        let parsed = Arc::new(parsed);
        self.parsed.insert(file.number, Arc::clone(&parsed));
        parsed
    }
}

/// A text that is not YAML.
pub(crate) fn not_yaml(error: &Unreadable, frame: TextFrame<'_>) -> Halt {
    halt(
        RefusalKind::NotYaml,
        Some(frame.spot(&error.span)),
        error.message.clone(),
    )
}

/// The folder of a build file, and what was found out in it.
pub(crate) struct Folder<'b, 'f> {
    pub(crate) path: String,
    pub(crate) library: &'b mut Library<'f>,
    pub(crate) unknown: Vec<Unknown>,
}

impl<'f> Folder<'_, 'f> {
    /// Reads a file that the build file names.
    pub(crate) fn read(&mut self, entry: &WrittenText) -> Result<Loaded<'f>, Halt> {
        let missing = |message: String| Err(halt(RefusalKind::MissingFile, entry.spot, message));
        let Some(path) = join(&self.path, &entry.value) else {
            let message = format!("`{}` is outside of what can be read", entry.value);
            return Err(halt(RefusalKind::OutsideFile, entry.spot, message));
        };
        let Some(loaded) = self.library.load(&path) else {
            return missing(format!("there is no file `{path}`"));
        };
        if self.library.reach == Reach::Folder && !is_within(&path, &self.path) {
            let message = format!("`{path}` is not in or below the folder of the build file");
            return Err(halt(RefusalKind::OutsideFile, entry.spot, message));
        }
        Ok(loaded)
    }

    /// Returns whether an entry leads elsewhere, and remembers it then.
    pub(crate) fn is_elsewhere(&mut self, entry: &WrittenText) -> bool {
        let remote = is_remote(&entry.value);
        if remote {
            self.leave_out(UnknownKind::Remote, entry);
        }
        remote
    }

    /// Remembers something that is not known.
    pub(crate) fn leave_out(&mut self, kind: UnknownKind, text: &WrittenText) {
        self.unknown.push(Unknown {
            kind,
            name: text.value.clone(),
            spot: text.spot,
        });
    }
}
