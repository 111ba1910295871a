//! Stages resolve, connect and tls: what stands between a client and a Redshift.

use super::super::code::Code;
use super::super::finding::{Finding, Side};
use super::super::provider;
use super::Case;

/// Redshift's own port.
const PORT: u16 = 5439;

impl Case<'_> {
    pub(super) fn network(&self, finding: Finding) -> Finding {
        match finding.code {
            Code::ResolveNameNotFound | Code::ResolveNoAddress => finding
                .because(format!(
                    "a {} that was deleted, renamed or restored has another name, or none",
                    self.aws.noun()
                ))
                .fix(Side::Server, "see what names there are", [self.aws.list()]),
            Code::ConnectTimedOut => self.timed_out(finding),
            Code::ConnectRefused => {
                let finding = finding.without_fixes().fix(
                    Side::Server,
                    "see on which port it listens, and whether it is available",
                    [self.aws.describe()],
                );
                if self.target.endpoint.port() == PORT {
                    return finding;
                }
                finding.fix(Side::Client, "check the port; Redshift's own is", [format!("port={PORT}")])
            }
            _ => finding,
        }
    }

    /// Nothing comes back at all, and three things of Redshift's own look just like it.
    fn timed_out(&self, finding: Finding) -> Finding {
        let private = finding.evidence.get("private_address").is_some_and(|private| private == true);
        let port = self.target.endpoint.port();
        let finding = finding.without_fixes();
        let finding = match self.aws.resume() {
            Some(resume) => finding
                .because("it looks so when the cluster is paused, when it is not publicly accessible, and when no security group lets this address in; which it is cannot be told from here")
                .fix(Side::Server, "see which it is: ClusterStatus, PubliclyAccessible, VpcSecurityGroups", [self.aws.describe()])
                .fix(Side::Server, "if it is paused, resume it", [resume]),
            None => finding
                .because("it looks so when the workgroup is not publicly accessible, and when no security group lets this address in; which it is cannot be told from here")
                .fix(Side::Server, "see which it is: publiclyAccessible, securityGroupIds", [self.aws.describe()]),
        };
        let finding = finding.fix(Side::Network, format!("let this address in on port {port}"), [self.aws.admit(port)]);
        if private || self.aws.is_vpc_endpoint() {
            return finding.advise(
                Side::Network,
                "a private address is reached from within its VPC only: by peering, VPN, a bastion host, or a Redshift-managed VPC endpoint",
            );
        }
        finding.fix(Side::Network, "or, if it has no public address, give it one", [self.aws.publish()])
    }

    pub(super) fn tls(&self, finding: Finding) -> Finding {
        match finding.code {
            Code::TlsHandshakeSilent => self.jumbo_frames(finding),
            Code::TlsNotOffered | Code::TlsPlaintext if finding.fixes.iter().any(|fix| fix.side == Side::Server) => {
                finding
                    .because("every Redshift offers TLS: what answers is something in front of it, or no Redshift")
                    .without(Side::Server)
                    .advise(Side::Network, "look at the tunnel, proxy or balancer that this host and port lead to")
            }
            Code::TlsVersionUnsupported => finding
                .because("Redshift takes TLS 1.2 and later")
                .without(Side::Server)
                .advise(Side::Client, "allow TLS 1.2: an old library of TLS, or a policy of this system, may forbid it"),
            Code::TlsCertificateUnknownIssuer if !has_bundle(&finding) => {
                provider::trust_redshift(certificate(finding), self.target)
            }
            Code::TlsNotVerified => finding,
            Code::TlsNoReply => self.by_aws(finding).advise(
                Side::Network,
                "where a balancer or tunnel stands before it: that accepts connections, whether or not the cluster is paused",
            ),
            code if code.as_str().starts_with("tls-certificate-") => certificate(finding),
            _ if finding.fixes.iter().any(|fix| fix.side == Side::Server) => self.by_aws(finding),
            _ => finding,
        }
    }

    /// Nodes have an MTU of 9001, and paths to the outside 1500; where no ICMP comes through, nobody tells them.
    pub(super) fn jumbo_frames(&self, finding: Finding) -> Finding {
        finding
            .because("Redshift sends frames of up to 9001 bytes (MTU), and a path of 1500 drops them, unless ICMP type 3 code 4 tells it")
            .without_fixes()
            .fix(Side::Network, "let that ICMP in: by its security group, and by the network ACL", [self.aws.admit_icmp()])
            .fix(
                Side::Client,
                "or announce smaller segments (eth0 stands for the interface)",
                ["sudo ip link set dev eth0 mtu 1500"],
            )
    }
}

/// Nobody installs a certificate in a Redshift.
fn certificate(finding: Finding) -> Finding {
    if !finding.fixes.iter().any(|fix| fix.side == Side::Server) {
        return finding;
    }
    finding.without(Side::Server).advise(
        Side::Server,
        "its certificate is AWS's own, or that of its custom domain in ACM: if this is neither, something between shows another",
    )
}

fn has_bundle(finding: &Finding) -> bool {
    finding.fixes.iter().flat_map(|fix| &fix.lines).any(|line| line.contains("amazon-trust-ca-bundle"))
}
