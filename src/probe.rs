//! The ladder: resolve → connect → tls → login → session → privileges, one stage one file. The only code that touches
//! the network; what it brings back is facts.

pub mod certificate;
mod connect;
pub mod driver;
mod hosts;
mod inspect;
mod login;
pub mod modes;
mod names;
mod recorder;
mod resolve;
mod stranger;
#[cfg(test)]
mod tests;
mod tls;
pub mod trace;

use std::net::{IpAddr, SocketAddr};

use tokio::time::{Instant, timeout_at};

pub use self::hosts::{Session, log_in, walk};
use self::recorder::Recorder;
use self::tls::Channel;
use self::trace::{Admission, Attempt, ConnectFailure, Failure, LoginFailure, Role, Silence, Stage, TlsFailure, Trace};
use crate::dialect::{Dialect, POSTGRESQL, REDSHIFT};
use crate::target::{
    Encryption, Endpoint, Engine, Roots, SessionAttrs, SslMode, SslNegotiation, Target, TlsSettings, Verification,
};
use crate::wire::connection::Connection;
use crate::wire::meter::{Deadline, Meter, Metered};
use crate::wire::screen::Screen;
use crate::wire::{AnySocket, AnyStream};

/// Told what the walk is doing, as it does it.
pub trait Watch: Send {
    /// A stage begins.
    fn enter(&mut self, stage: Stage);
    /// A stage has ended; its facts, and its failure if it failed, are in the trace.
    fn leave(&mut self, stage: Stage, trace: &Trace);
    /// A stage has failed, and the mode allows another attempt with the other encryption.
    fn retreat(&mut self, stage: Stage, trace: &Trace);
    /// A stage has failed, and another address or host is tried, or has been tried already.
    fn give_up(&mut self, stage: Stage, trace: &Trace);
    /// Whether this address may be dialled; asked of every address before it is.
    fn permits(&self, _address: SocketAddr) -> bool {
        true
    }
    /// Whether other ports of a host that does not answer may be tried, to see whether it is up.
    fn looks_around(&self) -> bool {
        true
    }
}

/// Nobody watches.
impl Watch for () {
    fn enter(&mut self, _stage: Stage) {}
    fn leave(&mut self, _stage: Stage, _trace: &Trace) {}
    fn retreat(&mut self, _stage: Stage, _trace: &Trace) {}
    fn give_up(&mut self, _stage: Stage, _trace: &Trace) {}
}

/// The ladder at one host.
struct Ladder<'a, 'w> {
    target: &'a Target,
    deadline: Instant,
    meter: &'a Meter,
    screen: &'a Screen,
    recorder: &'a mut Recorder<'w>,
    /// The address under way.
    peer: Option<SocketAddr>,
    /// When `connect_timeout` has passed for it, or all time.
    until: Deadline,
    /// What strict clients have yet to say of the channel under way.
    unjudged: Option<tls::Case>,
    /// In which the questions are asked.
    dialect: &'static Dialect,
}

impl Ladder<'_, '_> {
    /// Up to a session. `connect_timeout` is for each address, from the dialling to the end of the login: when it has
    /// passed, the next address is tried, as in libpq.
    async fn log_in(&mut self) -> Result<Connection, Failure> {
        self.recorder.enter(Stage::Resolve);
        self.resolve().await?;
        let mut addresses = self.recorder.permitted();
        if self.target.load_balance {
            fastrand::shuffle(&mut addresses);
        }
        loop {
            self.recorder.enter(Stage::Connect);
            let failure = match self.try_addresses(&addresses).await {
                Ok(connection) => {
                    self.until.move_to(self.deadline);
                    return Ok(connection);
                }
                Err(failure) => failure,
            };
            addresses.retain(|address| Some(*address) != self.peer);
            let more = failure.is_silence() && !addresses.is_empty() && Instant::now() < self.deadline;
            if !more || !self.recorder.trace.login.may_log_in_elsewhere() {
                return Err(failure);
            }
            self.recorder.give_up_address(failure);
        }
    }

    async fn try_addresses(&mut self, addresses: &[SocketAddr]) -> Result<Connection, Failure> {
        let stream = self.connect(addresses).await?;
        self.admit(stream).await
    }

