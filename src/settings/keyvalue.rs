//! Keyword/value strings by libpq's rules (`fe-connect.c`, `conninfo_parse`): `key = value`, values quoted by `'`,
//! `\` escapes the next character.

use std::iter::Peekable;
use std::str::Chars;

use super::failure::{InputFailure, Malformed};
use super::keywords;
use super::uri::{Pairs, unknown};

/// Reads a whole string.
pub fn parse(text: &str) -> Result<Pairs, InputFailure> {
    let mut pairs = Pairs::new();
    let mut chars = text.chars().peekable();
    loop {
        skip_blanks(&mut chars);
        if chars.peek().is_none() {
            return Ok(pairs);
        }
        let name = name(&mut chars)?;
        let value = value(&mut chars)?;
        let Some(keyword) = keywords::find(&name) else {
            // What follows a password may be the rest of one that holds a blank and is not quoted.
            let after_password = pairs.last().is_some_and(|(keyword, _)| *keyword == "password");
            return Err(unknown(if after_password { "" } else { &name }));
        };
        pairs.push((keyword.name, value));
    }
}

/// The keyword, and the `=` after it.
fn name(chars: &mut Peekable<Chars<'_>>) -> Result<String, InputFailure> {
    let mut name = String::new();
    while let Some(c) = chars.next_if(|c| *c != '=' && !c.is_ascii_whitespace()) {
        name.push(c);
    }
    skip_blanks(chars);
    match chars.next() {
        Some('=') => {
            skip_blanks(chars);
            Ok(name)
        }
        _ => Err(InputFailure::Malformed(Malformed::EqualsMissing)),
    }
}

fn value(chars: &mut Peekable<Chars<'_>>) -> Result<String, InputFailure> {
    let quoted = chars.next_if_eq(&'\'').is_some();
    let mut value = String::new();
    loop {
        match chars.next() {
            None if quoted => return Err(InputFailure::Malformed(Malformed::QuoteOpen)),
            None => return Ok(value),
            Some('\'') if quoted => return Ok(value),
            Some(c) if !quoted && c.is_ascii_whitespace() => return Ok(value),
            Some('\\') => value.extend(chars.next()),
            Some(c) => value.push(c),
        }
    }
}

fn skip_blanks(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(char::is_ascii_whitespace).is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_as_libpq_reads_them() {
        let rows: &[(&str, &[(&str, &str)])] = &[
            ("", &[]),
            ("host=h port=1", &[("host", "h"), ("port", "1")]),
            (" host = h\tport\n=1 ", &[("host", "h"), ("port", "1")]),
            (r"password='it\'s \\ here' user=", &[("password", r"it's \ here"), ("user", "")]),
            (r"password=a\ b", &[("password", "a b")]),
            ("user=''", &[("user", "")]),
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
            assert_eq!(parse(text), Err(expected), "{text}");
        }
    }
}
