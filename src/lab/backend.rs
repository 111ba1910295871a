//! The process behind a session: its parameters, its transaction, and what comes of a statement. Nothing here waits.

use super::redshift;
use super::result::{Column, ColumnType, ResultSet};
use super::scenario::{Engine, Scenario};
use super::server_error::ServerError;
use super::session::{Query, Session};
use super::startup::Startup;
use super::statement::{Statement, statements};
use super::{moment::Hangup, parameters::Parameters};

/// What one session of an endpoint knows.
pub(super) struct Backend<'a> {
    pub(super) engine: Engine,
    session: &'a Session,
    user: String,
    database: String,
    pub(super) parameters: Parameters,
    /// The format of answers, for Redshift and its drivers; 0 is that of PostgreSQL.
    pub(super) answers: u16,
    transaction: Transaction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transaction {
    None,
    Open,
    Failed,
}

/// What a statement is going to do.
pub(super) enum Plan {
    /// Nothing: there was no statement.
    Empty,
    /// Give rows.
    Rows(ResultSet),
    /// Give a command tag, and change nothing that the lab knows of.
    Command(String),
    Begin,
    Commit,
    Rollback,
    RollbackToSavepoint,
    /// Set a parameter; `None` is its first value again.
    Set(String, Option<String>),
    /// Fail when it is executed.
    Fails(ServerError),
    /// Fail when it is parsed.
    Unknown(ServerError),
    /// Stop talking.
    Hangup(Hangup),
}

/// What is said of a statement that gives no rows.
pub(super) struct Done {
    pub(super) tag: String,
    pub(super) notice: Option<ServerError>,
    /// A `ParameterStatus`.
    pub(super) changed: Option<(String, String)>,
}

impl<'a> Backend<'a> {
    pub(super) fn new(scenario: &'a Scenario, startup: &Startup) -> Self {
        Self {
            engine: scenario.engine,
            session: &scenario.session,
            user: startup.user.clone(),
            database: startup.database.clone(),
            parameters: Parameters::new(scenario, startup),
            answers: if scenario.engine == Engine::Redshift { redshift::answers(startup) } else { 0 },
            transaction: Transaction::None,
        }
    }

