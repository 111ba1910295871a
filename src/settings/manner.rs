//! What the driver that TARGET is written for does otherwise than libpq, where libpq has no keyword for it; and what
//! kind of server it is for.

use crate::target::{Engine, Oddity, RedshiftHost};

/// The port of Amazon Redshift.
pub const REDSHIFT_PORT: &str = "5439";

/// The manner of a driver; the default is libpq's.
#[derive(Debug, Default)]
pub struct Manner {
    /// What TARGET says of the kind of server.
    pub engine: Option<Engine>,
    /// The driver has a trust store of its own, which is taken for the system's, and reads no `root.crt`.
    pub own_roots: bool,
    /// The name that the certificate is compared with, where it is not the host.
    pub certificate_name: Option<String>,
    /// Only the server's `N` leads to an unencrypted connection.
    pub plain_only_on_refusal: bool,
    /// What was odd about TARGET.
    pub oddities: Vec<Oddity>,
}

impl Manner {
    /// Notes an oddity.
    pub fn odd(&mut self, oddity: Oddity) {
        if !self.oddities.contains(&oddity) {
            self.oddities.push(oddity);
        }
    }

    /// Another `sslmode` than TARGET's is in force, and it is libpq's.
    pub fn forget_tls(&mut self) {
        self.own_roots = false;
        self.certificate_name = None;
        self.plain_only_on_refusal = false;
        self.oddities.retain(|oddity| !matches!(oddity, Oddity::Weak(_)));
    }
}

/// The engine that a host name, or the first of a list, tells.
pub fn engine_of_host(host: &str) -> Option<Engine> {
    RedshiftHost::of(host.split(',').next().unwrap_or_default()).map(|_| Engine::Redshift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_of_redshift_is_known_by_its_end() {
        let rows = [
            ("examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com", true),
            ("DEFAULT.123456789012.us-east-1.redshift-serverless.amazonaws.com.", true),
            ("c.abc.cn-north-1.redshift.amazonaws.com.cn,other.test", true),
            ("mydb.abc123.us-east-1.rds.amazonaws.com", false),
            ("redshift.amazonaws.com.example.test", false),
            ("", false),
        ];
        for (host, redshift) in rows {
            assert_eq!(engine_of_host(host) == Some(Engine::Redshift), redshift, "{host}");
        }
    }
}
