//! Where connections are registered: what can be typed.

use clap::Args;

use super::StoreArgs;

/// A platform over HTTP, or the local store directly.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Where connections are registered")]
pub struct PlatformArgs {
    /// Base URL of a Flow Service, such as `https://platform.adobe.io`, or `http://127.0.0.1:8642` for a
    /// local `serve` [default: the local store directly]
    #[arg(long, value_name = "URL", conflicts_with_all = ["store", "key_file"], requires = "org")]
    pub platform: Option<String>,

    /// Organisation, as NAME@AdobeOrg (x-gw-ims-org-id)
    #[arg(long, value_name = "ORG")]
    pub org: Option<String>,

    /// API key (x-api-key) [default: the client's id]
    #[arg(long, value_name = "KEY")]
    pub api_key: Option<String>,

    /// Sandbox (x-sandbox-name)
    #[arg(long, value_name = "NAME", default_value = "prod")]
    pub sandbox: String,

    /// Get a token for this client, whose secret is in PGPREFLIGHT_CLIENT_SECRET, unless PGPREFLIGHT_TOKEN has one
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,

    /// Base URL of the service that gives tokens
    #[arg(long, value_name = "URL", default_value = "https://ims-na1.adobelogin.com")]
    pub ims: String,

    /// Where the local store is.
    #[command(flatten)]
    pub store: StoreArgs,
}
