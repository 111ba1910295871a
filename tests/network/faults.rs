//! The faults, as tables: what is done to the network, and what has to be said of it. The numbers are those of the corpus
//! of causes; a letter after one tells variants of it apart, and `-` stands for none.

mod connect;
mod data;
mod here;
mod ipv6;
mod routes;

pub use self::connect::{CONNECT, QUEUE_FULL};
pub use self::data::DATA;
pub use self::here::HERE;
pub use self::ipv6::IPV6;
pub use self::routes::ROUTES;
use crate::world::Place;

/// One fault, and what it has to be told as.
pub struct Fault {
    /// Its number.
    pub id: &'static str,
    /// What is wrong.
    pub about: &'static str,
    /// Lines of shell that bring it about.
    pub set_up: &'static [(Place, &'static str)],
    /// Lines that take it back, beside the filters, which go by themselves.
    pub undo: &'static [(Place, &'static str)],
    /// Keywords of libpq.
    pub target: &'static str,
    /// The code; None where nothing is wrong.
    pub cause: Option<&'static str>,
    /// What the summary or a reason says.
    pub says: &'static str,
    /// Evidence of the cause, by pointer, as JSON.
    pub evidence: &'static [(&'static str, &'static str)],
    /// Whether nothing tells it before the deadline.
    pub waits: bool,
    /// The time allowed, in milliseconds.
    pub timeout_ms: u32,
    /// What psql says of it.
    pub psql: &'static str,
}

const FAULT: Fault = Fault {
    id: "",
    about: "",
    set_up: &[],
    undo: &[],
    target: "host=10.2.0.2",
    cause: None,
    says: "",
    evidence: &[],
    waits: false,
    timeout_ms: 5000,
    psql: "",
};
