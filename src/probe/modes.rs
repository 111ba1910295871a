//! `--all-modes`: logins that stop before a secret is sent, one with TLS and one without, as far as the walk has not
//! made them itself.

mod roots;

use std::net::SocketAddr;

use tokio::time::{Instant, timeout_at};

use super::trace::{
    Failure, LoginFailure, LoginSeen, LoginTried, ModesSeen, Probed, SslReply, TlsFailure, TlsSeen, TlsTried, Trace,
};
use super::{connect, login, tls};
use crate::target::{
    ChannelBinding, Encryption, Revocation, Roots, SslCertMode, SslMode, SslNegotiation, Target, TlsSettings,
    TlsVersion, Verification,
};
use crate::wire::AnyStream;
use crate::wire::meter::{Deadline, Meter, Metered};
use crate::wire::screen::Screen;

/// Looks at the host that the walk has dialled. `settings` are those of the strongest mode that can be had: its roots
/// are the ones that every mode finds.
pub async fn look(target: &Target, settings: &TlsSettings, trace: &Trace, deadline: Instant) -> ModesSeen {
    // libpq has no modes on a Unix socket, and where nobody answers there is nothing to look at.
    let Some(address) = dialled(trace).filter(|_| !target.endpoint.is_unix()) else {
        return ModesSeen::default();
    };
    let screen = Screen::new(target.secrets());
    let as_given = Target { tls: settings.clone(), ..target.clone() };
    let prober = Prober { demanded: guarded(&target.tls), ..Prober::new(as_given, address, deadline, &screen) };
    let mut libpq = seen_by(trace, target);
    if libpq.plain.is_none() {
        libpq.plain = prober.plain().await;
    }
    if libpq.tls.is_none() {
        libpq.tls = prober.tls().await;
    }
    let mut platform = None;
    if is_foreign_to_platform(target, &libpq) {
        let prober = Prober::new(as_platform(target), address, deadline, &screen);
        platform = Some(Probed { plain: prober.plain().await, tls: prober.tls().await });
    }
    let chain = platform.as_ref().unwrap_or(&libpq).tls.as_ref().map(|tried| tried.seen.chain.as_slice());
    let by_system_roots = chain.filter(|chain| !chain.is_empty()).and_then(|chain| roots::objections(chain).ok());
    ModesSeen { libpq, platform, by_system_roots }
}

/// Nothing secret is sent, so nothing needs to be verified; but a client certificate is shown to those servers only to
/// which the mode that is checked shows it.
fn guarded(tls: &TlsSettings) -> Verification {
    tls.shown_certificate().map_or(Verification::None, |_| tls.verification())
}

fn dialled(trace: &Trace) -> Option<SocketAddr> {
    trace.connected.address.as_deref()?.parse().ok()
}

/// What the walk has seen already: its last attempt, and TLS that failed for a reason which no mode changes.
fn seen_by(trace: &Trace, target: &Target) -> Probed {
    let tls_failure =
        [trace.failure.as_ref(), trace.fell_back_from.as_ref()].into_iter().flatten().find_map(tls_failed);
    let login = last_login(trace, target);
    if trace.tls.negotiated {
        let tls = login.map(|login| TlsTried { seen: trace.tls.clone(), login: Ok(login) });
        return Probed { plain: None, tls };
    }
    let unwilling = (trace.tls.reply == Some(SslReply::Unwilling)).then_some(TlsFailure::NotOffered);
    let tls_failure = tls_failure.or(unwilling);
    let tls = tls_failure.map(|failure| TlsTried { seen: trace.tls.clone(), login: Err(failure) });
    Probed { plain: login, tls }
}

fn tls_failed(failure: &Failure) -> Option<TlsFailure> {
    match failure {
        // Another mode may not mind, and what the login over it would be is not known.
        Failure::Tls(TlsFailure::Certificate | TlsFailure::Roots { .. }) => None,
        Failure::Tls(failure) => Some(failure.clone()),
        _ => None,
    }
}