    /// The statements of a simple query. One that the scenario lists is taken as a whole, and so is none at all.
    pub(super) fn split<'q>(&self, sql: &'q str) -> Vec<&'q str> {
        let statements = statements(sql);
        if statements.is_empty() || self.session.answer(sql).is_some() {
            return vec![sql];
        }
        statements.iter().map(|statement| statement.text).collect()
    }

    /// What this statement is going to do.
    pub(super) fn plan(&self, sql: &str) -> Plan {
        let plan = self.choose(sql);
        let ends_it = matches!(plan, Plan::Commit | Plan::Rollback | Plan::RollbackToSavepoint | Plan::Hangup(_));
        if self.transaction != Transaction::Failed || ends_it {
            return plan;
        }
        let message = "current transaction is aborted, commands ignored until end of transaction block";
        Plan::Unknown(ServerError::error("25P02", message).with('F', "postgres.c").with('R', "exec_parse_message"))
    }

    fn choose(&self, sql: &str) -> Plan {
        if let Some(query) = self.session.answer(sql) {
            return listed(query);
        }
        if let Some(Query { hangup: Some(hangup), .. }) = self.session.otherwise {
            return Plan::Hangup(hangup);
        }
        let statements = statements(sql);
        let statement = match statements.as_slice() {
            [] => return Plan::Empty,
            [statement] => statement,
            _ => return Plan::Unknown(several_statements()),
        };
        if self.engine == Engine::Redshift
            && let Some(result) = redshift::show::show(&statement.words(), &self.database)
        {
            return Plan::Rows(result);
        }
        if let Some(plan) = utility(statement, &self.parameters) {
            return plan;
        }
        if let Some(query) = &self.session.otherwise {
            return listed(query);
        }
        self.select(statement).map_or_else(|| Plan::Unknown(not_supported("this query")), Plan::Rows)
    }

    /// Does what was planned, where that gives no rows.
    pub(super) fn act(&mut self, plan: &Plan) -> Done {
        let mut notice = None;
        let mut changed = None;
        let tag = match plan {
            Plan::Begin => {
                if self.transaction != Transaction::None {
                    notice = Some(warning("25001", "there is already a transaction in progress"));
                }
                self.transaction = Transaction::Open;
                "BEGIN"
            }
            Plan::Commit | Plan::Rollback => {
                if self.transaction == Transaction::None {
                    notice = Some(warning("25P01", "there is no transaction in progress"));
                }
                let failed = self.transaction == Transaction::Failed;
                self.transaction = Transaction::None;
                if failed || matches!(plan, Plan::Rollback) { "ROLLBACK" } else { "COMMIT" }
            }
            Plan::RollbackToSavepoint => {
                self.transaction = Transaction::Open;
                "ROLLBACK"
            }
            Plan::Set(name, value) => {
                changed = self.parameters.assign(name, value.as_deref());
                if value.is_some() { "SET" } else { "RESET" }
            }
            Plan::Command(tag) => tag,
            Plan::Empty | Plan::Rows(_) | Plan::Fails(_) | Plan::Unknown(_) | Plan::Hangup(_) => "",
        };
        Done { tag: tag.to_owned(), notice, changed }
    }

    /// An error has been sent.
    pub(super) fn fail(&mut self) {
        if self.transaction == Transaction::Open {
            self.transaction = Transaction::Failed;
        }
    }

    /// Whether portals outlive the next Sync.
    pub(super) fn in_transaction(&self) -> bool {
        self.transaction != Transaction::None
    }

    /// The status in `ReadyForQuery`.
    pub(super) fn status(&self) -> u8 {
        match self.transaction {
            Transaction::None => b'I',
            Transaction::Open => b'T',
            Transaction::Failed => b'E',
        }
    }

    /// What drivers and pools ask to see whether anybody is there, with or without a name for the column.
    fn select(&self, statement: &Statement<'_>) -> Option<ResultSet> {
        let words = statement.words();
        let expression = words.strip_prefix(&["select"])?;
        // A function as a table of one row, as Amazon's drivers write it.
        let expression = match expression {
            [name, "as", alias, "from", function, "(", ")", ..] if name == function => {
                &[*name, "(", ")", "as", *alias][..]
            }
            expression => expression,
        };
        let (expression, alias) = match expression {
            [expression @ .., "as", alias] => (expression, Some(alias.trim_start_matches('"'))),
            expression => (expression, None),
        };
        let expression = expression.strip_prefix(&["pg_catalog", "."]).unwrap_or(expression);
        let (name, kind, value) = match expression {
            [number] if number.parse::<i32>().is_ok() => ("?column?", ColumnType::Int4, (*number).to_owned()),
            [text] if text.starts_with('\'') => ("?column?", ColumnType::Text, text.split_at(1).1.to_owned()),
            [truth @ ("true" | "false")] => ("bool", ColumnType::Bool, truth.split_at(1).0.to_owned()),
            ["version", "(", ")"] => ("version", ColumnType::Text, self.version()),
            ["current_database", "(", ")"] => ("current_database", ColumnType::Name, self.database.clone()),
            [name @ ("current_user" | "session_user")] => (*name, ColumnType::Name, self.user.clone()),
            ["current_schema"] | ["current_schema", "(", ")"] => {
                ("current_schema", ColumnType::Name, "public".to_owned())
            }
            ["pg_is_in_recovery", "(", ")"] if self.engine == Engine::Postgresql => {
                let standby = self.parameters.value("in_hot_standby") == Some("on");
                ("pg_is_in_recovery", ColumnType::Bool, if standby { "t" } else { "f" }.to_owned())
            }
            _ => return None,
        };
        Some(ResultSet::single(alias.unwrap_or(name), kind, value))
    }

    fn version(&self) -> String {
        let value = |name| self.parameters.value(name).unwrap_or_default();
        match self.engine {
            Engine::Postgresql => format!("PostgreSQL {} on x86_64-pc-linux-gnu", value("server_version")),
            Engine::Redshift => redshift::version(value("padb_version")),
        }
    }
}

