//! Names that exist in some places alone, and not by DNS.

use crate::diagnose::finding::{Finding, Side};

/// The host that a container runs on, as Docker calls it.
pub fn is_of_docker(host: &str) -> bool {
    ["host.docker.internal", "gateway.docker.internal"].iter().any(|name| host.eq_ignore_ascii_case(name))
}

/// Why that name is missing.
pub fn of_docker(finding: Finding, host: &str) -> Finding {
    finding.because("Docker has this name on macOS and Windows; on Linux it has to be mapped").fix(
        Side::Client,
        "map it where the container is started",
        [format!("docker run --add-host {host}:host-gateway IMAGE")],
    )
}

/// A name of multicast DNS; Kubernetes has its own under the same domain.
pub fn is_multicast(host: &str) -> bool {
    let mut labels = host.trim_end_matches('.').rsplit('.').map(str::to_ascii_lowercase);
    labels.next().as_deref() == Some("local") && labels.next().is_some_and(|label| label != "cluster")
}

/// Why that name is missing.
pub fn multicast(finding: Finding) -> Finding {
    finding.because("names under .local are those of multicast DNS (RFC 6762): name servers do not know them").fix(
        Side::Client,
        "let this machine ask by multicast (libnss-mdns), in /etc/nsswitch.conf, or use the address",
        ["hosts: files mdns4_minimal [NOTFOUND=return] dns"],
    )
}
