//! One file per format, over [`crate::report::Report`], to any writer.

pub mod connections;
pub mod human;
pub mod json;
pub mod layout;
mod modes;
pub mod progress;
mod registration;
