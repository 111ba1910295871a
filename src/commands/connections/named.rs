//! The connection that is meant: by its id, or by a name that only one has.

use uuid::Uuid;

use super::End;
use crate::commands::misuse::Misuse;
use crate::registry::api::Connection;
use crate::registry::service::{Fault, ListQuery, Service, ServiceError};

/// Looks it up as it is now.
pub(super) async fn named(text: &str, service: &Service) -> Result<Connection, End> {
    if let Ok(id) = text.parse::<Uuid>() {
        return Ok(service.show(id).await?);
    }
    let mut found = service.list(&ListQuery::named(text, None)).await?;
    found.retain(|connection| connection.name == text);
    match found.as_slice() {
        [] => Err(ServiceError::new(Fault::NotFound).into()),
        [one] => Ok(service.show(one.id).await?),
        several => {
            let ids: Vec<String> = several.iter().map(|connection| connection.id.to_string()).collect();
            Err(Misuse(format!("several connections have that name; give the id of one: {}", ids.join(", "))).into())
        }
    }
}
