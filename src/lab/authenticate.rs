//! The authentication exchange. Passwords and proofs are verified; each one received is counted.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};
use openssl::rand::rand_bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::channel::{Channel, Halt, Message, Step, until_nul};
use super::endpoint::Endpoint;
use super::login::{Client, reach};
use super::moment::Moment;
use super::redshift;
use super::scenario::{Authentication, Engine};
use super::scram::{Binding, Exchange, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramError, Verifier};
use super::server_error::ServerError;

const CLEARTEXT_PASSWORD: i32 = 3;
const MD5_PASSWORD: i32 = 5;
const SASL: i32 = 10;
const SASL_CONTINUE: i32 = 11;
const SASL_FINAL: i32 = 12;
const REDSHIFT_DIGEST: i32 = 13;
const REDSHIFT_IDP: i32 = 14;

/// Returns when the client has proved who it is; `AuthenticationOk` is then still to be sent.
pub(super) async fn authenticate<S>(channel: &mut Channel<S>, client: &mut Client, endpoint: &Endpoint) -> Step<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match &endpoint.scenario.authentication {
        Authentication::Trust => {
            reach(channel, &endpoint.scenario, Moment::InExchange).await?;
            reach(channel, &endpoint.scenario, Moment::AfterPassword).await
        }
        Authentication::Password => {
            channel.queue_authentication(CLEARTEXT_PASSWORD, b"");
            let password = until_nul(&single_answer(channel, endpoint).await?.body);
            if password.is_empty() {
                let error = ServerError::fatal("28P01", "empty password returned by client");
                return channel.fail(&error.with('F', "auth.c").with('R', "recv_password_packet")).await;
            }
            verdict(channel, client, endpoint, password_of(client, endpoint) == Some(&password)).await
        }
        Authentication::Md5 => md5(channel, client, endpoint).await,
        Authentication::ScramSha256 => scram(channel, client, endpoint).await,
        Authentication::RedshiftDigest => redshift_digest(channel, client, endpoint).await,
        Authentication::RedshiftIdp => {
            channel.queue_authentication(REDSHIFT_IDP, b"");
            let Message { tag, body } = single_answer(channel, endpoint).await?;
            let named = client.startup.user.clone();
            let is_owner = |(user, token): &(&String, &String)| {
                (named.is_empty() || named == **user) && **token == until_nul(&body)
            };
            let owner = endpoint.scenario.users.iter().find(is_owner).filter(|_| tag == b'i');
            if let Some((user, _)) = owner {
                client.startup.user.clone_from(user);
            }
            verdict(channel, client, endpoint, owner.is_some()).await
        }
        Authentication::Sasl(mechanisms) => {
            channel.queue_authentication(SASL, &mechanism_list(mechanisms.iter().map(String::as_str)));
            single_answer(channel, endpoint).await?;
            verdict(channel, client, endpoint, false).await
        }
        Authentication::Request(request) => {
            channel.queue_authentication(request.code, &request.body.0);
            single_answer(channel, endpoint).await?;
            verdict(channel, client, endpoint, false).await
        }
    }
}

/// Sends the request that is queued and takes the one answer to it.
async fn single_answer<S>(channel: &mut Channel<S>, endpoint: &Endpoint) -> Step<Message>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    channel.flush().await?;
    let message = channel.receive().await?;
    endpoint.counts.credentials.fetch_add(1, Ordering::SeqCst);
    reach(channel, &endpoint.scenario, Moment::InExchange).await?;
    reach(channel, &endpoint.scenario, Moment::AfterPassword).await?;
    Ok(message)
}

async fn md5<S>(channel: &mut Channel<S>, client: &Client, endpoint: &Endpoint) -> Step<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut salt = [0; 4];
    rand_bytes(&mut salt).map_err(|_| Halt::Lost)?;
    channel.queue_authentication(MD5_PASSWORD, &salt);
    let answer = until_nul(&single_answer(channel, endpoint).await?.body);
    let expected = match password_of(client, endpoint) {
        Some(password) => Some(md5_response(password, &client.startup.user, salt).map_err(|_| Halt::Lost)?),
        None => None,
    };
    verdict(channel, client, endpoint, expected == Some(answer)).await
}

async fn redshift_digest<S>(channel: &mut Channel<S>, client: &Client, endpoint: &Endpoint) -> Step<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let [mut salt, mut nonce] = [[0; 16]; 2];
    rand_bytes(&mut salt).and_then(|()| rand_bytes(&mut nonce)).map_err(|_| Halt::Lost)?;
    channel.queue_authentication(REDSHIFT_DIGEST, &redshift::digest_request(&salt, &nonce));
    let Message { tag, body } = single_answer(channel, endpoint).await?;
    let expected = match (password_of(client, endpoint), redshift::client_nonce(&body)) {
        (Some(password), Some(own)) => {
            Some(redshift::digest_answer(password, &salt, [&nonce, own]).map_err(|_| Halt::Lost)?)
        }
        _ => None,
    };
    verdict(channel, client, endpoint, tag == b'd' && expected == Some(body)).await
}

