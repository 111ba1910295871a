//! What can be typed for a login that Amazon Redshift alone has; no logic.

use clap::Args;

/// Ways to log in to Amazon Redshift.
#[derive(Debug, Args)]
#[command(next_help_heading = "Amazon Redshift")]
pub struct RedshiftArgs {
    /// Have the aws command make temporary credentials, for the cluster or workgroup that the host name is of
    #[arg(long, conflicts_with_all = ["password_stdin", "password_command"])]
    pub iam: bool,

    /// Run this in a shell, and take what it prints for the token of an identity provider [env: PGPREFLIGHT_IDP_TOKEN]
    #[arg(long, value_name = "CMD")]
    pub token_command: Option<String>,

    /// Tell the server whose token it is, such as idp_type=AwsIdc; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = provider)]
    pub idp: Vec<(&'static str, String)>,
}

/// The parameters of a startup packet by which Redshift knows an identity provider.
const PROVIDER: [&str; 4] = ["idp_type", "provider_name", "token_type", "identity_namespace"];

fn provider(text: &str) -> Result<(&'static str, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    let known = PROVIDER.into_iter().find(|known| *known == name);
    known.map(|name| (name, value.to_owned())).ok_or_else(|| format!("NAME is one of {}", PROVIDER.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_redshift_knows_of_a_provider_is_taken() {
        assert_eq!(provider("idp_type=AwsIdc"), Ok(("idp_type", "AwsIdc".to_owned())));
        assert_eq!(provider("provider_name=a=b"), Ok(("provider_name", "a=b".to_owned())));
        for text in ["idp_type", "token=x", ""] {
            assert!(provider(text).is_err(), "{text}");
        }
    }
}
