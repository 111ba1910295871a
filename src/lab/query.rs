//! The session of an endpoint: the simple protocol here, the extended one beside it, and what both have in common.

use tokio::io::{AsyncRead, AsyncWrite};

use super::backend::{Backend, Plan, not_supported};
use super::channel::{Channel, Halt, Step, until_nul};
use super::extended::Extended;
use super::moment::Hangup;
use super::result::{Formats, description, row};
use super::server_error::ServerError;

/// Why a statement comes to nothing.
pub(super) enum Stop {
    /// An `ErrorResponse`.
    Error(ServerError),
    /// The scenario breaks off here.
    Hangup(Hangup),
}

/// Answers queries until the client leaves. The next message is read only when the last is answered, so any number of
/// them may come in one flight.
pub(super) async fn serve<S>(channel: &mut Channel<S>, backend: &mut Backend<'_>) -> Step<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut extended = Extended::default();
    // After an error in the extended protocol everything up to Sync is passed over.
    let mut awaiting_sync = false;
    loop {
        let message = channel.receive().await?;
        match message.tag {
            b'X' => return Ok(()),
            b'S' => {
                awaiting_sync = false;
                extended.synchronize(backend);
                channel.ready(backend.status()).await?;
            }
            _ if awaiting_sync => {}
            b'Q' => {
                simple(channel, backend, &until_nul(&message.body)).await?;
                channel.ready(backend.status()).await?;
            }
            b'P' | b'B' | b'D' | b'E' | b'C' => {
                if let Err(stop) = extended.step(channel, backend, &message) {
                    tell(channel, backend, stop).await?;
                    awaiting_sync = true;
                }
            }
            b'H' => channel.flush().await?,
            b'F' => {
                tell(channel, backend, Stop::Error(not_supported("FunctionCall"))).await?;
                channel.ready(backend.status()).await?;
            }
            b'c' | b'd' | b'f' => {} // COPY data outside a COPY
            tag => {
                let message = format!("invalid frontend message type {tag}");
                let error = ServerError::fatal("08P01", &message).with('F', "postgres.c").with('R', "SocketBackend");
                return channel.fail(&error).await;
            }
        }
    }
}

/// Every statement of a simple query, up to the first that fails.
async fn simple<S>(channel: &mut Channel<S>, backend: &mut Backend<'_>, sql: &str) -> Step<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    for statement in backend.split(sql) {
        let plan = backend.plan(statement);
        if let Plan::Rows(result) = &plan {
            let formats = Formats::default();
            channel.queue(b'T', &[&description(&result.columns, &formats, backend.answers)]);
            for cells in &result.rows {
                channel.queue(b'D', &[&row(cells, &result.columns, &formats)]);
            }
            channel.queue_complete(&result.tag);
        } else if let Err(stop) = act(channel, backend, plan) {
            return tell(channel, backend, stop).await;
        }
    }
    Ok(())
}

/// Does what gives no rows.
pub(super) fn act<S>(channel: &mut Channel<S>, backend: &mut Backend<'_>, plan: Plan) -> Result<(), Stop>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match plan {
        Plan::Fails(error) | Plan::Unknown(error) => return Err(Stop::Error(error)),
        Plan::Hangup(hangup) => return Err(Stop::Hangup(hangup)),
        Plan::Empty => {
            channel.queue(b'I', &[]); // EmptyQueryResponse
            return Ok(());
        }
        _ => {}
    }
    let done = backend.act(&plan);
    if let Some(notice) = &done.notice {
        channel.queue_notice(notice);
    }
    channel.queue_complete(&done.tag);
    if let Some((name, value)) = &done.changed {
        channel.queue_parameter(name, value);
    }
    Ok(())
}

/// Sends an error, after which the session goes on unless it is FATAL; or breaks off.
async fn tell<S>(channel: &mut Channel<S>, backend: &mut Backend<'_>, stop: Stop) -> Step<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let error = match stop {
        Stop::Hangup(hangup) => return Err(Halt::Hangup(hangup)),
        Stop::Error(error) => error,
    };
    if error.ends_session() {
        return channel.fail(&error).await;
    }
    backend.fail();
    channel.queue_error(&error);
    channel.flush().await
}
