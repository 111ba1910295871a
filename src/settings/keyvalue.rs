//! Keyword/value strings by libpq's rules (`fe-connect.c`, `conninfo_parse`): `key = value`, values quoted by `'`,
//! `\` escapes the next character.

use std::iter::Peekable;
use std::str::Chars;

use super::failure::{Malformed, Misread};
use super::keywords;
use super::uri::{Pairs, unknown};

/// Reads a whole string.
pub fn parse(text: &str) -> Result<Pairs, Misread<'_>> {
    let mut pairs = Pairs::new();
    let mut chars = text.chars().peekable();
    loop {
        skip_blanks(&mut chars);
        if chars.peek().is_none() {
            return Ok(pairs);
        }
        let at_name = chars.clone();
        let name = name(&mut chars).map_err(|malformed| malformed.at(rest(text, &at_name)))?;
        let at_value = chars.clone();
        let value = value(&mut chars).map_err(|malformed| malformed.at(rest(text, &at_value)))?;
        let Some(pair) = keywords::pair(&name, value) else {
            // What follows a password may be the rest of one that holds a blank and is not quoted.
            let after_password = pairs.last().is_some_and(|(keyword, _)| *keyword == "password");
            return Err(unknown(if after_password { "" } else { &name }).at(rest(text, &at_name)));
        };
        pairs.push(pair);
    }
}

/// What is still to be read.
fn rest<'a>(text: &'a str, chars: &Peekable<Chars<'_>>) -> &'a str {
    let left: usize = chars.clone().map(char::len_utf8).sum();
    text.get(text.len() - left..).unwrap_or_default()
}

/// The keyword, and the `=` after it.
fn name(chars: &mut Peekable<Chars<'_>>) -> Result<String, Malformed> {
    let mut name = String::new();
    while let Some(c) = chars.next_if(|c| *c != '=' && !is_space(*c)) {
        name.push(c);
    }
    skip_blanks(chars);
    match chars.next() {
        Some('=') => {
            skip_blanks(chars);
            Ok(name)
        }
        _ => Err(Malformed::EqualsMissing),
    }
}

fn value(chars: &mut Peekable<Chars<'_>>) -> Result<String, Malformed> {
    let quoted = chars.next_if_eq(&'\'').is_some();
    let mut value = String::new();
    loop {
        match chars.next() {
            None if quoted => return Err(Malformed::QuoteOpen),
            None => return Ok(value),
            Some('\'') if quoted => return Ok(value),
            Some(c) if !quoted && is_space(c) => return Ok(value),
            Some('\\') => value.extend(chars.next()),
            Some(c) => value.push(c),
        }
    }
}

/// C's `isspace` in the C locale, by which libpq reads.
pub fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

fn skip_blanks(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|c| is_space(*c)).is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::InputFailure;

    #[test]
    fn strings_are_read_as_libpq_reads_them() {
        let rows: &[(&str, &[(&str, &str)])] = &[
            ("", &[]),
            ("host=h port=1", &[("host", "h"), ("port", "1")]),
            (" host = h\tport\n=1 ", &[("host", "h"), ("port", "1")]),
            (r"password='it\'s \\ here' user=", &[("password", r"it's \ here"), ("user", "")]),
            (r"password=a\ b", &[("password", "a b")]),
            ("user=''", &[("user", "")]),
            ("user='a'host=h\u{b}port=1", &[("user", "a"), ("host", "h"), ("port", "1")]),
            ("requiressl=1", &[("sslmode", "require")]),
            ("requiressl=", &[("sslmode", "prefer")]),
        ];
        for (text, expected) in rows {
            let expected: Pairs = expected.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn no_part_of_a_password_is_in_an_error() {
        let rows = [
            ("password=with space", InputFailure::Malformed(Malformed::EqualsMissing)),
            ("password='open", InputFailure::Malformed(Malformed::QuoteOpen)),
            ("password=hunter q2=x", InputFailure::ParameterUnknown { name: None, product: None, meant: None }),
        ];
        for (text, expected) in rows {
            assert_eq!(parse(text).map_err(|misread| misread.failure), Err(expected), "{text}");
        }
    }

    #[test]
    fn an_error_points_at_its_place() {
        let rows = [
            ("host=h password=with space", "space"),
            ("host=h password='open", "'open"),
            ("host=h sslmod=require port=1", "sslmod=require port=1"),
        ];
        for (text, place) in rows {
            assert_eq!(parse(text).map_err(|misread| misread.at), Err(place), "{text}");
        }
    }
}
