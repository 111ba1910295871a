//! `check --driver`: one login as a Rust application makes it, by tokio-postgres over native-tls, after the walk has
//! logged in. Its error alone tells where it differs.

mod settings;
#[cfg(test)]
mod tests;

use std::error::Error;

use postgres_native_tls::MakeTlsConnector;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Config, NoTls, Socket};

use self::settings::Setup;
use super::trace::{DriverError, DriverFailure, DriverSeen, Trace};
use crate::target::Target;
use crate::wire::screen::Screen;

/// The most errors of a chain that are kept.
const MOST_SOURCES: usize = 10;

/// Logs in at the address that the walk has logged in at, and asks one question.
pub async fn log_in(target: &Target, trace: &Trace, deadline: Instant) -> DriverSeen {
    let began = Instant::now();
    let mut not_expressed = Vec::new();
    let screen = Screen::new(target.secrets());
    let done = match settings::express(target, trace, &mut not_expressed) {
        Ok(setup) => connect(setup, deadline).await,
        Err(failed) => Err(failed),
    };
    let failure = done.err().map(|failed| failed.screened(&screen));
    DriverSeen { elapsed: began.elapsed(), not_expressed, failure }
}

async fn connect(setup: Setup, deadline: Instant) -> Result<(), Failed> {
    // The driver itself waits for ever: its time-out is for the TCP connect alone.
    let done = match setup.connector {
        Some(connector) => timeout_at(deadline, ask(&setup.config, MakeTlsConnector::new(connector))).await,
        None => timeout_at(deadline, ask(&setup.config, NoTls)).await,
    };
    match done {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failed { at: place(&error), error: Box::new(error) }),
        Err(elapsed) => Err(Failed { at: DriverError::TimedOut, error: Box::new(elapsed) }),
    }
}

async fn ask<T>(config: &Config, connector: T) -> Result<(), tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket> + Send,
    T::Stream: Send + 'static,
{
    let (client, connection) = config.connect(connector).await?;
    let question = async {
        let answer = client.simple_query("select 1").await;
        // Its end lets the connection say good-bye, and end.
        drop(client);
        answer
    };
    let (answer, ended) = tokio::join!(question, connection);
    // Where the connection broke, the question only knows that it is closed.
    ended?;
    answer.map(drop)
}

/// The kind of the driver's errors is private: their sources tell it.
fn place(error: &tokio_postgres::Error) -> DriverError {
    if error.as_db_error().is_some() {
        return DriverError::Refused;
    }
    let tls = error.source().is_some_and(<dyn Error>::is::<native_tls::Error>);
    if tls { DriverError::Tls } else { DriverError::Other }
}

/// A failure with the error itself.
struct Failed {
    at: DriverError,
    error: Box<dyn Error + Send + Sync>,
}

impl Failed {
    fn screened(&self, screen: &Screen) -> DriverFailure {
        let first: &dyn Error = &*self.error;
        let errors = std::iter::successors(Some(first), |error| (*error).source());
        let chain = errors.take(MOST_SOURCES).map(|error| screen.text(error.to_string().as_bytes())).collect();
        DriverFailure { at: self.at, chain }
    }
}
