//! Why a host name has no address.

use super::code::{Code, Confidence};
use super::finding::{Finding, Side};
use crate::probe::trace::ResolveFailure;
use crate::target::Target;

/// The one cause.
pub fn explain(failure: &ResolveFailure, target: &Target) -> Finding {
    let host = target.endpoint.host();
    let source = target.sources.get("host").map_or("default", String::as_str);
    let finding = match failure {
        ResolveFailure::NotFound => Finding::new(Code::ResolveNameNotFound, format!("there is no host named `{host}`"))
            .because("the resolver answered that the name does not exist (EAI_NONAME)")
            .because(format!("the name came from: {source}"))
            .fix(Side::Client, "check the spelling, and ask the resolver yourself", [format!("getent ahosts {host}")])
            .advise(Side::Network, "if the name is a private one, join its network (VPN, VPC) or attach its zone"),
        ResolveFailure::NoAddress => {
            Finding::new(Code::ResolveNoAddress, format!("the name `{host}` exists, but has no address"))
                .because("the resolver knows the name, and has no A or AAAA record for it (EAI_NODATA)")
                .fix(
                    Side::Network,
                    "add an address record, or use the name that has one",
                    [format!("{host}. IN A ADDRESS")],
                )
        }
        ResolveFailure::ServerFailure { code } => {
            Finding::new(Code::ResolveServerFailure, format!("the resolver could not answer for `{host}`"))
                .because(format!(
                    "getaddrinfo failed with EAI code {code}: a name server refused, failed or was not reached"
                ))
                .fix(Side::Client, "see which resolver is asked, and whether it answers", ["cat /etc/resolv.conf"])
                .advise(Side::Network, "check VPN, split DNS and DNSSEC of the zone")
                .evidence("eai_code", *code)
        }
        ResolveFailure::NameInvalid => {
            Finding::new(Code::ResolveNameInvalid, format!("`{host}` cannot be a host name"))
                .because(
                    "a label of it is empty, longer than 63 octets, or has a blank in it (RFC 1035, section 2.3.4)",
                )
                .advise(Side::Client, "correct the host")
        }
        ResolveFailure::TimedOut { after } => {
            Finding::new(Code::ResolveTimedOut, format!("no resolver answered for `{host}`"))
                .because(format!("nothing came within {:.1} s", after.as_secs_f64()))
                .confidence(Confidence::Likely)
                .fix(
                    Side::Client,
                    "see which resolver is asked, and whether it can be reached",
                    ["cat /etc/resolv.conf"],
                )
        }
    };
    finding.evidence("host", host)
}
