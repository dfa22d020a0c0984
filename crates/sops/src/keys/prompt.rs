//! The person in front of the program, who knows passphrases and has a hardware token at hand.

use crate::secret::SecretText;

/// Who is asked and told what a key needs. The answer is `None` where there is nobody to ask.
pub trait Prompt: Send + Sync {
    /// Asks for something that is not shown while it is typed.
    fn secret(&self, question: &str) -> Option<SecretText>;

    /// Asks for something that may be shown.
    fn text(&self, question: &str) -> Option<String>;

    /// Lets the person choose between two answers; without a second one, between the first and none.
    fn choose(&self, question: &str, yes: &str, no: Option<&str>) -> Option<bool>;

    /// Shows what the person has to know or do, such as to touch a token.
    fn tell(&self, message: &str);

    /// Asks for the passphrase of a file.
    fn passphrase(&self, file: &str) -> Option<SecretText> {
        self.secret(&format!("Passphrase for {file}"))
    }
}

/// Nobody is there.
#[derive(Debug, Clone, Copy)]
pub struct Nobody;

impl Prompt for Nobody {
    fn secret(&self, _question: &str) -> Option<SecretText> {
        None
    }

    fn text(&self, _question: &str) -> Option<String> {
        None
    }

    fn choose(&self, _question: &str, _yes: &str, _no: Option<&str>) -> Option<bool> {
        None
    }

    fn tell(&self, _message: &str) {}
}

/// Somebody who answers as a test says.
#[cfg(test)]
pub(crate) struct Answers<F>(pub(crate) F);

#[cfg(test)]
impl<F: Fn(&str) -> Option<&'static str> + Send + Sync> Prompt for Answers<F> {
    fn secret(&self, question: &str) -> Option<SecretText> {
        (self.0)(question).map(|answer| SecretText::new(answer.to_owned()))
    }

    fn text(&self, question: &str) -> Option<String> {
        (self.0)(question).map(str::to_owned)
    }

    fn choose(&self, question: &str, yes: &str, _no: Option<&str>) -> Option<bool> {
        (self.0)(question).map(|answer| answer == yes)
    }

    fn tell(&self, message: &str) {
        (self.0)(message);
    }
}
