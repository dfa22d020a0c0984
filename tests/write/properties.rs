//! Properties over random trees.

use clusterwright::diff::ChangeKind;
use clusterwright::sys::disk::OsDisk;
use clusterwright::world::Choices;
use clusterwright::write::Receipt;
use proptest::prelude::*;

use super::world::{Files, World};

/// Few names, so that trees overlap; files end in `.yaml` and directories do not, so that none is both.
fn tree() -> impl Strategy<Value = Files> {
    let path = "([ab]/){0,3}[xyz]\\.yaml";
    prop::collection::btree_map(path, "[12]\r?\n", 0..8)
}

fn foreign() -> impl Strategy<Value = Files> {
    prop::collection::btree_map("([ab]/){0,3}[xyz]\\.txt", "[12]\n", 0..4)
}

/// Returns the files of the world that neither the lock nor the person's.
fn ours(world: &World, foreign: &Files) -> Files {
    let mut files = world.files();
    files.retain(|path, _| path != "clusterwright.lock" && !foreign.contains_key(path));
    files
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn applying_gives_the_tree_and_leaves_the_rest(
        foreign in foreign(), trees in prop::collection::vec(tree(), 1..5),
    ) {
        let world = World::new();
        for (path, text) in &foreign {
            world.put(path, text);
        }
        let dirs = world.dirs();
        for tree in &trees {
            world.run(tree);
            let lf: Files = ours(&world, &foreign).into_iter().map(|(p, t)| (p, t.replace("\r\n", "\n"))).collect();
            let wanted: Files = tree.iter().map(|(p, t)| (p.clone(), t.replace("\r\n", "\n"))).collect();
            prop_assert_eq!(lf, wanted);
            prop_assert!(foreign.iter().all(|(path, text)| world.text(path).as_ref() == Some(text)));
            prop_assert!(world.diff(tree, &Choices::default()).expect("diffs").is_empty());
            prop_assert_eq!(world.run(tree), Receipt::default());
        }
        world.run(&Files::new());
        prop_assert_eq!(ours(&world, &foreign), Files::new());
        prop_assert_eq!(world.dirs(), dirs, "no directory left behind, none of the user's removed");
    }

    #[test]
    fn disabling_removes_exactly_those_files(tree in tree(), off in prop::collection::vec(any::<bool>(), 8)) {
        let world = World::new();
        world.run(&tree);
        let less: Files = tree.clone().into_iter().zip(&off).filter(|(_, off)| !**off).map(|(f, _)| f).collect();
        let changes = world.diff(&less, &Choices::default()).expect("diffs");
        prop_assert_eq!(changes.count(ChangeKind::Delete), tree.len() - less.len());
        prop_assert_eq!(changes.count(ChangeKind::Unchanged), less.len());
        let receipt = world.run(&less);
        prop_assert_eq!(receipt.written.len(), 0);
        prop_assert_eq!(receipt.deleted.len(), tree.len() - less.len());
        prop_assert_eq!(ours(&world, &Files::new()), less);
    }

    #[test]
    fn a_persons_bytes_are_never_lost(before in tree(), edits in tree(), after in tree()) {
        let world = World::new();
        world.run(&before);
        for (path, text) in &edits {
            world.put(path, &format!("edited {text}"));
        }
        let changes = world.diff(&after, &Choices::default()).expect("diffs");
        let tree = super::world::sealed(&after);
        let done = clusterwright::write::apply(&changes, &tree, &world.open(), &mut OsDisk);
        prop_assert_eq!(done.is_err(), changes.conflicts().next().is_some());
        for (path, text) in &edits {
            prop_assert_eq!(world.text(path), Some(format!("edited {text}")));
        }
    }
}
