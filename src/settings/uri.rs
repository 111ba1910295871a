//! Connection URIs by libpq 18's rules (`fe-connect.c`, `conninfo_uri_parse_options`): a hand-written scanner, because
//! libpq's is one, and no RFC 3986 parser agrees with it.

use super::failure::{InputFailure, Malformed, Misread};
use super::keywords;
use super::outline::is_tellable;

/// Keyword and value pairs, in the order libpq would store them: the last of a keyword wins.
pub type Pairs = Vec<(&'static str, String)>;

/// The rest of the text after `postgresql://` or `postgres://`, if it begins so; letter case counts.
pub fn strip_scheme(text: &str) -> Option<&str> {
    text.strip_prefix("postgresql://").or_else(|| text.strip_prefix("postgres://"))
}

/// Reads what follows the scheme.
pub fn parse(rest: &str) -> Result<Pairs, Misread<'_>> {
    let mut pairs = Pairs::new();
    let rest = credentials(rest, &mut pairs)?;
    let (authority, rest) = authority(rest);
    pairs.extend(hosts(authority)?);
    let rest = match rest.strip_prefix('/') {
        None => rest,
        Some(path) => {
            let (name, rest) = split_at_any(path, &['?']);
            store(&mut pairs, "dbname", name)?;
            rest
        }
    };
    if let Some(query) = rest.strip_prefix('?') {
        parameters(query, &mut pairs)?;
    }
    Ok(pairs)
}

/// `user[:password]@`, if an `@` comes before the first `/`.
fn credentials<'a>(rest: &'a str, pairs: &mut Pairs) -> Result<&'a str, Misread<'a>> {
    let (before, after) = split_at_any(rest, &['@', '/']);
    let Some(host) = after.strip_prefix('@') else {
        return misread_slash(rest).map(|()| rest);
    };
    let (user, password) = before.split_once(':').unwrap_or((before, ""));
    if !password.is_empty() && path_of(host).contains('@') {
        // `alice:p@ss/word@host`: libpq would look up `ss`.
        return Err(InputFailure::ReservedCharacter('@').at(host));
    }
    for (keyword, part) in [("user", user), ("password", password)] {
        match store(pairs, keyword, part) {
            Err(Misread {
                failure: InputFailure::Malformed(Malformed::PercentInvalid | Malformed::PercentZero),
                at,
            }) => {
                return Err(InputFailure::ReservedCharacter('%').at(at));
            }
            other => other?,
        }
    }
    Ok(host)
}

/// What comes after the hosts, up to the parameters.
fn path_of(rest: &str) -> &str {
    split_at_any(authority(rest).1, &['?']).0
}

/// `alice:p/ss@host`: libpq takes `alice` for the host and `p` for the port. An `@` after the slash gives it away.
fn misread_slash(rest: &str) -> Result<(), Misread<'_>> {
    let (authority, after) = split_at_any(rest, &['/', '?']);
    let (path, _) = split_at_any(after, &['?']);
    let Some((_, port)) = authority.rsplit_once(':').filter(|_| !authority.starts_with('[')) else {
        return Ok(());
    };
    // Digits may begin a password too, and then libpq would take the rest of it for the database.
    let port_is_odd = !port.bytes().all(|byte| byte.is_ascii_digit());
    if path.contains('@') || (port_is_odd && after.contains('@')) {
        return Err(InputFailure::ReservedCharacter('/').at(after));
    }
    Ok(())
}

/// The part with hosts and ports, up to the path or the parameters. A bracket opens at the start of a host only, and may
/// hold anything.
fn authority(rest: &str) -> (&str, &str) {
    let (mut previous, mut bracketed) = (',', false);
    let end = rest.find(|c| {
        bracketed = (bracketed && c != ']') || (c == '[' && previous == ',');
        previous = c;
        !bracketed && matches!(c, '/' | '?')
    });
    rest.split_at(end.unwrap_or(rest.len()))
}

