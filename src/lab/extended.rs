//! The extended query protocol: prepared statements and portals (PostgreSQL documentation, "Extended Query").

use std::collections::HashMap;

use tokio::io::{AsyncRead, AsyncWrite};

use super::backend::{Backend, Plan};
use super::channel::{Channel, Message};
use super::query::{Stop, act};
use super::redshift;
use super::result::{Formats, ResultSet, description, row};
use super::scenario::Engine;
use super::server_error::ServerError;
use super::statement::{Statement, statements};

/// The OID of `text`, which a parameter of no stated type is taken for.
const TEXT: u32 = 25;

/// What a session has prepared and bound. The unnamed ones have the empty name.
#[derive(Default)]
pub(super) struct Extended {
    prepared: HashMap<String, Prepared>,
    portals: HashMap<String, Portal>,
}

struct Prepared {
    sql: String,
    parameter_types: Vec<u32>,
}

struct Portal {
    plan: Plan,
    formats: Formats,
    /// Rows already sent.
    sent: usize,
}

impl Extended {
    /// Answers Parse, Bind, Describe, Execute or Close; what is queued goes out with the next Flush or Sync.
    pub(super) fn step<S>(
        &mut self,
        channel: &mut Channel<S>,
        backend: &mut Backend<'_>,
        message: &Message,
    ) -> Result<(), Stop>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut fields = Fields(&message.body);
        match message.tag {
            b'P' => self.parse(channel, backend, &mut fields),
            b'B' => self.bind(channel, backend, &mut fields),
            b'D' => self.describe(channel, backend, &mut fields),
            b'E' => self.execute(channel, backend, &mut fields),
            _ => self.close(channel, &mut fields),
        }
    }

    /// The end of a transaction, unless the client has begun one, is the end of its portals.
    pub(super) fn synchronize(&mut self, backend: &Backend<'_>) {
        if !backend.in_transaction() {
            self.portals.clear();
        }
    }

    fn parse<S>(&mut self, channel: &mut Channel<S>, backend: &Backend<'_>, fields: &mut Fields<'_>) -> Result<(), Stop>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (name, sql) = (fields.text()?, fields.text()?);
        let mut parameter_types = fields.list(Fields::integer)?;
        if !name.is_empty() && self.prepared.contains_key(&name) {
            return Err(refused("42P05", &format!("prepared statement \"{name}\" already exists")));
        }
        match backend.plan(&sql) {
            Plan::Unknown(error) => return Err(Stop::Error(error)),
            Plan::Hangup(hangup) => return Err(Stop::Hangup(hangup)),
            _ => {}
        }
        let wanted = statements(&sql).first().map_or(0, Statement::placeholders);
        // Nobody can bind more: Bind counts them in 16 bits.
        parameter_types.resize(wanted.clamp(parameter_types.len(), usize::from(u16::MAX)), 0);
        parameter_types.iter_mut().filter(|oid| **oid == 0).for_each(|oid| *oid = TEXT);
        self.prepared.insert(name, Prepared { sql, parameter_types });
        channel.queue(b'1', &[]);
        Ok(())
    }

    fn bind<S>(&mut self, channel: &mut Channel<S>, backend: &Backend<'_>, fields: &mut Fields<'_>) -> Result<(), Stop>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (portal, name) = (fields.text()?, fields.text()?);
        fields.list(Fields::short)?;
        let values = fields.list(Fields::value)?;
        let formats = Formats(fields.list(Fields::short)?);
        let prepared = self.statement(&name)?;
        let (given, wanted) = (values.len(), prepared.parameter_types.len());
        if given != wanted {
            let message = format!(
                "bind message supplies {given} parameters, but prepared statement \"{name}\" requires {wanted}"
            );
            return Err(refused("08P01", &message));
        }
        if !portal.is_empty() && self.portals.contains_key(&portal) {
            return Err(refused("42P03", &format!("cursor \"{portal}\" already exists")));
        }
        let mut plan = backend.plan(&prepared.sql);
        match &mut plan {
            Plan::Unknown(error) => return Err(Stop::Error(error.clone())),
            Plan::Rows(result) if backend.engine == Engine::Redshift => redshift::show::narrow(result, &values),
            _ => {}
        }
        self.portals.insert(portal, Portal { plan, formats, sent: 0 });
        channel.queue(b'2', &[]);
        Ok(())
    }

    fn describe<S>(&self, channel: &mut Channel<S>, backend: &Backend<'_>, fields: &mut Fields<'_>) -> Result<(), Stop>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (kind, name) = (fields.byte()?, fields.text()?);
        if kind == b'P' {
            let portal = self.portals.get(&name).ok_or_else(|| no_portal(&name))?;
            describe_rows(channel, &portal.plan, &portal.formats, backend.answers);
            return Ok(());
        }
        let prepared = self.statement(&name)?;
        let count = u16::try_from(prepared.parameter_types.len()).unwrap_or(u16::MAX);
        let oids: Vec<u8> = prepared.parameter_types.iter().flat_map(|oid| oid.to_be_bytes()).collect();
        channel.queue(b't', &[&count.to_be_bytes(), &oids]);
        describe_rows(channel, &backend.plan(&prepared.sql), &Formats::default(), backend.answers);
        Ok(())
    }

    fn execute<S>(
        &mut self,
        channel: &mut Channel<S>,
        backend: &mut Backend<'_>,
        fields: &mut Fields<'_>,
    ) -> Result<(), Stop>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (name, limit) = (fields.text()?, fields.integer()?);
        let portal = self.portals.get_mut(&name).ok_or_else(|| no_portal(&name))?;
        if let Plan::Rows(result) = &portal.plan {
            let limit = if limit == 0 { usize::MAX } else { usize::try_from(limit).unwrap_or(usize::MAX) };
            portal.sent += send_rows(channel, result, &portal.formats, portal.sent..portal.sent.saturating_add(limit));
            return Ok(());
        }
        match self.portals.remove(&name) {
            Some(portal) => act(channel, backend, portal.plan),
            None => Ok(()),
        }
    }

    fn close<S>(&mut self, channel: &mut Channel<S>, fields: &mut Fields<'_>) -> Result<(), Stop>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        // It is no error to close what does not exist.
        match (fields.byte()?, fields.text()?) {
            (b'P', name) => drop(self.portals.remove(&name)),
            (_, name) => drop(self.prepared.remove(&name)),
        }
        channel.queue(b'3', &[]);
        Ok(())
    }

    fn statement(&self, name: &str) -> Result<&Prepared, Stop> {
        let missing = || match name {
            "" => "unnamed prepared statement does not exist".to_owned(),
            name => format!("prepared statement \"{name}\" does not exist"),
        };
        self.prepared.get(name).ok_or_else(|| refused("26000", &missing()))
    }
}

