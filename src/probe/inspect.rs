//! Stages session and privileges: all questions leave in one flight, the answers are read one after the other.

mod elsewhere;

use std::time::Duration;

use tokio::time::Instant;

use super::trace::{Connections, PrivilegesSeen, RoleSetting, Schema, SessionSeen, Silence};
use crate::dialect::Dialect;
use crate::wire::connection::{Broken, Connection, Rows};
use crate::wire::screen::Screen;

/// Asks everything at once: one round trip for all answers.
pub async fn ask(connection: &mut Connection, dialect: &Dialect) -> Result<(), Silence> {
    let began = Instant::now();
    let statements: Vec<&str> = dialect.questions().into_iter().map(|(_, statement)| statement).collect();
    let asked = connection.ask(&statements).await;
    asked.map_err(|broken| silence(broken, began.elapsed()))
}

/// Asks a server that has not said which version it is; nothing where it does not say.
pub async fn version(connection: &mut Connection) -> Result<Option<String>, Silence> {
    let began = Instant::now();
    let asked = connection.ask(&["select version()"]).await;
    asked.map_err(|broken| silence(broken, began.elapsed()))?;
    Ok(willing_answer(connection).await?.into_iter().next().and_then(|row| Row(row.into_iter()).next()))
}

/// Reads the facts of the session.
pub async fn session(
    connection: &mut Connection,
    dialect: &Dialect,
    server_version: &str,
) -> Result<SessionSeen, Silence> {
    let rows = answer(connection).await?;
    let mut row = Row::first(rows)?;
    let mut seen = SessionSeen {
        version: row.text()?,
        server_version: server_version.to_owned(),
        standby: row.flag()?,
        read_only: row.flag()?,
        connections: row.connections()?,
        process: row.next().and_then(|process| process.parse().ok()),
        product: None,
        settings: Vec::new(),
    };
    if dialect.product.is_some() {
        let product = willing_answer(connection).await?;
        seen.product = product.into_iter().next().and_then(|row| Row(row.into_iter()).next());
    }
    seen.settings = in_force(willing_answer(connection).await?.into_iter().filter_map(|row| setting(row).ok()));
    large_answer(connection).await?;
    Ok(seen)
}

/// Of several settings of a name the first one counts.
fn in_force(settings: impl Iterator<Item = RoleSetting>) -> Vec<RoleSetting> {
    settings.fold(Vec::new(), |mut kept, setting| {
        if kept.iter().all(|one: &RoleSetting| one.name != setting.name) {
            kept.push(setting);
        }
        kept
    })
}

fn setting(values: Vec<Option<String>>) -> Result<RoleSetting, Silence> {
    let mut row = Row(values.into_iter());
    Ok(RoleSetting {
        name: row.text()?,
        value: row.text()?,
        for_role: row.flag()?,
        in_database: row.flag()?,
        effect: row.next().unwrap_or_default(),
    })
}

/// Waits for the large answer, which is not looked at.
async fn large_answer(connection: &mut Connection) -> Result<(), Silence> {
    let began = Instant::now();
    match connection.skip_answer().await {
        Ok(()) => Ok(()),
        Err(Broken::TimedOut) => Err(Silence::LargeResult { after: began.elapsed() }),
        Err(broken) => Err(silence(broken, began.elapsed())),
    }
}

/// Reads what the role may do.
pub async fn privileges(
    connection: &mut Connection,
    dialect: &Dialect,
    screen: &Screen,
) -> Result<PrivilegesSeen, Silence> {
    if dialect.elsewhere.is_some() {
        return elsewhere::privileges(connection, screen).await;
    }
    let mut role = Row::first(answer(connection).await?)?;
    let (superuser, reads_all) = (role.flag()?, role.next().is_some_and(|flag| flag == "t"));
    let rows = answer(connection).await?;
    let schemas = rows.into_iter().map(|row| schema(row, screen)).collect::<Result<_, _>>()?;
    Ok(PrivilegesSeen { superuser, reads_all, schemas })
}

fn schema(values: Vec<Option<String>>, screen: &Screen) -> Result<Schema, Silence> {
    let mut row = Row(values.into_iter());
    Ok(Schema {
        name: row.text()?,
        usage: row.flag()?,
        tables: row.number()?,
        granted: row.number()?,
        denied: row.list(screen),
        row_security: row.list(screen),
        writable: row.next().and_then(|count| count.parse().ok()).unwrap_or_default(),
        owners: row.list(screen),
    })
}

async fn answer(connection: &mut Connection) -> Result<Rows, Silence> {
    let began = Instant::now();
    match connection.answer().await {
        Ok(Ok(rows)) => Ok(rows),
        Ok(Err(error)) => Err(Silence::Refused(Box::new(error))),
        Err(broken) => Err(silence(broken, began.elapsed())),
    }
}

/// `query_canceled`: no question here is cancelled but by `statement_timeout`.
const CANCELLED: &str = "57014";

/// The rows of a question that not every product understands: no rows where it is refused.
async fn willing_answer(connection: &mut Connection) -> Result<Rows, Silence> {
    match answer(connection).await {
        Err(Silence::Refused(error)) if error.sqlstate != CANCELLED => Ok(Rows::new()),
        answered => answered,
    }
}

fn silence(broken: Broken, after: Duration) -> Silence {
    match broken {
        Broken::TimedOut => Silence::NoReply { after },
        Broken::Closed => Silence::Broken { reason: "the server closed the connection".to_owned() },
        Broken::Reset => Silence::Broken { reason: "the connection was reset".to_owned() },
        Broken::Other(error) => Silence::Broken { reason: error.to_string() },
    }
}

/// The values of one row, taken from the left.
struct Row(std::vec::IntoIter<Option<String>>);

impl Row {
    fn first(rows: Rows) -> Result<Self, Silence> {
        let row = rows.into_iter().next().ok_or_else(|| unreadable("no row"))?;
        Ok(Self(row.into_iter()))
    }

    fn next(&mut self) -> Option<String> {
        self.0.next().flatten()
    }

    fn text(&mut self) -> Result<String, Silence> {
        self.next().ok_or_else(|| unreadable("a value is missing"))
    }

    /// None where all of it is NULL.
    fn connections(&mut self) -> Result<Option<Connections>, Silence> {
        let numbers = [self.next(), self.next(), self.next()];
        if numbers.iter().all(Option::is_none) {
            return Ok(None);
        }
        let mut numbers = Row(Vec::from(numbers).into_iter());
        Ok(Some(Connections { used: numbers.number()?, limit: numbers.number()?, reserved: numbers.number()? }))
    }

    fn flag(&mut self) -> Result<bool, Silence> {
        self.text().map(|text| text == "t")
    }

    fn number(&mut self) -> Result<u32, Silence> {
        self.text()?.parse().map_err(|_| unreadable("not a number"))
    }

    /// NULL is the empty list. What was harmless under JSON's escapes is screened again without them.
    fn list(&mut self, screen: &Screen) -> Vec<String> {
        // A name with characters that are not shown as they are is no JSON any more, and still the best there is.
        let names = |json: String| serde_json::from_str(&json).unwrap_or_else(|_| vec![json]);
        let names: Vec<String> = self.next().map_or_else(Vec::new, names);
        names.iter().map(|name| screen.text(name.as_bytes())).collect()
    }
}

fn unreadable(what: &str) -> Silence {
    Silence::Broken { reason: format!("the answer to an inspection cannot be read: {what}") }
}
