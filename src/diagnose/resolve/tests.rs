use std::time::Duration;

use super::*;
use crate::probe::trace::{Answer, Asked, DnsSeen, Reply, ResponseCode};

const HOST: &str = "db.example.org";

fn asked(name: &str, reply: Reply) -> Asked {
    Asked { server: [192, 0, 2, 53].into(), name: name.to_owned(), reply, elapsed: Duration::ZERO }
}

fn answered(code: ResponseCode, aliases: &[&str], addresses: &[[u8; 4]]) -> Reply {
    Reply::Answered(Answer {
        code,
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        addresses: addresses.iter().map(|octets| (*octets).into()).collect(),
        extended_error: None,
        unchecked: None,
    })
}

/// What getaddrinfo says on systems that no test here runs on, and combinations that a name server cannot be made to
/// give in time.
#[test]
fn the_name_servers_decide_what_getaddrinfo_merges() {
    use ResponseCode::{NoError, NxDomain, Refused, ServFail};
    let after = || ResolveFailure::TimedOut { after: Duration::from_secs(5) };
    let again = || ResolveFailure::ServerFailure { code: -3 };
    let empty = || asked(HOST, answered(NoError, &[], &[]));
    let missing = || asked(HOST, answered(NxDomain, &[], &[]));
    let found = || asked(HOST, answered(NoError, &[], &[[10, 0, 0, 1]]));
    let silent = || asked(HOST, Reply::Silent);
    let dangling = || asked(HOST, answered(NxDomain, &["gone.example.org"], &[]));
    let bare = || asked(HOST, answered(NoError, &["gone.example.org"], &[]));
    let end = |code| asked("gone.example.org", answered(code, &[], &[]));
    let rows: Vec<(&str, ResolveFailure, Vec<Asked>, Code)> = vec![
        ("nobody could be asked", ResolveFailure::NotFound, vec![], Code::ResolveNameNotFound),
        ("musl has no EAI_NODATA", ResolveFailure::NotFound, vec![empty()], Code::ResolveNoAddress),
        ("two views of a zone", ResolveFailure::NotFound, vec![empty(), missing()], Code::ResolveNameNotFound),
        ("hosts: files", ResolveFailure::NotFound, vec![found()], Code::ResolveNameNotFound),
        ("dangling", ResolveFailure::NotFound, vec![dangling()], Code::ResolveDanglingAlias),
        ("dangling, told apart", ResolveFailure::NoAddress, vec![bare(), end(NxDomain)], Code::ResolveDanglingAlias),
        ("the end has no address", ResolveFailure::NoAddress, vec![bare(), end(NoError)], Code::ResolveNoAddress),
        ("nobody was there", again(), vec![silent()], Code::ResolveTimedOut),
        ("nobody could be asked", again(), vec![], Code::ResolveServerFailure),
        ("it has passed", again(), vec![found()], Code::ResolveServerFailure),
        (
            "one is silent, one fails",
            after(),
            vec![silent(), asked(HOST, answered(ServFail, &[], &[]))],
            Code::ResolveServerFailure,
        ),
        (
            "one is silent, one refuses",
            after(),
            vec![silent(), asked(HOST, answered(Refused, &[], &[]))],
            Code::ResolveServerFailure,
        ),
        ("one is silent, one knows", after(), vec![silent(), missing()], Code::ResolveNameNotFound),
        ("one is silent, one knows", after(), vec![silent(), dangling()], Code::ResolveDanglingAlias),
        ("one is silent, one has it", after(), vec![silent(), found()], Code::ResolveTimedOut),
        ("nobody could be asked", after(), vec![], Code::ResolveTimedOut),
    ];
    for (why, failure, asked, expected) in rows {
        let seen = DnsSeen { asked, made_up: None };
        assert_eq!(code(&failure, &Said::new(HOST, Some(&seen))), expected, "{why}: {failure:?} {seen:?}");
    }
}
