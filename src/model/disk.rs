//! Disks.

use super::{Invalid, Line, TextValue, string_value};

/// The disk that Talos is installed on: a path below `/dev`, or the disk's serial number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstallDisk(String);

string_value!(InstallDisk);

impl TextValue for InstallDisk {
    const FORMAT: &'static str = "disk";
    const CODE: &'static str = "config/bad-disk";
    const EXPECTED: &'static str = "a device path such as `/dev/nvme0n1`, or the serial number of the disk";
    const PATTERN: Option<&'static str> = Some(r"\S");

    fn parse(text: &str) -> Result<Self, Invalid> {
        Line::parse(text)?;
        if text.starts_with('$') {
            return Err(Invalid::new("is a variable, which nothing fills in"));
        }
        match meant(text) {
            None => Ok(Self(text.to_owned())),
            Some(path) => Err(Invalid::new("is a device without its `/dev/`").suggest(path)),
        }
    }
}

/// Returns the device path that was meant by a text that would be taken for a serial number, or for a path elsewhere.
fn meant(text: &str) -> Option<String> {
    if text.starts_with("/dev/") {
        return None;
    }
    let name = text.strip_prefix('/').unwrap_or(text);
    let name = name.strip_prefix("dev/").unwrap_or(name);
    let links = ["by-id/", "by-path/", "by-uuid/"];
    if links.iter().any(|folder| name.starts_with(folder)) {
        return Some(format!("/dev/disk/{name}"));
    }
    let in_dev = name.len() < text.len() || is_device(name) || name.starts_with("disk/by-");
    in_dev.then(|| format!("/dev/{name}"))
}

/// Returns whether Linux gives this name to a disk: `sda`, `nvme0n1`, `mmcblk0`. Serial numbers are longer and in
/// capitals.
fn is_device(name: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
    let lettered = |prefix: &&str| {
        name.strip_prefix(*prefix).is_some_and(|rest| {
            let letters = rest.trim_end_matches(|c: char| c.is_ascii_digit());
            (1..=2).contains(&letters.len())
                && letters.bytes().all(|b| b.is_ascii_lowercase())
                && (letters == rest || number(&rest[letters.len()..]))
        })
    };
    let numbered = |prefix: &&str| {
        name.strip_prefix(*prefix)
            .is_some_and(|rest| rest.split(['n', 'p']).all(number))
    };
    ["sd", "vd", "xvd", "hd"].iter().any(lettered)
        || ["nvme", "mmcblk", "md", "dm-", "nbd"].iter().any(numbered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_their_folder_get_it() {
        for (text, path) in [
            ("nvme0n1", "/dev/nvme0n1"),
            ("sda", "/dev/sda"),
            ("vdab", "/dev/vdab"),
            ("mmcblk0", "/dev/mmcblk0"),
            ("dev/sda", "/dev/sda"),
            ("/sda", "/dev/sda"),
            ("disk/by-id/ata-X", "/dev/disk/by-id/ata-X"),
            ("by-id/nvme-X", "/dev/disk/by-id/nvme-X"),
        ] {
            let invalid = InstallDisk::parse(text).expect_err(text);
            assert_eq!(invalid.suggestion.as_deref(), Some(path), "{text}");
            assert!(InstallDisk::parse(path).is_ok(), "{path}");
        }
        assert!(InstallDisk::parse("${DISK}").is_err());
    }

    #[test]
    fn paths_and_serial_numbers_stay() {
        for text in [
            "/dev/sda",
            "/dev/disk/by-id/wwn-0x5002538e40a0c0a1",
            "S64GNX0T500000",
            "sdserial",
            "0123456789",
            "nvme-serial",
            "QM00001",
        ] {
            assert_eq!(
                InstallDisk::parse(text).map(|disk| disk.to_string()).as_deref(),
                Ok(text)
            );
        }
    }
}
