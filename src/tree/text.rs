//! What stands in a file of the output, and what of it a person wrote.

use std::ops::Range;

use super::RepoPath;

/// A place that a person and the render changed, each in their own way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The way to it, such as `spec.values.env[LOG_LEVEL]`; empty for a whole file.
    pub place: String,
    /// Whether its values are not told, for the file may hold secrets: then they are not here either.
    pub hidden: bool,
    /// What stood there at the last run; `None` where nothing stood.
    pub base: Option<String>,
    /// What a person made of it; `None` for deleted.
    pub yours: Option<String>,
    /// What is rendered now; `None` for no longer rendered.
    pub render: Option<String>,
    /// Where yours stands in the edited file.
    pub span: Option<Range<usize>>,
}

impl Conflict {
    /// Leaves only the place.
    #[must_use]
    pub fn hide(self) -> Self {
        Self {
            place: self.place,
            hidden: true,
            base: None,
            yours: None,
            render: None,
            span: None,
        }
    }
}

/// The text of a file, by who wrote it. In a tree that is not sealed yet, secrets stand in it as tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// As it is rendered: nobody edited the file, or the render has the word.
    Rendered(String),
    /// A person edited the file, and their edits are in the text.
    Edited {
        /// What is to stand in the file.
        text: String,
        /// The render without the edits.
        render: String,
        /// Where the file was rendered to before, if its template moved and took the edits along.
        moved_from: Option<RepoPath>,
    },
    /// A person edited the file, and the edits contradict the render.
    Contradicted {
        /// The render.
        render: String,
        /// The places.
        conflicts: Vec<Conflict>,
    },
}

impl Text {
    /// Returns the text that stands in the tree: with a person's edits where they are merged, else the render.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Rendered(text) | Self::Edited { text, .. } | Self::Contradicted { render: text, .. } => {
                text
            }
        }
    }

    /// Returns the text without a person's edits.
    pub fn render(&self) -> &str {
        match self {
            Self::Rendered(render) | Self::Edited { render, .. } | Self::Contradicted { render, .. } => {
                render
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_and_its_render_differ_by_the_edits_alone() {
        let own = |text: &str| text.to_owned();
        let edited = Text::Edited {
            text: own("yours"),
            render: own("ours"),
            moved_from: None,
        };
        let contradicted = Text::Contradicted {
            render: own("ours"),
            conflicts: Vec::new(),
        };
        let shown = |text: &Text| (text.as_str().to_owned(), text.render().to_owned());
        assert_eq!(shown(&Text::Rendered(own("ours"))), (own("ours"), own("ours")));
        assert_eq!(shown(&edited), (own("yours"), own("ours")));
        assert_eq!(shown(&contradicted), (own("ours"), own("ours")));
    }
}