    /// Whether the server is what is wanted. Where it has not said so itself, it is asked.
    async fn check_role(&mut self, connection: &mut Connection, wanted: SessionAttrs) -> Result<(), Failure> {
        let mut role = Role::reported(&self.recorder.trace.login);
        if role.meets(wanted).is_none() {
            self.inspect_session(connection).await?;
            role = self.recorder.trace.session.as_ref().map_or(role, Role::asked);
        }
        if role.meets(wanted) == Some(true) {
            return Ok(());
        }
        self.judge_strictly();
        Err(Failure::WrongRole(role))
    }

    /// Inspects a session and ends it, or hands it over.
    async fn use_session(&mut self, mut connection: Connection, hand_over: bool) -> Result<Option<Session>, Failure> {
        if !hand_over {
            self.inspect(&mut connection).await?;
            return Ok(None);
        }
        if self.recorder.trace.session.is_some() {
            // All questions were asked at once, and half of them are still to be answered.
            self.inspect_privileges(&mut connection).await?;
        } else {
            self.judge_strictly();
            self.dialect = self.spoken(&mut connection).await.map_err(Failure::Session)?;
        }
        Ok(Some(Session { connection, dialect: self.dialect }))
    }

    /// From a session to the top.
    async fn inspect(&mut self, connection: &mut Connection) -> Result<(), Failure> {
        if self.recorder.trace.session.is_none() {
            self.inspect_session(connection).await?;
        }
        self.recorder.enter(Stage::Privileges);
        self.inspect_privileges(connection).await?;
        connection.terminate().await;
        Ok(())
    }

    async fn resolve(&mut self) -> Result<(), Failure> {
        let Endpoint::Tcp { host, hostaddr, port } = &self.target.endpoint else {
            return Ok(());
        };
        let name = hostaddr.map_or_else(|| host.clone(), |address| address.to_string());
        let seen = &mut self.recorder.trace.resolved;
        resolve::run(&name, *port, self.deadline, seen).await.map_err(Failure::Resolve)
    }

    /// After a failure: whether the name led to the wrong place. Nobody waits for that longer than for the check.
    async fn doubt_name(&mut self, failure: &Failure) {
        let Endpoint::Tcp { host, hostaddr: None, .. } = &self.target.endpoint else {
            return;
        };
        if matches!(failure, Failure::Resolve(_)) || host.parse::<IpAddr>().is_ok() {
            return;
        }
        let stranger = matches!(failure, Failure::Tls(TlsFailure::NotPostgres { .. }));
        resolve::doubt(host, stranger, self.deadline, &mut self.recorder.trace.resolved).await;
    }

    async fn connect(&mut self, addresses: &[SocketAddr]) -> Result<AnyStream, Failure> {
        self.until = self.patience();
        let (until, looks_around) = (self.until.moment(), self.recorder.looks_around());
        let seen = &mut self.recorder.trace.connected;
        let connected = match &self.target.endpoint {
            Endpoint::Unix { directory, port } => {
                let path = directory.join(format!(".s.PGSQL.{port}"));
                connect::unix(&path, self.target.require_peer.as_deref(), until, seen).await
            }
            Endpoint::Tcp { .. } => {
                connect::tcp(addresses, until, looks_around, seen).await.map(|(stream, address)| {
                    self.peer = Some(address);
                    stream
                })
            }
        };
        Ok(self.metered(connected.map_err(Failure::Connect)?, self.until.clone()))
    }

    /// Another connection to the address under way.
    async fn reconnect(&mut self, until: Deadline) -> Result<AnyStream, Failure> {
        let Some(address) = self.peer else {
            return self.connect(&[]).await;
        };
        let began = Instant::now();
        let connected = connect::tcp_again(address, until.moment()).await;
        let stream = connected.map_err(|ConnectFailure { outcome }| {
            let attempt = Attempt {
                address: address.to_string(),
                outcome: outcome.clone(),
                icmp: None,
                elapsed: began.elapsed(),
            };
            self.recorder.trace.connected.attempts.push(attempt);
            Failure::Connect(ConnectFailure { outcome })
        })?;
        Ok(self.metered(stream, until))
    }

    fn metered(&self, stream: AnySocket, until: Deadline) -> AnyStream {
        self.meter.connected();
        Box::new(Metered::new(stream, self.meter.clone(), until))
    }

