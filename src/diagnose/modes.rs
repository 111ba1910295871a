//! The table of `--all-modes`: facts of probes → one row for each setting, by libpq's own rules of which encryption it
//! tries, and when it tries the other (`fe-connect.c`, `select_next_encryption_method`).

mod attempt;
#[cfg(test)]
mod tests;
mod way;

use serde::{Serialize, Serializer};

use self::attempt::{Attempt, End};
use self::way::Way;
use super::code::Code;
use super::finding::{Finding, Fix, Side};
use super::redshift;
use crate::probe::trace::{Failure, LoginFailure, Method, ModesSeen, Probed, TlsFailure, Trace};
use crate::settings::InputFailure;
use crate::settings::modes::Plan;
use crate::target::{Encryption, SslMode, Target, TlsSettings, Verification};

/// One setting, and what it would come to.
#[derive(Debug, Serialize)]
pub struct Row {
    /// libpq's mode, or what a connection string of the platform says in its place.
    pub sslmode: &'static str,
    /// Whether it would connect.
    pub outcome: Outcome,
    /// The connection, or the one over which the password would be sent, is encrypted.
    pub encrypted: bool,
    /// How far its certificate would have been verified.
    pub verified: Verification,
    /// Why it fails, or why it is not known.
    pub cause: Option<Code>,
    /// The finding that a check with this setting would end with.
    #[serde(skip)]
    pub finding: Option<Finding>,
}

/// Whether a setting would connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It comes to a session.
    Connects,
    /// It does not.
    Fails,
    /// It hangs on a password that this run has not seen accepted, or there was no time left.
    Unknown,
}

impl Serialize for Verification {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A row for each mode of libpq, weakest first, then one for each setting of the platform.
pub fn table(target: &Target, plans: &[Plan], trace: &Trace, seen: &ModesSeen) -> Vec<Row> {
    let judge = Judge { target, trace, seen };
    let libpq = plans.iter().map(|plan| judge.libpq(plan));
    let mut rows: Vec<Row> = libpq.chain(Way::of_platform(target).iter().map(|way| judge.platform(way))).collect();
    for row in &mut rows {
        row.finding = row.finding.take().and_then(|finding| redshift::adapt(finding, target, trace));
    }
    rows
}

/// The rows where the settings themselves were refused, and nothing was dialled.
pub fn table_undialled(plans: &[Plan]) -> Vec<Row> {
    let readable = plans.iter().any(|plan| plan.tls.is_ok());
    let refusal = |plan: &Plan| plan.tls.as_ref().err().map(super::refuse);
    let row = |name, refusal: Option<Finding>| refusal.map_or_else(|| unknown(name, None), |found| fails(name, found));
    let libpq = plans.iter().map(|plan| row(plan.mode.as_str(), refusal(plan)));
    let common = || plans.iter().find_map(refusal).filter(|_| !readable);
    libpq.chain(way::PLATFORM.map(|name| row(name, common()))).collect()
}

/// Adds to what is said of an unverified or unencrypted connection which mode would be the strongest that works.
pub fn advise(findings: &mut [Finding], rows: &[Row], own: SslMode) {
    let Some(best) = strongest(rows, Family::Libpq, Outcome::Connects).filter(|row| row.sslmode != own.as_str()) else {
        return;
    };
    let line = format!("sslmode={}", best.sslmode);
    let weak = [Code::TlsNotVerified, Code::TlsPlaintext, Code::TlsRootFileChangesMode];
    let is_stronger = SslMode::parse(best.sslmode).is_some_and(|mode| mode > own);
    for finding in findings.iter_mut().filter(|finding| is_stronger && weak.contains(&finding.code)) {
        if !finding.fixes.iter().any(|fix| fix.lines == [line.as_str()]) {
            *finding = finding.clone().fix(Side::Client, "of all modes, the strongest that works now is", [&line]);
        }
    }
}

/// Whose settings a row is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// libpq's.
    Libpq,
    /// The platform's.
    Platform,
}

/// Of the settings that come to this, the one that protects most.
pub fn strongest(rows: &[Row], family: Family, outcome: Outcome) -> Option<&Row> {
    let of_family = |row: &&Row| (SslMode::parse(row.sslmode).is_some()) == (family == Family::Libpq);
    let candidates = rows.iter().filter(of_family).filter(|row| row.outcome == outcome);
    // Of two that come to the same, the one that demands more.
    candidates.max_by_key(|row| {
        (
            row.encrypted,
            row.verified,
            way::demands(row.sslmode),
            SslMode::parse(row.sslmode).unwrap_or(SslMode::Disable),
        )
    })
}

struct Judge<'a> {
    target: &'a Target,
    trace: &'a Trace,
    seen: &'a ModesSeen,
}

