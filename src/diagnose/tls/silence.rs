//! Nothing came: whether what was sent had arrived tells a silent server from a path that loses data.

use std::time::Duration;

use crate::diagnose::code::{Code, Confidence};
use crate::diagnose::delivery;
use crate::diagnose::finding::{Finding, Side};
use crate::probe::trace::{Delivery, Trace};
use crate::target::Target;

/// No answer to the SSLRequest.
pub fn no_reply(after: Duration, target: &Target, trace: &Trace) -> Finding {
    if trace.at_deadline.as_ref().is_some_and(Delivery::is_lost) {
        return request_lost(after, target, trace);
    }
    let finding =
        Finding::new(Code::TlsNoReply, "the port is open, but not a byte comes: the server is frozen or overloaded")
            .because(format!("the SSLRequest was sent, and nothing came for {:.1} s", after.as_secs_f64()))
            .confidence(Confidence::Likely)
            .fix(
                Side::Server,
                "see whether the server process is stopped (T) or starved, and let a stopped one go on",
                ["ps -o pid,stat,wchan,cmd -C postgres", "sudo kill -CONT PID"],
            )
            .advise(
                Side::Client,
                "make sure that the port is PostgreSQL's: a server of another protocol may wait in silence",
            )
            .evidence("silent_s", after.as_secs_f64());
    delivery::tell(finding, "the SSLRequest", trace)
}

fn request_lost(after: Duration, target: &Target, trace: &Trace) -> Finding {
    let port = target.endpoint.port();
    let finding = Finding::new(
        Code::TlsRequestLost,
        "the port is open, and the first data sent to it gets lost: something on the way lets only the handshake pass",
    )
    .because(format!("nothing came for {:.1} s after the connection was set up", after.as_secs_f64()))
    .fix(
        Side::Network,
        "look for a firewall that sees only one direction (asymmetric routes), or that drops what it does not know",
        [format!("sudo tcpdump -ni any tcp port {port}"), "sudo nft list ruleset".to_owned()],
    )
    .advise(Side::Network, "a VPN or proxy that answers for every address looks the same when its own far end is down")
    .evidence("silent_s", after.as_secs_f64());
    delivery::tell(finding, "the SSLRequest", trace)
}

/// `S`, and nothing after it.
pub fn in_handshake(after: Duration, trace: &Trace) -> Finding {
    let (summary, confidence) = if delivery::has_gap(trace) {
        ("the server agreed to TLS, and its large packets get lost on the way", Confidence::Certain)
    } else {
        ("the server agreed to TLS, and then nothing came", Confidence::Likely)
    };
    let finding = Finding::new(Code::TlsHandshakeSilent, summary)
        .because(format!("after the ClientHello not a byte came for {:.1} s", after.as_secs_f64()))
        .because("small packets pass; where large ones are lost, the certificate never arrives (path MTU)")
        .confidence(confidence)
        .fix(
            Side::Network,
            "let ICMP `fragmentation needed` pass, or lower the MTU",
            ["sudo ip link set dev eth0 mtu 1500"],
        )
        .evidence("silent_s", after.as_secs_f64());
    delivery::tell(finding, "the ClientHello", trace)
}
