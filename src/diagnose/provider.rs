//! Providers of databases, known by the host name or the issuer of the certificate, and what each wants from its clients.

use super::finding::{Finding, Side};
use crate::target::{Roots, Target};

/// A provider.
#[derive(Debug)]
pub struct Provider {
    /// Its name in a sentence.
    pub name: &'static str,
    /// Host names end with one of these.
    suffixes: &'static [&'static str],
    /// The issuer of a server's certificate has one of these in its name.
    issuers: &'static [&'static str],
    /// Where its root certificates are.
    roots: Bundle,
    /// What a user is called, where that is not the role alone.
    pub user_form: Option<&'static str>,
    /// What it says of TLS.
    pub tls: &'static str,
}

/// Where a provider's root certificates are.
#[derive(Clone, Copy, Debug)]
enum Bundle {
    /// A file to fetch.
    At {
        /// Its name.
        file: &'static str,
        /// Its address.
        url: &'static str,
    },
    /// A command that writes it.
    By {
        /// Its name.
        file: &'static str,
        /// The command.
        command: &'static str,
    },
    /// A file to be had on the provider's pages, signed in.
    Console {
        /// Its name there.
        file: &'static str,
        /// Where.
        page: &'static str,
    },
    /// Among the roots of the operating system.
    System,
}

const REDSHIFT: &str = "Amazon Redshift";

/// The first that fits counts. Sources: the providers' own manuals on TLS ("Using SSL/TLS to encrypt a connection to a DB
/// instance"; "Connecting using SSL" of Redshift; "TLS in Azure Database for PostgreSQL"; "Configure SSL/TLS
/// certificates" of Cloud SQL; "Connect securely" of Neon; "Postgres SSL enforcement" of Supabase; "Connecting to Heroku
/// Postgres from outside of Heroku").
static PROVIDERS: &[Provider] = &[
    Provider {
        name: REDSHIFT,
        suffixes: &[
            ".redshift.amazonaws.com",
            ".redshift.amazonaws.com.cn",
            ".redshift-serverless.amazonaws.com",
            ".redshift-serverless.amazonaws.com.cn",
        ],
        issuers: &[],
        roots: Bundle::At {
            file: "amazon-trust-ca-bundle.crt",
            url: "https://s3.amazonaws.com/redshift-downloads/amazon-trust-ca-bundle.crt",
        },
        user_form: Some("IAM:USER for temporary credentials of GetClusterCredentials"),
        tls: "the parameter require_ssl of the cluster demands TLS",
    },
    Provider {
        name: "Amazon RDS",
        suffixes: &[".rds.amazonaws.com", ".rds.amazonaws.com.cn"],
        issuers: &["Amazon RDS"],
        roots: Bundle::At {
            file: "global-bundle.pem",
            url: "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem",
        },
        user_form: None,
        tls: "the parameter rds.force_ssl, on by default from PostgreSQL 15 on, demands TLS",
    },
    Provider {
        name: "Azure Database for PostgreSQL",
        suffixes: &[".postgres.database.azure.com"],
        issuers: &[],
        roots: Bundle::System,
        user_form: Some("USER@SERVER on Single Server, USER alone on Flexible Server"),
        tls: "the parameter require_secure_transport, on by default, demands TLS",
    },
    Provider {
        name: "Google Cloud SQL",
        suffixes: &[".sql.goog"],
        issuers: &["Google Cloud SQL"],
        roots: Bundle::By {
            file: "server-ca.pem",
            command: "gcloud sql instances describe INSTANCE --format='value(serverCaCert.cert)' > server-ca.pem",
        },
        user_form: Some("the e-mail address for IAM users; of service accounts without .gserviceaccount.com"),
        tls: "the SSL mode of the instance may demand TLS, or a client certificate",
    },
    Provider {
        name: "Neon",
        suffixes: &[".neon.tech"],
        issuers: &[],
        roots: Bundle::System,
        user_form: None,
        tls: "TLS with the server's name (sslsni=1) is always demanded",
    },
    Provider {
        name: "Supabase",
        suffixes: &[".supabase.co", ".supabase.com"],
        issuers: &["Supabase"],
        roots: Bundle::Console {
            file: "prod-ca-2021.crt",
            page: "the project's Database Settings, under SSL Configuration",
        },
        user_form: Some("USER.PROJECT_REF at the pooler, USER alone at db.PROJECT_REF.supabase.co"),
        tls: "SSL enforcement is a setting of the project",
    },
];

/// The provider of this host, or of the issuer of its certificate.
pub fn of(host: &str, issuer: Option<&str>) -> Option<&'static Provider> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let by_host = |provider: &&Provider| provider.suffixes.iter().any(|suffix| host.ends_with(suffix));
    let by_issuer =
        |provider: &&Provider| issuer.is_some_and(|issuer| provider.issuers.iter().any(|known| issuer.contains(known)));
    PROVIDERS.iter().find(by_host).or_else(|| PROVIDERS.iter().find(by_issuer))
}

/// The pooler that a provider has at this host, by the host name alone.
pub fn pooler_of(target: &Target) -> Option<&'static str> {
    let host = target.endpoint.host().trim_end_matches('.').to_ascii_lowercase();
    let provider = of(&host, None)?;
    let first = host.split('.').next().unwrap_or_default();
    match provider.name {
        "Amazon RDS" if host.contains(".proxy-") => Some("RDS Proxy"),
        "Neon" if first.ends_with("-pooler") => Some("Neon's PgBouncer"),
        "Supabase" if host.ends_with(".pooler.supabase.com") => Some("Supavisor"),
        _ => None,
    }
}

