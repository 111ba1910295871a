//! The messages of a server that a login and an inspection can meet. Parsing is `postgres-protocol`'s, except where it
//! refuses what must be told apart: authentication codes from 7 up, NegotiateProtocolVersion, long cancel keys.

use std::io;
use std::ops::Range;

use bytes::{Buf as _, Bytes, BytesMut};
use fallible_iterator::FallibleIterator as _;
use postgres_protocol::message::backend;

use super::screen::Screen;

/// The most SASL mechanisms kept; PostgreSQL offers three.
const MOST_MECHANISMS: usize = 20;

/// The most fields of an error that are looked at; there are 18.
const MOST_FIELDS: usize = 50;

/// The most columns of a row that are looked at; our own questions have six.
const MOST_COLUMNS: usize = 50;

/// The algorithm of Redshift's digest that there is; others have a number, and nothing else yet.
const SHA_256: i32 = 0;

/// The most protocol options kept that a server does not know; nothing here asks for any.
const MOST_OPTIONS: usize = 20;

/// One message of the server (manual, section 54.7).
#[derive(Debug)]
pub enum Message {
    /// AuthenticationXxx.
    Authentication(Authentication),
    /// ParameterStatus: name and value.
    ParameterStatus(String, String),
    /// NoticeResponse.
    Notice(ServerError),
    /// ErrorResponse.
    Error(ServerError),
    /// BackendKeyData.
    BackendKeyData {
        /// The number of the process.
        process: u32,
        /// The length of the cancel key, in bytes.
        length: usize,
    },
    /// NegotiateProtocolVersion: the newest version the server speaks, and the options it does not know.
    NegotiateProtocolVersion {
        /// Major version in the upper 16 bits, minor version in the lower.
        version: u32,
        /// The options of the startup packet.
        options: Vec<String>,
    },
    /// ReadyForQuery.
    ReadyForQuery,
    /// RowDescription.
    RowDescription,
    /// DataRow: a value a column, as text; None is NULL.
    DataRow(Vec<Option<String>>),
    /// CommandComplete or EmptyQueryResponse.
    CommandComplete,
}

/// What an authentication message asks for.
#[derive(Debug)]
pub enum Authentication {
    /// Code 0: the server is satisfied.
    Ok,
    /// Code 3: the password as it is.
    CleartextPassword,
    /// Code 5: the password hashed with this salt.
    Md5Password([u8; 4]),
    /// Code 10: one of these SASL mechanisms.
    Sasl(Vec<String>),
    /// Code 11: the server's next SASL message.
    SaslContinue(Bytes),
    /// Code 12: the server's last SASL message.
    SaslFinal(Bytes),
    /// Code 13 of Amazon Redshift: the password hashed twice, by SHA-256.
    Digest {
        /// What the password is hashed with first.
        salt: Bytes,
        /// What that hash is hashed with.
        nonce: Bytes,
    },
    /// Code 14 of Amazon Redshift: a token of an identity provider.
    IdentityToken,
    /// Any other code, and code 13 with another algorithm than SHA-256.
    Other(i32),
}

/// The fields of an ErrorResponse or NoticeResponse (manual, section 54.8), made safe to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerError {
    /// `C`: the SQLSTATE.
    pub sqlstate: String,
    /// `M`
    pub message: String,
    /// `R`: the routine in it. PostgreSQL always sends it; poolers do not.
    pub routine: Option<String>,
    /// Every field by its letter, those above included, in the order sent.
    pub fields: Vec<(char, String)>,
}

impl ServerError {
    /// Any field by its letter.
    pub fn field(&self, letter: char) -> Option<&str> {
        self.fields.iter().find(|(known, _)| *known == letter).map(|(_, text)| text.as_str())
    }

    /// `pg_hba.conf` refused: no rule, or one that says `reject`.
    pub fn is_by_rule(&self) -> bool {
        self.sqlstate == "28000" && self.routine() == "ClientAuthentication"
    }

    /// The routine, or nothing.
    pub fn routine(&self) -> &str {
        self.routine.as_deref().unwrap_or_default()
    }
}

/// Takes one whole message off the front of the buffer.
///
/// The caller has made sure that it is there in full. Errors are of kind [`io::ErrorKind::InvalidData`].
pub fn parse(buffer: &mut BytesMut, screen: &Screen) -> io::Result<Message> {
    let header = backend::Header::parse(buffer)?.ok_or_else(truncated)?;
    match header.tag() {
        b'R' => return authentication(take(buffer, header)?, screen).map(Message::Authentication),
        b'v' => return negotiation(take(buffer, header)?, screen),
        b'K' => return backend_key(take(buffer, header)?),
        _ => {}
    }
    match backend::Message::parse(buffer).map_err(invalid)?.ok_or_else(truncated)? {
        backend::Message::ParameterStatus(body) => {
            let name = screen.text(body.name().map_err(invalid)?.as_bytes());
            Ok(Message::ParameterStatus(name, screen.token(body.value().map_err(invalid)?.as_bytes())))
        }
        backend::Message::NoticeResponse(body) => server_error(body.fields(), screen).map(Message::Notice),
        backend::Message::ErrorResponse(body) => server_error(body.fields(), screen).map(Message::Error),
        backend::Message::ReadyForQuery(_) => Ok(Message::ReadyForQuery),
        backend::Message::RowDescription(_) => Ok(Message::RowDescription),
        backend::Message::DataRow(body) => data_row(&body, screen).map(Message::DataRow),
        backend::Message::CommandComplete(_) | backend::Message::EmptyQueryResponse => Ok(Message::CommandComplete),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("unexpected message {:?}", char::from(header.tag())),
        )),
    }
}

