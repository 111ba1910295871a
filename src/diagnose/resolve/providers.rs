//! Names that a provider gives: gone with what they named. Where to see the names of today.

use crate::diagnose::finding::{Finding, Side};
use crate::diagnose::provider;

/// Adds what a provider's missing name means, if it is one. By the providers' own command lines.
pub fn missing(finding: &Finding, name: &str) -> Option<Finding> {
    let provider = provider::of(name, None)?;
    let (what, commands): (&str, &[&str]) = match provider.name {
        "Amazon RDS" => (
            "the instance or cluster was deleted or renamed, or it is in another region or account",
            &[
                "aws rds describe-db-instances --query 'DBInstances[].Endpoint.Address'",
                "aws rds describe-db-clusters --query 'DBClusters[].[Endpoint,ReaderEndpoint]'",
            ],
        ),
        "Amazon Redshift" => (
            "the cluster or workgroup was deleted or renamed, or it is in another region or account",
            &[
                "aws redshift describe-clusters --query 'Clusters[].Endpoint.Address'",
                "aws redshift-serverless list-workgroups --query 'workgroups[].endpoint.address'",
            ],
        ),
        "Azure Database for PostgreSQL" => (
            "the server was deleted or never finished, or it is in a network whose private DNS zone is not linked here",
            &["az postgres flexible-server list --query '[].fullyQualifiedDomainName'"],
        ),
        "Google Cloud SQL" => ("the instance was deleted", &["gcloud sql instances list"]),
        "Supabase" => ("the project was deleted, or paused for want of use", &[]),
        _ => ("what it named was deleted or renamed", &[]),
    };
    let finding = finding.clone().because(format!("`{name}` is a name of {}: {what}", provider.name));
    let side = Side::Server;
    Some(finding.fix(side, format!("see what it is called now, at {}", provider.name), commands.iter().copied()))
}
