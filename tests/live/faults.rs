//! Every fault that a real server can have gives exactly its code, on every major.

mod certificates;
mod limits;
mod login;
mod privileges;
mod rules;
pub mod states;