/// Statements that move the session itself and read no table.
fn utility(statement: &Statement<'_>, parameters: &Parameters) -> Option<Plan> {
    let words = statement.words();
    Some(match words.as_slice() {
        ["begin", ..] | ["start", "transaction", ..] => Plan::Begin,
        ["commit" | "end", ..] => Plan::Commit,
        ["rollback", "to", ..] | ["rollback", "work" | "transaction", "to", ..] => Plan::RollbackToSavepoint,
        ["rollback" | "abort", ..] => Plan::Rollback,
        ["savepoint", _] => Plan::Command("SAVEPOINT".to_owned()),
        ["release", ..] => Plan::Command("RELEASE".to_owned()),
        ["discard", what] => Plan::Command(format!("DISCARD {}", what.to_uppercase())),
        ["deallocate", .., "all"] => Plan::Command("DEALLOCATE ALL".to_owned()),
        ["deallocate", ..] => Plan::Command("DEALLOCATE".to_owned()),
        ["listen", _] => Plan::Command("LISTEN".to_owned()),
        ["unlisten", _] => Plan::Command("UNLISTEN".to_owned()),
        ["show", "transaction", "isolation", "level"] => show("transaction_isolation", parameters),
        ["show", "time", "zone"] => show("TimeZone", parameters),
        ["show", name @ ..] => show(&name.concat(), parameters),
        ["reset", "all"] => Plan::Command("RESET".to_owned()),
        ["reset", name @ ..] => Plan::Set(name.concat(), None),
        ["set", "session" | "local", rest @ ..] | ["set", rest @ ..] => set(rest),
        _ => return None,
    })
}

fn set(words: &[&str]) -> Plan {
    let bare = |word: &&str| word.trim_start_matches(['\'', '"']).to_owned();
    if let ["time", "zone", value @ ..] = words {
        return Plan::Set("TimeZone".to_owned(), Some(value.iter().map(bare).collect()));
    }
    // SET TRANSACTION, SET ROLE, SET SESSION AUTHORIZATION and the like have no `=` or TO.
    let Some(at) = words.iter().position(|word| ["=", "to"].contains(word)) else {
        return Plan::Command("SET".to_owned());
    };
    let (name, value) = words.split_at(at);
    let value: String = value.iter().skip(1).map(bare).collect();
    Plan::Set(name.concat(), Some(value).filter(|value| value != "default"))
}

fn show(name: &str, parameters: &Parameters) -> Plan {
    let Some((name, value)) = parameters.find(name) else {
        let message = format!("unrecognized configuration parameter \"{name}\"");
        return Plan::Unknown(ServerError::error("42704", &message).with('F', "guc.c").with('R', "find_option"));
    };
    let result = ResultSet::single(name, ColumnType::Text, value);
    Plan::Rows(ResultSet { tag: "SHOW".to_owned(), ..result })
}

/// The answer that a scenario gives.
fn listed(query: &Query) -> Plan {
    if let Some(hangup) = query.hangup {
        return Plan::Hangup(hangup);
    }
    if let Some(error) = &query.error {
        return Plan::Fails(error.clone());
    }
    let tag = query.tag.clone().unwrap_or_else(|| format!("SELECT {}", query.rows.len()));
    if query.columns.is_empty() {
        return Plan::Command(tag);
    }
    let columns = query.columns.iter().map(|name| Column { name: name.clone(), kind: ColumnType::Text }).collect();
    Plan::Rows(ResultSet { columns, rows: query.rows.clone(), tag })
}

fn several_statements() -> ServerError {
    let message = "cannot insert multiple commands into a prepared statement";
    ServerError::error("42601", message).with('F', "postgres.c").with('R', "exec_parse_message")
}

/// What no endpoint of the lab can do.
pub(super) fn not_supported(what: &str) -> ServerError {
    ServerError::error("0A000", &format!("{what} is not supported by this lab endpoint"))
}

fn warning(sqlstate: &str, message: &str) -> ServerError {
    let warning = ServerError::error(sqlstate, message).with('S', "WARNING").with('V', "WARNING");
    warning.with('F', "xact.c")
}
