//! One question to one name server: by UDP, once more after a while, and by TCP where the answer does not fit.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, Query};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::rr::{Name, RData, RecordType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout, timeout_at};

use crate::probe::trace::{Answer, Reply, ResponseCode};

const PORT: u16 = 53;

/// When a question is sent again: packets get lost.
const PATIENCE: Duration = Duration::from_millis(400);

/// What is old or odd chokes on the extensions (EDNS) and says this, or nothing: then it is asked without them.
const FORMAT_ERROR: ResponseCode = ResponseCode::Other(1);

/// What fits into every path's packets (DNS flag day 2020).
const PAYLOAD: u16 = 1232;

/// The option that carries an extended error (RFC 8914, section 2).
const EXTENDED_ERROR: EdnsCode = EdnsCode::Unknown(15);

/// An alias leads to an alias, and some lead round in a circle.
const MOST_ALIASES: usize = 16;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The name, to the root.
    pub name: Name,
    /// `A` or `AAAA`
    pub kind: RecordType,
    /// Signatures need not be checked (CD=1).
    pub unchecked: bool,
}

/// Asks, and waits until then at most.
pub async fn ask(server: IpAddr, question: &Question, until: Instant) -> Reply {
    match timeout_at(until, converse(server, question)).await {
        Ok(Ok(Some(message))) => Reply::Answered(answer(&message, &question.name)),
        Ok(Ok(None)) => Reply::Garbled,
        Ok(Err(error)) => Reply::Unreachable(error.raw_os_error()),
        Err(_) => Reply::Silent,
    }
}

/// None is something that is no DNS message.
async fn converse(server: IpAddr, question: &Question) -> io::Result<Option<Message>> {
    let any = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { IpAddr::from(Ipv6Addr::UNSPECIFIED) };
    let socket = UdpSocket::bind((any, 0)).await?;
    // A connected socket is told that nobody listens there (ICMP).
    socket.connect((server, PORT)).await?;
    let mut query = query(question);
    socket.send(&encode(&query)?).await?;
    let message = match timeout(PATIENCE, receive(&socket, &query)).await {
        Ok(received) => {
            Some(received?).filter(|received| received.as_ref().map(ResponseCode::of) != Some(FORMAT_ERROR))
        }
        Err(_) => None,
    };
    let message = if let Some(message) = message {
        message
    } else {
        query.edns = None;
        socket.send(&encode(&query)?).await?;
        receive(&socket, &query).await?
    };
    match message {
        Some(cut) if cut.metadata.truncation => Ok(over_tcp(server, &query).await.ok().flatten().or(Some(cut))),
        message => Ok(message),
    }
}

async fn over_tcp(server: IpAddr, query: &Message) -> io::Result<Option<Message>> {
    let mut stream = TcpStream::connect(SocketAddr::new(server, PORT)).await?;
    let packet = encode(query)?;
    let length = u16::try_from(packet.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), packet.as_slice()].concat()).await?;
    let length = stream.read_u16().await?;
    let mut packet = vec![0; usize::from(length)];
    stream.read_exact(&mut packet).await?;
    Ok(Message::from_vec(&packet).ok().filter(|message| answers(message, query)))
}

fn query(question: &Question) -> Message {
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.metadata.checking_disabled = question.unchecked;
    message.add_query(Query::query(question.name.clone(), question.kind));
    let mut edns = Edns::new();
    edns.set_max_payload(PAYLOAD);
    message.set_edns(edns);
    message
}

fn encode(message: &Message) -> io::Result<Vec<u8>> {
    message.to_vec().map_err(io::Error::other)
}

/// The answer to our own question; others that come late are passed over.
async fn receive(socket: &UdpSocket, query: &Message) -> io::Result<Option<Message>> {
    let mut packet = [0; 4096];
    loop {
        let length = socket.recv(&mut packet).await?;
        match packet.get(..length).map(Message::from_vec) {
            Some(Ok(message)) if answers(&message, query) => return Ok(Some(message)),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Ok(None),
        }
    }
}

fn answers(message: &Message, query: &Message) -> bool {
    message.metadata.id == query.metadata.id && message.metadata.message_type == MessageType::Response
}

fn answer(message: &Message, name: &Name) -> Answer {
    let mut aliases: Vec<&Name> = Vec::new();
    let mut end = name;
    while let Some(target) = alias_of(message, end).filter(|_| aliases.len() < MOST_ALIASES) {
        aliases.push(target);
        end = target;
    }
    let addresses = message.answers.iter().filter_map(|record| match &record.data {
        RData::A(ip) => Some(IpAddr::V4(ip.0)),
        RData::AAAA(ip) => Some(IpAddr::V6(ip.0)),
        _ => None,
    });
    Answer {
        code: ResponseCode::of(message),
        addresses: addresses.collect(),
        aliases: aliases.into_iter().map(text).collect(),
        extended_error: extended_error(message),
        unchecked: None,
    }
}

fn alias_of<'a>(message: &'a Message, name: &Name) -> Option<&'a Name> {
    message.answers.iter().find_map(|record| match &record.data {
        RData::CNAME(target) if record.name == *name => Some(&target.0),
        _ => None,
    })
}

fn extended_error(message: &Message) -> Option<u16> {
    match message.edns.as_ref()?.option(EXTENDED_ERROR)? {
        EdnsOption::Unknown(_, data) => Some(u16::from_be_bytes(data.get(..2)?.try_into().ok()?)),
        _ => None,
    }
}

/// Without the dot at the end.
pub fn text(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_owned()
}

impl ResponseCode {
    fn of(message: &Message) -> Self {
        match u16::from(message.metadata.response_code) {
            0 => Self::NoError,
            2 => Self::ServFail,
            3 => Self::NxDomain,
            5 => Self::Refused,
            other => Self::Other(other),
        }
    }
}
