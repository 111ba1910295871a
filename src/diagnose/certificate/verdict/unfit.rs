//! Certificates that are not made as they have to be.

use super::super::reissue::Request;
use super::Verdict;
use crate::diagnose::code::Code;
use crate::diagnose::finding::{Finding, Side};

impl Verdict<'_> {
    pub(super) fn unfit(&self, code: Code) -> Finding {
        let request = self.request();
        let (what, fix, request) = match code {
            Code::TlsCertificatePurpose => (
                "the certificate may not be used for a server: its extended key usage lacks serverAuth",
                "have it issued anew, with extendedKeyUsage=serverAuth",
                request.for_servers(),
            ),
            Code::TlsCertificateKeyWeak if self.is_leaf(&[66]) => (
                "the key of the server's certificate is too short for today's security level",
                "have one issued for a key of P-256, or RSA with 2048 bits or more",
                request.with_new_key(),
            ),
            Code::TlsCertificateKeyWeak => (
                "a key in the certificate's chain is too short for today's security level",
                "have it issued by an authority with a key of P-256, or RSA with 2048 bits or more",
                request,
            ),
            Code::TlsCertificateSignatureWeak => (
                "a certificate of the chain is signed with a digest that is too weak",
                "have it signed with SHA-256 or better, and so each one between it and the root",
                request,
            ),
            Code::TlsCertificateIssuerNotCa => (
                "an issuer in the chain is not allowed to sign certificates",
                "have it issued under a certificate with CA:TRUE and keyCertSign, and put that behind it",
                request,
            ),
            // All its names count, not only this one.
            Code::TlsCertificateNameConstraint => (
                "an authority of the chain is not allowed to sign for the names of the certificate",
                "have it issued under an authority that is, for this name alone",
                Request::new(self.target.certificate_name()),
            ),
            _ => (
                "the certificate is refused by OpenSSL",
                "see what `openssl verify` tells, and have it issued anew",
                request,
            ),
        };
        let finding = Finding::new(code, what).because(format!("the server sent: {}", self.chain_text()));
        finding.fix(Side::Server, format!("{fix}: sign the request into server.crt, then reload"), request.lines())
    }

    fn chain_text(&self) -> String {
        self.seen.chain.iter().map(|one| format!("{} ({})", one.subject, one.key)).collect::<Vec<_>>().join(" <- ")
    }
}
