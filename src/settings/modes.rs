//! The same sources read once for each `sslmode`: what each of them would find, and which of them libpq would refuse
//! before it dials.

use super::{InputFailure, Sources, read};
use crate::target::{SslMode, TlsSettings};

/// What becomes of the settings under one mode.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The mode.
    pub mode: SslMode,
    /// Its settings, or why libpq refuses them.
    pub tls: Result<TlsSettings, InputFailure>,
}

/// A plan for each mode, weakest first.
pub fn plans(sources: &Sources<'_>) -> Vec<Plan> {
    SslMode::ALL.map(|mode| Plan { mode, tls: read(&under(mode, sources)).map(|target| target.tls) }).into()
}

/// The settings of the strongest mode that can be had. Its roots are those that every mode finds: a root file that is
/// missing leaves the weaker ones without.
pub fn strongest(plans: &[Plan]) -> Option<&TlsSettings> {
    plans.iter().rev().find_map(|plan| plan.tls.as_ref().ok())
}

/// A flag goes over everything else that says a mode.
fn under<'a>(mode: SslMode, sources: &Sources<'a>) -> Sources<'a> {
    let own = ("sslmode", mode.as_str().to_owned());
    Sources { flags: sources.flags.iter().cloned().chain([own]).collect(), ..sources.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{Roots, Secret};

    fn refused(target: &str) -> Vec<SslMode> {
        let sources = Sources { target: Some(Secret::new(target.to_owned())), ..Sources::default() };
        plans(&sources).into_iter().filter(|plan| plan.tls.is_err()).map(|plan| plan.mode).collect()
    }

    #[test]
    fn each_mode_is_read_by_itself() {
        use SslMode::{Allow, Disable, Prefer, Require, VerifyCa, VerifyFull};
        assert_eq!(refused("host=db sslrootcert=/nowhere/root.crt sslmode=allow"), [VerifyCa, VerifyFull]);
        assert_eq!(
            refused("host=db sslrootcert=system sslmode=verify-full"),
            [Disable, Allow, Prefer, Require, VerifyCa]
        );
        assert_eq!(refused("host=db sslnegotiation=direct sslmode=require"), [Disable, Allow, Prefer]);
        assert_eq!(refused("host=db port=none"), SslMode::ALL);
    }

    #[test]
    fn the_strongest_has_the_roots_of_all() {
        let roots = |target: &str| {
            let sources = Sources { target: Some(Secret::new(target.to_owned())), ..Sources::default() };
            strongest(&plans(&sources)).map(|tls| tls.roots.clone())
        };
        let existing = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        // No certificate is in it: the modes that demand TLS refuse it, prefer finds out when it dials.
        assert_eq!(
            roots(&format!("host=db sslrootcert={existing} sslmode=disable")),
            Some(Roots::File(existing.into()))
        );
        assert_eq!(roots("host=db sslrootcert=/nowhere/root.crt sslmode=disable"), Some(Roots::None));
        assert_eq!(roots("host=db sslrootcert=system"), Some(Roots::System));
    }
}
