//! Where a Redshift is, by its host name (AWS, "Finding your cluster connection string", "Connecting to Amazon Redshift
//! Serverless", "Working with Redshift-managed VPC endpoints").

/// What a host name of Redshift's tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedshiftHost<'a> {
    /// The cluster, or the workgroup of a serverless one; of a VPC endpoint its own name.
    pub name: &'a str,
    /// The region.
    pub region: &'a str,
    /// It is a workgroup, and no cluster.
    pub serverless: bool,
    /// The name is that of an endpoint which Redshift manages in another VPC.
    pub vpc_endpoint: bool,
}

impl<'a> RedshiftHost<'a> {
    /// `CLUSTER.ID.REGION.redshift.amazonaws.com` or `WORKGROUP.ACCOUNT.REGION.redshift-serverless.amazonaws.com`, in
    /// China with `.cn`; the first label of a VPC endpoint is `NAME-endpoint-ID`.
    pub fn of(host: &'a str) -> Option<Self> {
        let host = host.trim_end_matches('.');
        let mut labels = host.split('.');
        let (first, _, region, service) = (labels.next()?, labels.next()?, labels.next()?, labels.next()?);
        let domain: Vec<String> = labels.map(str::to_ascii_lowercase).collect();
        let of_amazon = matches!(
            domain.iter().map(String::as_str).collect::<Vec<_>>()[..],
            ["amazonaws", "com"] | ["amazonaws", "com", "cn"]
        );
        let serverless = match service.to_ascii_lowercase().as_str() {
            "redshift" => false,
            "redshift-serverless" => true,
            _ => return None,
        };
        let (name, vpc_endpoint) = first.split_once("-endpoint-").map_or((first, false), |(name, _)| (name, true));
        of_amazon.then_some(Self { name, region, serverless, vpc_endpoint })
    }

    /// The word of the report.
    #[must_use]
    pub fn edition(self) -> &'static str {
        if self.serverless { "serverless" } else { "provisioned" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_name_tells_name_region_and_edition() {
        let host =
            |name, region, serverless, vpc_endpoint| Some(RedshiftHost { name, region, serverless, vpc_endpoint });
        let rows = [
            (
                "examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com",
                host("examplecluster", "us-west-2", false, false),
            ),
            ("c.abc.cn-north-1.Redshift.amazonaws.com.cn.", host("c", "cn-north-1", false, false)),
            (
                "default.123456789012.us-east-1.redshift-serverless.amazonaws.com",
                host("default", "us-east-1", true, false),
            ),
            ("bi-endpoint-abcdef0123.abc123.us-east-1.redshift.amazonaws.com", host("bi", "us-east-1", false, true)),
            ("db.abc.us-east-1.rds.amazonaws.com", None),
            ("c.abc.us-west-2.redshift.amazonaws.com.example.test", None),
            ("redshift.example.test", None),
        ];
        for (name, expected) in rows {
            assert_eq!(RedshiftHost::of(name), expected, "{name}");
        }
    }
}
