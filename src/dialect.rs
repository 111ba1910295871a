//! What differs between the engines as data: the questions asked after login, each a statement of its own.

/// The statements of one engine. The columns are the same for all engines, in the same order.
pub struct Dialect {
    /// One row: `version`, `standby`, `read_only`, `used`, `limit`, `reserved`, `process`.
    pub session: &'static str,
    /// One row: `product`, NULL where nothing but the version tells it. May fail.
    pub product: &'static str,
    /// A row a setting of the role or the database: `name`, `value`, `for_role`, `in_database`, `effect`. May fail.
    pub settings: &'static str,
    /// One row that is larger than any packet. May fail.
    pub large: &'static str,
    /// One row: `superuser`, `reads_all`.
    pub role: &'static str,
    /// A row a schema: `name`, `usage`, `tables`, `granted`, `denied` (JSON), `row_security` (JSON), `writable`,
    /// `owners` (JSON).
    pub schemas: &'static str,
}

impl Dialect {
    /// Every statement with its name, in the order in which they are asked.
    ///
    /// The large answer stands between those of the session, which are short, and those that may be large themselves:
    /// where it is the first that does not arrive, its size is why.
    pub const fn questions(&self) -> [(&'static str, &'static str); 6] {
        [
            ("session", self.session),
            ("product", self.product),
            ("settings", self.settings),
            ("large", self.large),
            ("role", self.role),
            ("schemas", self.schemas),
        ]
    }
}

/// PostgreSQL 10 and later.
///
/// A role's `statement_timeout` must not cut the questions off. It is lifted within the same message, which is a
/// transaction of its own: nothing is left behind, not even in the connection of a pooler.
pub static POSTGRESQL: Dialect = Dialect {
    session: concat!("set local statement_timeout = 0; ", include_str!("dialect/postgresql/session.sql")),
    product: concat!("set local statement_timeout = 0; ", include_str!("dialect/postgresql/product.sql")),
    settings: concat!("set local statement_timeout = 0; ", include_str!("dialect/postgresql/settings.sql")),
    large: "set local statement_timeout = 0; select repeat('x', 8192)",
    role: concat!("set local statement_timeout = 0; ", include_str!("dialect/postgresql/role.sql")),
    schemas: concat!("set local statement_timeout = 0; ", include_str!("dialect/postgresql/schemas.sql")),
};
