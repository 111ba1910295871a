//! What differs between the engines as data: the questions asked after login, each a statement of its own.

mod catalog;

pub use self::catalog::{Catalog, Selected};

/// The statements of one engine. The columns are the same for all engines, in the same order.
pub struct Dialect {
    /// One row: `version`, `standby`, `read_only`, `used`, `limit`, `reserved` (NULL where nobody tells), `process`.
    pub session: &'static str,
    /// One row: `product`, NULL where nothing but the version tells it. May fail. None where the version always does.
    pub product: Option<&'static str>,
    /// A row a setting of the role or the database: `name`, `value`, `for_role`, `in_database`, `effect`. May fail.
    pub settings: &'static str,
    /// One row that is larger than any packet. May fail.
    pub large: &'static str,
    /// One row: `superuser`, `reads_all`. May fail where there is `elsewhere`.
    pub role: &'static str,
    /// A row a schema: `name`, `usage`, `tables`, `granted`, `denied` (JSON), `row_security` (JSON), `writable`,
    /// `owners` (JSON). May fail where there is `elsewhere`.
    pub schemas: &'static str,
    /// The same of the tables that the database does not hold itself, and `listed`, the number of all tables that its
    /// catalogue shows. May fail. None where `schemas` has them.
    pub elsewhere: Option<&'static str>,
    /// A row a default privilege to read: `schema` (nothing: all), `owner`. May fail. None where `schemas` looks itself.
    pub promised: Option<&'static str>,
    /// For whoever looks around.
    pub catalog: &'static Catalog,
}

impl Dialect {
    /// Every statement with its name, in the order in which they are asked.
    ///
    /// The large answer stands between those of the session, which are short, and those that may be large themselves:
    /// where it is the first that does not arrive, its size is why.
    pub fn questions(&self) -> Vec<(&'static str, &'static str)> {
        let questions = [
            ("session", Some(self.session)),
            ("product", self.product),
            ("settings", Some(self.settings)),
            ("large", Some(self.large)),
            ("role", Some(self.role)),
            ("schemas", Some(self.schemas)),
            ("elsewhere", self.elsewhere),
            ("promised", self.promised),
        ];
        questions.into_iter().filter_map(|(name, statement)| Some((name, statement?))).collect()
    }

    /// The dialect of the server that calls its version so, where that tells.
    ///
    /// Redshift has been 8.0.2 ever since it left PostgreSQL, and no PostgreSQL of that age can be met. `version()` has
    /// its name.
    pub fn of_version(version: &str) -> Option<&'static Self> {
        let redshift = version == REDSHIFT_VERSION || version.contains("Redshift");
        let told = redshift || version.contains(|character: char| character.is_ascii_digit());
        told.then_some(if redshift { &REDSHIFT } else { &POSTGRESQL })
    }
}

/// The `server_version` of every Redshift.
pub const REDSHIFT_VERSION: &str = "8.0.2";

/// PostgreSQL 10 and later.
///
/// A role's `statement_timeout` must not cut the questions off. It is lifted within the same message, which is a
/// transaction of its own: nothing is left behind, not even in the connection of a pooler.
pub static POSTGRESQL: Dialect = Dialect {
    session: concat!("set local statement_timeout = 0; ", include_str!("dialect/postgresql/session.sql")),
    product: Some(concat!("set local statement_timeout = 0; ", include_str!("dialect/postgresql/product.sql"))),
    settings: concat!("set local statement_timeout = 0; ", include_str!("dialect/postgresql/settings.sql")),
    large: "set local statement_timeout = 0; select repeat('x', 8192)",
    role: concat!("set local statement_timeout = 0; ", include_str!("dialect/postgresql/role.sql")),
    schemas: concat!("set local statement_timeout = 0; ", include_str!("dialect/postgresql/schemas.sql")),
    elsewhere: None,
    promised: None,
    catalog: &catalog::POSTGRESQL,
};

/// Amazon Redshift, provisioned and serverless.
///
/// Each statement runs on the leader node alone (catalogue `pg_…` and `has_…_privilege`), or asks `svv_…` and nothing of
/// the leader's. A message holds one statement only: that several may be in one is not documented, so a user's own
/// `statement_timeout` stands.
pub static REDSHIFT: Dialect = Dialect {
    session: include_str!("dialect/redshift/session.sql"),
    product: None,
    settings: include_str!("dialect/redshift/settings.sql"),
    large: "select repeat('x', 8192)",
    role: include_str!("dialect/redshift/role.sql"),
    schemas: include_str!("dialect/redshift/schemas.sql"),
    elsewhere: Some(include_str!("dialect/redshift/elsewhere.sql")),
    promised: Some(include_str!("dialect/redshift/promised.sql")),
    catalog: &catalog::REDSHIFT,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_tells_the_dialect() {
        let redshift = |version| Dialect::of_version(version).map(|dialect| std::ptr::eq(dialect, &raw const REDSHIFT));
        let rows = [
            ("8.0.2", Some(true)),
            ("PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2, Redshift 1.0.76230", Some(true)),
            ("18.4", Some(false)),
            ("8.0.20", Some(false)),
            ("1.18.0/bouncer", Some(false)),
            ("", None),
        ];
        for (version, expected) in rows {
            assert_eq!(redshift(version), expected, "{version}");
        }
    }

    #[test]
    fn the_leader_s_functions_and_the_views_of_the_nodes_are_never_in_one_statement() {
        let catalog = REDSHIFT.catalog;
        let looks_around = catalog.tables.iter().map(|sql| (*sql).to_owned()).chain(catalog.columns("s.t"));
        let looks_around = looks_around.map(|statement| ("catalog", statement));
        let questions = REDSHIFT.questions().into_iter().map(|(name, sql)| (name, sql.to_owned()));
        for (name, statement) in questions.chain(looks_around) {
            let code: String = statement.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
            let leaders = ["has_", "current_schemas", "pg_get_userbyid", "pg_user", "pg_class", "array_to_string"];
            let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
            assert!(!(has(&leaders) && has(&["svv_", "stv_", "stl_", "sys_"])), "{name}: {code}");
            assert!(!code.contains(';'), "{name} is more than one statement");
        }
    }
}
