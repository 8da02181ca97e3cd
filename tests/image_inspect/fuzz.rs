//! Mutated files, many of them; see the folder's own words for how to make more.

use std::panic::catch_unwind;

use super::look;
use super::mutation::Mutator;
use super::oracle::{Oracle, objection};
use super::random::danger;

/// Rounds of a run in which nobody asks for more.
const ROUNDS: u64 = 20_000;
/// One of how many is shown to the others too, who take longer.
const SHOWN: u64 = 40;

fn setting(name: &str, default: u64) -> u64 {
    let read = |text: String| text.parse().unwrap_or_else(|_| panic!("{name}: {text}"));
    std::env::var(name).map_or(default, read)
}

fn rounds() -> u64 {
    setting("CVX_FUZZ_ROUNDS", ROUNDS)
}

/// Fails, and keeps the file.
fn keep(bytes: &[u8], seed: u64, round: u64, why: &str) -> ! {
    let name = format!("image_inspect-{seed}-{round}");
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, bytes).unwrap();
    panic!(
        "CVX_FUZZ_SEED={seed}, round {round}, {}: {why}",
        path.display()
    );
}

#[test]
fn a_mutated_file_does_no_harm() {
    let seed = setting("CVX_FUZZ_SEED", 1);
    let mut mutator = Mutator::new(seed);
    let mut taken = 0;
    for round in 0..rounds() {
        let bytes = mutator.file();
        match catch_unwind(|| look(&bytes)) {
            Err(_) => keep(&bytes, seed, round, "panic"),
            Ok(Err(_)) => {}
            Ok(Ok(found)) => {
                taken += 1;
                if let Some(why) = danger(&bytes, found) {
                    keep(&bytes, seed, round, &format!("{found:?}: {why}"));
                }
            }
        }
    }
    assert!(taken > rounds() / 100, "only {taken} were taken");
}

#[test]
fn a_mutated_file_that_is_taken_is_the_same_to_the_others() {
    let seed = setting("CVX_FUZZ_SEED", 1) + 1;
    let mut mutator = Mutator::new(seed);
    let mut oracle = Oracle::start();
    let wanted = (rounds() / SHOWN).max(1);
    let (mut round, mut shown) = (0, 0);
    while shown < wanted {
        round += 1;
        let bytes = mutator.file();
        let Ok(found) = look(&bytes) else { continue };
        shown += 1;
        if let Some(why) = objection(found, &oracle.ask(&bytes)) {
            keep(&bytes, seed, round, &why);
        }
    }
}
