//! Every way of opening, in the same tests.

use super::*;

/// A directory with a root in it, and an outside that nothing may reach.
struct Place {
    dir: tempfile::TempDir,
    root: Root,
}

fn in_every_way(test: impl Fn(&Place)) {
    let ways = [
        Way::Best,
        #[cfg(unix)]
        Way::Handles,
        Way::Portable,
    ];
    for way in ways {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("root");
        std::fs::create_dir_all(path.join("real/deep")).expect("made");
        std::fs::create_dir(dir.path().join("outside")).expect("made");
        std::fs::write(path.join("real/deep/file"), "inside").expect("written");
        std::fs::write(dir.path().join("outside/file"), "SECRETCANARY").expect("written");
        let root = Root::with(path, way);
        test(&Place { dir, root });
    }
}

impl Place {
    fn full(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.full(path)).expect("there")
    }

    /// What lies in the outside, which no test may change.
    fn outside(&self) -> Vec<(String, String)> {
        let entries = std::fs::read_dir(self.dir.path().join("outside")).expect("there");
        let mut found: Vec<_> = entries
            .map(|entry| {
                let entry = entry.expect("there");
                let name = entry.file_name().to_string_lossy().into_owned();
                (name, std::fs::read_to_string(entry.path()).expect("text"))
            })
            .collect();
        found.sort();
        found
    }

    fn assert_outside_is_untouched(&self) {
        assert_eq!(
            self.outside(),
            [("file".to_owned(), "SECRETCANARY".to_owned())],
            "{:?}",
            self.root.0.way
        );
    }
}

#[test]
fn files_are_read_up_to_their_limit() {
    in_every_way(|place| {
        let root = &place.root;
        assert_eq!(root.read("real/deep/file", 6).expect("read"), b"inside");
        assert!(matches!(
            root.read("real/deep/file", 5),
            Err(Refused::TooLarge { limit: 5 })
        ));
        assert!(matches!(root.read("real/none", 6), Err(Refused::Absent)));
        assert!(matches!(root.read("none/none", 6), Err(Refused::Absent)));
        assert!(matches!(root.read("real", 6), Err(Refused::NotRegular { .. })));
        assert!(
            matches!(root.read("real/deep/file/below", 6), Err(Refused::BelowFile { at }) if at == "real/deep/file")
        );
        assert_eq!(root.read_if_there("real/none", 6).expect("fine"), None);
        assert_eq!(root.read_text("real/deep/file", 6).expect("read"), "inside");
        std::fs::write(place.full("binary"), [0xff]).expect("written");
        assert!(matches!(root.read_text("binary", 6), Err(Refused::NotText)));
    });
}

#[test]
fn many_files_have_a_limit_together() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = Root::new(dir.path());
    let file = File::create(dir.path().join("large")).expect("made");
    file.set_len(limits::TOTAL / 2 - 1).expect("sparse");
    std::fs::write(dir.path().join("small"), "x").expect("written");
    for _ in 0..2 {
        root.read("large", limits::TOTAL).expect("within");
    }
    root.read("small", 9).expect("within");
    root.read("small", 9).expect("within");
    assert!(matches!(root.read("small", 9), Err(Refused::TooMuch)));
    assert!(
        Root::new(dir.path()).read("small", 9).is_ok(),
        "each root counts for itself"
    );
}

#[test]
fn paths_that_lead_out_and_those_of_git_are_refused_everywhere() {
    in_every_way(|place| {
        let root = &place.root;
        let outside = [
            "../outside/file",
            "real/../../outside/file",
            "/etc/passwd",
            "",
            "real//deep",
            "./real",
            "a\0b",
        ];
        for path in outside {
            assert!(matches!(root.read(path, 99), Err(Refused::Outside)), "{path:?}");
            assert!(
                matches!(root.replace(path, b"x", Access::Kept), Err(Refused::Outside)),
                "{path:?}"
            );
        }
        for path in [
            ".git/config",
            "real/.GIT/config",
            "a/git~1",
            "a/.git /x",
            "a/.git::$INDEX_ALLOCATION/x",
        ] {
            assert!(matches!(root.read(path, 99), Err(Refused::Git)), "{path:?}");
            assert!(
                matches!(root.create_new(path, b"x", Access::Kept), Err(Refused::Git)),
                "{path:?}"
            );
            assert!(matches!(root.create_dir_all(path), Err(Refused::Git)), "{path:?}");
            assert!(matches!(root.remove_file(path), Err(Refused::Git)), "{path:?}");
        }
        place.assert_outside_is_untouched();
    });
}