/// Takes one whole message off the front of the buffer without reading it, and gives its tag.
pub fn skip(buffer: &mut BytesMut) -> io::Result<u8> {
    let header = backend::Header::parse(buffer)?.ok_or_else(truncated)?;
    take(buffer, header).map(|_| header.tag())
}

/// Takes one whole DataRow off the front of the buffer, its values as they are.
pub fn row(buffer: &mut BytesMut) -> io::Result<Vec<Option<String>>> {
    match backend::Message::parse(buffer).map_err(invalid)?.ok_or_else(truncated)? {
        backend::Message::DataRow(body) => values(&body, |bytes| String::from_utf8_lossy(bytes).into_owned()).collect(),
        _ => Err(truncated()),
    }
}

fn take(buffer: &mut BytesMut, header: backend::Header) -> io::Result<Bytes> {
    let length = usize::try_from(header.len()).map_err(invalid)? + 1;
    if buffer.len() < length {
        return Err(truncated());
    }
    let mut message = buffer.split_to(length).freeze();
    message.advance(5);
    Ok(message)
}

fn authentication(mut body: Bytes, screen: &Screen) -> io::Result<Authentication> {
    let code = body.try_get_i32().map_err(invalid)?;
    Ok(match code {
        0 => Authentication::Ok,
        3 => Authentication::CleartextPassword,
        5 => Authentication::Md5Password(body.as_ref().try_into().map_err(invalid)?),
        10 => Authentication::Sasl(
            body.split(|byte| *byte == 0)
                .take_while(|name| !name.is_empty())
                .take(MOST_MECHANISMS)
                .map(|name| screen.text(name))
                .collect(),
        ),
        11 => Authentication::SaslContinue(body),
        12 => Authentication::SaslFinal(body),
        // Not in the form that is known.
        13 => digest(body).unwrap_or(Authentication::Other(13)),
        14 => Authentication::IdentityToken,
        other => Authentication::Other(other),
    })
}

/// The number of the algorithm, then salt and nonce, each behind its length.
fn digest(mut body: Bytes) -> io::Result<Authentication> {
    if body.try_get_i32().map_err(invalid)? != SHA_256 {
        return Ok(Authentication::Other(13));
    }
    let salt = counted(&mut body)?;
    Ok(Authentication::Digest { salt, nonce: counted(&mut body)? })
}

fn counted(body: &mut Bytes) -> io::Result<Bytes> {
    let length = usize::try_from(body.try_get_i32().map_err(invalid)?).map_err(invalid)?;
    if body.len() < length { Err(truncated()) } else { Ok(body.split_to(length)) }
}

fn negotiation(mut body: Bytes, screen: &Screen) -> io::Result<Message> {
    let version = body.try_get_u32().map_err(invalid)?;
    let count = usize::try_from(body.try_get_i32().map_err(invalid)?).map_err(invalid)?;
    let options = body.split(|byte| *byte == 0).take(count.min(MOST_OPTIONS));
    Ok(Message::NegotiateProtocolVersion { version, options: options.map(|name| screen.text(name)).collect() })
}

/// The number of the process comes first; the rest is the key.
fn backend_key(mut body: Bytes) -> io::Result<Message> {
    let process = body.try_get_u32().map_err(invalid)?;
    Ok(Message::BackendKeyData { process, length: body.len() })
}

fn server_error(mut fields: backend::ErrorFields<'_>, screen: &Screen) -> io::Result<ServerError> {
    let mut error = ServerError::default();
    while let Some(field) = fields.next().map_err(invalid)?.filter(|_| error.fields.len() < MOST_FIELDS) {
        let (letter, value) = (char::from(field.type_()), field.value_bytes());
        // SQLSTATE and routine decide what is said of it.
        let value = if matches!(letter, 'C' | 'R') { screen.token(value) } else { screen.text(value) };
        error.fields.push((letter, value));
    }
    let text = |letter| error.field(letter).unwrap_or_default().to_owned();
    Ok(ServerError {
        sqlstate: text('C'),
        message: text('M'),
        routine: error.field('R').map(str::to_owned),
        fields: error.fields,
    })
}

fn data_row(body: &backend::DataRowBody, screen: &Screen) -> io::Result<Vec<Option<String>>> {
    values(body, |bytes| screen.value(bytes)).take(MOST_COLUMNS).collect()
}

/// Every value of a row by `text`; None is NULL.
fn values(
    body: &backend::DataRowBody,
    text: impl Fn(&[u8]) -> String,
) -> impl Iterator<Item = io::Result<Option<String>>> {
    let text = move |range: Option<Range<usize>>| range.and_then(|range| body.buffer().get(range)).map(&text);
    body.ranges().iterator().map(move |range| range.map(&text).map_err(invalid))
}

fn truncated() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a message shorter than its length says")
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