/// The login of the walk, where it is sure over which encryption it was: a walk that ended in a refusal tells of the
/// first attempt or of the second.
fn last_login(trace: &Trace, target: &Target) -> Option<LoginTried> {
    let one_attempt = target.tls.mode.plan().1.is_none();
    let failure = match &trace.failure {
        None | Some(Failure::Session(_) | Failure::Privileges(_) | Failure::WrongRole(_)) => None,
        Some(Failure::Login(failure)) if one_attempt || trace.login.credentials_sent => Some(failure.clone()),
        Some(_) => return None,
    };
    Some(LoginTried { seen: trace.login.clone(), failure })
}

/// The platform knows nothing of these settings.
fn is_foreign_to_platform(target: &Target, libpq: &Probed) -> bool {
    let unreadable = |tried: &TlsTried| matches!(tried.login, Err(TlsFailure::Roots { .. }));
    target.tls.negotiation == SslNegotiation::Direct
        || target.tls.client_certificate.is_some()
        || target.channel_binding == ChannelBinding::Require
        || target.require_auth.is_some()
        || libpq.tls.as_ref().is_some_and(unreadable)
}

fn as_platform(target: &Target) -> Target {
    let tls = TlsSettings {
        mode: SslMode::Require,
        roots: Roots::None,
        negotiation: SslNegotiation::Postgres,
        sni: true,
        min_version: Some(TlsVersion::V1_2),
        max_version: None,
        revocation: Revocation::default(),
        client_certificate: None,
        cert_mode: SslCertMode::Disable,
        certificate_name: None,
        plain_only_on_refusal: false,
    };
    Target { tls, channel_binding: ChannelBinding::Prefer, require_auth: None, ..target.clone() }
}

struct Prober<'a> {
    target: Target,
    address: SocketAddr,
    deadline: Instant,
    demanded: Verification,
    screen: &'a Screen,
    meter: Meter,
}

impl<'a> Prober<'a> {
    /// Whatever the target knows, no password and no token is at hand here: none can be sent.
    fn new(target: Target, address: SocketAddr, deadline: Instant, screen: &'a Screen) -> Self {
        let target = Target { password: None, token: None, ..target };
        Self { target, address, deadline, demanded: Verification::None, screen, meter: Meter::default() }
    }

    async fn plain(&self) -> Option<LoginTried> {
        let tried = self.channel(Encryption::Plain).await?;
        tried.login.ok()
    }

    async fn tls(&self) -> Option<TlsTried> {
        self.channel(Encryption::Tls).await
    }

    async fn channel(&self, encryption: Encryption) -> Option<TlsTried> {
        let stream = self.connect().await?;
        let context = tls::Context {
            settings: &self.target.tls,
            demanded: self.demanded,
            host: self.target.endpoint.host(),
            meter: &self.meter,
            screen: self.screen,
        };
        let mut seen = TlsSeen::default();
        let login = match tls::run(stream, encryption, false, &context, &mut seen).await {
            Ok(channel) => Ok(self.log_in(channel).await),
            Err(failure) => Err(failure),
        };
        Some(TlsTried { seen, login })
    }

    async fn connect(&self) -> Option<AnyStream> {
        let patience = self.target.limits.connect_timeout;
        let until = patience.map_or(self.deadline, |patience| self.deadline.min(Instant::now() + patience));
        let stream = connect::tcp_again(self.address, until).await.ok()?;
        self.meter.connected();
        Some(Box::new(Metered::new(stream, self.meter.clone(), Deadline::at(until))))
    }

    /// Ends where a password is asked for. Where none is, it goes on to the session: what comes after AuthenticationOk
    /// belongs to the answer.
    async fn log_in(&self, channel: tls::Channel) -> LoginTried {
        let began = Instant::now();
        let mut seen = LoginSeen::default();
        let done = timeout_at(self.deadline, login::run(channel, &self.target, self.screen, &mut seen)).await;
        let failure = match done {
            Ok(Ok(mut connection)) => {
                connection.terminate().await;
                None
            }
            Ok(Err(failure)) => Some(failure),
            Err(_) => Some(LoginFailure::NoReply { after: began.elapsed() }),
        };
        LoginTried { seen, failure }
    }
}
