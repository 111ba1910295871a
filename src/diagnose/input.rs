//! Why the settings could not be read, and what was odd about them.

pub mod client_certificate;
mod forms;
mod hosts;
mod registrable;

use std::path::PathBuf;

use super::code::Code;
use super::finding::{Finding, Side};
use crate::settings::{InputFailure, Malformed};
use crate::target::Oddity;

const URI_FORM: &str = "postgresql://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full";
const STRING_FORM: &str = "host=HOST port=5432 dbname=DATABASE user=USER sslmode=verify-full";

/// The one cause.
pub fn explain(failure: &InputFailure) -> Finding {
    match failure {
        InputFailure::Pointed { failure, pointer } => forms::pointed(failure, pointer),
        InputFailure::Json { path, line, column, what } => forms::json(path, (*line, *column), what),
        InputFailure::Payload { path, field, what } => forms::payload(path, field, what),
        InputFailure::Malformed(what) => malformed(*what),
        InputFailure::ReservedCharacter(character) => reserved_character(*character),
        InputFailure::PortInvalid { source } => {
            Finding::new(Code::InputPortInvalid, format!("the port (from {source}) is not a number from 1 to 65535"))
                .because("a TCP port is a whole number from 1 to 65535; PostgreSQL's is 5432")
                .fix(Side::Client, "give the port as a number", ["port=5432"])
                .evidence("source", source.as_str())
        }
        InputFailure::HostHasPort { parts } => {
            let (host, port) = parts.clone().unwrap_or_else(|| ("HOST".to_owned(), "PORT".to_owned()));
            Finding::new(Code::InputHostHasPort, "a port stands in the host, where libpq takes it for part of the name")
                .because(format!("the host is `{host}:{port}`; only a URI has a port behind a colon"))
                .fix(Side::Client, "give host and port apart", [format!("host={host} port={port}")])
                .evidence("host", parts.as_ref().map(|(host, _)| host.clone()))
                .evidence("port", parts.as_ref().map(|(_, port)| port.clone()))
        }
        InputFailure::HostHasScheme { source } => {
            Finding::new(Code::InputHostHasScheme, format!("the host (from {source}) has a scheme or a path"))
                .because("a host is a name or an address alone, or the directory of a Unix socket beginning with `/`")
                .fix(Side::Client, "give the name alone", ["host=HOST"])
                .evidence("source", source.as_str())
        }
        InputFailure::ParameterUnknown { name, product, meant } => parameter_unknown(name.as_deref(), *product, *meant),
        InputFailure::ValueInvalid { keyword, value, allowed, source } => {
            let shown = value.as_deref().map(|value| format!(" `{value}`")).unwrap_or_default();
            // libpq's keywords are in lower case.
            let who = if keyword.starts_with(char::is_uppercase) { "the platform" } else { "libpq" };
            let words: Vec<&str> =
                failure.probable_value().map_or_else(|| allowed.split(", ").collect(), |word| vec![word]);
            Finding::new(Code::InputValueInvalid, format!("the value{shown} of {keyword} is not one {who} takes"))
                .because(format!("{keyword}, here from {source}, takes: {allowed}"))
                .fix(Side::Client, "use one of its values", words.into_iter().map(|word| format!("{keyword}={word}")))
                .evidence("keyword", *keyword)
                .evidence("value", value.clone())
                .evidence("source", source.as_str())
        }
        InputFailure::Conflict { keyword, value, with, allowed } => {
            Finding::new(Code::InputValueInvalid, format!("{keyword}={value} may not be used with {with}"))
                .because(format!("libpq refuses the two together; with {with} it takes: {allowed}"))
                .fix(Side::Client, "use a stronger mode", allowed.split(", ").map(|word| format!("{keyword}={word}")))
                .evidence("keyword", *keyword)
                .evidence("value", *value)
        }
        InputFailure::ListsDiffer { keyword, count, hosts } => hosts::lists_differ(keyword, *count, *hosts),
        InputFailure::SocketPathTooLong { longest, source } => hosts::socket_path_too_long(*longest, source),
        InputFailure::HostNameMissing => hosts::name_missing(),
        InputFailure::MethodsContradict { twice, source } => methods_contradict(*twice, source),
        InputFailure::GssEncryptionRequired { source } => gss_encryption_required(source),
        InputFailure::ClientCertificate(failure) => client_certificate::explain(failure),
        InputFailure::ServiceNotFound { service, files } => service_not_found(service, files),
        InputFailure::ServiceFile { path, line } => Finding::new(
            Code::InputMalformed,
            format!("line {line} of the service file {} cannot be read", path.display()),
        )
        .because("a line is `keyword=value` without blanks, with a keyword of libpq other than service")
        .advise(Side::Client, "correct the line; it is not shown, since it may hold a password")
        .evidence("path", path.display().to_string())
        .evidence("line", *line),
        InputFailure::RootCertificateMissing { path, named } => {
            let path = path.display();
            let place = if *named { "named by sslrootcert" } else { "the default place" };
            Finding::new(Code::InputRootCertificateMissing, format!("the root certificate file {path} does not exist"))
                .because(format!("the sslmode demands a verified certificate, and {path} is {place} for its root"))
                .fix(
                    Side::Client,
                    "name the file with the root of the server's certificate",
                    ["sslrootcert=/PATH/TO/root.crt"],
                )
                .fix(
                    Side::Client,
                    "or, if a public authority signed it, trust what the system trusts",
                    ["sslmode=verify-full sslrootcert=system"],
                )
                .evidence("path", path.to_string())
        }
        InputFailure::NotRegistrable(what) => registrable::explain(what),
        InputFailure::RootCertificateUnreadable { path } => {
            let path = path.display();
            Finding::new(Code::InputRootCertificateUnreadable, format!("{path} holds no certificate that can be read"))
                .because("libpq reads certificates in PEM form only, between BEGIN CERTIFICATE and END CERTIFICATE")
                .fix(
                    Side::Client,
                    "if it is in DER form, convert it",
                    [format!("openssl x509 -inform der -in {path} -out root.crt")],
                )
                .evidence("path", path.to_string())
        }
    }
}

