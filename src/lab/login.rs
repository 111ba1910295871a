//! From the startup packet to the first `ReadyForQuery`: `pg_hba.conf`, authentication, and what a session reports first.

use std::net::IpAddr;

use openssl::rand::rand_bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::authenticate::authenticate;
use super::backend::Backend;
use super::channel::{Channel, Halt, Step};
use super::endpoint::Endpoint;
use super::moment::Moment;
use super::redshift;
use super::scenario::{Authentication, Engine, HbaRule, Scenario};
use super::server_error::ServerError;
use super::startup::Startup;

/// Who is at the other end.
pub(super) struct Client {
    pub(super) address: IpAddr,
    pub(super) encrypted: bool,
    pub(super) startup: Startup,
}

/// Lets the client in, or says why not. Gives the session.
pub(super) async fn login<'a, S>(
    channel: &mut Channel<S>,
    mut client: Client,
    endpoint: &'a Endpoint,
) -> Step<Backend<'a>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let scenario = &endpoint.scenario;
    if let Some(error) = hba_error(&client, scenario) {
        return channel.fail(&error).await;
    }
    reach(channel, scenario, Moment::BeforeAuth).await?;
    authenticate(channel, &mut client, endpoint).await?;
    channel.queue_authentication(0, b"");
    reach(channel, scenario, Moment::AfterAuthOk).await?;

    let Startup { user, minor, .. } = &client.startup;
    if scenario.authentication == Authentication::Trust && !scenario.users.contains_key(user) {
        let error = ServerError::fatal("28000", &format!("role \"{user}\" does not exist"))
            .with('F', "miscinit.c")
            .with('R', "InitializeSessionUserId");
        return channel.fail(&error).await;
    }
    for notice in &scenario.session.notices {
        channel.queue_notice(notice);
    }
    let backend = Backend::new(scenario, &client.startup);
    for (name, value) in backend.parameters.reported() {
        channel.queue_parameter(name, value);
    }
    if scenario.session.backend_key {
        let mut key = [0; 32];
        rand_bytes(&mut key).map_err(|_| Halt::Lost)?;
        let length = if *minor >= 2 { 32 } else { 4 };
        let process = std::process::id().to_be_bytes();
        channel.queue(b'K', &[&process, key.get(..length).unwrap_or_default()]);
    }
    reach(channel, scenario, Moment::BeforeReady).await?;
    channel.ready(backend.status()).await?;
    Ok(backend)
}

/// Does what the scenario has for this moment; what was queued before is sent first.
pub(super) async fn reach<S>(channel: &mut Channel<S>, scenario: &Scenario, moment: Moment) -> Step<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if let Some(failure) = &scenario.login_error
        && failure.at == moment
    {
        return channel.fail(&failure.error).await;
    }
    if let Some(end) = &scenario.login
        && end.at == moment
    {
        channel.flush().await?;
        return Err(Halt::Hangup(end.does));
    }
    Ok(())
}

fn hba_error(client: &Client, scenario: &Scenario) -> Option<ServerError> {
    let (rule, encryption) =
        if client.encrypted { (scenario.hba.tls, "SSL encryption") } else { (scenario.hba.plain, "no encryption") };
    let verdict = match rule {
        HbaRule::Allow => return None,
        HbaRule::NoEntry => "no pg_hba.conf entry",
        HbaRule::Reject => "pg_hba.conf rejects connection",
    };
    if scenario.engine == Engine::Redshift {
        return Some(redshift::no_entry(client.address, &client.startup, client.encrypted));
    }
    let Client { address, startup: Startup { user, database, .. }, .. } = client;
    let message = format!("{verdict} for host \"{address}\", user \"{user}\", database \"{database}\", {encryption}");
    Some(ServerError::fatal("28000", &message).with('F', "auth.c").with('R', "ClientAuthentication"))
}