async fn scram<S>(channel: &mut Channel<S>, client: &Client, endpoint: &Endpoint) -> Step<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let scenario = &endpoint.scenario;
    let offered = client.encrypted && scenario.channel_binding;
    let mechanisms = offered.then_some(SCRAM_SHA_256_PLUS).into_iter().chain([SCRAM_SHA_256]);
    channel.queue_authentication(SASL, &mechanism_list(mechanisms));
    channel.flush().await?;

    let initial = channel.receive().await?.body;
    reach(channel, scenario, Moment::InExchange).await?;
    let Some((mechanism, client_first)) = initial_response(&initial) else {
        return channel.fail(&protocol_violation("malformed SASLInitialResponse")).await;
    };
    let plus = mechanism == SCRAM_SHA_256_PLUS && offered;
    if !plus && mechanism != SCRAM_SHA_256 {
        return channel.fail(&protocol_violation("client selected an invalid SASL authentication mechanism")).await;
    }

    let mock;
    let verifier = if let Some(verifier) = endpoint.verifiers.get(&client.startup.user) {
        verifier
    } else {
        mock = Verifier::mock(&client.startup.user, &endpoint.mock_secret);
        &mock
    };
    let binding = Binding { plus, offered, end_point: endpoint.end_point.as_deref() };
    let exchange = match Exchange::start(verifier, binding, client_first) {
        Ok(exchange) => exchange,
        Err(error) => return channel.fail(&scram_failure(&error, client, endpoint)).await,
    };
    channel.queue_authentication(SASL_CONTINUE, exchange.server_first().as_bytes());
    channel.flush().await?;

    let client_final = channel.receive().await?.body;
    endpoint.counts.credentials.fetch_add(1, Ordering::SeqCst);
    reach(channel, scenario, Moment::AfterPassword).await?;
    match exchange.finish(&client_final) {
        Ok(server_final) => {
            channel.queue_authentication(SASL_FINAL, server_final.as_bytes());
            Ok(())
        }
        Err(error) => channel.fail(&scram_failure(&error, client, endpoint)).await,
    }
}

/// `SASLInitialResponse`: the mechanism, and the client's first message.
fn initial_response(body: &[u8]) -> Option<(&str, &[u8])> {
    let end = body.iter().position(|byte| *byte == 0)?;
    let (mechanism, rest) = body.split_at_checked(end)?;
    let (length, data) = rest.get(1..)?.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    (data.len() == length).then_some((str::from_utf8(mechanism).ok()?, data))
}

async fn verdict<S>(channel: &mut Channel<S>, client: &Client, endpoint: &Endpoint, accepted: bool) -> Step<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let taken = client.encrypted || !redshift::is_temporary(&client.startup.user);
    if accepted && taken {
        return Ok(());
    }
    channel.fail(&password_rejected(client, endpoint)).await
}

fn password_of<'a>(client: &Client, endpoint: &'a Endpoint) -> Option<&'a String> {
    endpoint.scenario.users.get(&client.startup.user)
}

/// `md5` and the hex of MD5(hex of MD5(password, user), salt).
fn md5_response(password: &str, user: &str, salt: [u8; 4]) -> Result<String, ErrorStack> {
    let inner = hex(&hash(MessageDigest::md5(), format!("{password}{user}").as_bytes())?);
    let outer = hash(MessageDigest::md5(), &[inner.as_bytes(), &salt].concat())?;
    Ok(format!("md5{}", hex(&outer)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn mechanism_list<'m>(mechanisms: impl Iterator<Item = &'m str>) -> Vec<u8> {
    let mut list = Vec::new();
    for mechanism in mechanisms {
        list.extend_from_slice(mechanism.as_bytes());
        list.push(0);
    }
    list.push(0);
    list
}

fn scram_failure(error: &ScramError, client: &Client, endpoint: &Endpoint) -> ServerError {
    let message = error.to_string();
    match error {
        ScramError::ProofRejected => password_rejected(client, endpoint),
        ScramError::Malformed(_) => protocol_violation(&message),
        ScramError::BindingDowngraded | ScramError::BindingMismatch => {
            ServerError::fatal("28000", &message).with('F', "auth-scram.c")
        }
        ScramError::BindingUndefined | ScramError::OpenSsl(_) => ServerError::fatal("XX000", &message),
    }
}

fn protocol_violation(message: &str) -> ServerError {
    ServerError::fatal("08P01", message).with('F', "auth-scram.c")
}

/// The one answer to a wrong password and to a role that does not exist.
fn password_rejected(client: &Client, endpoint: &Endpoint) -> ServerError {
    if endpoint.scenario.engine == Engine::Redshift {
        return redshift::password_rejected(&client.startup.user);
    }
    let message = format!("password authentication failed for user \"{}\"", client.startup.user);
    ServerError::fatal("28P01", &message).with('F', "auth.c").with('R', "auth_failed")
}
