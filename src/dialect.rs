//! What differs between the engines as data: the questions asked after login, each a statement of its own.

/// The statements of one engine. The columns are the same for all engines, in the same order.
pub struct Dialect {
    /// One row: `version`, `standby`, `read_only`, `used`, `limit`, `reserved`.
    pub session: &'static str,
    /// One row: `superuser`.
    pub role: &'static str,
    /// A row a schema: `name`, `usage`, `tables`, `granted`, `denied` (JSON), `row_security` (JSON).
    pub schemas: &'static str,
}

/// PostgreSQL 10 and later.
pub static POSTGRESQL: Dialect = Dialect {
    session: include_str!("dialect/postgresql/session.sql"),
    role: include_str!("dialect/postgresql/role.sql"),
    schemas: include_str!("dialect/postgresql/schemas.sql"),
};
