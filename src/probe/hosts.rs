//! The hosts of a list, one after the other, until one of them will do; and when the next one is tried, which is where
//! libpq tries it (`fe-connect.c`, `PQconnectPoll`), but for one thing: a password that may yet be refused is the last.

use tokio::time::Instant;

use super::recorder::Recorder;
use super::trace::{Dialled, Failure, LoginFailure, Role, Stage, Trace};
use super::{Ladder, Watch};
use crate::dialect::{Dialect, POSTGRESQL};
use crate::target::{SessionAttrs, Target};
use crate::wire::connection::Connection;
use crate::wire::meter::{Deadline, Meter};
use crate::wire::screen::Screen;

/// Walks up the ladder at one host after the other, until something fails that another host cannot mend, or the top is
/// reached. Never takes longer than `target.limits.timeout`.
pub async fn walk(target: &Target, watch: &mut dyn Watch) -> Trace {
    let mut walk = Walk::new(target, watch, false);
    let walked = walk.try_hosts().await;
    walk.recorder.finish(walked.err())
}

/// A session, and how its server is spoken to.
pub struct Session {
    /// Nothing is under way in it.
    pub connection: Connection,
    /// Of the server that answers, whatever was asked for.
    pub dialect: &'static Dialect,
}

/// Walks up the ladder as far as to a session, and hands it over; or says where it ended.
pub async fn log_in(target: &Target, watch: &mut dyn Watch) -> Result<Session, Box<Trace>> {
    let mut walk = Walk::new(target, watch, true);
    let walked = walk.try_hosts().await;
    let session = walk.session.take();
    session.ok_or_else(|| Box::new(walk.recorder.finish(walked.err())))
}

struct Walk<'a> {
    target: &'a Target,
    deadline: Instant,
    meter: Meter,
    screen: Screen,
    recorder: Recorder<'a>,
    /// The turn and the connection of the first host that is no standby, where one was preferred. libpq would log in to
    /// it a second time.
    spare: Option<(usize, Connection)>,
    /// The session itself is wanted, and not what is to be seen in it.
    for_session: bool,
    /// It.
    session: Option<Session>,
}

impl<'w> Walk<'w> {
    fn new(target: &'w Target, watch: &'w mut dyn Watch, for_session: bool) -> Self {
        let meter = Meter::default();
        Self {
            target,
            deadline: Instant::now() + target.limits.timeout,
            meter: meter.clone(),
            screen: Screen::new(target.secrets()),
            recorder: Recorder::new(meter, watch),
            spare: None,
            for_session,
            session: None,
        }
    }

    async fn try_hosts(&mut self) -> Result<(), Failure> {
        let hosts = self.target.candidates();
        let mut places = self.order(hosts.len()).into_iter().peekable();
        while let Some((place, host)) = places.next().and_then(|place| Some((place, hosts.get(place)?))) {
            let last = places.peek().is_none();
            self.recorder.begin_host(place);
            let tried = match self.known_role(host, &hosts) {
                Some(role) => Err(Failure::WrongRole(role)),
                None => self.try_host(host, last).await,
            };
            let Err(failure) = tried else {
                break;
            };
            if !self.another_may_do(&failure) {
                return Err(failure);
            }
            let spare = self.spare.take_if(|_| last);
            if Instant::now() >= self.deadline || (last && spare.is_none()) {
                return Err(self.recorder.conclude(failure));
            }
            self.recorder.give_up(failure);
            if let Some((turn, connection)) = spare {
                self.recorder.take_up(turn);
                self.recorder.enter(Stage::Session);
                let for_session = self.for_session;
                self.session = self.ladder(host).use_session(connection, for_session).await?;
                return Ok(());
            }
        }
        Ok(())
    }

    /// A server that is in the list twice, and was not what is wanted: it is not logged in to again.
    fn known_role(&self, host: &Target, hosts: &[Target]) -> Option<Role> {
        self.recorder.given_up().iter().find_map(|trace| match trace.failure {
            Some(Failure::WrongRole(role)) if hosts.get(trace.host)?.endpoint == host.endpoint => Some(role),
            _ => None,
        })
    }

    /// The places of the hosts in the order in which they are tried.
    fn order(&self, count: usize) -> Vec<usize> {
        let mut places: Vec<usize> = (0..count).collect();
        if self.target.load_balance {
            fastrand::shuffle(&mut places);
        }
        places
    }

    async fn try_host(&mut self, host: &Target, last: bool) -> Result<(), Failure> {
        let wanted = match self.target.session_attrs {
            // No host is left that could be a standby.
            SessionAttrs::PreferStandby if last && self.spare.is_none() => SessionAttrs::Any,
            wanted => wanted,
        };
        let for_session = self.for_session;
        let mut ladder = self.ladder(host);
        let mut connection = match ladder.log_in().await {
            Ok(connection) => connection,
            Err(failure) => {
                ladder.doubt_name(&failure).await;
                return Err(failure);
            }
        };
        ladder.recorder.enter(Stage::Session);
        match ladder.check_role(&mut connection, wanted).await {
            Ok(()) => {
                self.session = ladder.use_session(connection, for_session).await?;
                Ok(())
            }
            Err(failure @ Failure::WrongRole(_)) => {
                if wanted == SessionAttrs::PreferStandby && self.spare.is_none() {
                    self.spare = Some((self.recorder.trace.turn, connection));
                } else {
                    connection.terminate().await;
                }
                Err(failure)
            }
            Err(failure) => Err(failure),
        }
    }

    fn ladder<'a>(&'a mut self, target: &'a Target) -> Ladder<'a, 'w> {
        Ladder {
            target,
            deadline: self.deadline,
            meter: &self.meter,
            screen: &self.screen,
            recorder: &mut self.recorder,
            peer: None,
            until: Deadline::at(self.deadline),
            unjudged: None,
            dialect: &POSTGRESQL,
        }
    }

    /// Another host may do where this one was not reached, fell silent, takes no sessions now (57P03), or is not what
    /// `target_session_attrs` asks for. Whatever else goes wrong ends the walk, in libpq too.
    fn another_may_do(&self, failure: &Failure) -> bool {
        let goes_on = match failure {
            Failure::Resolve(_) | Failure::WrongRole(_) => true,
            Failure::Connect(failure) => !matches!(failure.outcome, Dialled::WrongPeer { .. }),
            Failure::Login(LoginFailure::Refused(error)) => error.sqlstate == "57P03",
            Failure::Tls(_) | Failure::Login(_) => failure.is_silence(),
            Failure::Session(_) | Failure::Privileges(_) => false,
        };
        goes_on && self.recorder.trace.login.may_log_in_elsewhere()
    }
}
