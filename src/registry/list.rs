//! What `GET /connections` is asked for: `property`, `limit`, `orderby`, `count` and `continuationToken`.
//!
//! Source: the platform's page on sorting and filtering, and what its clients send: empty values, and booleans as `True`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::registry::problem::Problem;
use crate::registry::query::{Comparison, Field, Filter, Order, Page, Query};

/// How many connections a page has at most, and where nobody says how many.
const LARGEST_PAGE: usize = 100;

/// Longest first: `<` begins `<=`.
const COMPARISONS: [(&str, Comparison); 6] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

/// What is wanted.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    /// How many there are.
    Count(Query),
    /// A page, of so many at most.
    Page(Query, usize),
}

/// Reads a query string. A token stands for the whole query that it came with; parameters beside it are those of that
/// query again, as clients send them, and only `limit` still counts.
pub fn wanted(query: &str) -> Result<Wanted, Problem> {
    let (mut filters, mut order, mut limit, mut count, mut token) = (Vec::new(), Vec::new(), None, false, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = value.trim();
        match name.as_ref() {
            "property" | "orderby" | "limit" | "count" | "continuationToken" if value.is_empty() => {}
            "property" => filters.push(filter(value)?),
            "orderby" => order = ordering(value)?,
            "limit" => limit = Some(page_size(value)?),
            "count" => count = boolean(value)?,
            "continuationToken" => token = Some(continued(value)?),
            _ => return Err(unknown_parameter()),
        }
    }
    if count && limit.is_some() {
        return Err(Problem::new(
            "1401-400",
            "Invalid request",
            "The query parameters limit and count cannot be used together. Remove one of them and try again.",
        ));
    }
    let query = token.unwrap_or(Query { filters, order, after: None });
    Ok(if count { Wanted::Count(query) } else { Wanted::Page(query, limit.unwrap_or(LARGEST_PAGE)) })
}

/// The body of a page. The documents are JSON already.
pub fn render(page: &Page) -> Result<String, serde_json::Error> {
    let length: usize = page.documents.iter().map(|document| document.len() + 1).sum();
    let mut body = String::with_capacity(length + 256);
    body.push_str("{\"items\":[");
    for (index, document) in page.documents.iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        body.push_str(document);
    }
    body.push_str("],\"_links\":{");
    if let Some(next) = &page.next {
        // Clients take what is behind the only `=`; this alphabet has none.
        let token = URL_SAFE_NO_PAD.encode(serde_json::to_vec(next)?);
        body.extend(["\"next\":{\"href\":\"/connections?continuationToken=", &token, "\"}"]);
    }
    body.push_str("}}");
    Ok(body)
}

/// A query parameter that the call does not have.
pub fn unknown_parameter() -> Problem {
    Problem::new("1451-400", "Invalid request", "A query parameter is not supported. Remove it and try again.")
}

fn continued(token: &str) -> Result<Query, Problem> {
    let invalid = || Problem::invalid("The continuation token is invalid. Use it as it was returned.");
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?;
    serde_json::from_slice(&bytes).ok().filter(Query::is_sound).ok_or_else(invalid)
}

fn filter(text: &str) -> Result<Filter, Problem> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "._[]".contains(c))).unwrap_or(text.len());
    let (path, rest) = text.split_at(end);
    let field = Field::parse(path).filter(|field| field.filters()).ok_or_else(|| {
        let detail = "The field of the property filter is not supported. Filter by id, name, description, \
             connectionSpec.id or state.";
        Problem::new("1449-400", "Invalid request", detail)
    })?;
    let found = COMPARISONS.iter().find_map(|(sign, comparison)| Some((*comparison, rest.strip_prefix(sign)?)));
    let (comparison, values) = found.ok_or_else(|| {
        let detail = "The operator of the property filter is not supported. Use ==, !=, <, >, <= or >=.";
        Problem::new("1450-400", "Invalid request", detail)
    })?;
    Ok(Filter { field, comparison, values: alternatives(values) })
}

/// Values between commas; one in quotes may hold commas of its own.
fn alternatives(text: &str) -> Vec<String> {
    let (mut values, mut value, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => values.push(std::mem::take(&mut value)),
            _ => value.push(c),
        }
    }
    values.push(value);
    values
}

