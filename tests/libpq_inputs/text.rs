//! Connection strings by a grammar, and what slips of the pen make of them.

use std::fmt::Write as _;

use fastrand::Rng;

/// Keyword to values that are right, wrong, odd or next to right.
const VALUES: &[(&str, &[&str])] = &[
    ("user", &["alice", "", "a b", "ü", "a:b", "a@b"]),
    ("password", &["secret", "", "p w", "p'w", "p\\w", "p%w", "a:b"]),
    ("passfile", &["/nonexistent/pgpass", ""]),
    ("channel_binding", &["disable", "prefer", "require", "Require", "", "on"]),
    ("connect_timeout", &["5", "0", "-1", "", " 5 ", "5s", "+5", "99999999999", "2147483648", "1e3"]),
    ("dbname", &["orders", "", "a b", "postgresql://h/db", "d@b"]),
    (
        "host",
        &[
            "db.test",
            "",
            "/run/x",
            "@abstract",
            "a,b",
            "a,,b",
            ",",
            "a,/run/x,@y",
            "10.0.0.1",
            "::1",
            "a b",
            "db.test:5433",
        ],
    ),
    (
        "hostaddr",
        &["10.0.0.1", "", "::1", "10.0.0.1,10.0.0.2", "10.0.0.1,", "db.test", "127.1", "0x7f.1", "x,10.0.0.1", "1,2,3"],
    ),
    (
        "port",
        &[
            "5432", "5433", "0", "65535", "65536", "", "1,2", "1,", ",", " 1 ", "x", "5,x", "0,5", "+7", "-7", "08",
            "1,2,3",
        ],
    ),
    ("client_encoding", &["UTF8", "auto", "", "KLINGON"]),
    ("options", &["-c geqo=off", "", "-c a=b"]),
    ("application_name", &["app", "", "a b"]),
    ("fallback_application_name", &["fall", ""]),
    ("keepalives", &["0", "1", "", "x", " 1 ", "2"]),
    ("keepalives_idle", &["1", "0", "-1", "32767", "32768", "x", ""]),
    ("keepalives_interval", &["1", "0", "32768", "x"]),
    ("keepalives_count", &["1", "0", "127", "128", "x"]),
    ("tcp_user_timeout", &["0", "1000", "-1", "x", ""]),
    (
        "sslmode",
        &["disable", "allow", "prefer", "require", "verify-ca", "verify-full", "", "Require", "no-verify", "require "],
    ),
    ("sslnegotiation", &["postgres", "direct", "", "requiredirect"]),
    ("sslcompression", &["0", "1", "", "x"]),
    ("sslcert", &["/nonexistent/crt", ""]),
    ("sslkey", &["/nonexistent/key", ""]),
    ("sslcertmode", &["disable", "allow", "require", "", "x"]),
    ("sslpassword", &["pass", ""]),
    ("sslrootcert", &["system", "", "/nonexistent/root", "System"]),
    ("sslcrl", &["/nonexistent/crl", ""]),
    ("sslcrldir", &["/nonexistent", ""]),
    ("sslsni", &["0", "1", "", "x"]),
    ("requirepeer", &["postgres", ""]),
    (
        "require_auth",
        &[
            "password",
            "md5,password",
            "!md5",
            "!md5,!none",
            "none",
            "",
            "md5,md5",
            "md5,!none",
            "!md5,none",
            "scram-sha-256,oauth",
            "SCRAM-SHA-256",
            "md5,",
            ",",
            "!",
            "md5, gss",
            "gss,sspi",
            "!!md5",
            "none,none",
            "!none,!none",
        ],
    ),
    ("min_protocol_version", &["3.0", "3.2", "latest", "", "3.1", "3"]),
    ("max_protocol_version", &["3.0", "3.2", "latest", "", "3.1", "Latest"]),
    ("ssl_min_protocol_version", &["TLSv1", "TLSv1.2", "tlsv1.3", "", "TLSv1.4", "SSLv3"]),
    ("ssl_max_protocol_version", &["TLSv1", "TLSv1.1", "TLSv1.3", "", "tlsv1.2", "1.2"]),
    ("gssencmode", &["disable", "prefer", "require", "", "x"]),
    ("krbsrvname", &["postgres", "x", ""]),
    ("gsslib", &["gssapi", ""]),
    ("gssdelegation", &["0", "1", ""]),
    ("replication", &["database", "true", "", "x"]),
    ("target_session_attrs", &["any", "read-write", "primary", "prefer-standby", "", "master", "Any"]),
    ("load_balance_hosts", &["disable", "random", "", "x"]),
    (
        "scram_client_key",
        &[
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "AAAA",
            "",
            "?",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=",
        ],
    ),
    (
        "scram_server_key",
        &["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "", "AAAAAAAAAAAAAAAAAAAA AAAAAAAAAAAAAAAAAAAAAAA="],
    ),
    ("oauth_issuer", &["https://issuer.test", ""]),
    ("oauth_client_id", &["id", ""]),
    ("oauth_client_secret", &["secret", ""]),
    ("oauth_scope", &["openid", ""]),
    ("sslkeylogfile", &["/nonexistent/keys", ""]),
    ("service", &["nowhere", "", "one", "two"]),
    ("requiressl", &["1", "0", "", "x"]),
    ("ssl", &["true", "false", "1"]),
    ("uzer", &["x"]),
    ("Host", &["x"]),
];

/// Characters that mean something somewhere.
const MEANINGFUL: &[char] = &[
    ' ', '%', '@', '/', ':', '?', '&', '=', '[', ']', ',', '\'', '\\', '"', '\t', '\n', '\u{b}', '\u{c}', '#', '+',
    '!', 'a', '1', '0', 'é',
];

/// A URI or a keyword/value string, sound or nearly so.
pub fn draw(rng: &mut Rng) -> String {
    let mut text = if rng.bool() { uri(rng) } else { string(rng) };
    for _ in 0..rng.usize(0..6).saturating_sub(3) {
        slip(rng, &mut text);
    }
    text
}

/// A keyword and a value of those that are worth trying.
pub fn pair(rng: &mut Rng) -> (&'static str, &'static str) {
    let (keyword, values) = rng.choice(VALUES).unwrap();
    (keyword, rng.choice(values.iter()).unwrap())
}

/// A value of that keyword.
pub fn value(rng: &mut Rng, keyword: &str) -> Option<&'static str> {
    let (_, values) = VALUES.iter().find(|(known, _)| *known == keyword)?;
    rng.choice(values.iter()).copied()
}