    /// `connect_timeout` from now on, within the time for everything.
    fn patience(&self) -> Deadline {
        let patience = self.target.limits.connect_timeout;
        Deadline::at(patience.map_or(self.deadline, |patience| self.deadline.min(Instant::now() + patience)))
    }

    /// Tries the encryptions of the mode in libpq's order, until one leads to a session.
    ///
    /// Unlike libpq, an attempt that has sent credentials is the last one: a wrong password reaches the server once.
    async fn admit(&mut self, stream: AnyStream) -> Result<Connection, Failure> {
        let unix = self.target.endpoint.is_unix();
        let (encryption, fallback) = if unix { (Encryption::Plain, None) } else { self.target.tls.mode.plan() };
        let first = match self.attempt(stream, encryption, fallback).await {
            Ok(connection) => return Ok(connection),
            Err(failure) => failure,
        };
        let Some(other) = fallback.filter(|_| self.may_go_on(&first)) else {
            return Err(self.look_closer(first, encryption).await);
        };
        self.recorder.retreat();
        let first_login = std::mem::take(&mut self.recorder.trace.login);
        let stream = self.reconnect(self.until.clone()).await?;
        let second = match self.attempt(stream, other, None).await {
            Ok(connection) => {
                self.recorder.trace.fell_back_from = Some(first);
                return Ok(connection);
            }
            Err(failure) => failure,
        };
        if !explains_more(&second, &first) {
            self.recorder.trace.login = first_login;
            self.recorder.trace.other_encryption = Some((other, admission(second)));
            return Err(first);
        }
        self.recorder.trace.fell_back_from = Some(first);
        Err(second)
    }

    async fn attempt(
        &mut self,
        stream: AnyStream,
        encryption: Encryption,
        fallback: Option<Encryption>,
    ) -> Result<Connection, Failure> {
        self.recorder.enter(Stage::Tls);
        let plain_too = fallback == Some(Encryption::Plain);
        let mut channel = self.secure(stream, encryption, plain_too).await.map_err(Failure::Tls)?;
        self.unjudged = channel.unjudged.take();
        self.recorder.enter(Stage::Login);
        let login = login::run(channel, self.target, self.screen, &mut self.recorder.trace.login);
        // A silent server is told of by the stream; what is cut off here is the computing of a proof.
        let logged_in = timeout_at(self.until.moment(), login).await.unwrap_or_else(|_| {
            Err(LoginFailure::Scram { reason: "its iteration count takes longer than the time allowed".to_owned() })
        });
        logged_in.map_err(|failure| {
            self.judge_strictly();
            Failure::Login(failure)
        })
    }

    fn judge_strictly(&mut self) {
        if let Some(case) = self.unjudged.take() {
            self.recorder.trace.tls.strict = tls::strict_verdict(&case);
        }
    }

    async fn secure(
        &mut self,
        stream: AnyStream,
        encryption: Encryption,
        plain_too: bool,
    ) -> Result<Channel, TlsFailure> {
        let context = tls::Context {
            settings: &self.target.tls,
            demanded: self.target.tls.verification(),
            host: self.target.endpoint.host(),
            meter: self.meter,
            screen: self.screen,
        };
        let seen = &mut self.recorder.trace.tls;
        seen.negotiated = false;
        let channel = tls::run(stream, encryption, plain_too, &context, seen).await?;
        let direct = self.target.tls.negotiation == SslNegotiation::Direct;
        if direct && encryption == Encryption::Tls && !channel.alpn {
            return Err(TlsFailure::DirectWithoutAlpn);
        }
        Ok(channel)
    }

    /// When libpq tries the next encryption (`fe-connect.c`, `CONNECTION_FAILED`): TLS failed, or the server refused
    /// before AuthenticationOk; but not while it starts up or shuts down.
    fn may_go_on(&self, failure: &Failure) -> bool {
        let login = &self.recorder.trace.login;
        if self.target.tls.plain_only_on_refusal {
            return false;
        }
        match failure {
            Failure::Tls(failure) => failure.allows_plain(),
            Failure::Login(LoginFailure::Refused(error)) => {
                !login.authenticated && !login.credentials_sent && error.sqlstate != "57P03"
            }
            _ => false,
        }
    }

