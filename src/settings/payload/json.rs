//! JSON with errors that point: the line, the column and what is missing there; never what stands there.

use std::path::Path;

use serde_json::Value;

use crate::settings::InputFailure;

/// Parses a whole file.
pub fn parse(path: &Path, body: &[u8]) -> Result<Value, InputFailure> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let fault = match std::str::from_utf8(body) {
        Ok(text) => match serde_json::from_str(text) {
            Ok(value) => return Ok(value),
            Err(error) => fault(text, &error),
        },
        Err(error) => {
            let before = String::from_utf8_lossy(body.get(..error.valid_up_to()).unwrap_or_default());
            let (line, column) = position(&before);
            Fault { line, column, what: "there is a byte that is not UTF-8".to_owned() }
        }
    };
    Err(InputFailure::Json { path: path.to_owned(), line: fault.line, column: fault.column, what: fault.what })
}

#[derive(Debug, PartialEq, Eq)]
struct Fault {
    line: usize,
    column: usize,
    what: String,
}

/// serde_json's own words are fixed sentences, without anything of the text.
fn fault(text: &str, error: &serde_json::Error) -> Fault {
    let words = error.to_string();
    let words = words.split(" at line ").next().unwrap_or_default();
    if let (true, Some(fault)) = (words.starts_with("control character"), open_string(text)) {
        return fault;
    }
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let before = line
        .get(..error.column().saturating_sub(1))
        .map_or(error.column().saturating_sub(1), |before| before.chars().count());
    let what = match words {
        "EOF while parsing an object" => "the text ends within an object: a `}` is missing".to_owned(),
        "EOF while parsing a list" => "the text ends within a list: a `]` is missing".to_owned(),
        "EOF while parsing a string" => "the text ends within a string: a `\"` is missing".to_owned(),
        "EOF while parsing a value" => "the text ends where a value has to stand".to_owned(),
        "key must be a string" => "a name in double quotes has to stand here".to_owned(),
        "expected value" => "a value has to stand here".to_owned(),
        words => words.to_owned(),
    };
    Fault { line: error.line(), column: before + 1, what }
}

/// The first string that does not end on its line: the quote is missing at the end of it, before the comma if there is
/// one.
fn open_string(text: &str) -> Option<Fault> {
    let (mut opened, mut escaped) = (None, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if opened.is_some() => escaped = true,
            '"' => opened = if opened.is_some() { None } else { Some(at) },
            '\n' if opened.is_some() => {
                let written = text.get(..at)?.trim_end();
                let (line, column) = position(written.strip_suffix(',').unwrap_or(written));
                let (_, from) = position(text.get(..opened?)?);
                let what = format!("a `\"` is missing here: the string that begins in column {from} is not closed");
                return Some(Fault { line, column, what });
            }
            _ => {}
        }
    }
    None
}

/// Line and column, counted from 1, of what follows this text.
fn position(before: &str) -> (usize, usize) {
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

#[cfg(test)]
#[expect(clippy::panic, reason = "a test says by panicking what did not hold")]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_named_and_nothing_is_quoted() {
        let rows = [
            // As in the platform's tutorial for Amazon Redshift.
            (
                "{\n  \"name\": \"n\",\n  \"description\": \"base connection,\n  \"auth\": {}\n}",
                3,
                34,
                "a `\"` is missing here",
            ),
            ("{\n  \"port\": \"5439\n}", 2, 16, "begins in column 11"),
            ("{\"a\": \"hunter2, \"b\": 1}", 1, 18, "expected `,` or `}`"),
            ("{\"a\": 1", 1, 7, "a `}` is missing"),
            ("{\"\u{e9}\": hunter2}", 1, 7, "value"),
            ("{\"a\": 1,}", 1, 9, "trailing comma"),
            ("{a: 1}", 1, 2, "a name in double quotes"),
            ("", 1, 1, "a value has to stand"),
            ("hunter2", 1, 1, "a value has to stand here"),
        ];
        for (text, line, column, says) in rows {
            let Err(InputFailure::Json { line: at_line, column: at_column, what, .. }) =
                parse(Path::new("f"), text.as_bytes())
            else {
                panic!("{text} is read");
            };
            assert_eq!((at_line, at_column), (line, column), "{text}: {what}");
            assert!(what.contains(says) && !what.contains("hunter2"), "{text}: {what}");
        }
        let failure = parse(Path::new("f"), b"{\n\"a\": \"\xff\"}").err();
        assert!(matches!(failure, Some(InputFailure::Json { line: 2, column: 7, .. })), "{failure:?}");
    }
}
