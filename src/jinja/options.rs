//! How templates are written: delimiters, white space, and what a missing name means.

use minijinja::syntax::SyntaxConfig;

/// What stands before and after a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Before it.
    pub start: String,
    /// After it; may be the same text.
    pub end: String,
}

impl Pair {
    /// Puts the two together.
    pub fn new(start: impl Into<String>, end: impl Into<String>) -> Self {
        Self {
            start: start.into(),
            end: end.into(),
        }
    }
}

/// What a template may do with a name that nothing defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undefined {
    /// Print it as nothing; reading a key of it is an error. Jinja2's default.
    Lenient,
    /// Also read keys of it.
    Chainable,
    /// Only ask whether it is defined.
    Strict,
}

/// How templates are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Around statements.
    pub block: Pair,
    /// Around what is printed.
    pub variable: Pair,
    /// Around comments.
    pub comment: Pair,
    /// Drops the line end after a statement.
    pub trim_blocks: bool,
    /// Drops the blanks between the start of a line and a statement.
    pub lstrip_blocks: bool,
    /// Keeps the last line end of a template.
    pub keep_trailing_newline: bool,
    /// What a missing name means.
    pub undefined: Undefined,
}

impl Options {
    /// The delimiters of cluster templates, `#% %#`, `#{ }#` and `#| |#`, with the white space of makejinja.
    pub fn of_the_library() -> Self {
        Self {
            block: Pair::new("#%", "%#"),
            variable: Pair::new("#{", "}#"),
            comment: Pair::new("#|", "|#"),
            undefined: Undefined::Chainable,
            ..Self::of_jinja()
        }
    }

    /// Jinja2's own delimiters, with the white space of makejinja.
    pub fn of_jinja() -> Self {
        Self {
            block: Pair::new("{%", "%}"),
            variable: Pair::new("{{", "}}"),
            comment: Pair::new("{#", "#}"),
            trim_blocks: true,
            lstrip_blocks: true,
            keep_trailing_newline: true,
            undefined: Undefined::Lenient,
        }
    }

    pub(super) fn syntax(&self) -> Result<SyntaxConfig, minijinja::Error> {
        let pair = |pair: &Pair| (pair.start.clone(), pair.end.clone());
        let (block, variable, comment) = (pair(&self.block), pair(&self.variable), pair(&self.comment));
        let mut builder = SyntaxConfig::builder();
        builder
            .block_delimiters(block.0, block.1)
            .variable_delimiters(variable.0, variable.1)
            .comment_delimiters(comment.0, comment.1)
            .trim_blocks(self.trim_blocks)
            .lstrip_blocks(self.lstrip_blocks)
            .keep_trailing_newline(self.keep_trailing_newline);
        builder.build()
    }
}
