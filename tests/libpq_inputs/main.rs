//! Everything between what is typed and what is dialled, against libpq 18 itself: recorded rows, and settings drawn at
//! random.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first surprise"
)]

#[path = "../support/client_files.rs"]
mod client_files;
#[path = "../support/conninfo.rs"]
mod conninfo;
#[expect(dead_code, reason = "of what is installed, only libpq is used here")]
#[path = "../support/installed.rs"]
mod installed;
#[path = "../support/program.rs"]
mod program;

mod certificates;
mod compare;
mod drawn;
mod files;
mod rows;
mod text;