    /// Where one more connection, without credentials, tells the cause from its neighbours, it is made.
    async fn look_closer(&mut self, failure: Failure, encryption: Encryption) -> Failure {
        if is_rule(&failure) && !self.target.endpoint.is_unix() {
            let admission = match self.probe(encryption.other(), SslNegotiation::Postgres).await {
                Some(channel) => login::ask_admission(channel, self.target, self.screen).await,
                None => Admission::Unknown,
            };
            self.recorder.trace.other_encryption = Some((encryption.other(), admission));
        }
        if matches!(failure, Failure::Tls(TlsFailure::ClosedBeforeReply { .. }))
            && let Some(channel) = self.probe(Encryption::Tls, SslNegotiation::Direct).await
        {
            return Failure::Tls(TlsFailure::DirectOnly { alpn: channel.alpn });
        }
        failure
    }

    /// A channel of another kind. Nothing secret is sent over it, and no certificate shown, so nothing needs to be
    /// verified.
    async fn probe(&mut self, encryption: Encryption, negotiation: SslNegotiation) -> Option<Channel> {
        let stream = self.reconnect(self.patience()).await.ok()?;
        let settings = TlsSettings {
            mode: SslMode::Require,
            roots: Roots::None,
            negotiation,
            client_certificate: None,
            ..self.target.tls.clone()
        };
        let host = self.target.endpoint.host();
        let demanded = Verification::None;
        let context = tls::Context { settings: &settings, demanded, host, meter: self.meter, screen: self.screen };
        tls::run(stream, encryption, false, &context, &mut trace::TlsSeen::default()).await.ok()
    }

    async fn inspect_session(&mut self, connection: &mut Connection) -> Result<(), Failure> {
        self.dialect = self.spoken(connection).await.map_err(Failure::Session)?;
        let asked = inspect::ask(connection, self.dialect).await;
        // While the server looks the answers up.
        self.judge_strictly();
        asked.map_err(Failure::Session)?;
        let version = self.recorder.trace.login.parameter("server_version").unwrap_or_default().to_owned();
        let seen = inspect::session(connection, self.dialect, &version).await.map_err(Failure::Session)?;
        self.recorder.trace.session = Some(seen);
        Ok(())
    }

    /// The dialect of the server that answers, which may be another than was asked for. Every server reports its version
    /// at login; one that does not is asked.
    async fn spoken(&mut self, connection: &mut Connection) -> Result<&'static Dialect, Silence> {
        let login = &self.recorder.trace.login;
        if login.parameter("padb_version").is_some() {
            return Ok(&REDSHIFT);
        }
        if let Some(dialect) = login.parameter("server_version").and_then(Dialect::of_version) {
            return Ok(dialect);
        }
        let version = inspect::version(connection).await?;
        let expected = match self.target.engine {
            Engine::Redshift => &REDSHIFT,
            Engine::Postgresql => &POSTGRESQL,
        };
        Ok(version.as_deref().and_then(Dialect::of_version).unwrap_or(expected))
    }

    async fn inspect_privileges(&mut self, connection: &mut Connection) -> Result<(), Failure> {
        let seen = inspect::privileges(connection, self.dialect, self.screen).await.map_err(Failure::Privileges)?;
        self.recorder.trace.privileges = Some(seen);
        Ok(())
    }
}

/// `pg_hba.conf` refused: no rule, or one that says `reject`.
fn is_rule(failure: &Failure) -> bool {
    match failure {
        Failure::Login(LoginFailure::Refused(error)) => error.is_by_rule(),
        _ => false,
    }
}

/// Of two failed attempts the first tells the cause, unless the second got further. A refusal by rule never does: where
/// plain is refused only because TLS, tried first, had failed, TLS is what needs mending.
fn explains_more(second: &Failure, first: &Failure) -> bool {
    match (first, second) {
        _ if is_rule(second) => false,
        // The rules want TLS, and it failed.
        (_, Failure::Tls(second)) if is_rule(first) => second.allows_plain(),
        (Failure::Login(LoginFailure::Refused(first)), Failure::Login(LoginFailure::Refused(second))) => {
            first.sqlstate != second.sqlstate
        }
        _ => second.stage() >= first.stage(),
    }
}

/// What the second attempt, that explained nothing, says of its encryption.
fn admission(failure: Failure) -> Admission {
    match failure {
        Failure::Login(LoginFailure::Refused(error)) => Admission::Refused(error),
        _ => Admission::Unknown,
    }
}
