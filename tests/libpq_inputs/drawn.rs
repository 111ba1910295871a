//! Strings drawn at random, and variables with them: the same ones in every run.

use std::collections::BTreeMap;

use fastrand::Rng;
use pgpreflight::settings::keywords::KEYWORDS;

use crate::compare::{Compared, compare, difference};
use crate::conninfo::{Question, ask};
use crate::text;

/// From it everything is drawn; `PGPREFLIGHT_SEED` names another.
const SEED: u64 = 18;

const STRINGS: usize = 6000;
const ENVIRONMENTS: usize = 3000;

#[test]
fn strings_are_read_as_libpq_reads_them() {
    let rng = &mut rng();
    agree((0..STRINGS).map(|_| Question { conninfo: text::draw(rng), environment: home(), tls: false }));
}

#[test]
fn variables_are_read_as_libpq_reads_them() {
    let rng = &mut rng();
    agree((0..ENVIRONMENTS).map(|_| {
        let conninfo = if rng.bool() { String::new() } else { text::draw(rng) };
        let mut environment = home();
        for _ in 0..rng.usize(1..5) {
            let (variable, value) = variable(rng);
            environment.insert(variable, value);
        }
        Question { conninfo, environment, tls: false }
    }));
}

fn variable(rng: &mut Rng) -> (String, String) {
    if rng.u8(0..15) == 0 {
        let value = *rng.choice(&["1", "0", "", "1x", "yes"]).unwrap();
        return ("PGREQUIRESSL".to_owned(), value.to_owned());
    }
    loop {
        let keyword = rng.choice(KEYWORDS).unwrap();
        if let (Some(variable), Some(value)) = (keyword.variable, text::value(rng, keyword.name)) {
            return (variable.to_owned(), value.to_owned());
        }
    }
}

fn agree(questions: impl Iterator<Item = Question>) {
    let questions: Vec<Question> = questions.collect();
    let answers = ask(&questions);
    let accepted = answers.iter().filter(|answer| answer.refused.is_none()).count();
    // Drawn with luck: neither side may be a rarity.
    assert!(accepted * 5 > questions.len() && accepted * 5 < questions.len() * 4, "{accepted} of {}", questions.len());
    let mut excused: BTreeMap<&str, usize> = BTreeMap::new();
    for (question, answer) in questions.iter().zip(&answers) {
        if let Compared::Excused(reason) = compare(question, answer) {
            *excused.entry(reason).or_default() += 1;
        }
    }
    assert!(excused.values().sum::<usize>() * 10 < questions.len(), "{excused:#?} of {}", questions.len());
    let differences: Vec<String> =
        questions.iter().zip(&answers).filter_map(|(question, answer)| difference(question, answer)).collect();
    assert!(
        differences.is_empty(),
        "{} of {} (PGPREFLIGHT_SEED={}):\n{}",
        differences.len(),
        questions.len(),
        seed(),
        differences.join("\n")
    );
}

pub fn rng() -> Rng {
    Rng::with_seed(seed())
}

pub fn seed() -> u64 {
    std::env::var("PGPREFLIGHT_SEED").map_or(SEED, |seed| seed.parse().expect("PGPREFLIGHT_SEED is a number"))
}

fn home() -> BTreeMap<String, String> {
    [("HOME".to_owned(), "/nonexistent".to_owned())].into()
}
