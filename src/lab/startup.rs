//! The packets before the login: cancel and encryption requests, and the startup packet
//! (`src/backend/tcop/backend_startup.c`, `ProcessStartupPacket`, is the model).

use tokio::io::{AsyncRead, AsyncWrite};

use super::channel::{Channel, Halt, Step, until_nul};
use super::scenario::{Authentication, Engine, Protocol, Scenario};
use super::server_error::ServerError;

const CANCEL_REQUEST: u32 = 80_877_102;
const SSL_REQUEST: u32 = 80_877_103;
const GSS_ENC_REQUEST: u32 = 80_877_104;

/// What a client opens with.
pub(super) enum Opening {
    SslRequest,
    Startup(Startup),
}

/// The startup packet.
#[derive(Debug, Default)]
pub(super) struct Startup {
    pub(super) user: String,
    pub(super) database: String,
    /// Run-time parameters, `application_name` and `client_encoding` among them.
    pub(super) settings: Vec<(String, String)>,
    /// The minor protocol version in force.
    pub(super) minor: u16,
}

/// Reads packets until one of them decides. An `SSLRequest` counts once; a second one is taken for a protocol version.
pub(super) async fn opening<S>(channel: &mut Channel<S>, asked_tls: bool, scenario: &Scenario) -> Step<Opening>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let packet = channel.receive_startup().await?;
        let Some((version, parameters)) = packet.split_first_chunk() else {
            return Err(Halt::Finished);
        };
        match u32::from_be_bytes(*version) {
            CANCEL_REQUEST => return Err(Halt::Finished),
            // A version of the protocol that does not exist, to servers before PostgreSQL 12.
            GSS_ENC_REQUEST if scenario.engine == Engine::Postgresql => {
                channel.queue_raw(b"N");
                channel.flush().await?;
            }
            SSL_REQUEST if !asked_tls => return Ok(Opening::SslRequest),
            version => return Ok(Opening::Startup(startup(channel, version, parameters, scenario).await?)),
        }
    }
}

async fn startup<S>(channel: &mut Channel<S>, version: u32, parameters: &[u8], scenario: &Scenario) -> Step<Startup>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let newest = scenario.newest_protocol;
    let negotiates = scenario.engine == Engine::Postgresql;
    let [major, minor] = [version >> 16, version & 0xffff];
    if major != 3 || (minor > 0 && !negotiates) {
        return refuse_version(channel, [major, minor], scenario).await;
    }
    if parameters.last() != Some(&0) {
        let message = "invalid startup packet layout: expected terminator as last byte";
        return channel.fail(&refusal("08P01", message)).await;
    }

    let mut startup = Startup { minor: newest.minor(), ..Startup::default() };
    let mut unknown_options: Vec<u8> = Vec::new();
    let mut unknown_count: u32 = 0;
    let mut parts = parameters.split(|byte| *byte == 0);
    while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
        match name {
            b"" => break,
            b"user" => startup.user = until_nul(value),
            b"database" => startup.database = until_nul(value),
            b"options" | b"replication" => {}
            name if name.starts_with(b"_pq_.") => {
                unknown_count += 1;
                unknown_options.extend_from_slice(name);
                unknown_options.push(0);
            }
            name => startup.settings.push((until_nul(name), until_nul(value))),
        }
    }
    if negotiates && (minor > u32::from(newest.minor()) || unknown_count > 0) {
        startup.minor = startup.minor.min(u16::try_from(minor).unwrap_or(u16::MAX));
        let in_force = 3 << 16 | u32::from(startup.minor);
        channel.queue(b'v', &[&in_force.to_be_bytes(), &unknown_count.to_be_bytes(), &unknown_options]);
    } else {
        startup.minor = u16::try_from(minor).unwrap_or(u16::MAX);
    }
    if startup.user.is_empty() && scenario.authentication != Authentication::RedshiftIdp {
        let message = "no PostgreSQL user name specified in startup packet";
        return channel.fail(&refusal("28000", message)).await;
    }
    if startup.database.is_empty() {
        startup.database.clone_from(&startup.user);
    }
    Ok(startup)
}

async fn refuse_version<S>(channel: &mut Channel<S>, [major, minor]: [u32; 2], scenario: &Scenario) -> Step<Startup>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let supported = match scenario.engine {
        Engine::Postgresql => format!("3.0 to 3.{}", scenario.newest_protocol.minor()),
        Engine::Redshift => "1.0 to 3.0".to_owned(),
    };
    let message = format!("unsupported frontend protocol {major}.{minor}: server supports {supported}");
    if major < 3 {
        // Protocol 2 has no length and no fields.
        channel.queue_raw(format!("EFATAL:  {message}\n\0").as_bytes());
        channel.flush().await?;
        return Err(Halt::Finished);
    }
    channel.fail(&refusal("0A000", &message)).await
}

fn refusal(sqlstate: &str, message: &str) -> ServerError {
    ServerError::fatal(sqlstate, message).with('F', "backend_startup.c").with('R', "ProcessStartupPacket")
}

impl Protocol {
    fn minor(self) -> u16 {
        match self {
            Self::V3_0 => 0,
            Self::V3_2 => 2,
        }
    }
}