fn service_not_found(service: &str, files: &[PathBuf]) -> Finding {
    let read: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
    let finding = Finding::new(Code::InputServiceNotFound, format!("there is no service {service:?}"));
    let finding = if read.is_empty() {
        finding.because("no service file was found: neither ~/.pg_service.conf nor the system's")
    } else {
        finding.because(format!("what was looked at: {}", read.join(", ")))
    };
    finding
        .fix(
            Side::Client,
            "add it to ~/.pg_service.conf",
            [format!("[{service}]"), "host=HOST".to_owned(), "dbname=DATABASE".to_owned()],
        )
        .fix(Side::Client, "or name the file that has it", ["export PGSERVICEFILE=/PATH/TO/pg_service.conf"])
        .evidence("service", service)
        .evidence("files", read)
}

/// What was odd.
pub fn remark(oddity: &Oddity) -> Finding {
    match oddity {
        Oddity::Padded => {
            Finding::new(Code::InputPadded, "blanks, a line end or quotes stood around TARGET and were left out")
                .because("psql takes such a string for the name of a database; secret stores and env files add them")
                .fix(Side::Client, "store the string bare", ["printf %s \"$DATABASE_URL\"   # not: echo"])
                .evidence("trimmed", true)
        }
        Oddity::PaddedValue(suspect) => forms::padded(suspect),
        Oddity::Placeholder(suspect) => forms::placeholder(suspect),
        Oddity::NotPortable(characters) => forms::not_portable(characters),
        Oddity::KeyIgnored(key, meant) => forms::key_ignored(key, *meant),
        Oddity::Weak(setting) => forms::weaker_than_it_looks(*setting),
        Oddity::PassfileIgnored(path) => {
            let path = path.display();
            Finding::new(Code::InputPassfileIgnored, format!("the password file {path} was not read"))
                .because("others may read it, or it is no plain file; libpq ignores it then, with a warning")
                .fix(Side::Client, "keep it to yourself", [format!("chmod 600 {path}")])
                .evidence("path", path.to_string())
        }
        Oddity::OtherForm(form) => Finding::new(
            Code::InputOtherForm,
            format!("TARGET is {form}; it was read as the libpq settings that mean the same"),
        )
        .because("psql would take it for the name of a database")
        .evidence("form", *form),
        Oddity::DriverSetting => {
            Finding::new(Code::InputSettingIgnored, "TARGET has a setting of its driver that libpq has no keyword for")
                .because(
                    "it was left out; it is not shown, since it may be a piece of a password with an unescaped `&`",
                )
                .advise(Side::Client, "write `&` within a value as %26")
        }
        Oddity::HostLeftOut { place, keyword, last } => hosts::left_out(*place, keyword, *last),
        Oddity::FileLeftOut { keyword, path, reason } => {
            let path = path.display();
            Finding::new(Code::InputSettingIgnored, format!("{keyword}={path} has no effect"))
                .because(format!("{reason}; libpq says nothing of it"))
                .fix(Side::Client, "look whether the file is there and readable", [format!("ls -lL {path}")])
                .advise(Side::Client, format!("or leave {keyword} out"))
                .evidence("keyword", *keyword)
                .evidence("path", path.to_string())
        }
        Oddity::GssEncryption => {
            Finding::new(Code::InputGssEncryption, "gssencmode=prefer is read as gssencmode=disable")
                .because(
                    "encryption by GSSAPI is not spoken here; libpq goes on without it too, where there is no ticket",
                )
                .because(
                    "where a ticket is in the cache, psql may log in over a connection that sslmode says nothing of",
                )
                .evidence("keyword", "gssencmode")
        }
        Oddity::NotApplied(keyword) => {
            Finding::new(Code::InputSettingIgnored, format!("{keyword} is set, and this version does not act on it"))
                .because("libpq would; where it decides whether a connection can be made, the two verdicts may differ")
                .advise(Side::Client, format!("check with psql what {keyword} changes"))
                .evidence("keyword", *keyword)
        }
    }
}