fn describe_rows<S>(channel: &mut Channel<S>, plan: &Plan, formats: &Formats, answers: u16)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match plan {
        Plan::Rows(result) => channel.queue(b'T', &[&description(&result.columns, formats, answers)]),
        _ => channel.queue(b'n', &[]), // NoData
    }
}

/// Sends a range of the rows, and says whether there are more; gives how many were sent.
fn send_rows<S>(
    channel: &mut Channel<S>,
    result: &ResultSet,
    formats: &Formats,
    wanted: std::ops::Range<usize>,
) -> usize
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let rows = result.rows.get(wanted.start..wanted.end.min(result.rows.len())).unwrap_or_default();
    for cells in rows {
        channel.queue(b'D', &[&row(cells, &result.columns, formats)]);
    }
    if wanted.end < result.rows.len() {
        channel.queue(b's', &[]); // PortalSuspended
    } else {
        channel.queue_complete(&result.tag);
    }
    rows.len()
}

fn no_portal(name: &str) -> Stop {
    refused("34000", &format!("portal \"{name}\" does not exist"))
}

fn refused(sqlstate: &str, message: &str) -> Stop {
    Stop::Error(ServerError::error(sqlstate, message).with('F', "postgres.c"))
}

/// The fields of a message, read from the front.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], Stop> {
        let short = || {
            let error = ServerError::error("08P01", "insufficient data left in message").with('F', "pqformat.c");
            Stop::Error(error.with('R', "pq_copymsgbytes"))
        };
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Stop> {
        Ok(self.bytes(1)?.first().copied().unwrap_or_default())
    }

    fn short(&mut self) -> Result<u16, Stop> {
        Ok(self.bytes(2)?.iter().fold(0, |number, byte| number << 8 | u16::from(*byte)))
    }

    fn integer(&mut self) -> Result<u32, Stop> {
        Ok(self.bytes(4)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn text(&mut self) -> Result<String, Stop> {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        let text = String::from_utf8_lossy(self.bytes(length)?).into_owned();
        self.bytes(1)?;
        Ok(text)
    }

    /// A value to bind; −1 is the length of NULL.
    fn value(&mut self) -> Result<Option<Vec<u8>>, Stop> {
        match self.integer()? {
            u32::MAX => Ok(None),
            length => self.bytes(usize::try_from(length).unwrap_or(usize::MAX)).map(|bytes| Some(bytes.to_vec())),
        }
    }

    /// As many as the 16 bits in front say.
    fn list<T>(&mut self, read: impl Fn(&mut Self) -> Result<T, Stop>) -> Result<Vec<T>, Stop> {
        (0..self.short()?).map(|_| read(self)).collect()
    }
}