fn uri(rng: &mut Rng) -> String {
    let mut text = rng.choice(["postgresql://", "postgres://"]).unwrap().to_owned();
    if rng.u8(0..3) == 0 {
        let user = value(rng, "user").unwrap();
        text += &encode(rng, user);
        if rng.bool() {
            text.push(':');
            let password = value(rng, "password").unwrap();
            text += &encode(rng, password);
        }
        text.push('@');
    }
    for index in 0..rng.usize(0..4) {
        if index > 0 {
            text.push(',');
        }
        text +=
            rng.choice(["db.test", "", "[::1]", "[fe80::1]", "10.0.0.1", "%2Frun%2Fx", "%40abstract", "h"]).unwrap();
        if rng.bool() {
            text += rng.choice([":5432", ":1", ":", ":0", ":x", ":65536"]).unwrap();
        }
    }
    if rng.bool() {
        text += rng.choice(["/", "/orders", "/%6frders", "/a/b", "/ orders "]).unwrap();
    }
    for index in 0..rng.usize(0..5) {
        text.push(if index == 0 { '?' } else { '&' });
        let (keyword, value) = pair(rng);
        text += &spaced(rng, keyword);
        text.push('=');
        let value = encode(rng, value);
        text += &spaced(rng, &value);
    }
    text
}

/// With what has to be encoded encoded, mostly, and some of the rest too.
fn encode(rng: &mut Rng, text: &str) -> String {
    let mut encoded = String::new();
    for c in text.chars() {
        let needed = !(c.is_ascii_alphanumeric() || "-._~/,!:".contains(c));
        if (needed && rng.u8(0..20) > 0) || rng.u8(0..20) == 0 {
            let mut bytes = [0; 4];
            c.encode_utf8(&mut bytes).bytes().for_each(|byte| write!(encoded, "%{byte:02x}").unwrap());
        } else {
            encoded.push(c);
        }
    }
    encoded
}

fn string(rng: &mut Rng) -> String {
    let pairs: Vec<String> = (0..rng.usize(1..6)).map(|_| keyword_and_value(rng)).collect();
    pairs.join(rng.choice([" ", "  ", "\t", "\n", "\u{b}"]).unwrap())
}

fn keyword_and_value(rng: &mut Rng) -> String {
    let (keyword, value) = pair(rng);
    let equals = rng.choice(["=", "=", "=", " = ", " =", "= "]).unwrap();
    let quoted = value.is_empty() || value.contains([' ', '\'', '\\']) || rng.bool();
    let value = if quoted && rng.u8(0..30) > 0 {
        format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
    } else {
        value.to_owned()
    };
    format!("{keyword}{equals}{value}")
}

fn spaced(rng: &mut Rng, text: &str) -> String {
    match rng.u8(0..12) {
        0 => format!(" {text}"),
        1 => format!("{text} "),
        2 => format!("  {text}  "),
        _ => text.to_owned(),
    }
}

/// A character too many, too few, twice, or another one.
fn slip(rng: &mut Rng, text: &mut String) {
    let mut chars: Vec<char> = text.chars().collect();
    let place = rng.usize(0..=chars.len());
    let strange = *rng.choice(MEANINGFUL.iter()).unwrap();
    match rng.u8(0..4) {
        0 => chars.insert(place, strange),
        1 if place < chars.len() => drop(chars.remove(place)),
        2 if place < chars.len() => chars.insert(place, *chars.get(place).unwrap()),
        3 if place < chars.len() => *chars.get_mut(place).unwrap() = strange,
        _ => {}
    }
    *text = chars.into_iter().collect();
}