fn methods_contradict(twice: Option<&str>, source: &str) -> Finding {
    let (summary, reason) = match twice {
        Some(method) => (
            format!("require_auth (from {source}) names {method} twice"),
            "libpq refuses such a list, since a slip there would be a hole",
        ),
        None => (
            format!("require_auth (from {source}) names methods with and without `!`"),
            "a list is either of the methods that will do, or, each with `!` before it, of those that will not",
        ),
    };
    Finding::new(Code::InputValueInvalid, summary)
        .because(reason)
        .fix(
            Side::Client,
            "list what will do, or what will not",
            ["require_auth=scram-sha-256", "require_auth=!password,!md5"],
        )
        .evidence("keyword", "require_auth")
        .evidence("twice", twice)
}

fn gss_encryption_required(source: &str) -> Finding {
    Finding::new(Code::InputValueInvalid, "gssencmode=require asks for encryption that is not spoken here")
        .because(format!("encryption by GSSAPI, demanded here by {source}, needs a libpq that was built with it"))
        .fix(Side::Client, "demand TLS in its place", ["gssencmode=disable sslmode=verify-full"])
        .fix(
            Side::Client,
            "or ask psql, which speaks it where it was built with GSSAPI",
            ["psql 'gssencmode=require host=HOST dbname=DATABASE user=USER'"],
        )
        .evidence("keyword", "gssencmode")
        .evidence("value", "require")
        .evidence("source", source)
}

fn malformed(what: Malformed) -> Finding {
    let reason = match what {
        Malformed::NoKnownForm => {
            "it begins like no URI that is known here, and has no `=` as a keyword/value string has"
        }
        Malformed::OtherForm(form) => {
            return Finding::new(Code::InputMalformed, "TARGET cannot be read in any form that is known here")
                .because(format!("it is {form}; one that speaks PostgreSQL's protocol is written as postgresql://"))
                .fix(Side::Client, "write it as a URI", [URI_FORM])
                .evidence("form", form);
        }
        Malformed::JdbcUser => "a JDBC URL has no user before the host: its driver looks among the parameters",
        Malformed::ClusterOnly => {
            "a cluster and a region stand where a host has to: only the driver of AWS looks those up (here --iam does the rest, for the cluster's host name)"
        }
        Malformed::PieceWithoutEquals => "a piece is no `key=value`; a value with a semicolon in it stands in braces",
        Malformed::BraceOpen => "a `{` has no `}` before the next semicolon; within braces `}` is written twice",
        Malformed::EqualsMissing => "a word has no `=` after it; a value with a blank in it has to stand in quotes",
        Malformed::QuoteOpen => "a value begins with a quote that is never closed",
        Malformed::PercentInvalid => "a `%` is not followed by two hexadecimal digits",
        Malformed::PercentZero => "`%00` stands for a zero byte, which no value may hold",
        Malformed::BlankInside => "a blank stands within a part of the URI",
        Malformed::BracketOpen => "a `[` has no `]` after it",
        Malformed::BracketEmpty => "the brackets hold no address",
        Malformed::AfterBracket => "behind `]` only a port, a path or a parameter may come",
        Malformed::ParameterWithoutValue => "a parameter after `?` has no `=`",
        Malformed::SecondEquals => "a parameter after `?` has a second `=`; within a value it is written `%3D`",
    };
    Finding::new(Code::InputMalformed, "TARGET cannot be read in any form that is known here")
        .because(reason)
        .evidence("reason", reason)
        .fix(Side::Client, "write it as a URI, reserved characters as %XX", [URI_FORM])
        .fix(Side::Client, "or as a keyword/value string, values with blanks in single quotes", [STRING_FORM])
}

fn reserved_character(character: char) -> Finding {
    let encoded = format!("%{:02X}", u32::from(character));
    Finding::new(
        Code::InputReservedCharacter,
        format!("an unescaped `{character}` in the user or password part splits the URI in the wrong place"),
    )
    .because(if character == ':' {
        "the user of temporary credentials is `IAM:NAME`, and libpq takes what stands before the colon for all of it"
    } else {
        "libpq would take a piece of the password for the host, the port or an escape"
    })
    .fix(Side::Client, format!("write the character as {encoded}"), [format!("{character}  ->  {encoded}")])
    .fix(
        Side::Client,
        "or keep the password out of the URI",
        ["PGPASSWORD='…' pgpreflight check postgresql://USER@HOST/DATABASE"],
    )
    .evidence("character", character.to_string())
}

fn parameter_unknown(name: Option<&str>, product: Option<&'static str>, meant: Option<&'static str>) -> Finding {
    let shown = name.map(|name| format!(" `{name}`")).unwrap_or_default();
    let mut finding = Finding::new(Code::InputParameterUnknown, format!("libpq knows no parameter{shown}"));
    finding = match product {
        Some(product) => finding.because(format!("{} is a parameter of {product}", name.unwrap_or("it"))),
        None => finding.because("libpq refuses the whole string for it; letter case counts"),
    };
    finding = match meant {
        Some(meant) => finding.fix(Side::Client, "the keyword is probably", [format!("{meant}=")]),
        None => finding.advise(Side::Client, "leave it out"),
    };
    finding.evidence("parameter", name.map(str::to_owned)).evidence("product", product)
}
