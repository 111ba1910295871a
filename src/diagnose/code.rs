//! The finding codes: one list, from which the names, the pages and the schema follow.

use serde::{Serialize, Serializer};

use crate::probe::trace::Stage;

/// Declares every code with its name and default severity, and ties its page to it.
macro_rules! codes {
    ($($variant:ident $name:literal $severity:ident,)*) => {
        /// A cause that can be told apart; see `pgpreflight explain`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the stages.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name, `<stage>-<what>`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// How bad it is where nothing else is known.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity),* }
            }

            /// Its page, in Markdown.
            pub fn page(self) -> &'static str {
                match self { $(Self::$variant => include_str!(concat!("pages/", $name, ".md"))),* }
            }
        }
    };
}

codes! {
    InputMalformed "input-malformed" Error,
    InputReservedCharacter "input-reserved-character" Error,
    InputNotPortable "input-not-portable" Warning,
    InputPortInvalid "input-port-invalid" Error,
    InputHostHasPort "input-host-has-port" Error,
    InputHostHasScheme "input-host-has-scheme" Error,
    InputParameterUnknown "input-parameter-unknown" Error,
    InputValueInvalid "input-value-invalid" Error,
    InputServiceNotFound "input-service-not-found" Error,
    InputPadded "input-padded" Warning,
    InputPlaceholder "input-placeholder" Warning,
    InputOtherForm "input-other-form" Note,
    InputPassfileIgnored "input-passfile-ignored" Warning,
    InputSettingIgnored "input-setting-ignored" Warning,
    InputWeakerThanItLooks "input-weaker-than-it-looks" Warning,
    InputRootCertificateMissing "input-root-certificate-missing" Error,
    InputRootCertificateUnreadable "input-root-certificate-unreadable" Error,
    InputClientCertificateUnreadable "input-client-certificate-unreadable" Error,
    InputClientKeyMissing "input-client-key-missing" Error,
    InputClientKeyPermissions "input-client-key-permissions" Error,
    InputClientKeyUnreadable "input-client-key-unreadable" Error,
    InputClientKeyLocked "input-client-key-locked" Error,
    InputClientKeyMismatch "input-client-key-mismatch" Error,
    InputNotRegistrable "input-not-registrable" Error,
    InputGssEncryption "input-gss-encryption" Note,
    ResolveNameNotFound "resolve-name-not-found" Error,
    ResolveNoAddress "resolve-no-address" Error,
    ResolveDanglingAlias "resolve-dangling-alias" Error,
    ResolveServerFailure "resolve-server-failure" Error,
    ResolveTimedOut "resolve-timed-out" Error,
    ResolveNameInvalid "resolve-name-invalid" Error,
    ResolveSinkhole "resolve-sinkhole" Warning,
    ConnectRefused "connect-refused" Error,
    ConnectTimedOut "connect-timed-out" Error,
    ConnectHostUnreachable "connect-host-unreachable" Error,
    ConnectNetworkUnreachable "connect-network-unreachable" Error,
    ConnectAddressFamily "connect-address-family" Error,
    ConnectBlockedLocally "connect-blocked-locally" Error,
    ConnectExhaustedLocally "connect-exhausted-locally" Error,
    ConnectSocketMissing "connect-socket-missing" Error,
    ConnectSocketStale "connect-socket-stale" Error,
    ConnectSocketDenied "connect-socket-denied" Error,
    ConnectPeerMismatch "connect-peer-mismatch" Error,
    ConnectSomeAddressesFail "connect-some-addresses-fail" Warning,
    ConnectSomeHostsFail "connect-some-hosts-fail" Warning,
    TlsNotPostgres "tls-not-postgres" Error,
    TlsClosedBeforeReply "tls-closed-before-reply" Error,
    TlsNoReply "tls-no-reply" Error,
    TlsRequestLost "tls-request-lost" Error,
    TlsServerError "tls-server-error" Error,
    TlsDirectOnly "tls-direct-only" Error,
    TlsDirectRefused "tls-direct-refused" Error,
    TlsNotOffered "tls-not-offered" Error,
    TlsHandshakeSilent "tls-handshake-silent" Error,
    TlsHandshakeClosed "tls-handshake-closed" Error,
    TlsHandshakeGarbage "tls-handshake-garbage" Error,
    TlsVersionUnsupported "tls-version-unsupported" Error,
    TlsNoCommonCipher "tls-no-common-cipher" Error,
    TlsHandshakeFailed "tls-handshake-failed" Error,
    TlsCertificateSelfSigned "tls-certificate-self-signed" Error,
    TlsCertificateIntercepted "tls-certificate-intercepted" Error,
    TlsCertificateUnknownIssuer "tls-certificate-unknown-issuer" Error,
    TlsCertificateChainIncomplete "tls-certificate-chain-incomplete" Error,
    TlsCertificateExpired "tls-certificate-expired" Error,
    TlsCertificateNotYetValid "tls-certificate-not-yet-valid" Error,
    TlsCertificatePurpose "tls-certificate-purpose" Error,
    TlsCertificateKeyWeak "tls-certificate-key-weak" Error,
    TlsCertificateSignatureWeak "tls-certificate-signature-weak" Error,
    TlsCertificateRevoked "tls-certificate-revoked" Error,
    TlsRevocationUnknown "tls-revocation-unknown" Error,
    TlsCertificateIssuerNotCa "tls-certificate-issuer-not-ca" Error,
    TlsCertificateNameConstraint "tls-certificate-name-constraint" Error,
    TlsCertificateNameMismatch "tls-certificate-name-mismatch" Error,
    TlsCertificateAddressNotListed "tls-certificate-address-not-listed" Error,
    TlsCertificateRefused "tls-certificate-refused" Error,
    TlsCertificateExpiresSoon "tls-certificate-expires-soon" Warning,
    TlsCertificateLibpqOnly "tls-certificate-libpq-only" Warning,
    TlsCertificateBreaksLibpq "tls-certificate-breaks-libpq" Warning,
    TlsNotVerified "tls-not-verified" Warning,
    TlsPlaintext "tls-plaintext" Warning,
    TlsRootFileChangesMode "tls-root-file-changes-mode" Warning,
    LoginPasswordRejected "login-password-rejected" Error,
    LoginPasswordMissing "login-password-missing" Error,
    LoginRoleMissing "login-role-missing" Error,
    LoginRoleCannotLogin "login-role-cannot-login" Error,
    LoginNoHbaEntry "login-no-hba-entry" Error,
    LoginTlsRequired "login-tls-required" Error,
    LoginTlsForbidden "login-tls-forbidden" Error,
    LoginHbaReject "login-hba-reject" Error,
    LoginExternalRefused "login-external-refused" Error,
    LoginGssUnavailable "login-gss-unavailable" Error,
    LoginMethodUnsupported "login-method-unsupported" Error,
    LoginMethodNotAllowed "login-method-not-allowed" Error,
    LoginClientCertificateRequired "login-client-certificate-required" Error,
    LoginClientCertificateRefused "login-client-certificate-refused" Error,
    LoginClientCertificateUser "login-client-certificate-user" Error,
    LoginChannelBindingUnavailable "login-channel-binding-unavailable" Error,
    LoginScramFailed "login-scram-failed" Error,
    LoginIamNeedsTls "login-iam-needs-tls" Error,
    LoginTokenExpired "login-token-expired" Error,
    LoginTokenMissing "login-token-missing" Error,
    LoginDatabaseMissing "login-database-missing" Error,
    LoginConnectDenied "login-connect-denied" Error,
    LoginDatabaseClosed "login-database-closed" Error,
    LoginDatabaseFull "login-database-full" Error,
    LoginRoleFull "login-role-full" Error,
    LoginServerFull "login-server-full" Error,
    LoginReservedSlots "login-reserved-slots" Error,
    LoginStartingUp "login-starting-up" Error,
    LoginStandbyClosed "login-standby-closed" Error,
    LoginShuttingDown "login-shutting-down" Error,
    LoginParameterRefused "login-parameter-refused" Error,
    LoginTriggerFailed "login-trigger-failed" Error,
    LoginNoReply "login-no-reply" Error,
    LoginClosed "login-closed" Error,
    LoginProtocolUnsupported "login-protocol-unsupported" Error,
    LoginPoolerUserUnknown "login-pooler-user-unknown" Error,
    LoginPoolerDatabaseUnknown "login-pooler-database-unknown" Error,
    LoginPoolerBackendDown "login-pooler-backend-down" Error,
    LoginPoolerParameter "login-pooler-parameter" Error,
    LoginPoolerFull "login-pooler-full" Error,
    LoginServerError "login-server-error" Error,
    LoginPasswordUnchecked "login-password-unchecked" Warning,
    LoginPasswordExposed "login-password-exposed" Warning,
    LoginMd5 "login-md5" Warning,
    LoginAmazonDriversOnly "login-amazon-drivers-only" Note,
    LoginDriverDiffers "login-driver-differs" Warning,
    SessionStandby "session-standby" Warning,
    SessionReadOnly "session-read-only" Warning,
    SessionWrongRole "session-wrong-role" Error,
    SessionNearlyFull "session-nearly-full" Warning,
    SessionPooler "session-pooler" Warning,
    SessionEngineMismatch "session-engine-mismatch" Warning,
    SessionVersionUnsupported "session-version-unsupported" Warning,
    SessionRoleSettings "session-role-settings" Warning,
    SessionLargeResultStalls "session-large-result-stalls" Error,
    SessionNoReply "session-no-reply" Error,
    PrivilegesNothingReadable "privileges-nothing-readable" Error,
    PrivilegesNoTables "privileges-no-tables" Note,
    PrivilegesSchemaUsage "privileges-schema-usage" Warning,
    PrivilegesTableSelect "privileges-table-select" Warning,
    PrivilegesRowSecurity "privileges-row-security" Warning,
    PrivilegesFutureTables "privileges-future-tables" Note,
    PrivilegesSuperuser "privileges-superuser" Warning,
    PrivilegesCanWrite "privileges-can-write" Note,
    PrivilegesNoReply "privileges-no-reply" Error,
    RegisterTokenMissing "register-token-missing" Error,
    RegisterTokenRejected "register-token-rejected" Error,
    RegisterApiKeyRejected "register-api-key-rejected" Error,
    RegisterOrganizationRejected "register-organization-rejected" Error,
    RegisterSandboxUnknown "register-sandbox-unknown" Error,
    RegisterForbidden "register-forbidden" Error,
    RegisterPayloadRejected "register-payload-rejected" Error,
    RegisterDatabaseRefused "register-database-refused" Error,
    RegisterConnectionNotFound "register-connection-not-found" Error,
    RegisterVersionConflict "register-version-conflict" Error,
    RegisterThrottled "register-throttled" Error,
    RegisterUnavailable "register-unavailable" Error,
    RegisterNotTheService "register-not-the-service" Error,
    RegisterNameTaken "register-name-taken" Error,
    RegisterPrivateAddress "register-private-address" Warning,
    RegisterSettingLost "register-setting-lost" Warning,
    RegisterNotCompared "register-not-compared" Warning,
    RegisterStrongerMode "register-stronger-mode" Note,
}

impl Code {
    /// Finds a code by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }

    /// The stage it belongs to: the first word of its name.
    pub fn stage(self) -> Stage {
        let word = self.as_str().split('-').next().unwrap_or_default();
        let stages = Stage::CHECKED.into_iter().chain([Stage::Register]);
        stages.into_iter().find(|stage| stage.as_str() == word).unwrap_or(Stage::Input)
    }

    /// What it means, in one sentence: the first line of its page's text.
    pub fn meaning(self) -> &'static str {
        self.page().lines().skip(1).find(|line| !line.trim().is_empty()).unwrap_or_default()
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It ends the walk.
    Error,
    /// It works, and should be changed.
    Warning,
    /// Good to know.
    Note,
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// The evidence allows nothing else.
    Certain,
    /// Other causes would look the same, and are rarer.
    Likely,
    /// One of several.
    Possible,
}
