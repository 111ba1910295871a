//! Stage login: from the startup packet to the first ReadyForQuery.

mod demands;
mod negotiation;
mod redshift;

use std::io;
use std::thread;

use bytes::Bytes;
use postgres_protocol::authentication::{md5_hash, sasl};
use postgres_protocol::message::frontend;
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::negotiation::startup;
use super::tls::Channel;
use super::trace::{Admission, LoginFailure, LoginSeen, Method};
use crate::target::{ChannelBinding, Encryption, Secret, SslCertMode, Target};
use crate::wire::connection::{Broken, Connection};
use crate::wire::message::{Authentication, Message};
use crate::wire::screen::Screen;

/// The most ParameterStatus and NoticeResponse messages kept; PostgreSQL sends about 15.
const MOST_KEPT: usize = 100;

const SCRAM: &str = "SCRAM-SHA-256";
const SCRAM_PLUS: &str = "SCRAM-SHA-256-PLUS";

/// Logs in. The connection that comes back is ready for questions.
pub async fn run(
    channel: Channel,
    target: &Target,
    screen: &Screen,
    seen: &mut LoginSeen,
) -> Result<Connection, LoginFailure> {
    let mut login = Login {
        began: Instant::now(),
        target,
        encryption: channel.encryption,
        end_point: channel.end_point,
        certificate_requested: channel.certificate_requested,
        connection: Connection::new(channel.stream, screen.clone()),
        screen,
        seen,
        negotiated: false,
    };
    login.start_up().await?;
    login.authenticate().await?;
    login.await_ready().await?;
    Ok(login.connection)
}

/// Sends a startup packet and looks at the first answer only: no secret is ever sent.
pub async fn ask_admission(channel: Channel, target: &Target, screen: &Screen) -> Admission {
    let mut connection = Connection::new(channel.stream, screen.clone());
    if connection.send(|buffer| startup(target, buffer)).await.is_err() {
        return Admission::Unknown;
    }
    loop {
        match connection.receive().await {
            Ok(Message::Authentication(_)) => return Admission::Admitted,
            Ok(Message::Error(error)) => return Admission::Refused(Box::new(error)),
            Ok(_) => {}
            Err(_) => return Admission::Unknown,
        }
    }
}

struct Login<'a> {
    began: Instant,
    target: &'a Target,
    encryption: Encryption,
    end_point: Option<Vec<u8>>,
    certificate_requested: bool,
    connection: Connection,
    screen: &'a Screen,
    seen: &'a mut LoginSeen,
    /// NegotiateProtocolVersion has come.
    negotiated: bool,
}

