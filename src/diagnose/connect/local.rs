//! What this machine itself does not let out.

use super::{Dialling, icmp};
use crate::diagnose::code::Code;
use crate::diagnose::finding::{Finding, Side};

impl Dialling<'_> {
    pub(super) fn blocked_locally(&self) -> Finding {
        self.forbidden_here()
            .because("the system call itself was refused (EACCES, EPERM or EINVAL): a local route or firewall rule")
            .fix(
                Side::Client,
                "look at the local routes and filters",
                [format!("ip route get {}", self.ip_text()), "sudo nft list ruleset".to_owned()],
            )
    }

    pub(super) fn rejected_locally(&self) -> Finding {
        let finding = self.forbidden_here();
        let finding = match self.icmp() {
            Some(message) => finding.because(format!(
                "{} came at once, from an address of this machine itself: {}",
                icmp::name(message),
                icmp::sender(message)
            )),
            None => finding.because(
                "a reset came at once, and also for a SYN that could go nowhere but over loopback: nobody else sent it",
            ),
        };
        self.open_output(finding)
    }

    pub(super) fn dropped_locally(&self) -> Finding {
        let waited = self.connected.attempts.first().map_or(0.0, |attempt| attempt.elapsed.as_secs_f64());
        let finding = self
            .forbidden_here()
            .because(format!("no answer came within {waited:.1} s"))
            .because("the first packet (SYN) was sent again, and the kernel counts none that has left (TCP_INFO)");
        self.open_output(finding)
    }

    fn forbidden_here(&self) -> Finding {
        Finding::new(Code::ConnectBlockedLocally, format!("this machine forbids connections to {}", self.address()))
    }

    fn open_output(&self, finding: Finding) -> Finding {
        finding.fix(
            Side::Client,
            "find the rule of the local firewall, and let the port out (names of table and chain as you find them)",
            [
                "sudo nft list ruleset".to_owned(),
                format!("sudo nft insert rule inet filter output tcp dport {} accept", self.port()),
            ],
        )
    }
}
