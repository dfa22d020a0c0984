//! Who may decrypt.

use super::{Invalid, TextValue, string_value};

/// An age recipient: the public half of a key. Which kinds can be encrypted to is `seal`'s to say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgeRecipient(String);

string_value!(AgeRecipient);

impl TextValue for AgeRecipient {
    const FORMAT: &'static str = "age-recipient";
    const CODE: &'static str = "config/bad-recipient";
    const EXPECTED: &'static str = "an age recipient, which starts with `age1`";
    const PATTERN: Option<&'static str> = Some("^age1[a-z0-9-]{20,}$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        if text.to_ascii_uppercase().contains("AGE-SECRET-KEY-") {
            return Err(Invalid::new(
                "is a private key: it must not be here, and should be replaced if this file was ever shared",
            ));
        }
        if text.starts_with("ssh-") {
            return Err(Invalid::new("is an SSH key; only age recipients are supported"));
        }
        let Some(data) = text.strip_prefix("age1") else {
            return Err(Invalid::new("does not start with `age1`"));
        };
        if let Some(c) = data.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
            return Err(Invalid::new(format!(
                "must not contain {}",
                super::text::visible(c)
            )));
        }
        if data.len() < 20 {
            return Err(Invalid::new("is too short for an age recipient: was it cut off?"));
        }
        if !has_checksum(text) {
            return Err(Invalid::new(
                "has a wrong checksum: a character of it is missing or is another one",
            ));
        }
        // What of another length has a right checksum was made by something else than age.
        let kind = text.rfind('1').map_or("", |end| &text[..end]);
        if LENGTHS
            .iter()
            .any(|(prefix, length)| *prefix == kind && *length != text.len())
        {
            return Err(Invalid::new("has the wrong length for an age recipient"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Lengths of recipients in characters: prefix, `1`, five bits a character, and six of checksum. A key of X25519 has 32
/// bytes, a post-quantum one 1216 (filippo.io/age, `age.1` and `HybridRecipient`).
const LENGTHS: [(&str, usize); 2] = [("age", 62), ("age1pq", 1959)];

/// The characters of bech32 by their values (BIP 173).
const BECH32: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Returns whether the checksum of a bech32 text is right. BIP 173's limit of 90 characters does not hold for age.
fn has_checksum(text: &str) -> bool {
    let Some((prefix, data)) = text.rsplit_once('1') else {
        return false;
    };
    let values: Option<Vec<u32>> = data
        .chars()
        .map(|c| BECH32.find(c).and_then(|value| u32::try_from(value).ok()))
        .collect();
    let Some(values) = values.filter(|values| values.len() >= 6) else {
        return false;
    };
    let high = prefix.bytes().map(|byte| u32::from(byte) >> 5);
    let low = prefix.bytes().map(|byte| u32::from(byte) & 31);
    let all = high.chain(std::iter::once(0)).chain(low).chain(values);
    all.fold(1, step) == 1
}

/// One step of BIP 173's checksum.
fn step(sum: u32, value: u32) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let top = sum >> 25;
    let shifted = (sum & 0x01ff_ffff) << 5 ^ value;
    let taps = GENERATOR.iter().enumerate();
    taps.filter(|(bit, _)| top >> bit & 1 == 1)
        .fold(shifted, |sum, (_, word)| sum ^ word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_a_recipient_is_found() {
        let (_, short) = sops::generate_identity();
        let (_, long) = sops::generate_post_quantum_identity();
        for right in [short, long] {
            assert_eq!(
                AgeRecipient::parse(&right).map(|one| one.to_string()),
                Ok(right.clone())
            );
            for at in [4, 30, right.len() - 1] {
                let other = if &right[at..=at] == "q" { "p" } else { "q" };
                let wrong = format!("{}{other}{}", &right[..at], &right[at + 1..]);
                assert!(AgeRecipient::parse(&wrong).is_err(), "{wrong}");
            }
            for wrong in [&right[..right.len() - 1], &format!("{right}q")] {
                assert!(AgeRecipient::parse(wrong).is_err(), "{wrong}");
            }
        }
        let reason = AgeRecipient::parse("age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac9p")
            .expect_err("a slip")
            .reason;
        assert!(reason.contains("checksum"), "{reason}");
    }

    #[test]
    fn a_private_key_is_called_one_and_not_repeated() {
        let invalid = AgeRecipient::parse("AGE-SECRET-KEY-1QQQ").expect_err("private");
        assert!(invalid.reason.contains("private key") && !invalid.reason.contains("1QQQ"));
    }
}
