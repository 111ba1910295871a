//! The name servers of this machine are asked themselves: who answers, with which response code, and by which aliases.
//! Only to explain; what is dialled is what `getaddrinfo` says.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use hickory_proto::rr::{Name, RecordType};
use resolv_conf::{Config, ScopedIp};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, timeout_at};

use super::exchange::{Question, ask as exchange, text};
use crate::probe::trace::{Answer, Asked, DnsSeen, Reply, ResponseCode};

const RESOLV_CONF: &str = "/etc/resolv.conf";

/// The limits of resolv.conf(5): so many name servers and search domains are taken.
const MOST_SERVERS: usize = 3;
const MOST_DOMAINS: usize = 6;

/// For all questions together.
const BUDGET: Duration = Duration::from_secs(1);

/// In less time than this an answer cannot be expected.
const LEAST: Duration = Duration::from_millis(10);

/// How long the other name servers have, once one has given an answer that decides.
const GRACE: Duration = Duration::from_millis(100);

/// Asks for a host name in all the ways in which `getaddrinfo` does.
pub async fn ask(host: &str, deadline: Instant) -> DnsSeen {
    let until = deadline.min(Instant::now() + BUDGET);
    let (Some(config), Some(name)) = (config(until).await, absolute(host)) else {
        return DnsSeen::default();
    };
    let mut asked = everywhere(&servers(&config), &name, until).await;
    let mut further = Vec::new();
    for asked in &mut asked {
        further.extend(look_closer(asked, &name, until).await);
    }
    asked.extend(further);
    let found = asked.iter().any(|asked| asked.answer().is_some_and(|answer| !answer.addresses.is_empty()));
    let answering = asked.iter().find(|asked| asked.answer().is_some_and(Answer::is_decisive));
    if let Some(server) = answering.map(|asked| asked.server).filter(|_| !found && !host.ends_with('.')) {
        for domain in config.get_last_search_or_domain().take(MOST_DOMAINS) {
            asked.extend(completed(server, &format!("{host}.{domain}"), until).await);
        }
    }
    DnsSeen { asked, made_up: None }
}

/// Asks for a name that cannot exist, under the top-level domain of the host: who answers that answers anything.
pub async fn ask_made_up(host: &str, deadline: Instant) -> Option<Vec<IpAddr>> {
    let until = deadline.min(Instant::now() + BUDGET);
    let top = host.trim_end_matches('.').rsplit('.').next()?;
    let label: String = (0..20).map(|_| fastrand::lowercase()).collect();
    let (config, name) = (config(until).await?, absolute(&format!("{label}.{top}"))?);
    let asked = everywhere(&servers(&config), &name, until).await;
    let answers = asked.iter().filter_map(Asked::answer).filter(|answer| answer.is_decisive());
    answers.map(|answer| answer.addresses.clone()).reduce(|all, more| [all, more].concat())
}

/// None where it cannot be read, or where there is no time to ask anybody: that would look like silence.
async fn config(until: Instant) -> Option<Config> {
    if until < Instant::now() + LEAST {
        return None;
    }
    let text = spawn_blocking(|| std::fs::read(RESOLV_CONF)).await.ok()?.ok()?;
    // A line that cannot be read is passed over, as libc does.
    Some(Config::parse_with_errors(&text).0)
}

/// Where none is named, libc asks this machine. One in a zone of its own (`fe80::1%eth0`) is not asked.
fn servers(config: &Config) -> Vec<IpAddr> {
    if config.nameservers.is_empty() {
        return vec![Ipv4Addr::LOCALHOST.into()];
    }
    let zoned = |server: &&ScopedIp| matches!(server, ScopedIp::V6(_, Some(_)));
    config.nameservers.iter().take(MOST_SERVERS).filter(|server| !zoned(server)).map(IpAddr::from).collect()
}

fn absolute(host: &str) -> Option<Name> {
    let mut name = Name::from_utf8(host).ok()?;
    name.set_fqdn(true);
    Some(name)
}

/// All name servers side by side. libc asks them one after the other.
async fn everywhere(servers: &[IpAddr], name: &Name, until: Instant) -> Vec<Asked> {
    let began = Instant::now();
    let mut asking = JoinSet::new();
    for (place, server) in servers.iter().copied().enumerate() {
        let question = Question { name: name.clone(), kind: RecordType::A, unchecked: false };
        asking.spawn(async move { (place, exchange(server, &question, until).await, began.elapsed()) });
    }
    let mut replies: Vec<Option<(Reply, Duration)>> = vec![None; servers.len()];
    let mut until = until;
    while let Ok(Some(Ok((place, reply, elapsed)))) = timeout_at(until, asking.join_next()).await {
        if matches!(&reply, Reply::Answered(answer) if answer.is_decisive()) {
            until = until.min(Instant::now() + GRACE);
        }
        if let Some(slot) = replies.get_mut(place) {
            *slot = Some((reply, elapsed));
        }
    }
    let replies = replies.into_iter().map(|reply| reply.unwrap_or((Reply::Silent, began.elapsed())));
    let name = text(name);
    let asked =
        |(server, (reply, elapsed)): (&IpAddr, _)| Asked { server: *server, name: name.clone(), reply, elapsed };
    servers.iter().zip(replies).map(asked).collect()
}

/// What one more question to the same server tells: IPv6, the end of an alias, or whether signatures are in the way.
async fn look_closer(asked: &mut Asked, name: &Name, until: Instant) -> Option<Asked> {
    let (server, began) = (asked.server, Instant::now());
    let Reply::Answered(answer) = &mut asked.reply else {
        return None;
    };
    if answer.code == ResponseCode::ServFail {
        let question = Question { name: name.clone(), kind: RecordType::A, unchecked: true };
        let unchecked = exchange(server, &question, until).await;
        answer.unchecked = Some(matches!(unchecked, Reply::Answered(unchecked) if unchecked.is_decisive()));
    }
    if answer.code != ResponseCode::NoError || !answer.addresses.is_empty() {
        return None;
    }
    let question = Question { name: name.clone(), kind: RecordType::AAAA, unchecked: false };
    if let Reply::Answered(six) = exchange(server, &question, until).await {
        answer.addresses = six.addresses;
    }
    // Some servers give the alias alone, and say nothing of where it leads.
    let end = answer.aliases.last().filter(|_| answer.addresses.is_empty())?;
    let question = Question { name: absolute(end)?, kind: RecordType::A, unchecked: false };
    let reply = exchange(server, &question, until).await;
    Some(Asked { server, name: end.clone(), reply, elapsed: began.elapsed() })
}

/// A name as a search domain of resolv.conf completes it.
async fn completed(server: IpAddr, name: &str, until: Instant) -> Option<Asked> {
    let began = Instant::now();
    let question = Question { name: absolute(name)?, kind: RecordType::A, unchecked: false };
    let reply = exchange(server, &question, until).await;
    Some(Asked { server, name: text(&question.name), reply, elapsed: began.elapsed() })
}