#[test]
fn a_root_that_is_not_there_holds_nothing() {
    let root = Root::new("/nonexistent-root");
    assert!(matches!(root.read("x", 9), Err(Refused::Absent)));
    assert!(matches!(root.list(""), Err(Refused::Absent)));
    assert!(!root.is_taken("x") && !root.is_dir(""));
}

#[test]
fn directories_are_listed_in_order() {
    in_every_way(|place| {
        for name in ["b", "a", "real/deep/z"] {
            std::fs::write(place.full(name), "").expect("written");
        }
        let names = |path: &str| {
            let entries = place.root.list(path).expect("listed").into_iter();
            entries.map(|entry| (entry.name, entry.kind)).collect::<Vec<_>>()
        };
        let row = |name: &str, kind| (name.to_owned(), kind);
        let real = row("real", FileKind::Directory);
        assert_eq!(
            names(""),
            [row("a", FileKind::File), row("b", FileKind::File), real]
        );
        assert_eq!(names("real"), [row("deep", FileKind::Directory)]);
        assert!(matches!(place.root.list("none"), Err(Refused::Absent)));
        assert!(matches!(place.root.list("a"), Err(Refused::BelowFile { at }) if at == "a"));
    });
}

/// Other systems keep file names in an encoding.
#[test]
#[cfg(target_os = "linux")]
fn names_that_are_no_text_are_told() {
    use std::os::unix::ffi::OsStrExt as _;
    in_every_way(|place| {
        let odd = |name: &[u8]| place.full("real").join(std::ffi::OsStr::from_bytes(name));
        std::fs::write(odd(b"a\xff.yaml"), "x").expect("written");
        std::fs::create_dir(odd(b"\xfe")).expect("made");
        std::os::unix::fs::symlink("file", odd(b"l\xff")).expect("linked");
        let listing = place.root.list_all("real").expect("listed");
        let readable: Vec<String> = listing.odd.iter().map(|odd| odd.readable("real")).collect();
        assert_eq!(readable, ["real/a\\xff.yaml", "real/\\xfe"]);
        assert!(!listing.odd[0].is_dir && listing.odd[1].is_dir);
        assert_eq!(listing.entries, place.root.list("real").expect("listed"));
        assert_eq!(place.root.walk("", TREE, |_| true).expect("walked").odd, readable);
    });
}

#[test]
fn walks_have_an_order_and_bounds() {
    in_every_way(|place| {
        for dir in ["c/d/e", "c.x", "c/.git"] {
            std::fs::create_dir_all(place.full(dir)).expect("made");
        }
        for file in ["c/z", "c/d/a", "c/d/e/x", "c.x/y", "c/.git/config"] {
            std::fs::write(place.full(file), "").expect("written");
        }
        let walk = |depth, names| {
            place
                .root
                .walk("", Bounds { depth, names }, |dir| dir != "real")
                .expect("walked")
        };
        let all = walk(9, 99);
        assert_eq!(all.files, ["c/d/a", "c/d/e/x", "c/z", "c.x/y"]);
        assert_eq!(all.cut, None);
        assert_eq!(walk(2, 99).cut.as_deref(), Some("c/d/e"));
        assert!(walk(9, 4).cut.is_some());
        let below = place.root.walk("c/d", TREE, |_| true).expect("walked");
        assert_eq!(below.files, ["c/d/a", "c/d/e/x"]);
        assert!(matches!(
            place.root.walk("none", TREE, |_| true),
            Err(Refused::Absent)
        ));
    });
}

