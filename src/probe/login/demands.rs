//! What a server may ask for: `require_auth` and `channel_binding`, looked at before anything secret is sent, in the
//! order of libpq (`fe-auth.c`, `check_expected_areq`).

use crate::probe::trace::{LoginFailure, Method};
use crate::target::{AuthMethod, ChannelBinding, Target};

/// Whether `require_auth` allows the method. One that it cannot name, and that is not spoken here, is told of as such.
pub fn allow(target: &Target, method: Method) -> Result<(), LoginFailure> {
    let allowed = target.require_auth.as_ref().is_none_or(|required| match named(method) {
        Some(name) => required.allows(name),
        // libpq cannot name Redshift's: they are on no list of what will do.
        None => required.negated || !matches!(method, Method::RedshiftDigest | Method::RedshiftToken),
    });
    if allowed { Ok(()) } else { Err(LoginFailure::MethodNotAllowed) }
}

/// Under `channel_binding=require` nothing else than SCRAM-SHA-256-PLUS will do.
pub fn allow_without_binding(target: &Target) -> Result<(), LoginFailure> {
    match target.channel_binding {
        ChannelBinding::Require => Err(LoginFailure::ChannelBindingUnavailable),
        ChannelBinding::Prefer | ChannelBinding::Disable => Ok(()),
    }
}

fn named(method: Method) -> Option<AuthMethod> {
    match method {
        Method::Trust => Some(AuthMethod::None),
        Method::Password => Some(AuthMethod::Password),
        Method::Md5 => Some(AuthMethod::Md5),
        Method::Scram | Method::ScramPlus => Some(AuthMethod::ScramSha256),
        Method::OauthBearer => Some(AuthMethod::Oauth),
        Method::Gss => Some(AuthMethod::Gss),
        Method::Sspi => Some(AuthMethod::Sspi),
        Method::RedshiftDigest | Method::RedshiftToken | Method::UnknownSasl | Method::Other(_) => None,
    }
}