/// `host[:port][,…]`; an IPv6 address stands in brackets.
pub fn hosts(authority: &str) -> Result<Pairs, Misread<'_>> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    let mut rest = authority;
    loop {
        let (host, after) = match rest.strip_prefix('[') {
            Some(inside) => bracketed(inside)?,
            None => split_at_any(rest, &[':', ',']),
        };
        let (port, after) = match after.strip_prefix(':') {
            Some(port) => split_at_any(port, &[',']),
            None => ("", after),
        };
        if let Some(part) = [host, port].into_iter().find(|part| part.contains('@')) {
            return Err(InputFailure::ReservedCharacter('@').at(part));
        }
        hosts.push(host);
        ports.push(port);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => break,
        }
    }
    let mut pairs = Pairs::new();
    for (keyword, joined) in [("host", hosts.join(",")), ("port", ports.join(","))] {
        store(&mut pairs, keyword, &joined).map_err(|misread| misread.failure.at(authority))?;
    }
    Ok(pairs)
}

fn bracketed(inside: &str) -> Result<(&str, &str), Misread<'_>> {
    let (host, after) = inside.split_once(']').ok_or_else(|| Malformed::BracketOpen.at(inside))?;
    if host.is_empty() {
        return Err(Malformed::BracketEmpty.at(inside));
    }
    if !after.is_empty() && !after.starts_with([':', ',']) {
        return Err(Malformed::AfterBracket.at(after));
    }
    Ok((host, after))
}

fn parameters<'a>(query: &'a str, pairs: &mut Pairs) -> Result<(), Misread<'a>> {
    let mut rest = query;
    while !rest.is_empty() {
        let (parameter, after) = rest.split_once('&').unwrap_or((rest, ""));
        rest = after;
        let Some((name, value)) = parameter.split_once('=') else {
            return Err(Malformed::ParameterWithoutValue.at(parameter));
        };
        if let Some(second) = value.find('=').and_then(|second| value.get(second..)) {
            return Err(Malformed::SecondEquals.at(second));
        }
        let (raw, name, value) = (name, decode(name)?, decode(value)?);
        // For JDBC's sake libpq reads ssl=true.
        if name == "ssl" && value == "true" {
            pairs.push(("sslmode", "require".to_owned()));
            continue;
        }
        pairs.push(keywords::pair(&name, value).ok_or_else(|| unknown(&name).at(raw))?);
    }
    Ok(())
}

/// A parameter libpq would refuse. Its name is told only where it is surely not a piece of somebody's password.
pub fn unknown(name: &str) -> InputFailure {
    let (product, meant) = (keywords::product_of(name), keywords::nearest(name));
    InputFailure::ParameterUnknown { name: is_tellable(name).then(|| name.to_owned()), product, meant }
}

/// An empty part is as good as none.
pub fn store<'a>(pairs: &mut Pairs, keyword: &'static str, part: &'a str) -> Result<(), Misread<'a>> {
    if !part.is_empty() {
        pairs.push((keyword, decode(part)?));
    }
    Ok(())
}

/// libpq 18's `conninfo_uri_decode`: blanks around the text are dropped, within it they are an error, `%00` is too. Other
/// white space is a character like any other.
pub fn decode(text: &str) -> Result<String, Misread<'_>> {
    let text = text.trim_matches(' ');
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let here = || text.get(text.len() - bytes.len() - 1..).unwrap_or_default();
        match byte {
            b'%' => {
                let place = here();
                decoded.push(hex_pair(&mut bytes).map_err(|malformed| malformed.at(place))?);
            }
            b' ' => return Err(Malformed::BlankInside.at(here())),
            byte => decoded.push(byte),
        }
    }
    // libpq passes any bytes on; here they must be text.
    String::from_utf8(decoded).map_err(|_| Malformed::PercentInvalid.at(text))
}

fn hex_pair(bytes: &mut std::str::Bytes<'_>) -> Result<u8, Malformed> {
    let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
    let (Some(high), Some(low)) = (digit(), digit()) else {
        return Err(Malformed::PercentInvalid);
    };
    match u8::try_from(high * 16 + low) {
        Ok(0) | Err(_) => Err(Malformed::PercentZero),
        Ok(byte) => Ok(byte),
    }
}