/// Fields between commas, each with `-`, or with `+` (which a query string makes a blank), or with neither.
fn ordering(text: &str) -> Result<Vec<Order>, Problem> {
    let invalid = || {
        let detail = "The orderby field is not supported. Order by id, name, description, connectionSpec.id, state, \
             createdAt or updatedAt.";
        Problem::new("1432-400", "Invalid request", detail)
    };
    let mut order: Vec<Order> = Vec::new();
    for part in text.split(',') {
        let part = part.trim();
        let (path, descending) = match part.strip_prefix('-') {
            Some(path) => (path, true),
            None => (part.strip_prefix('+').unwrap_or(part), false),
        };
        let field = Field::parse(path).ok_or_else(invalid)?;
        // A field that has been looked at already says nothing more.
        if !order.iter().any(|order| order.field == field) {
            order.push(Order { field, descending });
        }
    }
    Ok(order)
}

fn page_size(text: &str) -> Result<usize, Problem> {
    let size: usize = text.parse().map_err(|_| Problem::invalid("The limit is not a number."))?;
    if size == 0 {
        return Err(Problem::invalid("The limit has to be at least 1."));
    }
    Ok(size.min(LARGEST_PAGE))
}

fn boolean(text: &str) -> Result<bool, Problem> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Problem::invalid("The query parameter count has to be true or false.")),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test says by panicking what did not hold")]
mod tests {
    use super::*;
    use crate::registry::query::Value;

    fn page(query: &str) -> (Query, usize) {
        match wanted(query) {
            Ok(Wanted::Page(query, limit)) => (query, limit),
            other => panic!("{query}: {other:?}"),
        }
    }

    fn refusal(query: &str) -> u16 {
        wanted(query).map_or_else(|problem| problem.status().as_u16(), |_| 0)
    }

    #[test]
    fn what_clients_send_is_read_as_they_mean_it() {
        assert_eq!(page(""), (Query::default(), 100));
        assert_eq!(page("property=&limit=&orderby=&continuationToken=&count=false"), (Query::default(), 100));
        assert_eq!(page("limit=20&count=False").1, 20);
        assert_eq!(page("limit=1000").1, 100);
        assert!(matches!(wanted("count=True"), Ok(Wanted::Count(_))));
        let order = |query| page(query).0.order.iter().map(|o| (o.field, o.descending)).collect::<Vec<_>>();
        assert_eq!(order("orderby=name"), [(Field::Name, false)]);
        assert_eq!(order("orderby=+name"), [(Field::Name, false)]);
        assert_eq!(order("orderby=%2Bname,-createdAt,name"), [(Field::Name, false), (Field::CreatedAt, true)]);
        let filters = page("property=connectionSpec.id==74a1,%22b,c%22&property=name!=%22x%22").0.filters;
        assert_eq!(
            filters,
            [
                Filter {
                    field: Field::SpecId,
                    comparison: Comparison::Equal,
                    values: vec!["74a1".to_owned(), "b,c".to_owned()]
                },
                Filter { field: Field::Name, comparison: Comparison::NotEqual, values: vec!["x".to_owned()] },
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for query in [
            "limit=20&count=True",
            "limit=x",
            "limit=0",
            "limit=-1",
            "count=yes",
            "orderby=auth",
            "orderby=",
            "property=auth.params==x",
            "property=createdAt>1",
            "property=name=x",
            "property=name~x",
            "property=name",
            "sort=name",
            "continuationToken=x",
            "continuationToken=e30x",
        ] {
            let expected = if query == "orderby=" { 0 } else { 400 };
            assert_eq!(refusal(query), expected, "{query}");
        }
    }

    #[test]
    fn a_token_carries_its_query_and_is_the_only_parameter() {
        let (query, _) = page("property=name==x&orderby=name");
        let after = vec![Value::Text("a".to_owned()), Value::Text("id".to_owned())];
        let next = Query { after: Some(after), ..query };
        let body =
            render(&Page { documents: vec!["{}".to_owned(), "{}".to_owned()], next: Some(next.clone()) }).unwrap();
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let href = body.pointer("/_links/next/href").unwrap().as_str().unwrap();
        let (path, token) = href.split_once('=').unwrap();
        assert_eq!((path, token.contains(['=', '&'])), ("/connections?continuationToken", false));
        assert_eq!(page(&format!("continuationToken={token}&limit=20&orderby=name")), (next, 20));
        assert_eq!(render(&Page::default()).unwrap(), r#"{"items":[],"_links":{}}"#);
    }
}
