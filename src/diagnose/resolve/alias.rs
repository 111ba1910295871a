//! An alias (CNAME) whose target does not exist.

use super::providers;
use super::servers::Said;
use crate::diagnose::code::Code;
use crate::diagnose::finding::{Finding, Side};
use crate::probe::trace::{Answer, ResponseCode};

/// An alias that leads nowhere.
pub struct Dangling<'a> {
    /// From the host on, name by name; the last one does not exist.
    chain: Vec<&'a str>,
}

/// One server says that the name has an alias, and that its end does not exist: in one answer, or asked for the end.
pub fn dangling<'a>(said: &Said<'a>) -> Option<Dangling<'a>> {
    let missing = |answer: &Answer| answer.code == ResponseCode::NxDomain;
    said.answers().find_map(|(asked, answer)| {
        let end = answer.aliases.last()?;
        let apart = || said.answers().any(|(other, answer)| other.name.eq_ignore_ascii_case(end) && missing(answer));
        let leads_nowhere = answer.addresses.is_empty() && (missing(answer) || apart());
        let chain = std::iter::once(asked.name.as_str()).chain(answer.aliases.iter().map(String::as_str));
        leads_nowhere.then(|| Dangling { chain: chain.collect() })
    })
}

/// Names both: what points, and what it points to.
pub fn explain(dangling: &Dangling, host: &str) -> Finding {
    let (alias, target) = match dangling.chain.as_slice() {
        [.., alias, target] => (*alias, *target),
        _ => (host, host),
    };
    let finding = Finding::new(
        Code::ResolveDanglingAlias,
        format!("`{alias}` is an alias for `{target}`, and that name does not exist"),
    )
    .because(format!("the CNAME record is there ({}), and for its target comes NXDOMAIN", dangling.chain.join(" → ")))
    .because("getaddrinfo tells nothing of that: it gives the same error as for a name that was never there");
    let finding = match providers::missing(&finding, target) {
        Some(advised) => advised,
        None => finding.advise(Side::Server, format!("see whether `{target}` was deleted or renamed")),
    };
    finding
        .fix(
            Side::Network,
            "point the alias at the name that the database has now, or take it out of DNS",
            [format!("{alias}. IN CNAME NEW-NAME.")],
        )
        .evidence("alias", alias)
        .evidence("target", target)
        .evidence("aliases", dangling.chain.clone())
}
