//! Why settings could not be read: operands for one clear explanation, and nothing of a secret.

use std::path::PathBuf;

/// What stopped stage input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputFailure {
    /// Not readable in any accepted form.
    Malformed(Malformed),
    /// A reserved character stands unescaped in the user or password part of a URI.
    ReservedCharacter(char),
    /// The port is no number from 1 to 65535.
    PortInvalid {
        /// Where the value came from.
        source: String,
    },
    /// `host:port` where only a host belongs.
    HostHasPort {
        /// The parts before and after the colon, where the second is a number: else it may be somebody's password.
        parts: Option<(String, String)>,
    },
    /// A scheme or a path where only a host belongs.
    HostHasScheme {
        /// Where the value came from.
        source: String,
    },
    /// A keyword that libpq would refuse.
    ParameterUnknown {
        /// The name, where it is surely no part of a secret.
        name: Option<String>,
        /// The product that has a parameter of this name.
        product: Option<&'static str>,
        /// The keyword that was probably meant.
        meant: Option<&'static str>,
    },
    /// A value outside the set of its keyword.
    ValueInvalid {
        /// The keyword.
        keyword: &'static str,
        /// The value, where it is a plain word.
        value: Option<String>,
        /// What it may be.
        allowed: &'static str,
        /// Where it came from.
        source: String,
    },
    /// Two settings that libpq refuses together.
    Conflict {
        /// The keyword that has to change.
        keyword: &'static str,
        /// Its value.
        value: &'static str,
        /// The setting that forbids it.
        with: &'static str,
        /// What it may be.
        allowed: &'static str,
    },
    /// Several hosts in one target.
    SeveralHosts {
        /// The keyword that has a list.
        keyword: &'static str,
    },
    /// No service of that name.
    ServiceNotFound {
        /// Its name.
        service: String,
        /// The files that were read, or the one that had to be there.
        files: Vec<PathBuf>,
    },
    /// A service file that libpq would refuse.
    ServiceFile {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// A verifying mode, and no root file.
    RootCertificateMissing {
        /// Where it was looked for.
        path: PathBuf,
        /// It was named by `sslrootcert`; else it is the default place.
        named: bool,
    },
    /// The root file holds no certificate.
    RootCertificateUnreadable {
        /// The file.
        path: PathBuf,
    },
}

/// What is wrong with a string that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Neither a URI nor a keyword/value string.
    NoKnownForm,
    /// A form that other products read, such as a `jdbc:` URL.
    OtherForm(&'static str),
    /// A word without `=`.
    EqualsMissing,
    /// A quote that is never closed.
    QuoteOpen,
    /// `%` without two hexadecimal digits.
    PercentInvalid,
    /// `%00`
    PercentZero,
    /// Blanks within a part of a URI.
    BlankInside,
    /// `[` without `]`.
    BracketOpen,
    /// `[]`
    BracketEmpty,
    /// Something else than `:`, `/`, `?` or `,` after `]`.
    AfterBracket,
    /// A parameter of a URI without `=`.
    ParameterWithoutValue,
    /// A parameter of a URI with a second `=`.
    SecondEquals,
}
