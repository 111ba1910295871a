//! A finding as data: code, severity, confidence, the sentence, the reasons, the fixes, the evidence.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::code::{Code, Confidence, Severity};
use crate::probe::trace::Stage;

/// One thing found.
#[derive(Clone, Debug, Serialize)]
#[must_use]
pub struct Finding {
    /// What it is.
    pub code: Code,
    /// Where.
    pub stage: Stage,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// The cause in one sentence, without a full stop.
    pub summary: String,
    /// Why we say so, a sentence each.
    pub because: Vec<String>,
    /// What to do.
    pub fixes: Vec<Fix>,
    /// The operands.
    pub evidence: Map<String, Value>,
}

impl Finding {
    /// A finding of a code's own severity, certain unless said otherwise.
    pub fn new(code: Code, summary: impl Into<String>) -> Self {
        Self {
            code,
            stage: code.stage(),
            severity: code.severity(),
            confidence: Confidence::Certain,
            summary: summary.into(),
            because: Vec::new(),
            fixes: Vec::new(),
            evidence: Map::new(),
        }
    }

    /// Adds a reason.
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.because.push(reason.into());
        self
    }

    /// Adds a fix without lines to copy.
    pub fn advise(self, side: Side, what: impl Into<String>) -> Self {
        self.fix(side, what, [] as [&str; 0])
    }

    /// Adds a fix with the exact lines to use.
    pub fn fix(
        mut self,
        side: Side,
        what: impl Into<String>,
        lines: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.fixes.push(Fix { side, what: what.into(), lines: lines.into_iter().map(Into::into).collect() });
        self
    }

    /// Takes away what was advised for one side.
    pub fn without(mut self, side: Side) -> Self {
        self.fixes.retain(|fix| fix.side != side);
        self
    }

    /// Takes away all that was advised.
    pub fn without_fixes(mut self) -> Self {
        self.fixes.clear();
        self
    }

    /// Gives these reasons in place of the others.
    pub fn with_reasons(mut self, reasons: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.because = reasons.into_iter().map(Into::into).collect();
        self
    }

    /// Adds an operand.
    pub fn evidence(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.evidence.insert(key.to_owned(), value.into());
        self
    }

    /// Sets how sure it is.
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }
}

/// One thing to do, and on which side.
#[derive(Clone, Debug)]
pub struct Fix {
    /// Where it is done.
    pub side: Side,
    /// What is done, in words.
    pub what: String,
    /// The exact lines to use.
    pub lines: Vec<String>,
}

/// Where a fix is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// At the database server.
    Server,
    /// Between the two.
    Network,
    /// In the settings or on the machine of the client.
    Client,
}

impl Side {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Network => "network",
            Self::Client => "client",
        }
    }
}

impl Serialize for Fix {
    /// As one string: `side: what`, then the lines, each indented by four blanks.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = format!("{}: {}", self.side.as_str(), self.what);
        for line in &self.lines {
            text.push_str("\n    ");
            text.push_str(line);
        }
        serializer.serialize_str(&text)
    }
}

impl Serialize for Stage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Lines for psql that store a role's password for SCRAM; up to PostgreSQL 13 it is stored as MD5 unless told otherwise.
pub fn scram_password(role: &str) -> [String; 2] {
    ["SET password_encryption = 'scram-sha-256';".to_owned(), format!("\\password {}", identifier(role))]
}

/// An SQL identifier, quoted so that it means exactly this name.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Makes a server read `pg_hba.conf`, its settings, its certificate and its key again.
pub const RELOAD: &str = "SELECT pg_reload_conf();";

/// An SQL string constant.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A word for a POSIX shell.
pub fn shell_word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
