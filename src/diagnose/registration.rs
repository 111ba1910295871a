//! What is said of a registration beside the check: what the platform will make of the settings, what it already has under
//! the name, and why it does not get to a database that this machine gets to.

mod addresses;
mod egress;
mod existing;
mod outcome;
mod settings;

pub use self::addresses::private_address;
use self::addresses::{DatabaseRefused, database_refused};
use self::existing::{Differs, Taken, name_taken, not_compared};
pub use self::outcome::{Asked, findings};
pub use self::settings::{Form, not_lasting, setting_lost, stronger_mode};
