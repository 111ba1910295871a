//! The store in PostgreSQL, for several services behind a balancer. The same rows and statements as the embedded one, in
//! the schema `pgpreflight`; every change is one statement, so that what was acknowledged is committed.

mod migrate;
mod pool;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use bytes::BytesMut;
use tokio_postgres::Row;
use tokio_postgres::types::{IsNull, ToSql, Type};
use uuid::Uuid;

use self::pool::Pool;
use super::{Keys, StoreError, damaged, known_sealer};
use crate::registry::api::{Connection, ConnectionRequest, Created};
use crate::registry::auth::Auth;
use crate::registry::query::{Page, Query, Statement, Value};
use crate::registry::record::{self, Change, Checked, Record};
use crate::registry::scope::Scope;
use crate::registry::seal::Sealer;
use crate::target::Target;

type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// Base connections in a PostgreSQL database.
#[derive(Debug)]
pub struct PgStore {
    pool: Pool,
    keys: Mutex<Keys>,
}

impl PgStore {
    /// Connects, makes or updates the schema, and reads the key, which is made when the store is new.
    pub async fn open(target: &Target, key: &Path) -> Result<Self, StoreError> {
        let pool = Pool::new(target)?;
        let keys = migrate::migrate(&pool, key).await?;
        Ok(Self { pool, keys: Mutex::new(keys) })
    }

    /// The key that it seals with.
    pub fn sealer(&self) -> Sealer {
        self.keys().sealer
    }

    /// As [`super::Store::create`].
    pub async fn create(
        &self,
        scope: &Scope,
        request: &ConnectionRequest,
        report: Option<&str>,
    ) -> Result<Created, StoreError> {
        let sql = "
            INSERT INTO connection
                (id, organization, sandbox, name, description, spec_id, state, etag, created_at, updated_at,
                 document, secrets, report)
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
            WHERE EXISTS (SELECT FROM seal_check WHERE sealed = $14)";
        loop {
            let keys = self.keys();
            let Record { connection, document, secrets } = Record::new(scope, request, &keys.sealer)?;
            let id = connection.id.to_string();
            let values: [Param<'_>; 14] = [
                (&id, Type::TEXT),
                (&connection.owner.ims_org_id, Type::TEXT),
                (&connection.owner.sandbox_name, Type::TEXT),
                (&connection.name, Type::TEXT),
                (&connection.description, Type::TEXT),
                (&connection.connection_spec.id, Type::TEXT),
                (&connection.state.as_str(), Type::TEXT),
                (&connection.etag, Type::TEXT),
                (&connection.created_at, Type::INT8),
                (&connection.updated_at, Type::INT8),
                (&document, Type::TEXT),
                (&secrets, Type::BYTEA),
                (&report, Type::TEXT),
                (&keys.check, Type::BYTEA),
            ];
            if self.pool.execute(sql, &values).await? == 1 {
                return Ok(Created { id: connection.id, etag: connection.etag });
            }
            self.refresh(&keys).await?;
        }
    }

    /// As [`super::Store::update`].
    pub async fn update(
        &self,
        before: Connection,
        by: &Scope,
        change: &Change,
        report: Option<&str>,
    ) -> Result<Option<Created>, StoreError> {
        let sql = "
            UPDATE connection
            SET name = $3, description = $4, state = $5, etag = $6, updated_at = $7, document = $8, secrets = $9,
                report = COALESCE($10, report)
            WHERE id = $1 AND etag = $2 AND EXISTS (SELECT FROM seal_check WHERE sealed = $11)";
        loop {
            let keys = self.keys();
            let record = Record::changed(before.clone(), &by.client, change, &keys.sealer)?;
            let Record { connection, document, secrets } = record;
            let id = connection.id.to_string();
            let values: [Param<'_>; 11] = [
                (&id, Type::TEXT),
                (&before.etag, Type::TEXT),
                (&connection.name, Type::TEXT),
                (&connection.description, Type::TEXT),
                (&connection.state.as_str(), Type::TEXT),
                (&connection.etag, Type::TEXT),
                (&connection.updated_at, Type::INT8),
                (&document, Type::TEXT),
                (&secrets, Type::BYTEA),
                (&report, Type::TEXT),
                (&keys.check, Type::BYTEA),
            ];
            if self.pool.execute(sql, &values).await? == 1 {
                return Ok(Some(Created { id: connection.id, etag: connection.etag }));
            }
            if !self.refresh(&keys).await? {
                return Ok(None);
            }
        }
    }

    /// As [`super::Store::delete`].
    pub async fn delete(&self, scope: &Scope, id: Uuid) -> Result<bool, StoreError> {
        let sql = "DELETE FROM connection WHERE id = $1 AND organization = $2 AND sandbox = $3";
        Ok(self.pool.execute(sql, &texts(&[&id.to_string(), &scope.organization, &scope.sandbox])).await? == 1)
    }

    /// As [`super::Store::set_report`].
    pub async fn set_report(&self, id: Uuid, etag: &str, report: &str) -> Result<(), StoreError> {
        let sql = "UPDATE connection SET report = $3 WHERE id = $1 AND etag = $2";
        self.pool.execute(sql, &texts(&[&id.to_string(), &etag, &report])).await.map(|_| ())
    }

