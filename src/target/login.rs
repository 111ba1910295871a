//! What the login may be like, and what the session has to be.

/// `target_session_attrs` (manual, section 32.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionAttrs {
    /// Any will do.
    Any,
    /// Sessions must take writes.
    ReadWrite,
    /// Sessions must refuse writes.
    ReadOnly,
    /// The server must not be in hot standby.
    Primary,
    /// The server must be in hot standby.
    Standby,
    /// A standby if one of the hosts is one, else any.
    PreferStandby,
}

impl SessionAttrs {
    /// All that libpq knows.
    pub const ALL: [Self; 6] =
        [Self::Any, Self::ReadWrite, Self::ReadOnly, Self::Primary, Self::Standby, Self::PreferStandby];

    /// libpq's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::ReadWrite => "read-write",
            Self::ReadOnly => "read-only",
            Self::Primary => "primary",
            Self::Standby => "standby",
            Self::PreferStandby => "prefer-standby",
        }
    }
}

/// `require_auth`: a list of methods that will do, or of methods that will not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequireAuth {
    /// The keyword's own text.
    pub text: String,
    /// The methods listed.
    pub methods: Vec<AuthMethod>,
    /// They are the ones that will not do (`!method`).
    pub negated: bool,
}

impl RequireAuth {
    /// Whether this method will do.
    pub fn allows(&self, method: AuthMethod) -> bool {
        self.methods.contains(&method) != self.negated
    }
}

/// A method that `require_auth` can name (libpq, `fe-connect.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// A cleartext password.
    Password,
    /// An MD5 hash.
    Md5,
    /// GSSAPI.
    Gss,
    /// SSPI.
    Sspi,
    /// SCRAM-SHA-256, with or without channel binding.
    ScramSha256,
    /// OAUTHBEARER.
    Oauth,
    /// No exchange at all: the server asks for nothing.
    None,
}

impl AuthMethod {
    /// All that libpq 18 can name.
    pub const ALL: [Self; 7] =
        [Self::Password, Self::Md5, Self::Gss, Self::Sspi, Self::ScramSha256, Self::Oauth, Self::None];

    /// libpq's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Md5 => "md5",
            Self::Gss => "gss",
            Self::Sspi => "sspi",
            Self::ScramSha256 => "scram-sha-256",
            Self::Oauth => "oauth",
            Self::None => "none",
        }
    }
}

/// The versions of the frontend/backend protocol that will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtocolRange {
    /// The lowest.
    pub min: ProtocolVersion,
    /// The one that is asked for.
    pub max: ProtocolVersion,
}

impl Default for ProtocolRange {
    /// libpq 18 asks for 3.0 unless told otherwise.
    fn default() -> Self {
        Self { min: ProtocolVersion::V3_0, max: ProtocolVersion::V3_0 }
    }
}

/// A version of the frontend/backend protocol (manual, chapter 54).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProtocolVersion {
    /// PostgreSQL 7.4 and later.
    V3_0,
    /// PostgreSQL 18 and later.
    V3_2,
}

impl ProtocolVersion {
    /// libpq's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V3_0 => "3.0",
            Self::V3_2 => "3.2",
        }
    }

    /// By the number in a startup packet or NegotiateProtocolVersion.
    pub fn of_code(code: u32) -> Option<Self> {
        [Self::V3_0, Self::V3_2].into_iter().find(|version| version.code() == code)
    }

    /// The number in the startup packet.
    pub fn code(self) -> u32 {
        match self {
            Self::V3_0 => 0x0003_0000,
            Self::V3_2 => 0x0003_0002,
        }
    }
}

/// `channel_binding`: whether SCRAM is tied to the TLS connection (RFC 5802, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// Where both sides can.
    Prefer,
    /// Or no login at all.
    Require,
}