impl Login<'_> {
    async fn start_up(&mut self) -> Result<(), LoginFailure> {
        self.seen.protocol = Some(self.target.protocol.max);
        let Err(broken) = self.connection.send(|buffer| startup(self.target, buffer)).await else {
            return Ok(());
        };
        // A server that has ended the connection may have said why: with TLS 1.3 it refuses a certificate so.
        match self.receive().await {
            Err(said @ (LoginFailure::Alert { .. } | LoginFailure::Refused(_))) => Err(said),
            _ => Err(self.failure(broken)),
        }
    }

    async fn authenticate(&mut self) -> Result<(), LoginFailure> {
        loop {
            match self.next_request().await? {
                Authentication::Ok => {
                    self.seen.method.get_or_insert(Method::Trust);
                    return self.accept_ok();
                }
                Authentication::CleartextPassword => {
                    self.expect(Method::Password)?;
                    let password = self.password()?.expose().as_bytes().to_vec();
                    self.send_secret(|buffer| frontend::password_message(&password, buffer)).await?;
                }
                Authentication::Md5Password(salt) => {
                    self.expect(Method::Md5)?;
                    let hash = md5_hash(self.target.user.as_bytes(), self.password()?.expose().as_bytes(), salt);
                    self.send_secret(|buffer| frontend::password_message(hash.as_bytes(), buffer)).await?;
                }
                Authentication::Sasl(mechanisms) => {
                    self.seen.mechanisms = mechanisms;
                    self.scram().await?;
                }
                Authentication::SaslContinue(_) | Authentication::SaslFinal(_) => {
                    return Err(LoginFailure::Garbage { reason: "a SASL message outside an exchange".to_owned() });
                }
                Authentication::Digest { salt, nonce } => {
                    self.expect(Method::RedshiftDigest)?;
                    let answer = redshift::digest(self.password()?, &salt, &nonce).map_err(redshift::no_nonce)?;
                    self.send_secret(|buffer| redshift::digest_message(&answer, buffer)).await?;
                }
                Authentication::IdentityToken => {
                    self.expect(Method::RedshiftToken)?;
                    let token = self.token()?.clone();
                    self.send_secret(|buffer| redshift::token_message(&token, buffer)).await?;
                }
                Authentication::Other(code) => {
                    let method = match code {
                        7 => Method::Gss,
                        9 => Method::Sspi,
                        other => Method::Other(other),
                    };
                    self.seen.method = Some(method);
                    demands::allow(self.target, method)?;
                    return Err(LoginFailure::MethodUnsupported);
                }
            }
        }
    }

    /// The server asks for a password by this method, which cannot be bound to the channel.
    fn expect(&mut self, method: Method) -> Result<(), LoginFailure> {
        self.seen.method = Some(method);
        demands::allow(self.target, method)?;
        demands::allow_without_binding(self.target)
    }

    /// AuthenticationOk. Under `channel_binding=require` only SCRAM-SHA-256-PLUS may lead to it, under
    /// `sslcertmode=require` only a certificate that was asked for and shown, and under `require_auth` an exchange must
    /// have come to its end, unless the list has `none` in it.
    fn accept_ok(&mut self) -> Result<(), LoginFailure> {
        let tls = &self.target.tls;
        let shown = self.certificate_requested && tls.shown_certificate().is_some();
        if tls.cert_mode == SslCertMode::Require && !shown {
            return Err(LoginFailure::ClientCertificateUnused { requested: self.certificate_requested });
        }
        if !self.seen.credentials_sent {
            demands::allow(self.target, Method::Trust)?;
        }
        if self.seen.method != Some(Method::ScramPlus) {
            demands::allow_without_binding(self.target)?;
        }
        self.seen.authenticated = true;
        Ok(())
    }

    async fn scram(&mut self) -> Result<(), LoginFailure> {
        let (mechanism, binding) = self.choose_mechanism()?;
        let scram = sasl::ScramSha256::new(self.password()?.expose().as_bytes(), binding);
        self.send_secret(|buffer| frontend::sasl_initial_response(mechanism, scram.message(), buffer)).await?;
        let Authentication::SaslContinue(challenge) = self.next_request().await? else {
            return Err(LoginFailure::Garbage { reason: "SASLContinue was due".to_owned() });
        };
        let mut scram = prove(scram, challenge).await.map_err(|error| self.scram_failure(&error))?;
        self.send_secret(|buffer| frontend::sasl_response(scram.message(), buffer)).await?;
        let Authentication::SaslFinal(proof) = self.next_request().await? else {
            return Err(LoginFailure::Garbage { reason: "SASLFinal was due".to_owned() });
        };
        scram.finish(&proof).map_err(|error| self.scram_failure(&error))?;
        self.seen.proven = true;
        Ok(())
    }

    /// The words of the codec, which may quote the server's.
    fn scram_failure(&self, error: &io::Error) -> LoginFailure {
        LoginFailure::Scram { reason: self.screen.text(error.to_string().as_bytes()) }
    }

    /// As libpq chooses (`fe-auth.c`, `pg_SASL_init`): with channel binding where both sides can.
    fn choose_mechanism(&mut self) -> Result<(&'static str, sasl::ChannelBinding), LoginFailure> {
        let mechanisms = self.seen.mechanisms.clone();
        let offered = |name: &str| mechanisms.iter().any(|mechanism| mechanism == name);
        let wanted = self.target.channel_binding != ChannelBinding::Disable;
        if offered(SCRAM_PLUS) && wanted && self.encryption == Encryption::Tls {
            self.seen.method = Some(Method::ScramPlus);
            demands::allow(self.target, Method::ScramPlus)?;
            let end_point = self.end_point.take().ok_or(LoginFailure::CertificateUnbindable)?;
            return Ok((SCRAM_PLUS, sasl::ChannelBinding::tls_server_end_point(end_point)));
        }
        if !offered(SCRAM) {
            let method = if offered("OAUTHBEARER") { Method::OauthBearer } else { Method::UnknownSasl };
            self.seen.method = Some(method);
            demands::allow(self.target, method)?;
            return Err(LoginFailure::MethodUnsupported);
        }
        self.expect(Method::Scram)?;
        // `y`: this side could bind, the server did not offer it; a server that did will notice the man in the middle.
        let could_bind = wanted && self.encryption == Encryption::Tls && !offered(SCRAM_PLUS);
        // The codec sends `y` for "unrequested" and `n` for "unsupported".
        let binding =
            if could_bind { sasl::ChannelBinding::unrequested() } else { sasl::ChannelBinding::unsupported() };
        Ok((SCRAM, binding))
    }

    async fn await_ready(&mut self) -> Result<(), LoginFailure> {
        loop {
            match self.receive().await? {
                Message::ReadyForQuery => return Ok(()),
                Message::Authentication(_) => {
                    return Err(LoginFailure::Garbage {
                        reason: "an authentication request after the last".to_owned(),
                    });
                }
                _ => {}
            }
        }
    }

    async fn next_request(&mut self) -> Result<Authentication, LoginFailure> {
        loop {
            match self.receive().await? {
                Message::Authentication(request) => return Ok(request),
                Message::ReadyForQuery | Message::RowDescription | Message::DataRow(_) | Message::CommandComplete => {
                    return Err(LoginFailure::Garbage { reason: "an answer before the login had ended".to_owned() });
                }
                _ => {}
            }
        }
    }

    /// The next message; what can come at any time is noted down on the way.
    async fn receive(&mut self) -> Result<Message, LoginFailure> {
        let message = self.connection.receive().await.map_err(|broken| self.failure(broken))?;
        match &message {
            Message::Error(error) => return Err(LoginFailure::Refused(Box::new(error.clone()))),
            Message::ParameterStatus(name, value) if self.seen.parameters.len() < MOST_KEPT => {
                self.seen.parameters.push((name.clone(), value.clone()));
            }
            Message::Notice(notice) if self.seen.notices.len() < MOST_KEPT => self.seen.notices.push(notice.clone()),
            Message::NegotiateProtocolVersion { version, options } => self.negotiate(*version, options)?,
            Message::BackendKeyData { process, length } => {
                self.seen.process = Some(*process);
                negotiation::check_cancel_key(*length, self.seen.protocol)?;
            }
            _ => {}
        }
        Ok(message)
    }

    fn negotiate(&mut self, offered: u32, options: &[String]) -> Result<(), LoginFailure> {
        if std::mem::replace(&mut self.negotiated, true) {
            return Err(LoginFailure::Garbage { reason: "the server negotiated the protocol twice".to_owned() });
        }
        self.seen.protocol = Some(negotiation::settle(offered, options, self.target.protocol)?);
        Ok(())
    }

    fn password(&self) -> Result<&Secret, LoginFailure> {
        self.target.password.as_ref().ok_or(LoginFailure::PasswordMissing)
    }

    /// A token is good for whoever has it, and goes over TLS only.
    fn token(&self) -> Result<&Secret, LoginFailure> {
        match self.encryption {
            Encryption::Plain => Err(LoginFailure::TokenNeedsTls),
            Encryption::Tls => self.target.token.as_ref().ok_or(LoginFailure::TokenMissing),
        }
    }

    async fn send_secret(
        &mut self,
        write: impl FnOnce(&mut bytes::BytesMut) -> io::Result<()>,
    ) -> Result<(), LoginFailure> {
        self.seen.credentials_sent = true;
        let sent = self.connection.send(write).await;
        sent.map_err(|broken| self.failure(broken))
    }

    fn failure(&self, broken: Broken) -> LoginFailure {
        match broken {
            Broken::Closed => LoginFailure::Closed { reset: false },
            Broken::Reset => LoginFailure::Closed { reset: true },
            Broken::TimedOut => LoginFailure::NoReply { after: self.began.elapsed() },
            Broken::Other(error) => match super::tls::alert_of(&error) {
                Some(alert) => LoginFailure::Alert { alert },
                None => LoginFailure::Garbage { reason: error.to_string() },
            },
        }
    }
}

/// Computes the proof. The server says how many iterations that takes, up to hours of them, and nothing can interrupt
/// them: on a thread that may be left behind.
async fn prove(mut scram: sasl::ScramSha256, challenge: Bytes) -> io::Result<sasl::ScramSha256> {
    let (sender, proven) = oneshot::channel();
    let work = move || {
        let updated = scram.update(&challenge).map(|()| scram);
        // Past the deadline nobody waits for it.
        drop(sender.send(updated));
    };
    thread::Builder::new().spawn(work)?;
    proven.await.map_err(io::Error::other)?
}