    /// As [`super::Store::report`].
    pub async fn report(&self, scope: &Scope, id: Uuid) -> Result<Checked, StoreError> {
        let sql = "SELECT report FROM connection WHERE id = $1 AND organization = $2 AND sandbox = $3";
        let rows = self.pool.query(sql, &texts(&[&id.to_string(), &scope.organization, &scope.sandbox])).await?;
        let Some(row) = rows.first() else {
            return Ok(Checked::NoConnection);
        };
        self.column::<Option<String>>(row, 0).map(Checked::from)
    }

    /// As [`super::Store::read`].
    pub async fn read(&self, scope: &Scope, id: Uuid) -> Result<Option<Connection>, StoreError> {
        Ok(self.record(scope, id).await?.map(|record| record.connection))
    }

    /// As [`super::Store::credentials`].
    pub async fn credentials(&self, scope: &Scope, id: Uuid) -> Result<Option<(Connection, Auth)>, StoreError> {
        loop {
            let Some(record) = self.record(scope, id).await? else {
                return Ok(None);
            };
            let keys = self.keys();
            if let Some(auth) = record.auth(&keys.sealer) {
                return Ok(Some((record.connection, auth)));
            }
            if !self.refresh(&keys).await? {
                return Err(damaged(self.pool.place(), &id.to_string()));
            }
        }
    }

    /// As [`super::Store::list`].
    pub async fn list(&self, scope: &Scope, query: &Query, limit: usize) -> Result<Page, StoreError> {
        let Statement { sql, values } = query.page(scope, limit);
        let rows = self.pool.query(&sql, &typed(&values)).await?;
        let documents = rows.iter().map(|row| self.column(row, 0)).collect::<Result<_, _>>()?;
        query.paged(documents, limit).map_err(|_| self.unreadable())
    }

    /// As [`super::Store::count`].
    pub async fn count(&self, scope: &Scope, query: &Query) -> Result<i64, StoreError> {
        let Statement { sql, values } = query.count(scope);
        let rows = self.pool.query(&sql, &typed(&values)).await?;
        rows.first().map_or(Ok(0), |row| self.column(row, 0))
    }

    /// As [`super::Store::rotate_key`].
    pub async fn rotate_key(&self) -> Result<usize, StoreError> {
        let Some(file) = self.keys().file else {
            return Ok(0);
        };
        let (mut client, place) = (self.pool.connect().await?, self.pool.place());
        let failed = |source| StoreError::Postgres { store: place.to_owned(), source };
        let transaction = client.transaction().await.map_err(failed)?;
        transaction.batch_execute("LOCK TABLE connection, seal_check IN EXCLUSIVE MODE").await.map_err(failed)?;
        let sealer = Sealer::begin_rotation(&file)?;
        let rows = transaction.query("SELECT id, secrets FROM connection", &[]).await.map_err(failed)?;
        for row in &rows {
            let (id, secrets): (String, Vec<u8>) = (self.column(row, 0)?, self.column(row, 1)?);
            let resealed = Record::resealed(&id, &secrets, &sealer).ok_or_else(|| damaged(place, &id))?;
            let sql = "UPDATE connection SET secrets = $2 WHERE id = $1";
            transaction.execute(sql, &[&id, &resealed]).await.map_err(failed)?;
        }
        let check = record::seal_check(&sealer)?;
        transaction.execute("UPDATE seal_check SET sealed = $1", &[&check]).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Sealer::end_rotation(&file)?;
        Ok(rows.len())
    }

    async fn record(&self, scope: &Scope, id: Uuid) -> Result<Option<Record>, StoreError> {
        let sql = "SELECT document, secrets FROM connection WHERE id = $1 AND organization = $2 AND sandbox = $3";
        let rows = self.pool.query(sql, &texts(&[&id.to_string(), &scope.organization, &scope.sandbox])).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let record = Record::stored(self.column(row, 0)?, self.column(row, 1)?);
        record.map(Some).map_err(|_| self.unreadable())
    }

    fn column<'a, T: tokio_postgres::types::FromSql<'a>>(&self, row: &'a Row, index: usize) -> Result<T, StoreError> {
        row.try_get(index).map_err(|source| StoreError::Postgres { store: self.pool.place().to_owned(), source })
    }

    fn unreadable(&self) -> StoreError {
        StoreError::DocumentDamaged { store: self.pool.place().to_owned() }
    }

    fn keys(&self) -> Keys {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the key file again where somebody has rotated the key since; false where nobody has.
    async fn refresh(&self, former: &Keys) -> Result<bool, StoreError> {
        let rows = self.pool.query("SELECT sealed FROM seal_check", &[]).await?;
        let check: Vec<u8> = rows.first().map_or(Ok(Vec::new()), |row| self.column(row, 0))?;
        if check == former.check {
            return Ok(false);
        }
        let file = former.file.clone().unwrap_or_default();
        let sealer = known_sealer(self.pool.place(), &file, &check)?;
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = Keys { sealer, check, file: Some(file) };
        Ok(true)
    }
}

fn texts<'a>(values: &[&'a (dyn ToSql + Sync)]) -> Vec<Param<'a>> {
    values.iter().map(|value| (*value, Type::TEXT)).collect()
}

fn typed(values: &[Value]) -> Vec<Param<'_>> {
    let kind = |value: &Value| if matches!(value, Value::Number(_)) { Type::INT8 } else { Type::TEXT };
    values.iter().map(|value| (value as &(dyn ToSql + Sync), kind(value))).collect()
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Number(number) => number.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::INT8 || *kind == Type::TEXT
    }

    tokio_postgres::types::to_sql_checked!();
}