/// Where the host or the issuer of its certificate is a provider's: how to trust what that signs with. RDS Proxy has a
/// certificate of a public authority, unlike the databases behind it.
pub fn trust(finding: Finding, target: &Target, issuer: &str) -> Finding {
    let Some(provider) = of(target.endpoint.host(), Some(issuer)) else {
        return finding;
    };
    let public = pooler_of(target) == Some("RDS Proxy");
    let bundle = if public { Bundle::System } else { provider.roots };
    if bundle.is_in_force(target) {
        return finding;
    }
    provider.roots(finding, bundle)
}

/// The same for the roots of Amazon Redshift, whatever name its host goes by.
pub fn trust_redshift(finding: Finding, target: &Target) -> Finding {
    match PROVIDERS.iter().find(|provider| provider.name == REDSHIFT) {
        Some(provider) if !provider.roots.is_in_force(target) => provider.roots(finding, provider.roots),
        _ => finding,
    }
}

impl Bundle {
    fn is_in_force(self, target: &Target) -> bool {
        match (self, &target.tls.roots) {
            (Self::System, Roots::System) => true,
            (Self::At { file, .. } | Self::By { file, .. } | Self::Console { file, .. }, Roots::File(path)) => {
                path.ends_with(file)
            }
            _ => false,
        }
    }
}

impl Provider {
    fn roots(&self, finding: Finding, bundle: Bundle) -> Finding {
        let trust = |file: &str| format!("sslrootcert={file}");
        match bundle {
            Bundle::At { file, url } => finding.fix(
                Side::Client,
                format!("trust the roots of {}: fetch them, and name the file", self.name),
                [format!("curl -fsS -o {file} {url}"), trust(file)],
            ),
            Bundle::By { file, command } => finding.fix(
                Side::Client,
                format!("trust the root of {}: write it to a file, and name that", self.name),
                [command.to_owned(), trust(file)],
            ),
            Bundle::Console { file, page } => finding.fix(
                Side::Client,
                format!("trust the root of {}: download it ({page}), and name the file", self.name),
                [trust(file)],
            ),
            // libpq knows the word from 16 on.
            Bundle::System => finding.fix(
                Side::Client,
                format!("{} has a certificate of a public authority: trust the roots of the system", self.name),
                ["sslrootcert=system"],
            ),
        }
    }
}

/// Where the provider has another endpoint for clients without the address family of this one: Supabase gives a project's
/// own host IPv6 addresses only, and its pooler IPv4 ("Connect to your database", IPv4 and IPv6 compatibility).
pub fn other_family(finding: Finding, target: &Target, lacks_version_6: bool) -> Finding {
    let host = target.endpoint.host().trim_end_matches('.').to_ascii_lowercase();
    let project = host.strip_prefix("db.").and_then(|rest| rest.strip_suffix(".supabase.co"));
    let Some(project) = project.filter(|_| lacks_version_6) else {
        return finding;
    };
    let user = target.user.as_str();
    finding
        .because("this is Supabase: a project's own host has IPv6 addresses only, unless the IPv4 add-on is bought")
        .fix(
            Side::Client,
            "dial its session pooler, which has IPv4 addresses (the Connect page of the project has its exact host)",
            [format!("host=aws-0-REGION.pooler.supabase.com port=5432 user={user}.{project}")],
        )
}

/// What the provider of the target wants of TLS and of user names, as a reason.
pub fn wants_tls(finding: Finding, target: &Target) -> Finding {
    match of(target.endpoint.host(), None) {
        Some(provider) => finding.because(format!("this is {}: {}", provider.name, provider.tls)),
        None => finding,
    }
}

/// What a user is called there, as a reason.
pub fn names_users(finding: Finding, target: &Target) -> Finding {
    match of(target.endpoint.host(), None).and_then(|provider| Some((provider.name, provider.user_form?))) {
        Some((name, form)) => finding.because(format!("the form of a user name at {name}: {form}")),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_known_by_host_or_issuer() {
        let rows = [
            ("db.abc.eu-west-1.rds.amazonaws.com", None, Some("Amazon RDS")),
            ("DB.abc.eu-west-1.RDS.amazonaws.com.", None, Some("Amazon RDS")),
            ("db.abc.cn-north-1.rds.amazonaws.com.cn", None, Some("Amazon RDS")),
            ("c.abc.eu-west-1.redshift.amazonaws.com", None, Some("Amazon Redshift")),
            ("wg.123.eu-west-1.redshift-serverless.amazonaws.com", None, Some("Amazon Redshift")),
            ("x.postgres.database.azure.com", None, Some("Azure Database for PostgreSQL")),
            ("ep-a-b.eu-central-1.aws.neon.tech", None, Some("Neon")),
            ("db.abc.supabase.co", None, Some("Supabase")),
            ("10.0.0.3", Some("CN=Google Cloud SQL Server CA, O=Google, Inc"), Some("Google Cloud SQL")),
            ("alias.example.com", Some("CN=Amazon RDS eu-west-1 Root CA RSA2048 G1"), Some("Amazon RDS")),
            ("rds.amazonaws.com.example.com", None, None),
            ("notrds.amazonaws.com", Some("CN=Acme CA"), None),
        ];
        for (host, issuer, expected) in rows {
            assert_eq!(of(host, issuer).map(|provider| provider.name), expected, "{host} {issuer:?}");
        }
    }
}
