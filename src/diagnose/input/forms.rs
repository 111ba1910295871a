//! Findings on a TARGET as it is written: the place in it, its values, and what other clients make of it.

use std::path::Path;

use crate::diagnose::code::Code;
use crate::diagnose::finding::{Finding, Fix, Side};
use crate::settings::{InputFailure, Pointer};
use crate::target::{Suspect, WeakSetting};

/// A failure with its place in TARGET, before everything else that is to be done.
pub fn pointed(failure: &InputFailure, pointer: &Pointer) -> Finding {
    let Pointer { shown, column, width, corrected } = pointer;
    let mut finding = super::explain(failure);
    // With the string as it should be, nobody needs the forms that there are.
    if corrected.is_some() && matches!(failure, InputFailure::Malformed(_)) {
        finding.fixes.clear();
    }
    let caret = format!("{}{}", " ".repeat(*column), "^".repeat(*width));
    let look = (shown != "***").then(|| fix("look at the place that is marked", vec![shown.clone(), caret]));
    let write = corrected.as_ref().map(|corrected| {
        let encoded = matches!(failure, InputFailure::ReservedCharacter(_));
        fix(if encoded { "write it so, *** with the codes" } else { "write it so" }, vec![corrected.clone()])
    });
    finding.fixes.splice(0..0, look.into_iter().chain(write));
    if shown.contains("***") {
        finding = finding.because("*** stands for everything that could be a piece of a password");
    }
    finding.evidence("input", shown.as_str()).evidence("caret", *column).evidence("corrected", corrected.clone())
}

fn fix(what: &str, lines: Vec<String>) -> Fix {
    Fix { side: Side::Client, what: what.to_owned(), lines }
}

/// The file holds no JSON.
pub fn json(path: &Path, (line, column): (usize, usize), what: &str) -> Finding {
    let path = path.display();
    Finding::new(Code::InputMalformed, format!("{path} is not JSON: line {line}, column {column}"))
        .because(what)
        .because("nothing of the file is shown, since it holds a password")
        .fix(Side::Client, "correct the place", [format!("{path}:{line}:{column}")])
        .fix(Side::Client, "and let a parser look at all of it", [format!("jq empty {path}")])
        .evidence("path", path.to_string())
        .evidence("line", line)
        .evidence("column", column)
        .evidence("reason", what)
}

/// It is JSON, and not the body of a request.
pub fn payload(path: &Path, field: &str, what: &str) -> Finding {
    let path = path.display();
    Finding::new(Code::InputMalformed, format!("{path} is no body of POST /connections that can be used"))
        .because(format!("{field} {what}"))
        .fix(
            Side::Client,
            "write it as the platform has it",
            [
                "{\"name\": \"NAME\",",
                " \"auth\": {\"specName\": \"Basic Authentication\", \"params\": {\"server\": \"HOST\", \"port\": \"5432\",",
                "  \"database\": \"DATABASE\", \"username\": \"USER\", \"password\": \"PASSWORD\"}},",
                " \"connectionSpec\": {\"id\": \"74a1c565-4e59-48d7-9d67-7c03b8a13137\", \"version\": \"1.0\"}}",
            ],
        )
        .evidence("path", path.to_string())
        .evidence("field", field)
}

/// Blanks, a line end or quotes around a value.
pub fn padded(suspect: &Suspect) -> Finding {
    let Suspect { keyword, source, shown } = suspect;
    let finding = Finding::new(
        Code::InputPadded,
        format!("the value of {keyword} (from {source}) has blanks, a line end or quotes around it"),
    );
    let finding = match shown {
        Some(shown) => {
            finding.because(format!("libpq takes them for a part of it; between the marks it is: »{shown}«"))
        }
        None => finding.because("libpq takes them for a part of it; the value is secret, and not shown"),
    };
    finding
        .fix(Side::Client, "store the value bare", ["printf %s 'VALUE'   # not: echo"])
        .evidence("keyword", *keyword)
        .evidence("source", source.as_str())
        .evidence("value", shown.clone())
}

/// A template that nobody has filled in.
pub fn placeholder(suspect: &Suspect) -> Finding {
    let Suspect { keyword, source, shown } = suspect;
    let value = shown.as_ref().map(|shown| format!(": {shown}")).unwrap_or_default();
    Finding::new(
        Code::InputPlaceholder,
        format!("the value of {keyword} (from {source}) looks like a template that was not filled in{value}"),
    )
    .because("it is written as tools write the place of a value that is still to come, and was used as it is")
    .fix(
        Side::Client,
        "put the real value there, and see that your tool or shell fills it in",
        [format!("{keyword}=VALUE")],
    )
    .advise(
        Side::Client,
        "a shell fills in $NAME within double quotes, not within single ones; env files mostly do not",
    )
    .evidence("keyword", *keyword)
    .evidence("source", source.as_str())
    .evidence("value", shown.clone())
}

/// Characters that libpq takes as they are, and other clients cut at.
pub fn not_portable(characters: &str) -> Finding {
    let encoded = |c: char| format!("{c}  ->  %{:02X}", u32::from(c));
    let list: Vec<String> = characters.chars().map(|c| format!("`{c}`")).collect();
    Finding::new(
        Code::InputNotPortable,
        format!("the user or password of the URI has an unescaped {}", list.join(" and ")),
    )
    .because("libpq takes it as it is; URL parsers of other languages cut the URI there, and dial another host")
    .fix(Side::Client, "write the character by its code, which every client reads", characters.chars().map(encoded))
    .evidence("characters", characters)
}

/// A key that the driver drops without a word.
pub fn key_ignored(key: &str, meant: Option<&str>) -> Finding {
    let finding =
        Finding::new(Code::InputSettingIgnored, format!("{key} has no effect: the platform's driver ignores it"))
            .because(match meant {
                Some(meant) => format!("the driver knows {meant}, and drops what it does not know without a word"),
                None => "the driver drops it without a word, here or together with the other settings".to_owned(),
            })
            .evidence("keyword", key)
            .evidence("meant", meant);
    match meant {
        Some(meant) => finding.fix(Side::Client, "write the key so", [format!("{meant}=")]),
        None => finding.fix(
            Side::Client,
            "leave it out; to have the server's certificate checked, chain and name, write",
            ["EncryptionMethod=1;ValidateServerCertificate=1;HostNameInCertificate=HOST"],
        ),
    }
}

/// A setting that demands less than it seems to.
pub fn weaker_than_it_looks(setting: WeakSetting) -> Finding {
    let (text, summary, reason) = match setting {
        WeakSetting::NameUnchecked => (
            "ValidateServerCertificate=1",
            "ValidateServerCertificate=1 checks who signed the certificate, not whose it is",
            "without HostNameInCertificate any certificate of a trusted authority will do, for any host",
        ),
        WeakSetting::PlainIfNotOffered => (
            "EncryptionMethod=6",
            "EncryptionMethod=6 goes on without encryption where the server offers none",
            "whoever is between can say that the server offers none; and no certificate is checked",
        ),
    };
    Finding::new(Code::InputWeakerThanItLooks, summary)
        .because(reason)
        .fix(
            Side::Client,
            "demand encryption, a trusted certificate, and the name in it",
            ["EncryptionMethod=1;ValidateServerCertificate=1;HostNameInCertificate=HOST"],
        )
        .evidence("setting", text)
}
