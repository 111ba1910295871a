//! Values that can be used, and are probably not what was meant: templates that nobody filled in, and values with blanks or
//! quotes around them.

use super::keywords::{self, Use};
use super::{Value, Values};
use crate::target::{Oddity, Suspect};

/// What is odd about the values in force.
pub fn of_values(values: &Values) -> Vec<Oddity> {
    let given = values.iter().filter(|(_, value)| !value.text.is_empty() && value.source != "default");
    given.filter_map(|(keyword, value)| of_value(keyword, value)).collect()
}

fn of_value(keyword: &'static str, value: &Value) -> Option<Oddity> {
    if is_template(&value.text) {
        return Some(Oddity::Placeholder(suspect(keyword, value)));
    }
    is_padded(keyword, &value.text).then(|| Oddity::PaddedValue(suspect(keyword, value)))
}

fn suspect(keyword: &'static str, value: &Value) -> Suspect {
    let secret = keywords::find(keyword).is_none_or(|known| known.use_made == Use::Secret);
    // What stands in the place of another value may be a password all the same, but for a name as short as this.
    let short = value.text.chars().count() <= 63;
    let shown = (!secret && short).then(|| value.text.escape_debug().to_string());
    Suspect { keyword, source: value.source.clone(), shown }
}

/// Only what is hardly ever a real value: the syntax of a template around the whole of it, or one of the words that stand
/// for "fill this in".
fn is_template(text: &str) -> bool {
    const WORDS: [&str; 9] = [
        "changeme",
        "change_me",
        "change-me",
        "changeit",
        "yourpassword",
        "your_password",
        "your-password",
        "<empty>",
        "todo",
    ];
    let name =
        |inside: &str| !inside.is_empty() && inside.chars().all(|c| c.is_ascii_alphanumeric() || "_-. ".contains(c));
    let capitals = |inside: &str| {
        inside.len() > 2
            && inside.starts_with(|c: char| c.is_ascii_uppercase())
            && inside.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    let between = |open: &str, close: &str| text.strip_prefix(open).and_then(|inside| inside.strip_suffix(close));
    let lower = text.to_ascii_lowercase();
    WORDS.contains(&lower.as_str())
        || (lower.len() > 2 && lower.chars().all(|c| c == 'x'))
        || between("${", "}").is_some_and(|inside| !inside.is_empty() && !inside.contains('}'))
        || between("{{", "}}").is_some_and(|inside| !inside.trim().is_empty())
        || between("<", ">").is_some_and(name)
        || between("%(", ")s").is_some_and(name)
        || between("{", "}").is_some_and(capitals)
        || text.strip_prefix('$').is_some_and(capitals)
}

/// Blanks, line ends or a pair of quotes around a value. libpq itself drops blanks around numbers.
fn is_padded(keyword: &str, text: &str) -> bool {
    let number =
        matches!(keyword, "port" | "connect_timeout" | "tcp_user_timeout") || keyword.starts_with("keepalives");
    // Blanks between the options of a server process are nothing odd.
    if number || keyword == "options" {
        return false;
    }
    let quoted = text.len() > 2 && ['"', '\''].iter().any(|quote| text.starts_with(*quote) && text.ends_with(*quote));
    quoted || text.trim() != text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_known_by_their_syntax() {
        let templates = [
            "${DB_PASS}",
            "${DB_PASS:-x}",
            "$DB_PASS",
            "<password>",
            "<your host>",
            "{{ db_password }}",
            "{{.Password}}",
            "%(password)s",
            "{PASSWORD}",
            "changeme",
            "ChangeMe",
            "xxx",
            "XXXXXXXX",
        ];
        for text in templates {
            assert!(is_template(text), "{text}");
        }
        let values = [
            "secret",
            "$ecret",
            "$5",
            "a${b}",
            "${a}b",
            "<",
            "<>",
            "<a",
            "a>b",
            "x",
            "xx",
            "xxy",
            "{a;b}",
            "{Ab}",
            "%(",
            "$",
            "P$WORD",
            "{{}}",
            "<p@ss>",
            "password",
            "orders",
            "db.example.com",
        ];
        for text in values {
            assert!(!is_template(text), "{text}");
        }
    }

    #[test]
    fn what_stands_around_a_value_is_seen() {
        let rows = [
            ("dbname", "orders ", true),
            ("dbname", " orders", true),
            ("password", "secret\n", true),
            ("password", "\"secret\"", true),
            ("password", "'", false),
            ("password", "it's", false),
            ("port", " 5432 ", false),
            ("options", " -c a=b ", false),
            ("dbname", "two words", false),
        ];
        for (keyword, text, padded) in rows {
            assert_eq!(is_padded(keyword, text), padded, "{text:?}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let value = |text: &str| Value { text: text.to_owned(), source: "target".to_owned() };
        let of = |keyword, text| of_value(keyword, &value(text));
        let suspect = |keyword, shown: Option<&str>| Suspect {
            keyword,
            source: "target".to_owned(),
            shown: shown.map(str::to_owned),
        };
        assert_eq!(of("password", "secret\n"), Some(Oddity::PaddedValue(suspect("password", None))));
        assert_eq!(of("dbname", "orders\n"), Some(Oddity::PaddedValue(suspect("dbname", Some("orders\\n")))));
        assert_eq!(of("host", "<host>"), Some(Oddity::Placeholder(suspect("host", Some("<host>")))));
    }
}
