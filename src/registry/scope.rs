//! Who acts, and where. Connections of one organisation and sandbox are not seen in another.

use uuid::{Builder, Uuid};

use crate::registry::api::Owner;

/// The organisation of connections that are registered without a server in between, and of the client that `serve` makes.
pub const LOCAL_ORGANIZATION: &str = "local@AdobeOrg";

/// The sandbox where nobody names one.
pub const DEFAULT_SANDBOX: &str = "prod";

/// The client that connections registered without a server are of.
pub const LOCAL_CLIENT: &str = "pgpreflight";

/// One client in one sandbox of one organisation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    /// As `x-gw-ims-org-id` has it.
    pub organization: String,
    /// As `x-sandbox-name` has it.
    pub sandbox: String,
    /// As `x-api-key` has it.
    pub client: String,
}

impl Scope {
    /// This machine's own, in the default sandbox.
    pub fn local() -> Self {
        Self {
            organization: LOCAL_ORGANIZATION.to_owned(),
            sandbox: DEFAULT_SANDBOX.to_owned(),
            client: LOCAL_CLIENT.to_owned(),
        }
    }

    /// The sandbox's UUID: the same wherever and whenever it is asked for.
    pub fn sandbox_id(&self) -> Uuid {
        let name = format!("{}\0{}", self.organization, self.sandbox);
        let mut bytes = [0; 16];
        for (byte, digested) in bytes.iter_mut().zip(openssl::sha::sha256(name.as_bytes())) {
            *byte = digested;
        }
        Builder::from_random_bytes(bytes).into_uuid()
    }

    /// What a connection that is made here says of its owner.
    pub fn owner(&self) -> Owner {
        Owner {
            created_by: self.client.clone(),
            updated_by: self.client.clone(),
            created_client: self.client.clone(),
            updated_client: self.client.clone(),
            sandbox_id: self.sandbox_id().to_string(),
            sandbox_name: self.sandbox.clone(),
            ims_org_id: self.organization.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandbox_has_one_id_and_shares_it_with_no_other() {
        let prod = Scope::local();
        let dev = Scope { sandbox: "dev".to_owned(), ..Scope::local() };
        let foreign = Scope { organization: "other@AdobeOrg".to_owned(), ..Scope::local() };
        assert_eq!(prod.sandbox_id(), Scope::local().sandbox_id());
        assert_ne!(prod.sandbox_id(), dev.sandbox_id());
        assert_ne!(prod.sandbox_id(), foreign.sandbox_id());
        assert_eq!(prod.sandbox_id().get_version_num(), 4);
    }
}
