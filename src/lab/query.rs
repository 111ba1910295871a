//! The session of an endpoint: simple queries answered from the scenario's table, everything else refused as a server
//! refuses it.

use tokio::io::{AsyncRead, AsyncWrite};

use super::channel::{Channel, ColumnType, Halt, Step, until_nul};
use super::server_error::ServerError;
use super::session::{Cell, Query, Session, bare};

/// Answers queries until the client leaves. The next message is read only when the last is answered, so any number of
/// them may come in one flight.
pub(super) async fn serve<S>(channel: &mut Channel<S>, session: &Session) -> Step<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // After an error in the extended protocol everything up to Sync is passed over.
    let mut awaiting_sync = false;
    loop {
        let message = channel.receive().await?;
        match message.tag {
            b'X' => return Ok(()),
            b'S' => {
                awaiting_sync = false;
                channel.ready().await?;
            }
            _ if awaiting_sync => {}
            b'Q' => answer(channel, session, &until_nul(&message.body)).await?,
            b'P' | b'B' | b'D' | b'E' | b'C' => {
                awaiting_sync = true;
                channel.queue_error(&not_supported("the extended query protocol"));
                channel.flush().await?;
            }
            b'F' => {
                channel.queue_error(&not_supported("FunctionCall"));
                channel.ready().await?;
            }
            b'H' | b'c' | b'd' | b'f' => {} // Flush, and COPY data outside a COPY
            tag => {
                let message = format!("invalid frontend message type {tag}");
                let error = ServerError::fatal("08P01", &message).with('F', "postgres.c").with('R', "SocketBackend");
                return channel.fail(&error).await;
            }
        }
    }
}

async fn answer<S>(channel: &mut Channel<S>, session: &Session, sql: &str) -> Step<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match session.answer(sql) {
        Some(query) => listed(channel, query).await?,
        None if bare(sql).is_empty() => channel.queue(b'I', &[]), // EmptyQueryResponse
        None if bare(sql).eq_ignore_ascii_case("select 1") => {
            channel.queue_row_description(&[("?column?", ColumnType::Int4)]);
            channel.queue_row(&[Cell::Text("1".to_owned())]);
            channel.queue_complete("SELECT 1");
        }
        None => channel.queue_error(&not_supported("this query")),
    }
    channel.ready().await
}

async fn listed<S>(channel: &mut Channel<S>, query: &Query) -> Step<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if let Some(hangup) = query.hangup {
        return Err(Halt::Hangup(hangup));
    }
    if let Some(error) = &query.error {
        if error.ends_session() {
            return channel.fail(error).await;
        }
        channel.queue_error(error);
        return Ok(());
    }
    if !query.columns.is_empty() {
        let columns: Vec<_> = query.columns.iter().map(|name| (name.as_str(), ColumnType::Text)).collect();
        channel.queue_row_description(&columns);
        for row in &query.rows {
            channel.queue_row(row);
        }
    }
    let tag = query.tag.clone().unwrap_or_else(|| format!("SELECT {}", query.rows.len()));
    channel.queue_complete(&tag);
    Ok(())
}

fn not_supported(what: &str) -> ServerError {
    ServerError::error("0A000", &format!("{what} is not supported by this lab endpoint"))
}
