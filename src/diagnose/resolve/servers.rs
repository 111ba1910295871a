//! What the name servers said, as reasons and evidence.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::diagnose::finding::Finding;
use crate::probe::trace::{Answer, Asked, DnsSeen, Reply, ResponseCode};

/// What the name servers said of a host.
pub struct Said<'a> {
    host: &'a str,
    asked: &'a [Asked],
}

impl<'a> Said<'a> {
    /// Of this host; None where they were not asked.
    pub fn new(host: &'a str, seen: Option<&'a DnsSeen>) -> Self {
        Self { host: host.trim_end_matches('.'), asked: seen.map_or(&[], |seen| &seen.asked) }
    }

    /// Every answer to any question.
    pub fn answers(&self) -> impl Iterator<Item = (&'a Asked, &'a Answer)> {
        self.asked.iter().filter_map(|asked| Some((asked, asked.answer()?)))
    }

    /// What each name server made of the name itself.
    fn replies(&self) -> impl Iterator<Item = &'a Asked> {
        self.asked.iter().filter(|asked| asked.name.eq_ignore_ascii_case(self.host))
    }

    fn of_the_name(&self) -> impl Iterator<Item = &'a Answer> {
        self.replies().filter_map(Asked::answer)
    }

    /// All were asked, and none has answered anything.
    pub fn is_silence(&self) -> bool {
        let silent = |asked: &Asked| matches!(asked.reply, Reply::Silent | Reply::Unreachable(_));
        !self.asked.is_empty() && self.asked.iter().all(silent)
    }

    /// The name exists, and has no address.
    pub fn is_empty(&self) -> bool {
        let empty = |answer: &Answer| answer.code == ResponseCode::NoError && answer.addresses.is_empty();
        self.of_the_name().any(empty) && self.of_the_name().filter(|answer| answer.is_decisive()).all(empty)
    }

    /// A name server has addresses for it.
    pub fn has_addresses(&self) -> bool {
        self.answers().any(|(_, answer)| !answer.addresses.is_empty())
    }

    /// NXDOMAIN, and nobody says otherwise.
    pub fn does_not_exist(&self) -> bool {
        let missing = |answer: &Answer| answer.code == ResponseCode::NxDomain;
        self.of_the_name().any(missing) && self.of_the_name().filter(|answer| answer.is_decisive()).all(missing)
    }

    /// What was answered is no answer.
    pub fn is_failure(&self) -> bool {
        let failed = |asked: &Asked| match &asked.reply {
            Reply::Answered(answer) => !answer.is_decisive(),
            Reply::Garbled => true,
            Reply::Silent | Reply::Unreachable(_) => false,
        };
        self.replies().any(failed) && !self.of_the_name().any(Answer::is_decisive)
    }

    /// A name server refuses to serve.
    pub fn refused(&self) -> bool {
        self.of_the_name().any(|answer| answer.code == ResponseCode::Refused)
    }

    /// The name server whose signatures do not hold.
    pub fn bogus(&self) -> Option<IpAddr> {
        self.answers().find(|(_, answer)| answer.is_bogus()).map(|(asked, _)| asked.server)
    }

    /// How that is known.
    pub fn why_bogus(&self) -> String {
        let told = self.answers().find_map(|(_, answer)| answer.extended_error.filter(|code| (5..=12).contains(code)));
        let unchecked = self.answers().any(|(_, answer)| answer.unchecked == Some(true));
        match (told, unchecked) {
            (Some(code), _) => {
                format!("the signatures (DNSSEC) do not hold: the server says so (extended error {code})")
            }
            (None, true) => {
                "the signatures (DNSSEC) do not hold: told not to check them (CD=1), the server answers".to_owned()
            }
            (None, false) => String::new(),
        }
    }

    /// The name that the last alias leads to.
    pub fn end_of_alias(&self) -> Option<&'a str> {
        self.of_the_name().find_map(|answer| answer.aliases.last()).map(String::as_str)
    }

    /// The name servers, each once.
    pub fn servers(&self) -> Vec<IpAddr> {
        let mut servers: Vec<IpAddr> = self.asked.iter().map(|asked| asked.server).collect();
        servers.sort();
        servers.dedup();
        servers
    }

    /// How it failed, in a word, where all that answered agree.
    pub fn how(&self) -> String {
        let mut codes: Vec<&Answer> = self.of_the_name().collect();
        codes.dedup_by_key(|answer| answer.code);
        match codes.as_slice() {
            [one] if !one.is_decisive() => format!(": {}", word(one.code)),
            _ => String::new(),
        }
    }

    /// Adds who was asked and what came back.
    pub fn tell(&self, finding: Finding) -> Finding {
        if self.asked.is_empty() {
            return finding
                .because("no name server could be asked itself: /etc/resolv.conf could not be used, or time was up");
        }
        let finding = self.asked.iter().fold(finding, |finding, asked| finding.because(sentence(asked)));
        let code = self.of_the_name().find(|answer| answer.is_decisive()).or_else(|| self.of_the_name().next());
        let finding = match code {
            Some(answer) => finding.evidence("response_code", word(answer.code)),
            None => finding,
        };
        finding.evidence("name_servers", entries(self.asked))
    }
}

/// Every question and its outcome, as in the facts of the stage.
pub fn entries(asked: &[Asked]) -> Vec<Value> {
    asked.iter().map(entry).collect()
}

fn entry(asked: &Asked) -> Value {
    let mut entry = json!({ "server": asked.server.to_string(), "name": asked.name, "outcome": outcome(&asked.reply) });
    if let (Some(answer), Value::Object(entry)) = (asked.answer(), &mut entry) {
        if !answer.aliases.is_empty() {
            entry.insert("aliases".to_owned(), json!(answer.aliases));
        }
        if !answer.addresses.is_empty() {
            entry.insert("addresses".to_owned(), json!(answer.addresses));
        }
    }
    entry
}

fn sentence(asked: &Asked) -> String {
    let (server, name) = (asked.server, &asked.name);
    match &asked.reply {
        Reply::Answered(answer) => {
            let code = word(answer.code);
            let end = answer.aliases.last().map_or(String::new(), |end| format!(", by alias to `{end}`"));
            match (answer.addresses.as_slice(), answer.code) {
                ([], ResponseCode::NoError) => {
                    format!("the name server {server} answered for `{name}`: {code}, no address{end}")
                }
                ([], _) => format!("the name server {server} answered for `{name}`: {code}{end}"),
                (found, _) => format!("the name server {server} answered for `{name}`: {}{end}", list(found)),
            }
        }
        Reply::Silent => {
            format!("the name server {server} did not answer for `{name}` ({} ms)", asked.elapsed.as_millis())
        }
        Reply::Unreachable(Some(111 | 61)) => format!("nothing listens at the name server's address {server}, port 53"),
        Reply::Unreachable(_) => format!("the name server {server} cannot be reached"),
        Reply::Garbled => format!("what the name server {server} sent for `{name}` is no DNS message"),
    }
}

/// Addresses in a sentence.
pub fn list(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn outcome(reply: &Reply) -> String {
    match reply {
        Reply::Answered(answer) => word(answer.code),
        Reply::Silent => "silent".to_owned(),
        Reply::Unreachable(_) => "unreachable".to_owned(),
        Reply::Garbled => "garbled".to_owned(),
    }
}

/// As dig(1) writes it.
fn word(code: ResponseCode) -> String {
    match code {
        ResponseCode::NoError => "NOERROR".to_owned(),
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::NxDomain => "NXDOMAIN".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        ResponseCode::Other(code) => format!("RCODE {code}"),
    }
}