/// The text before the first of these characters, and the rest from it on.
fn split_at_any<'a>(text: &'a str, ends: &[char]) -> (&'a str, &'a str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_read_as_libpq_reads_them() {
        let rows: &[(&str, &[(&str, &str)])] = &[
            ("user@host/db", &[("user", "user"), ("host", "host"), ("dbname", "db")]),
            (
                "user:secret@host:1234/db",
                &[("user", "user"), ("password", "secret"), ("host", "host"), ("port", "1234"), ("dbname", "db")],
            ),
            ("host", &[("host", "host")]),
            ("", &[]),
            ("@host", &[("host", "host")]),
            ("host:/", &[("host", "host")]),
            ("ho[st/db", &[("host", "ho[st"), ("dbname", "db")]),
            ("[::1]:1234/", &[("host", "::1"), ("port", "1234")]),
            ("%68ost", &[("host", "host")]),
            ("u:p#w?x@host", &[("user", "u"), ("password", "p#w?x"), ("host", "host")]),
            ("a,b:1/", &[("host", "a,b"), ("port", ",1")]),
            ("host?  user = uri-user & port  = 12345 ", &[("host", "host"), ("user", "uri-user"), ("port", "12345")]),
            ("host/db?host=other", &[("host", "host"), ("dbname", "db"), ("host", "other")]),
            ("host/d@b", &[("host", "host"), ("dbname", "d@b")]),
            ("host?user=a\tb\n", &[("host", "host"), ("user", "a\tb\n")]),
            ("host?requiressl=0", &[("host", "host"), ("sslmode", "prefer")]),
            ("host?ssl=true", &[("host", "host"), ("sslmode", "require")]),
            ("host/db?application_name=a@b", &[("host", "host"), ("dbname", "db"), ("application_name", "a@b")]),
        ];
        for (text, expected) in rows {
            let expected: Pairs = expected.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_libpq_refuses_is_refused_by_cause() {
        let malformed = InputFailure::Malformed;
        let rows = [
            ("alice:p@ss@db.test/x", InputFailure::ReservedCharacter('@')),
            ("alice:p@s%s@db.test/x", InputFailure::ReservedCharacter('@')),
            ("alice:p@ss/word@db.test/x", InputFailure::ReservedCharacter('@')),
            ("alice:p/ss@db.test/x", InputFailure::ReservedCharacter('/')),
            ("alice:p%ss@db.test/x", InputFailure::ReservedCharacter('%')),
            ("[::1", malformed(Malformed::BracketOpen)),
            ("[::1/db", malformed(Malformed::BracketOpen)),
            ("[]", malformed(Malformed::BracketEmpty)),
            ("[::1]x", malformed(Malformed::AfterBracket)),
            ("a%00b", malformed(Malformed::PercentZero)),
            ("%1", malformed(Malformed::PercentInvalid)),
            ("host?key", malformed(Malformed::ParameterWithoutValue)),
            ("host?user=a=b", malformed(Malformed::SecondEquals)),
            ("ho st", malformed(Malformed::BlankInside)),
            ("host?user=a b", malformed(Malformed::BlankInside)),
        ];
        for (text, expected) in rows {
            assert_eq!(parse(text).map_err(|misread| misread.failure), Err(expected), "{text}");
        }
    }

    #[test]
    fn an_error_points_at_its_place() {
        let rows = [
            ("alice:p@ss@db.test/x", "ss@db.test"),
            ("alice:p@ss/word@db.test/x", "ss/word@db.test/x"),
            ("alice:p/ss@db.test/x", "/ss@db.test/x"),
            ("alice:p%ss@db.test/x", "%ss"),
            ("[::1/db", "::1/db"),
            ("[]", "]"),
            ("[::1]x/", "x"),
            ("host/a%1", "%1"),
            ("host?sslmode=require&key", "key"),
            ("host?user=a=b", "=b"),
            ("ho st", "ho st"),
            ("host/d b", " b"),
            ("host?sslmod=require", "sslmod"),
        ];
        for (text, place) in rows {
            assert_eq!(parse(text).map_err(|misread| misread.at), Err(place), "{text}");
        }
    }
}
