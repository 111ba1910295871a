//! Just enough SQL to tell statements apart: where one ends, and the words it is made of (PostgreSQL documentation,
//! chapter "Lexical Structure"; dollar quoting and escape strings are left out, no answer of the lab depends on them).

use std::iter::Peekable;
use std::str::CharIndices;

/// One statement of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    /// As it was written, without the blanks around it.
    pub(super) text: &'a str,
    /// Its words in lower case, its signs one by one, and no comments. What stood in quotes keeps the opening one.
    pub(super) tokens: Vec<String>,
}

impl Statement<'_> {
    /// The tokens, to be matched against a pattern.
    pub(super) fn words(&self) -> Vec<&str> {
        self.tokens.iter().map(String::as_str).collect()
    }

    /// How many values the client has to bind: the highest `$n`.
    pub(super) fn placeholders(&self) -> usize {
        let numbers = self.tokens.iter().filter_map(|token| token.strip_prefix('$')?.parse().ok());
        numbers.max().unwrap_or(0)
    }
}

/// The statements of a text; empty ones are left out.
pub(super) fn statements(sql: &str) -> Vec<Statement<'_>> {
    let mut found = Vec::new();
    let mut tokens = Vec::new();
    let mut start = 0;
    let mut characters = sql.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            ';' => {
                keep(&mut found, sql.get(start..at), std::mem::take(&mut tokens));
                start = at + 1;
            }
            '\'' | '"' => tokens.push(quoted(character, &mut characters)),
            '-' if follows(&mut characters, '-') => while characters.next().is_some_and(|(_, c)| c != '\n') {},
            '/' if follows(&mut characters, '*') => pass_over_comment(&mut characters),
            _ if character.is_whitespace() => {}
            _ if character == '$' || is_word(character) => tokens.push(word(character, &mut characters)),
            _ => tokens.push(character.to_string()),
        }
    }
    keep(&mut found, sql.get(start..), tokens);
    found
}

fn keep<'a>(found: &mut Vec<Statement<'a>>, text: Option<&'a str>, tokens: Vec<String>) {
    if !tokens.is_empty() {
        found.push(Statement { text: text.unwrap_or_default().trim(), tokens });
    }
}

fn quoted(quote: char, characters: &mut Peekable<CharIndices<'_>>) -> String {
    let mut token = quote.to_string();
    while let Some((_, character)) = characters.next() {
        // A quote that is doubled stands for itself.
        if character == quote && !follows(characters, quote) {
            break;
        }
        token.push(character);
    }
    token
}

fn word(first: char, characters: &mut Peekable<CharIndices<'_>>) -> String {
    let mut token = first.to_lowercase().to_string();
    while let Some((_, character)) = characters.next_if(|(_, character)| is_word(*character)) {
        token.extend(character.to_lowercase());
    }
    token
}

fn pass_over_comment(characters: &mut Peekable<CharIndices<'_>>) {
    let mut depth = 1_usize; // they nest
    while depth > 0 {
        match characters.next() {
            Some((_, '/')) if follows(characters, '*') => depth += 1,
            Some((_, '*')) if follows(characters, '/') => depth -= 1,
            Some(_) => {}
            None => return,
        }
    }
}

/// Takes the next character if it is this one.
fn follows(characters: &mut Peekable<CharIndices<'_>>, wanted: char) -> bool {
    characters.next_if(|(_, character)| *character == wanted).is_some()
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(sql: &str) -> Vec<Vec<String>> {
        statements(sql).into_iter().map(|statement| statement.tokens).collect()
    }

    #[test]
    fn statements_end_where_no_quote_or_comment_holds_the_semicolon() {
        let sql = "SELECT 'a;''b', \"C;\" -- d;\n/* e; /* f */ ; */; ; commit";
        assert_eq!(tokens(sql), [vec!["select", "'a;'b", ",", "\"C;"], vec!["commit"]]);
        let texts: Vec<&str> = statements("begin ; Select 1;").iter().map(|statement| statement.text).collect();
        assert_eq!(texts, ["begin", "Select 1"]);
    }

    #[test]
    fn nothing_but_blanks_and_comments_is_no_statement() {
        for sql in ["", " ;; ", "-- ping", "/* open", "/* a */ ;"] {
            assert!(statements(sql).is_empty(), "{sql}");
        }
    }

    #[test]
    fn placeholders_count_up_to_the_highest() {
        let of = |sql| statements(sql).first().map(Statement::placeholders);
        assert_eq!(of("select $2, '$9', $1"), Some(2));
        assert_eq!(of("select 1"), Some(0));
    }

    #[test]
    fn an_open_quote_reaches_to_the_end() {
        assert_eq!(tokens("select 'a; b"), [["select", "'a; b"]]);
    }
}