impl Judge<'_> {
    /// The mode that was checked is as the check found it; a Unix socket knows no modes.
    fn libpq(&self, plan: &Plan) -> Row {
        let name = plan.mode.as_str();
        match &plan.tls {
            Ok(tls) if self.is_walked(plan.mode, tls) => self.walked(name),
            Err(failure @ InputFailure::RootCertificateMissing { .. }) => {
                fails(name, self.without_roots(super::refuse(failure)))
            }
            Err(failure) => fails(name, super::refuse(failure)),
            Ok(tls) => self.tried(&Way::of_libpq(self.target, plan.mode, tls), &self.seen.libpq),
        }
    }

    /// The check was made with just this. A string of the platform comes to a mode too, but not quite as libpq has it.
    fn is_walked(&self, mode: SslMode, tls: &TlsSettings) -> bool {
        let own = &self.target.tls;
        let same = mode == own.mode && tls.roots == own.roots && !own.plain_only_on_refusal;
        same || self.target.endpoint.is_unix()
    }

    /// There is no root file. Whether the system's roots would do in its place has been seen.
    fn without_roots(&self, mut finding: Finding) -> Finding {
        let Some(objections) = &self.seen.by_system_roots else {
            return finding;
        };
        let is_system = |fix: &Fix| fix.lines.iter().any(|line| line.contains("sslrootcert=system"));
        let name_matches = self.seen.libpq.tls.as_ref().and_then(|tried| tried.seen.name_matches);
        if !objections.is_empty() {
            finding.fixes.retain(|fix| !is_system(fix));
            return finding.because("the system's roots do not accept the server's certificate either");
        }
        if name_matches == Some(true) {
            finding.fixes.retain(is_system);
            return finding.because("the system's roots accept the server's certificate, and it names this host");
        }
        finding
    }

    fn platform(&self, way: &Way) -> Row {
        if self.target.endpoint.is_unix() {
            return unknown(way.name, None);
        }
        self.tried(way, self.seen.platform.as_ref().unwrap_or(&self.seen.libpq))
    }

    /// What the walk came to.
    fn walked(&self, name: &'static str) -> Row {
        let encrypted = self.trace.tls.negotiated;
        let verified = if encrypted { self.target.tls.verification() } else { Verification::None };
        match self.walk_failed() {
            None => Row { outcome: Outcome::Connects, encrypted, verified, ..unknown(name, None) },
            Some(finding) => fails(name, finding),
        }
    }

    /// What ended the walk before there was a session.
    fn walk_failed(&self) -> Option<Finding> {
        let failure = self
            .trace
            .failure
            .as_ref()
            .filter(|failure| !matches!(failure, Failure::Session(_) | Failure::Privileges(_)))?;
        Some(super::explain(failure, self.target, self.trace))
    }

    fn tried(&self, way: &Way, probed: &Probed) -> Row {
        if let Some(Failure::Resolve(_) | Failure::Connect(_)) = self.trace.failure
            && let Some(finding) = self.walk_failed()
        {
            return fails(way.name, finding);
        }
        let by_system_roots = self.seen.by_system_roots.as_deref();
        let first = Attempt::of(way, way.first, probed, by_system_roots);
        let Some(other) = way.fallback.filter(|_| first.goes_on(way)) else {
            return self.row(way, &first, probed);
        };
        let second = Attempt::of(way, other, probed, by_system_roots);
        if first.explains_more_than(&second) {
            return self.row(way, &first, probed);
        }
        self.row(way, &second, probed)
    }

    fn row(&self, way: &Way, attempt: &Attempt<'_>, probed: &Probed) -> Row {
        match attempt.end {
            End::Session => connects(way, attempt),
            End::Asks => self.asked(way, attempt),
            End::Tls(failure) => fails(way.name, self.tls(failure, way, attempt)),
            End::Login(failure) => fails(way.name, self.login(failure, way, attempt, probed)),
            End::Unseen => unknown(way.name, self.walk_failed().map(|finding| finding.code)),
        }
    }

    /// It hangs on the password: on the one login of this run.
    fn asked(&self, way: &Way, attempt: &Attempt<'_>) -> Row {
        let login = &self.trace.login;
        if login.password_checked() {
            // What comes after AuthenticationOk no mode changes.
            return self.walk_failed().map_or_else(|| connects(way, attempt), |finding| fails(way.name, finding));
        }
        let cause = if attempt.login.method == Some(Method::RedshiftToken) && self.target.token.is_none() {
            Code::LoginTokenMissing
        } else if self.target.password.is_none() {
            Code::LoginPasswordMissing
        } else if login.credentials_sent {
            self.walk_failed().map_or(Code::LoginPasswordRejected, |finding| finding.code)
        } else {
            Code::LoginPasswordUnchecked
        };
        Row { outcome: Outcome::Unknown, cause: Some(cause), ..connects(way, attempt) }
    }

    fn tls(&self, failure: &TlsFailure, way: &Way, attempt: &Attempt<'_>) -> Finding {
        super::tls::explain(failure, &way.target, &self.as_if_walked(attempt))
    }

    fn login(&self, failure: &LoginFailure, way: &Way, attempt: &Attempt<'_>, probed: &Probed) -> Finding {
        let mut trace = self.as_if_walked(attempt);
        if attempt.is_rule() {
            let other = attempt.encryption.other();
            trace.other_encryption = Some((other, attempt::admission(probed, other)));
        }
        super::login::explain(failure, &way.target, &trace)
    }

    /// The trace of a walk that had made this attempt and no other.
    fn as_if_walked(&self, attempt: &Attempt<'_>) -> Trace {
        Trace {
            started: self.trace.started,
            connected: self.trace.connected.clone(),
            tls: attempt.tls.clone(),
            login: attempt.login.clone(),
            ..Trace::default()
        }
    }
}

fn connects(way: &Way, attempt: &Attempt<'_>) -> Row {
    let encrypted = attempt.encryption == Encryption::Tls;
    let verified = if encrypted { way.demanded } else { Verification::None };
    Row { sslmode: way.name, outcome: Outcome::Connects, encrypted, verified, cause: None, finding: None }
}

fn fails(name: &'static str, finding: Finding) -> Row {
    Row { outcome: Outcome::Fails, cause: Some(finding.code), finding: Some(finding), ..unknown(name, None) }
}

fn unknown(name: &'static str, cause: Option<Code>) -> Row {
    let (encrypted, verified) = (false, Verification::None);
    Row { sslmode: name, outcome: Outcome::Unknown, encrypted, verified, cause, finding: None }
}