#[test]
fn files_appear_whole_and_nothing_is_left_beside() {
    in_every_way(|place| {
        let root = &place.root;
        root.create_new("real/new", b"one", Access::Kept).expect("made");
        assert!(matches!(
            root.create_new("real/new", b"two", Access::Kept),
            Err(Refused::Exists)
        ));
        assert_eq!(place.text("real/new"), "one");
        root.replace("real/new", b"two", Access::Kept).expect("replaced");
        root.replace("real/other", b"three", Access::Private)
            .expect("made");
        assert_eq!(
            (place.text("real/new"), place.text("real/other")),
            ("two".into(), "three".into())
        );
        assert!(matches!(
            root.replace("none/x", b"", Access::Kept),
            Err(Refused::Absent)
        ));
        assert!(matches!(
            root.replace("real/deep", b"", Access::Kept),
            Err(Refused::NotRegular { .. })
        ));
        root.create_parents("p/q/r").expect("made");
        root.create_dir_all("p/q").expect("there");
        assert!(root.is_dir("p/q") && !root.is_taken("p/q/r"));
        // A first letter of several bytes.
        root.create_parents("\u{202e}gnp/\u{e9}t\u{e9}/x").expect("made");
        assert!(root.is_dir("\u{202e}gnp/\u{e9}t\u{e9}"));
        root.remove_dir_all("\u{202e}gnp").expect("removed");
        assert!(
            matches!(root.create_dir_all("real/new/x"), Err(Refused::BelowFile { at }) if at == "real/new")
        );
        root.rename("real/new", "p/q/r").expect("moved");
        root.rename("p/q", "p/moved")
            .expect("a directory goes to a free name");
        assert!(matches!(root.rename("p/moved", "real"), Err(Refused::Exists)));
        root.rename("p/moved", "p/q").expect("and back");
        assert_eq!(place.text("p/q/r"), "two");
        assert!(matches!(root.rename("real/new", "p/q/r"), Err(Refused::Absent)));
        assert!(matches!(
            root.rename("p/q/r", "real/deep"),
            Err(Refused::NotRegular { .. })
        ));
        root.remove_file("p/q/r").expect("removed");
        root.remove_file("p/q/r").expect("gone already");
        root.remove_empty_dir("p/q").expect("removed");
        assert!(root.remove_empty_dir("real").is_err(), "not empty");
        root.remove_dir_all("real").expect("removed");
        root.remove_dir_all("real").expect("gone already");
        let left = root.list("").expect("listed");
        assert_eq!(
            left.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(),
            ["p"]
        );
    });
}

