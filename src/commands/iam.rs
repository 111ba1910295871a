//! `--iam`: the aws command makes the credentials; nothing of AWS's is built in.

use std::time::Duration;

use tokio::process::Command;

use super::credentials::{self, Credentials};
use super::password;
use crate::error::Trouble;
use crate::target::{RedshiftHost, Target};

/// Has credentials made for this target. None where its host name does not say which cluster or workgroup it is of.
pub async fn credentials(target: &Target, patience: Duration) -> Result<Option<Credentials>, Trouble> {
    let Some(arguments) = arguments(target) else {
        return Ok(None);
    };
    let mut command = Command::new("aws");
    command.args(arguments);
    let output = password::output_of(command, patience).await?;
    Ok(Some(credentials::read(&output)))
}

/// A user that was named is asked for by name; else it is the one that belongs to the identity. A workgroup has no other.
fn arguments(target: &Target) -> Option<Vec<String>> {
    let host = RedshiftHost::of(target.endpoint.host()).filter(|host| !host.vpc_endpoint)?;
    let named = target.sources.get("user").is_some_and(|source| source != "default");
    let user = target.user.split_once(':').map_or(target.user.as_str(), |(_, user)| user);
    // libpq's default is the user's name, who is not known yet.
    let database = target.sources.get("dbname").filter(|source| *source != "default").map(|_| target.database.as_str());
    let mut arguments = match (host.serverless, named) {
        (true, _) => vec!["redshift-serverless", "get-credentials", "--workgroup-name", host.name],
        (false, true) => {
            vec!["redshift", "get-cluster-credentials", "--cluster-identifier", host.name, "--db-user", user]
        }
        (false, false) => vec!["redshift", "get-cluster-credentials-with-iam", "--cluster-identifier", host.name],
    };
    arguments.extend(database.into_iter().flat_map(|database| ["--db-name", database]));
    arguments.extend(["--region", host.region, "--output", "json"]);
    Some(arguments.into_iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{self, Sources};
    use crate::target::Secret;

    fn asked(target: &str) -> Option<String> {
        let sources = Sources { target: Some(Secret::new(target.to_owned())), ..Sources::default() };
        arguments(&settings::read(&sources).ok()?).map(|arguments| arguments.join(" "))
    }

    #[test]
    fn the_host_name_says_what_to_ask_aws_for() {
        let cluster = "c.abc.eu-west-1.redshift.amazonaws.com";
        let workgroup = "wg.123456789012.eu-west-1.redshift-serverless.amazonaws.com";
        let rest = "--region eu-west-1 --output json";
        let rows = [
            (
                format!("postgresql://IAM%3Aalice@{cluster}/dev"),
                Some(format!(
                    "redshift get-cluster-credentials --cluster-identifier c --db-user alice --db-name dev {rest}"
                )),
            ),
            (
                format!("host={cluster} dbname=dev"),
                Some(format!("redshift get-cluster-credentials-with-iam --cluster-identifier c --db-name dev {rest}")),
            ),
            (
                format!("host={workgroup} dbname=dev user=alice"),
                Some(format!("redshift-serverless get-credentials --workgroup-name wg --db-name dev {rest}")),
            ),
            (
                format!("host={workgroup}"),
                Some(format!("redshift-serverless get-credentials --workgroup-name wg {rest}")),
            ),
            ("host=bi-endpoint-1.abc.eu-west-1.redshift.amazonaws.com".to_owned(), None),
            ("host=redshift.example.test".to_owned(), None),
        ];
        for (target, expected) in rows {
            assert_eq!(asked(&target), expected, "{target}");
        }
    }
}
