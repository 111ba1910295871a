//! What a list of connections is asked for, and the SQL that finds it. The same statement serves SQLite and PostgreSQL.

use serde::{Deserialize, Serialize};

use crate::registry::api::{Connection, State};
use crate::registry::scope::Scope;

/// A column that lists are filtered or ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// `id`
    Id,
    /// `name`
    Name,
    /// `description`; one that is not set is taken for an empty one.
    Description,
    /// `connectionSpec.id`
    SpecId,
    /// `state`
    State,
    /// `createdAt`; to order by, not to filter by.
    CreatedAt,
    /// `updatedAt`; likewise.
    UpdatedAt,
}

impl Field {
    /// By the path in a connection.
    pub fn parse(path: &str) -> Option<Self> {
        match path {
            "id" => Some(Self::Id),
            "name" => Some(Self::Name),
            "description" => Some(Self::Description),
            "connectionSpec.id" => Some(Self::SpecId),
            "state" => Some(Self::State),
            "createdAt" => Some(Self::CreatedAt),
            "updatedAt" => Some(Self::UpdatedAt),
            _ => None,
        }
    }

    /// Whether `property` may name it.
    pub fn filters(self) -> bool {
        !matches!(self, Self::CreatedAt | Self::UpdatedAt)
    }

    fn column(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
            Self::Description => "COALESCE(description, '')",
            Self::SpecId => "spec_id",
            Self::State => "state",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
        }
    }

    fn of(self, connection: &Connection) -> Value {
        let text = |text: &str| Value::Text(text.to_owned());
        match self {
            Self::Id => Value::Text(connection.id.to_string()),
            Self::Name => text(&connection.name),
            Self::Description => text(connection.description.as_deref().unwrap_or_default()),
            Self::SpecId => text(&connection.connection_spec.id),
            Self::State => text(connection.state.as_str()),
            Self::CreatedAt => Value::Number(connection.created_at),
            Self::UpdatedAt => Value::Number(connection.updated_at),
        }
    }
}

impl State {
    /// The word of the API.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Other(word) => word,
        }
    }
}

/// How a field is compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `>`
    Greater,
    /// `<=`
    AtMost,
    /// `>=`
    AtLeast,
}

impl Comparison {
    fn sql(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::Greater => ">",
            Self::AtMost => "<=",
            Self::AtLeast => ">=",
        }
    }
}

/// `property=<field><comparison><value>[,<value>…]`: one of the values will do; with `!=` none of them may match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// What is compared.
    pub field: Field,
    /// How.
    pub comparison: Comparison,
    /// With what; at least one.
    pub values: Vec<String>,
}

/// One field of `orderby`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What is looked at.
    pub field: Field,
    /// Largest first.
    pub descending: bool,
}

/// A value in a statement, or of a place in an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A time.
    Number(i64),
    /// Anything else.
    Text(String),
}

/// A list: all filters apply, and it goes on behind the connection whose fields are `after`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// `property`, each.
    pub filters: Vec<Filter>,
    /// `orderby`; empty for the newest first.
    pub order: Vec<Order>,
    /// The ordering fields of the last connection of the page before.
    pub after: Option<Vec<Value>>,
}

/// One page of a list.
#[derive(Debug, Default)]
pub struct Page {
    /// The connections as JSON texts.
    pub documents: Vec<String>,
    /// What to ask for next; None on the last page.
    pub next: Option<Query>,
}

/// A statement and its values, in the order of their `$1`, `$2`, ….
#[derive(Debug)]
pub struct Statement {
    /// The text.
    pub sql: String,
    /// The values.
    pub values: Vec<Value>,
}

impl Statement {
    fn bind(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }
}

