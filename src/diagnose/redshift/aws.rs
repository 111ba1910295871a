//! Commands of the AWS command line for the Redshift at hand; what its host name does not tell stands in capitals.

use crate::target::RedshiftHost;

/// The Redshift that a host name is of.
#[derive(Clone, Copy)]
pub struct Aws<'a>(RedshiftHost<'a>);

impl<'a> Aws<'a> {
    /// Behind an alias, or a name of one's own, it is taken for a cluster.
    pub fn of(host: &'a str) -> Self {
        let unknown = RedshiftHost { name: "CLUSTER", region: "REGION", serverless: false, vpc_endpoint: false };
        Self(RedshiftHost::of(host).unwrap_or(unknown))
    }

    /// It is reached by an endpoint in another VPC.
    pub fn is_vpc_endpoint(self) -> bool {
        self.0.vpc_endpoint
    }

    /// What it is called.
    pub fn noun(self) -> &'static str {
        if self.0.serverless { "workgroup" } else { "cluster" }
    }

    /// Its status, whether it is public, its port and its security groups.
    pub fn describe(self) -> String {
        let RedshiftHost { name, region, serverless, vpc_endpoint } = self.0;
        match (vpc_endpoint, serverless) {
            (true, false) => format!("aws redshift describe-endpoint-access --region {region} --endpoint-name {name}"),
            (true, true) => {
                format!("aws redshift-serverless get-endpoint-access --region {region} --endpoint-name {name}")
            }
            (false, true) => format!("aws redshift-serverless get-workgroup --region {region} --workgroup-name {name}"),
            (false, false) => format!("aws redshift describe-clusters --region {region} --cluster-identifier {name}"),
        }
    }

    /// Of all there are, where they listen.
    pub fn list(self) -> String {
        let RedshiftHost { region, serverless, .. } = self.0;
        if serverless {
            format!("aws redshift-serverless list-workgroups --region {region} --query 'workgroups[].endpoint'")
        } else {
            format!("aws redshift describe-clusters --region {region} --query 'Clusters[].Endpoint'")
        }
    }

    /// Wakes it up. None where it never sleeps.
    pub fn resume(self) -> Option<String> {
        let RedshiftHost { name, region, serverless, vpc_endpoint } = self.0;
        let name = if vpc_endpoint { "CLUSTER" } else { name };
        (!serverless).then(|| format!("aws redshift resume-cluster --region {region} --cluster-identifier {name}"))
    }

    /// Gives it a public address.
    pub fn publish(self) -> String {
        let RedshiftHost { name, region, serverless, .. } = self.0;
        if serverless {
            format!(
                "aws redshift-serverless update-workgroup --region {region} --workgroup-name {name} --publicly-accessible"
            )
        } else {
            format!("aws redshift modify-cluster --region {region} --cluster-identifier {name} --publicly-accessible")
        }
    }

    /// Lets a client in through its security group.
    pub fn admit(self, port: u16) -> String {
        let region = self.0.region;
        format!(
            "aws ec2 authorize-security-group-ingress --region {region} --group-id SECURITY_GROUP --protocol tcp --port {port} --cidr CLIENT_ADDRESS/32"
        )
    }

    /// Lets routers say through its security group that a packet was too large.
    pub fn admit_icmp(self) -> String {
        let region = self.0.region;
        format!(
            "aws ec2 authorize-security-group-ingress --region {region} --group-id SECURITY_GROUP --ip-permissions 'IpProtocol=icmp,FromPort=3,ToPort=4,IpRanges=[{{CidrIp=0.0.0.0/0}}]'"
        )
    }

    /// Makes temporary credentials, as `--password-command` takes them.
    pub fn credentials(self, user: &str, database: &str) -> String {
        let RedshiftHost { name, region, serverless, .. } = self.0;
        let user = user.split_once(':').map_or(user, |(_, user)| user);
        if serverless {
            format!(
                "--password-command 'aws redshift-serverless get-credentials --region {region} --workgroup-name {name} --db-name {database}'"
            )
        } else {
            format!(
                "--password-command 'aws redshift get-cluster-credentials --region {region} --cluster-identifier {name} --db-user {user} --db-name {database}'"
            )
        }
    }
}
