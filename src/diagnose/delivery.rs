//! What the kernel's count of packets (`TCP_INFO`) says of a silence.

use super::finding::Finding;
use crate::probe::trace::{Delivery, Trace};

/// Adds whether `what` had arrived, and what else is known of the path.
pub fn tell(finding: Finding, what: &str, trace: &Trace) -> Finding {
    let finding = match trace.connected.syn_retransmits {
        0 => finding,
        times => finding
            .because(format!(
                "the connection itself came late: its first packet (SYN) was sent again {times} times; the server's \
                 queue of new connections is full, or the path loses packets"
            ))
            .evidence("syn_retransmits", times),
    };
    let Some(delivery) = &trace.at_deadline else {
        return finding;
    };
    let finding = match delivery.out_of_order {
        0 => finding,
        count => finding
            .because(format!(
                "{count} packets of the server came behind a gap: those before them, which are larger, get lost"
            ))
            .evidence("out_of_order", count),
    };
    finding
        .because(words(delivery, what))
        .evidence("acknowledged", delivery.unacknowledged == 0)
        .evidence("retransmits", delivery.retransmits)
        .evidence("path_mtu", delivery.path_mtu)
        .evidence("segment_bytes", delivery.segment)
}

/// Part of the answer came, and what stands before it did not.
pub fn has_gap(trace: &Trace) -> bool {
    trace.at_deadline.is_some_and(|delivery| delivery.out_of_order > 0)
}

fn words(delivery: &Delivery, what: &str) -> String {
    let times = delivery.retransmits;
    if delivery.is_held_back() {
        format!("{what} was sent again {times} times and has not left this machine: its own firewall drops it")
    } else if delivery.is_lost() {
        format!("{what} was sent again {times} times, and the other side has acknowledged none of it: it gets lost")
    } else if delivery.unacknowledged > 0 {
        format!("{what} is not acknowledged yet; it is too early to call it lost")
    } else {
        format!("the other side's system has acknowledged {what}: it arrived, and the answer is missing")
    }
}