#[test]
fn what_is_read_in_passing_does_not_count() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = Root::new(dir.path());
    let file = File::create(dir.path().join("large")).expect("made");
    file.set_len(limits::OUTPUT).expect("sparse");
    for _ in 0..=limits::TOTAL / limits::OUTPUT {
        root.read_in_passing("large", limits::OUTPUT).expect("within");
    }
    assert!(matches!(
        root.read_in_passing("large", 5),
        Err(Refused::TooLarge { limit: 5 })
    ));
    root.read("large", limits::OUTPUT).expect("nothing is spent");
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;

    fn mode(place: &Place, path: &str) -> u32 {
        std::fs::metadata(place.full(path))
            .expect("there")
            .permissions()
            .mode()
            & 0o777
    }

    fn chmod(place: &Place, path: &str, mode: u32) {
        std::fs::set_permissions(place.full(path), std::fs::Permissions::from_mode(mode)).expect("set");
    }

    #[test]
    fn no_link_is_followed_in_any_part() {
        in_every_way(|place| {
            symlink("../outside", place.full("out")).expect("linked");
            symlink("../../outside/file", place.full("real/file")).expect("linked");
            symlink("nowhere", place.full("real/broken")).expect("linked");
            symlink("deep", place.full("real/inner")).expect("linked");
            let root = &place.root;
            let links = [
                ("out", "out"),
                ("out/file", "out"),
                ("out/below/file", "out"),
                ("real/file", "real/file"),
                ("real/broken", "real/broken"),
                ("real/inner/file", "real/inner"),
            ];
            let is = |result: Result<(), Refused>, path: &str, link: &str| match result {
                Err(Refused::Link { at }) => assert_eq!(at, link, "{path}"),
                other => panic!("{path}: {other:?}, {:?}", root.0.way),
            };
            for (path, link) in links {
                is(root.read(path, 99).map(drop), path, link);
                is(root.read_in_passing(path, 99).map(drop), path, link);
                is(root.trace(path).map(drop), path, link);
                is(root.replace(path, b"x", Access::Kept), path, link);
                is(root.rename("real/deep/file", path), path, link);
                is(root.rename(path, "real/deep/file"), path, link);
                is(root.copy_mode("real/deep/file", path), path, link);
                is(root.try_lock(path).map(drop), path, link);
                is(root.create_dir_all(&format!("{path}/x")), path, link);
                is(root.make_private(path), path, link);
                is(root.list(path).map(drop), path, link);
                is(root.remove_dir_all(path), path, link);
                assert!(
                    !root.is_file(path) && !root.is_dir(path) && root.is_taken(path),
                    "{path}"
                );
                match root.create_new(path, b"x", Access::Kept) {
                    Err(Refused::Exists) if path == link => {}
                    result => is(result, path, link),
                }
                if path != link {
                    is(root.remove_file(path), path, link);
                    is(root.look(path).map(drop), path, link);
                }
            }
            let walked = root.walk("", TREE, |_| true).expect("walked");
            assert_eq!(walked.files, ["real/deep/file"]);
            assert_eq!(walked.links, ["out", "real/broken", "real/file", "real/inner"]);
            let seen = root.look("out").expect("seen").map(|meta| meta.kind);
            assert_eq!(seen, Some(FileKind::Link));
            root.remove_file("out").expect("the link goes");
            root.remove_dir_all("real").expect("its links go");
            place.assert_outside_is_untouched();
        });
    }

    #[test]
    fn devices_pipes_and_sockets_are_refused_at_once() {
        in_every_way(|place| {
            let fifo = rustix::fs::FileType::Fifo;
            let made = rustix::fs::mknodat(
                rustix::fs::CWD,
                place.full("pipe"),
                fifo,
                rustix::fs::Mode::RWXU,
                0,
            );
            made.expect("made");
            let socket = std::os::unix::net::UnixListener::bind(place.full("socket")).expect("made");
            for path in ["pipe", "socket"] {
                let result = place.root.read(path, 99);
                assert!(
                    matches!(result, Err(Refused::NotRegular { .. })),
                    "{path}: {result:?}"
                );
                let result = place.root.try_lock(path);
                assert!(result.is_err(), "{path}");
                let result = place.root.replace(path, b"", Access::Kept);
                assert!(
                    matches!(result, Err(Refused::NotRegular { .. })),
                    "{path}: {result:?}"
                );
            }
            assert_eq!(
                place.root.walk("", TREE, |_| true).expect("walked").special,
                ["pipe", "socket"]
            );
            drop(socket);
            // A device, below a root that has some.
            let dev = Root::with("/dev".into(), place.root.0.way);
            let result = dev.read("zero", 99);
            assert!(matches!(result, Err(Refused::NotRegular { .. })), "{result:?}");
        });
    }

    #[test]
    fn modes_are_kept_or_narrowed() {
        in_every_way(|place| {
            let root = &place.root;
            root.create_new("key", b"x", Access::Private).expect("made");
            root.create_new("text", b"x", Access::Kept).expect("made");
            assert_eq!(mode(place, "key"), 0o600);
            assert_eq!(mode(place, "text") & 0o600, 0o600);
            chmod(place, "text", 0o750);
            root.replace("text", b"y", Access::Kept).expect("replaced");
            assert_eq!(mode(place, "text"), 0o750);
            let meta = root.look("text").expect("seen").expect("there");
            assert!(meta.executable && meta.len == 1);
            root.copy_mode("text", "key").expect("given");
            assert_eq!(mode(place, "key"), 0o750);
            root.replace("key", b"y", Access::Private).expect("replaced");
            assert_eq!(mode(place, "key"), 0o600);
            root.make_private("real").expect("narrowed");
            assert_eq!(mode(place, "real"), 0o700);
        });
    }

    /// Only root can give files away, and only Linux has these numbers for nobody.
    #[test]
    fn the_owner_is_kept_where_we_may() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = Root::new(dir.path());
        let file = dir.path().join("file");
        std::fs::write(&file, "x").expect("written");
        if std::os::unix::fs::chown(&file, Some(65534), Some(65534)).is_err() {
            return;
        }
        for access in [Access::Kept, Access::Private] {
            root.replace("file", b"y", access).expect("replaced");
            let found = std::fs::metadata(&file).expect("there");
            assert_eq!((found.uid(), found.gid()), (65534, 65534), "{access:?}");
        }
        std::fs::write(dir.path().join("staged"), "x").expect("written");
        root.copy_mode("file", "staged").expect("given");
        let found = std::fs::metadata(dir.path().join("staged")).expect("there");
        assert_eq!(
            (found.uid(), found.gid(), found.mode() & 0o777),
            (65534, 65534, 0o600)
        );
    }

    #[test]
    fn drafts_that_nobody_works_on_go() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = Root::new(dir.path());
        for name in [".clusterwright-0123456789abcdef", ".clusterwright-0123", "other"] {
            std::fs::write(dir.path().join(name), "x").expect("written");
        }
        root.remove_drafts("").expect("looked");
        let left = root.list("").expect("listed");
        let left: Vec<_> = left.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(left, [".clusterwright-0123", "other"]);
        assert!(is_draft(&draft_name().expect("a name")));
    }

    #[test]
    fn a_write_that_fails_leaves_nothing() {
        in_every_way(|place| {
            chmod(place, "real/deep", 0o555);
            let result = place.root.replace("real/deep/file", b"new", Access::Kept);
            chmod(place, "real/deep", 0o755);
            // Root may write anywhere.
            if result.is_err() {
                assert_eq!(place.text("real/deep/file"), "inside");
            }
            let names = place.root.list("real/deep").expect("listed");
            assert_eq!(names.len(), 1, "{names:?}");
        });
    }

    #[test]
    fn removing_stops_at_a_bound() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = Root::new(dir.path());
        let deep = vec!["d"; walk::MAX_DEPTH + 2].join("/");
        std::fs::create_dir_all(dir.path().join(&deep)).expect("made");
        let result = root.remove_dir_all("d");
        assert!(matches!(result, Err(Refused::TooDeep { .. })), "{result:?}");
        assert!(root.walk("", TREE, |_| true).expect("walked").cut.is_some());
    }
}