impl Query {
    /// Selects the documents of one page, and one more where there is one.
    pub fn page(&self, scope: &Scope, limit: usize) -> Statement {
        let mut statement = self.matching("SELECT document FROM connection", scope);
        let order = self.whole_order();
        if let Some(after) = &self.after {
            let behind = behind(&order, after, &mut statement);
            statement.sql.extend([" AND (", &behind, ")"]);
        }
        let columns = order.iter().map(|Order { field, descending }| {
            format!("{} {}", field.column(), if *descending { "DESC" } else { "ASC" })
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        statement.sql.extend([" ORDER BY ", &columns, " LIMIT ", &(limit + 1).to_string()]);
        statement
    }

    /// Counts all that match, whatever the page.
    pub fn count(&self, scope: &Scope) -> Statement {
        self.matching("SELECT count(*) FROM connection", scope)
    }

    /// Makes a page of what [`Query::page`] selected.
    pub fn paged(&self, mut documents: Vec<String>, limit: usize) -> Result<Page, serde_json::Error> {
        if documents.len() <= limit {
            return Ok(Page { documents, next: None });
        }
        documents.truncate(limit);
        let last = documents.last().map(|document| serde_json::from_str::<Connection>(document)).transpose()?;
        let next = last.map(|last| {
            let after = self.whole_order().iter().map(|order| order.field.of(&last)).collect();
            Self { after: Some(after), ..self.clone() }
        });
        Ok(Page { documents, next })
    }

    /// Whether a query that came from outside holds together.
    pub fn is_sound(&self) -> bool {
        let order = self.whole_order();
        let typed = |(order, value): (&Order, &Value)| {
            matches!(value, Value::Number(_)) == matches!(order.field, Field::CreatedAt | Field::UpdatedAt)
        };
        let after = self.after.as_ref();
        after.is_none_or(|after| after.len() == order.len() && order.iter().zip(after).all(typed))
            && self.filters.iter().all(|filter| filter.field.filters() && !filter.values.is_empty())
    }

    fn matching(&self, select: &str, scope: &Scope) -> Statement {
        let mut statement = Statement { sql: String::new(), values: Vec::new() };
        let organization = statement.bind(Value::Text(scope.organization.clone()));
        let sandbox = statement.bind(Value::Text(scope.sandbox.clone()));
        statement.sql = format!("{select} WHERE organization = {organization} AND sandbox = {sandbox}");
        for Filter { field, comparison, values } in &self.filters {
            let joint = if *comparison == Comparison::NotEqual { " AND " } else { " OR " };
            let terms = values.iter().map(|value| {
                let value = statement.bind(Value::Text(value.clone()));
                format!("{} {} {value}", field.column(), comparison.sql())
            });
            let terms = terms.collect::<Vec<_>>().join(joint);
            statement.sql.extend([" AND (", &terms, ")"]);
        }
        statement
    }

    /// With the id at its end, so that no two connections are in the same place.
    fn whole_order(&self) -> Vec<Order> {
        let mut order = self.order.clone();
        if order.is_empty() {
            order.push(Order { field: Field::CreatedAt, descending: true });
        }
        if !order.iter().any(|order| order.field == Field::Id) {
            let descending = order.last().is_some_and(|last| last.descending);
            order.push(Order { field: Field::Id, descending });
        }
        order
    }
}

/// What is true of the rows that come later. One comparison of rows where all fields go the same way: an index serves it.
fn behind(order: &[Order], after: &[Value], statement: &mut Statement) -> String {
    let sign = |descending| if descending { "<" } else { ">" };
    let columns: Vec<&str> = order.iter().map(|order| order.field.column()).collect();
    let values: Vec<String> = after.iter().map(|value| statement.bind(value.clone())).collect();
    let first = order.first().is_some_and(|order| order.descending);
    if order.iter().all(|order| order.descending == first) {
        return format!("({}) {} ({})", columns.join(", "), sign(first), values.join(", "));
    }
    let mut same = String::new();
    let mut alternatives = Vec::new();
    for ((order, column), value) in order.iter().zip(columns).zip(values) {
        alternatives.push(format!("({same}{column} {} {value})", sign(order.descending)));
        same.extend([column, " = ", &value, " AND "]);
    }
    alternatives.join(" OR ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(order: &[(Field, bool)], after: Option<Vec<Value>>) -> Query {
        let order = order.iter().map(|&(field, descending)| Order { field, descending }).collect();
        Query { order, after, ..Query::default() }
    }

    #[test]
    fn the_newest_come_first_where_nobody_says_otherwise() {
        let after = vec![Value::Number(7), Value::Text("x".to_owned())];
        let statement = query(&[], Some(after)).page(&Scope::local(), 20);
        let expected = "SELECT document FROM connection WHERE organization = $1 AND sandbox = $2 \
             AND ((created_at, id) < ($3, $4)) ORDER BY created_at DESC, id DESC LIMIT 21";
        assert_eq!(statement.sql, expected);
    }

    #[test]
    fn fields_that_go_different_ways_are_compared_one_by_one() {
        let text = |text: &str| Value::Text(text.to_owned());
        let after = vec![text("a"), text("enabled"), text("x")];
        let query = query(&[(Field::Name, false), (Field::State, true)], Some(after));
        let statement = query.page(&Scope::local(), 1);
        let expected = "AND ((name > $3) OR (name = $3 AND state < $4) OR (name = $3 AND state = $4 AND id < $5)) \
             ORDER BY name ASC, state DESC, id DESC LIMIT 2";
        assert!(statement.sql.ends_with(expected), "{}", statement.sql);
    }

    #[test]
    fn values_of_a_filter_are_alternatives_and_filters_add_up() {
        let filter = |field, comparison, values: &[&str]| Filter {
            field,
            comparison,
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        let filters = vec![
            filter(Field::Name, Comparison::Equal, &["a", "b"]),
            filter(Field::Description, Comparison::NotEqual, &["c", "d"]),
        ];
        let statement = Query { filters, ..Query::default() }.count(&Scope::local());
        let expected = "AND (name = $3 OR name = $4) \
             AND (COALESCE(description, '') <> $5 AND COALESCE(description, '') <> $6)";
        assert!(statement.sql.ends_with(expected), "{}", statement.sql);
        assert_eq!(statement.values.len(), 6);
    }

    #[test]
    fn a_place_of_another_shape_is_not_sound() {
        assert!(query(&[], Some(vec![Value::Number(7), Value::Text("x".to_owned())])).is_sound());
        assert!(!query(&[], Some(vec![Value::Number(7)])).is_sound());
        assert!(!query(&[], Some(vec![Value::Text("7".to_owned()), Value::Text("x".to_owned())])).is_sound());
    }
}
