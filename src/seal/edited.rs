//! SOPS files that a person edited: merged by value, in memory.

use sops::{EncryptionRule, File, Format, Identities, MacCheck, Updated};

use crate::merge::three_way;
use crate::sys::{Entropy, SecretText};
use crate::tree::{Conflict, Text};
use crate::world::Resolutions;

/// What a merge of sealed files needs.
pub(super) struct SecretMerge<'a> {
    pub rule: &'a EncryptionRule,
    pub identities: &'a Identities,
    pub entropy: &'a mut dyn Entropy,
}

impl SecretMerge<'_> {
    /// Brings `yours` up to date with what the render changed since `base`. `None` when one of them cannot be opened:
    /// then nothing of them can be merged.
    pub(super) fn merge(
        &mut self,
        base: &str,
        yours: &str,
        plain: &SecretText,
        resolutions: Option<&Resolutions>,
    ) -> Option<Text> {
        let none = Resolutions::new();
        let base = File::read(Format::Yaml, base).ok()?;
        let render = self.update(&base, plain)?;
        let text = |plain| std::str::from_utf8(plain).ok();
        let yours = File::read(Format::Yaml, yours).ok()?;
        let yours_plain = yours.decrypt(self.identities, MacCheck::Verify).ok()?;
        if render == base.text() {
            // Nothing to merge; for whom it is sealed is not the person's to say here, but that of the rules.
            let yours_plain = SecretText::new(text(&yours_plain)?.to_owned());
            return Some(Text::Edited {
                text: self.update(&yours, &yours_plain)?,
                render,
                moved_from: None,
            });
        }
        let base_plain = base.decrypt(self.identities, MacCheck::Verify).ok()?;
        let sides = [text(&base_plain)?, text(&yours_plain)?, plain.expose()];
        match three_way(true, sides, resolutions.unwrap_or(&none)) {
            Ok(merged) => {
                let text = self.update(&yours, &SecretText::new(merged))?;
                Some(Text::Edited {
                    text,
                    render,
                    moved_from: None,
                })
            }
            Err(conflicts) => Some(Text::Contradicted {
                render,
                conflicts: conflicts.into_iter().map(Conflict::hide).collect(),
            }),
        }
    }

    fn update(&mut self, sealed: &File<'_>, plain: &SecretText) -> Option<String> {
        match sealed.update(
            plain.expose().as_bytes(),
            self.rule,
            self.identities,
            self.entropy,
        ) {
            Ok(Updated::Unchanged) => Some(sealed.text().to_owned()),
            Ok(Updated::Changed { text, .. }) => Some(text),
            Err(_) => None,
        }
    }
}
