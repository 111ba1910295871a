//! A bad invocation that the definitions of the arguments do not catch.

use crate::render::layout::BAD;

/// What is wrong, in a sentence that says what to write instead.
#[derive(Debug)]
pub struct Misuse(pub String);

impl Misuse {
    /// Tells it, and gives the exit code.
    pub fn tell(&self) -> u8 {
        anstream::eprintln!("{BAD}error:{BAD:#} {}", self.0);
        2
    }
}
