//! Where output goes: results to stdout, findings and progress to stderr, colour on a terminal only.
//!
//! Nothing else writes to the standard streams. What goes to a terminal, and everything on stderr, passes the filter of
//! [`screen`]; a file or a program that reads stdout gets the bytes as they are.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _};

use serde_json::{Value, json};
use sops::Prompt;

use crate::diag::{Diagnostics, Severity, concise, human, json as json_format, screen};
use crate::sys::SecretText;

/// How findings and results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum OutputFormat {
    /// For people: the source line, carets, and what to do
    Human,
    /// One finding a line, with path, line and column
    Concise,
    /// For machines; results of validate, plan, diff and configure included
    Json,
}

/// The terminal.
pub(super) struct Ui {
    /// How to print.
    pub(super) format: OutputFormat,
    out: anstream::AutoStream<io::Stdout>,
    err: anstream::AutoStream<io::Stderr>,
    /// Whether a person reads stdout: it is a terminal, or made to look like one.
    watched: bool,
    /// How stdout failed. Nothing more is written to it then.
    broken: Option<io::Error>,
}

impl Ui {
    /// Opens the standard streams. Colour follows the terminal, `NO_COLOR` and `CLICOLOR_FORCE`.
    pub(super) fn new(format: OutputFormat) -> Self {
        let out = anstream::AutoStream::auto(io::stdout());
        Self {
            format,
            watched: io::stdout().is_terminal() || shows_styles(out.current_choice()),
            out,
            err: anstream::AutoStream::auto(io::stderr()),
            broken: None,
        }
    }

    /// Prints to stdout. What goes wrong there is said by [`Ui::close`].
    pub(super) fn print(&mut self, text: &str) {
        if self.watched {
            let text = screen::shown(text, self.is_styled());
            self.write(|out| out.write_all(text.as_bytes()));
        } else {
            self.print_exact(screen::unmarked(text).as_bytes());
        }
    }

    /// Prints to stdout as it is, escape sequences included: a value of a file must not be changed on its way.
    fn print_exact(&mut self, bytes: &[u8]) {
        self.write(|_| {
            let mut out = io::stdout().lock();
            out.write_all(bytes).and_then(|()| out.flush())
        });
    }

    fn write(&mut self, write: impl FnOnce(&mut anstream::AutoStream<io::Stdout>) -> io::Result<()>) {
        if self.broken.is_none() {
            self.broken = write(&mut self.out).err();
        }
    }

