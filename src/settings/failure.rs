//! Why settings could not be read: operands for one clear explanation, and nothing of a secret.

use std::path::PathBuf;

use super::pointer::Pointer;
use crate::target::ClientCertificateFailure;

/// A string that cannot be read, and where in it: the place is a part of the string itself.
#[derive(Debug, PartialEq, Eq)]
pub struct Misread<'a> {
    /// Why.
    pub failure: InputFailure,
    /// The rest of the string from the place on, or a piece of it that begins there.
    pub at: &'a str,
}

/// What stopped stage input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputFailure {
    /// One of the others, in TARGET, and the place in it.
    Pointed {
        /// Which.
        failure: Box<InputFailure>,
        /// Where, and what to write instead.
        pointer: Pointer,
    },
    /// The file that TARGET names holds no JSON.
    Json {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1, in characters.
        column: usize,
        /// What is wrong there; nothing of the file itself.
        what: String,
    },
    /// The file that TARGET names is JSON, and no description of a connection.
    Payload {
        /// The file.
        path: PathBuf,
        /// The field, as a path.
        field: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
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
    /// Two lists that have to be of one length are not.
    ListsDiffer {
        /// The keyword whose list it is.
        keyword: &'static str,
        /// How long that is.
        count: usize,
        /// How many hosts there are.
        hosts: usize,
    },
    /// The name of a Unix socket does not fit into an address.
    SocketPathTooLong {
        /// How long it may be, in bytes.
        longest: usize,
        /// Where the host came from.
        source: String,
    },
    /// `sslmode=verify-full`, and no name that the certificate could be compared with.
    HostNameMissing,
    /// `require_auth` names a method twice, or both some that will do and some that will not.
    MethodsContradict {
        /// The one that is there twice.
        twice: Option<&'static str>,
        /// Where the list came from.
        source: String,
    },
    /// `gssencmode=require`.
    GssEncryptionRequired {
        /// Where it came from.
        source: String,
    },
    /// The client certificate cannot be used.
    ClientCertificate(ClientCertificateFailure),
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
    /// It could be dialled, but not registered.
    NotRegistrable(NotRegistrable),
}

/// What the sources platform has no words for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRegistrable {
    /// A Unix socket.
    Socket,
    /// A connection string, where there is none for these.
    NoConnectionString {
        /// Whose.
        of: &'static str,
    },
    /// Credentials that end within the hour.
    Temporary,
    /// A token of an identity provider, in place of a password.
    Token,
    /// A string or body that would be sent as it is says something else than what would be checked.
    Contradicted {
        /// Which of the two it is.
        given: &'static str,
        /// The keywords, and where their values came from.
        by: Vec<(&'static str, String)>,
    },
}

impl InputFailure {
    /// The failure itself, without its place.
    pub fn cause(&self) -> &Self {
        match self {
            Self::Pointed { failure, .. } => failure.cause(),
            failure => failure,
        }
    }

    /// The keyword whose value is at fault, if one value is.
    pub fn keyword(&self) -> Option<&'static str> {
        match self {
            Self::PortInvalid { .. } => Some("port"),
            Self::ReservedCharacter(':') => Some("user"),
            Self::HostHasPort { .. }
            | Self::HostHasScheme { .. }
            | Self::SocketPathTooLong { .. }
            | Self::ReservedCharacter(_) => Some("host"),
            Self::MethodsContradict { .. } => Some("require_auth"),
            Self::GssEncryptionRequired { .. } => Some("gssencmode"),
            Self::ValueInvalid { keyword, .. } | Self::Conflict { keyword, .. } | Self::ListsDiffer { keyword, .. } => {
                Some(keyword)
            }
            _ => None,
        }
    }

    /// The value that was probably meant, of an invalid one.
    pub fn probable_value(&self) -> Option<&'static str> {
        let Self::ValueInvalid { value: Some(value), allowed, .. } = self else {
            return None;
        };
        // node-postgres' no-verify is TLS without a look at the certificate, which libpq calls require.
        let value = if value == "no-verify" { "require" } else { value };
        let scored = allowed.split(", ").map(|word| (strsim::jaro_winkler(value, word), word));
        scored.filter(|(score, _)| *score > 0.9).max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, word)| word)
    }

    /// The place where it shows.
    pub fn at(self, at: &str) -> Misread<'_> {
        Misread { failure: self, at }
    }
}

impl Malformed {
    /// The place where it shows.
    pub fn at(self, at: &str) -> Misread<'_> {
        InputFailure::Malformed(self).at(at)
    }
}

/// What is wrong with a string that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Neither a URI nor a keyword/value string.
    NoKnownForm,
    /// The URL of another product.
    OtherForm(&'static str),
    /// A user before the host of a JDBC URL, where no driver looks for one.
    JdbcUser,
    /// A cluster and its region in place of a host, which only the driver of AWS can look up.
    ClusterOnly,
    /// A piece between semicolons without `=`, or with a key that is none.
    PieceWithoutEquals,
    /// `{` that is never closed, or is followed by more than blanks where it is.
    BraceOpen,
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
