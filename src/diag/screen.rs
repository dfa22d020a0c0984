//! What a terminal may be shown: the one filter between the words of a repository and the screen.
//!
//! Names, keys, summaries and bodies come from the repository, and a terminal obeys what stands in them: it moves its
//! cursor, hides what follows, or shows letters in another order than the bytes have. So whatever is printed for people
//! goes through [`shown`], which spells such characters out (`\u{1b}`). The program's own styles pass, for a [`ScreenStyle`]
//! writes no escape sequence but a mark that no file can hold, because it is drawn anew for every run.
//!
//! `cli::ui` is the only user of [`shown`] and the only writer to the standard streams; a test holds that.

use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::OnceLock;

pub use anstyle::AnsiColor;

/// Starts an escape sequence.
const ESCAPE: char = '\u{1b}';

/// A style of the program's own. It is written as a mark, which only [`shown`] turns into an escape sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScreenStyle(anstyle::Style);

impl ScreenStyle {
    /// No style.
    #[must_use]
    pub const fn new() -> Self {
        Self(anstyle::Style::new())
    }

    /// A colour of letters.
    #[must_use]
    pub const fn of(color: AnsiColor) -> Self {
        Self(color.on_default())
    }

    /// Bold letters as well.
    #[must_use]
    pub const fn bold(self) -> Self {
        Self(self.0.bold())
    }

    /// Dim letters as well.
    #[must_use]
    pub const fn dimmed(self) -> Self {
        Self(self.0.dimmed())
    }

    /// Underlined letters as well.
    #[must_use]
    pub const fn underline(self) -> Self {
        Self(self.0.underline())
    }
}

/// `{style}` starts it, `{style:#}` ends it.
impl fmt::Display for ScreenStyle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sequence = if f.alternate() {
            self.0.render_reset().to_string()
        } else {
            self.0.render().to_string()
        };
        f.write_str(&marked(&sequence))
    }
}

/// Returns what stands for the start of an escape sequence in this run.
fn mark() -> &'static str {
    static MARK: OnceLock<String> = OnceLock::new();
    MARK.get_or_init(|| {
        // Two numbers that the system draws: 128 bits that nothing in a repository can know.
        let number = || RandomState::new().build_hasher().finish();
        format!("\u{f8ff}{:016x}{:016x}", number(), number())
    })
}

/// Turns the escape sequences of a text into marks. Only for a text of whose parts each went through [`line()`] or
/// [`text`] before the sequences were put in.
pub fn marked(text: &str) -> String {
    text.replace(ESCAPE, mark())
}

/// Takes the marks out and changes nothing else: for a file or a program that reads along.
pub fn unmarked(text: &str) -> Cow<'_, str> {
    if !text.contains(mark()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for (index, piece) in text.split(mark()).enumerate() {
        let own = if index > 0 { end_of_style(piece) } else { 0 };
        out.push_str(&piece[own..]);
    }
    Cow::Owned(out)
}

/// Returns a text as a terminal may get it: without styles where `styled` is false, and everything that would steer the
/// terminal spelled out.
pub fn shown(message: &str, styled: bool) -> String {
    let mut out = String::with_capacity(message.len() + 16);
    for (index, piece) in message.split(mark()).enumerate() {
        let own = if index > 0 { end_of_style(piece) } else { 0 };
        if styled && own > 0 {
            out.push(ESCAPE);
            out.push_str(&piece[..own]);
        }
        out.push_str(&text(&piece[own..]));
    }
    out
}

/// Returns where the parameters of a style end: `[1;31m`.
fn end_of_style(piece: &str) -> usize {
    let fits = |c: char| c.is_ascii_digit() || c == ';';
    let parameters = piece.strip_prefix('[').map(|rest| rest.trim_start_matches(fits));
    match parameters.and_then(|rest| rest.strip_prefix('m')) {
        Some(rest) => piece.len() - rest.len(),
        None => 0,
    }
}

/// Returns a text in which everything that would steer a terminal, reorder or hide letters is spelled out. Line ends and
/// tabs stay.
pub fn text(text: &str) -> Cow<'_, str> {
    spelled(text, |c, next| match c {
        '\n' | '\t' => false,
        // The line end of Windows.
        '\r' => next != Some('\n'),
        c => is_hidden(c),
    })
}

/// The same for what must stay on its line, such as a name: line ends are spelled out as well.
pub fn line(text: &str) -> Cow<'_, str> {
    spelled(text, |c, _| c == '\n' || c != '\t' && is_hidden(c))
}

fn spelled(text: &str, hidden: impl Fn(char, Option<char>) -> bool) -> Cow<'_, str> {
    // Most texts are plain: printable ASCII and line ends.
    let plain = |b: u8| matches!(b, b' '..=b'~' | b'\t');
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if hidden(c, chars.peek().copied()) {
            match c {
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                c => out.extend(c.escape_unicode()),
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Returns whether a character steers a terminal, changes the order in which letters are shown, or shows nothing.
///
/// Control characters are C0, DEL and C1 (ECMA-48). The others are those of Unicode 16 with `Bidi_Control` or
/// `Default_Ignorable_Code_Point`, but for the selectors that emoji are written with (U+FE00 to U+FE0F), and the line
/// ends that only some programs know (U+2028, U+2029).
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each kind.
    const TRICKS: [&str; 14] = [
        "\u{1b}[8mhidden",
        "\u{1b}]0;title\u{7}",
        "\u{9b}31m",
        "a\rb",
        "\u{8}\u{8}x",
        "\u{7f}",
        "user\u{202e}txt.exe",
        "\u{2066}x\u{2069}",
        "\u{200b}",
        "\u{feff}",
        "\u{e0041}",
        "\u{2028}",
        "\u{3164}",
        "\u{0}",
    ];

    #[test]
    fn every_trick_is_spelled_out() {
        for trick in TRICKS {
            for styled in [true, false] {
                let seen = shown(trick, styled);
                assert!(!seen.contains(is_hidden), "{trick:?}: {seen:?}");
                assert!(seen.contains('\\'), "{trick:?}: {seen:?}");
            }
            assert!(!line(trick).contains(is_hidden), "{trick:?}");
        }
        assert_eq!(shown("\u{1b}[8m", true), "\\u{1b}[8m");
        assert_eq!(line("a\nerror: b"), "a\\nerror: b");
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        for plain in [
            "",
            "a b\tc\n",
            "a\r\nb\r\n",
            "größe 漢字 ⚠\u{fe0f} │ é",
            "\\u{1b}",
        ] {
            assert_eq!(shown(plain, true), plain);
            assert_eq!(unmarked(plain), plain);
        }
    }

    #[test]
    fn own_styles_pass_and_those_of_a_file_do_not() {
        let red = ScreenStyle::of(AnsiColor::Red).bold();
        let said = format!("{red}delete{red:#} {}", "\u{1b}[31mx");
        assert_eq!(
            shown(&said, true),
            "\u{1b}[1m\u{1b}[31mdelete\u{1b}[0m \\u{1b}[31mx"
        );
        assert_eq!(shown(&said, false), "delete \\u{1b}[31mx");
        assert_eq!(unmarked(&said), "delete \u{1b}[31mx", "a file gets its own bytes");
    }

    #[test]
    fn a_mark_lets_nothing_but_a_style_through() {
        let forged = format!("{}]0;title\u{7}", mark());
        assert_eq!(shown(&forged, true), "]0;title\\u{7}");
        assert_eq!(shown(&format!("{}[2J", mark()), true), "[2J");
    }
}