    /// Ends stdout, and says on stderr if not all of it could be written. Returns whether the reader has all that it
    /// wanted: one that has gone away has.
    pub(super) fn close(&mut self) -> bool {
        self.write(io::Write::flush);
        match self.broken.take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                self.say(&format!("error: cannot write to standard output: {error}"));
                false
            }
            _ => true,
        }
    }

    /// Prints a line to stdout.
    pub(super) fn line(&mut self, text: &str) {
        self.print(&format!("{text}\n"));
    }

    /// Prints to stderr.
    fn tell(&mut self, text: &str) {
        let text = screen::shown(text, shows_styles(self.err.current_choice()));
        let _ = self
            .err
            .write_all(text.as_bytes())
            .and_then(|()| self.err.flush());
    }

    /// Prints a line for people to stderr.
    pub(super) fn say(&mut self, text: &str) {
        self.tell(&format!("{text}\n"));
    }

    /// Prints a line for people to stderr, unless machines read along.
    pub(super) fn note(&mut self, text: &str) {
        if self.format != OutputFormat::Json {
            self.say(text);
        }
    }

    /// Prints a text that is the result, or returns it as `text` for `--output json`.
    pub(super) fn result(&mut self, text: &str) -> Option<Value> {
        self.result_bytes(text.as_bytes())
    }

    /// The same with bytes, which `--output json` gives as far as they are text.
    pub(super) fn result_bytes(&mut self, bytes: &[u8]) -> Option<Value> {
        if self.format == OutputFormat::Json {
            return Some(json!({ "text": String::from_utf8_lossy(bytes) }));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) if self.watched => self.print(text),
            Err(_) if self.watched => self.print(&String::from_utf8_lossy(bytes)),
            _ => self.print_exact(bytes),
        }
        None
    }

    /// Returns whether output is for people.
    pub(super) fn is_human(&self) -> bool {
        self.format == OutputFormat::Human
    }

    /// Returns whether stdout shows styles.
    pub(super) fn is_styled(&self) -> bool {
        shows_styles(self.out.current_choice())
    }

    /// Prints findings, or with `--output json` the whole result as one document with the findings inside.
    pub(super) fn finish(&mut self, diags: &Diagnostics, result: Option<Value>) {
        match self.format {
            OutputFormat::Human => {
                self.tell(&screen::marked(&human::render(diags)));
                if let Some(summary) = summary(diags) {
                    self.say(&summary);
                }
            }
            OutputFormat::Concise => {
                self.tell(&concise::render(diags));
            }
            OutputFormat::Json => {
                let mut document = json!({"findings": json_format::findings(diags)});
                if let (Value::Object(document), Some(Value::Object(result))) = (&mut document, result) {
                    document.extend(result);
                }
                let document = format!("{document:#}");
                // JSON has a spelling of its own for what must not reach a terminal.
                self.line(&if self.watched {
                    escaped(&document)
                } else {
                    document
                });
            }
        }
    }

    /// Asks a yes-or-no question; `None` when nobody is there to answer.
    pub(super) fn confirm(&mut self, question: &str) -> Option<bool> {
        let answer = self.ask(&format!("{question} [y/N]"))?;
        Some(matches!(answer.as_str(), "y" | "Y" | "yes" | "Yes"))
    }

    /// Asks a question to which an empty answer means yes; `None` when nobody is there to answer.
    pub(super) fn confirm_or_yes(&mut self, question: &str) -> Option<bool> {
        let answer = self.ask(&format!("{question} [Y/n]"))?;
        Some(!matches!(answer.as_str(), "n" | "N" | "no" | "No"))
    }

    /// Returns whether somebody is there to answer.
    pub(super) fn is_interactive() -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks for a line; `None` when nobody is there to answer. The end of the input is an empty answer.
    pub(super) fn ask(&mut self, question: &str) -> Option<String> {
        if !Self::is_interactive() {
            return None;
        }
        self.tell(&format!("{question} "));
        let mut answer = String::new();
        match io::stdin().read_line(&mut answer) {
            Ok(0) => Some(String::new()),
            Ok(_) => Some(answer.trim().to_owned()),
            Err(_) => None,
        }
    }

    /// Asks until the answer is one of `choices`; `None` when nobody is there to answer.
    pub(super) fn choose(&mut self, question: &str, choices: &[char]) -> Option<char> {
        if !Self::is_interactive() {
            return None;
        }
        loop {
            self.tell(&format!("{question} "));
            let mut answer = String::new();
            if io::stdin().read_line(&mut answer).ok()? == 0 {
                return None;
            }
            match answer.trim().chars().next() {
                Some(answer) if choices.contains(&answer) => return Some(answer),
                _ => {}
            }
        }
    }
}

/// The person at the terminal, if there is one.
pub(super) struct Terminal;

impl Prompt for Terminal {
    fn secret(&self, question: &str) -> Option<SecretText> {
        if !Ui::is_interactive() {
            return None;
        }
        let answer = rpassword::prompt_password(format!("{}: ", printable(question))).ok()?;
        Some(SecretText::new(answer))
    }

    fn text(&self, question: &str) -> Option<String> {
        if !Ui::is_interactive() {
            return None;
        }
        let mut err = io::stderr();
        let _ = write!(err, "{}: ", printable(question)).and_then(|()| err.flush());
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).ok()?;
        Some(answer.trim_end_matches(['\r', '\n']).to_owned())
    }

    fn choose(&self, question: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        let choices = match no {
            Some(no) => format!("y: {}, n: {}", printable(yes), printable(no)),
            None => format!("y: {}", printable(yes)),
        };
        let answer = self.text(&format!("{question} [{choices}]"))?;
        Some(answer.eq_ignore_ascii_case("y") || answer.eq_ignore_ascii_case(yes))
    }

    fn tell(&self, message: &str) {
        let _ = writeln!(io::stderr(), "{}", printable(message));
    }
}

/// Returns a text of another program, which is one line, as a terminal may get it.
fn printable(text: &str) -> Cow<'_, str> {
    screen::line(text.trim())
}

/// Prints to stderr from anywhere, without styles.
pub(super) fn tell_at_once(text: &str) {
    let _ = io::stderr().write_all(screen::shown(text, false).as_bytes());
}

fn shows_styles(choice: anstream::ColorChoice) -> bool {
    choice != anstream::ColorChoice::Never
}

/// Returns JSON in which what must not reach a terminal is written as `\u….`
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && screen::is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Returns the count of errors and warnings in words, if there are any.
fn summary(diags: &Diagnostics) -> Option<String> {
    let parts: Vec<String> = [(Severity::Error, "error"), (Severity::Warning, "warning")]
        .into_iter()
        .map(|(severity, word)| (diags.count(severity), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