#[test]
fn findings_say_what_to_do() {
    let said = |refused: Refused| {
        let finding = refused.finding("read", "a/b");
        format!(
            "{}: {} | {}",
            finding.code,
            finding.message,
            finding.help.join("; ")
        )
    };
    let link = |at: &str| Refused::Link { at: at.to_owned() };
    insta::assert_snapshot!([
        said(link("a/b")),
        said(link("a")),
        said(Refused::BelowFile { at: "a".to_owned() }),
        said(Refused::NotRegular { kind: FileKind::Directory }),
        said(Refused::TooLarge { limit: limits::CONFIG }),
        said(Refused::TooMuch),
        said(Refused::NotText),
        said(Refused::TooDeep { at: "a".to_owned() }),
        said(Refused::Git),
        said(Refused::Absent),
    ].join("\n"), @r"
    path/link: `a/b` is a symbolic link, which is not followed | put the file or the directory itself at `a/b`, or remove the link: `rm a/b`
    path/link: `a/b` lies below the symbolic link `a`, which is not followed | put the file or the directory itself at `a`, or remove the link: `rm a`
    path/not-a-directory: cannot read `a/b`: `a` is not a directory | move it away: `mv a a.old`
    path/not-a-file: `a/b` is a directory, not a file | put a regular file there, or remove it
    path/too-large: `a/b` is larger than 4 MiB | check that this is the right file: such files are far smaller
    path/too-much: the files that are read are larger than 128 MiB together | look for large files, `du -a . | sort -n | tail`, and move them out of the repository; old renders in `.clusterwright/base` that no line of the lock names can go
    path/not-text: `a/b` is not UTF-8 text | save it as UTF-8, or check that this is the right file
    path/too-deep: the directories below `a` lie too deep in each other | look at what is there, and remove it: `rm -r a`
    path/outside: cannot read `a/b`: the path lies in .git | name a path in the repository
    io/failed: cannot read `a/b`: No such file or directory | 
    ");
}
