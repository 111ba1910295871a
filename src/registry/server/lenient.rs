//! Request targets as people write them. `?property=name=="postgre-sql"` stands like that in the platform's documents, and
//! curl sends it as it stands; RFC 3986 wants `"`, `<` and `>` encoded, and the HTTP library holds callers to it.
//!
//! So they are encoded as they come in, in request lines only. What is a line and what a body is told by the framing of
//! RFC 9112; where that is not plain, everything passes as it is, for the library to refuse.

/// Where in the stream of requests the next byte is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// In a request line, after so many blanks of it; None before its first byte.
    Line(Option<u8>),
    /// In the fields of a head, in a line that begins like this.
    Fields(Vec<u8>),
    /// In a body of which so many bytes are to come.
    Body(u64),
    /// In the line that says how long a chunk is.
    ChunkSize(Vec<u8>),
    /// In a chunk of which so many bytes are to come, its line end included.
    Chunk(u64),
    /// Behind the last chunk, in a line of so many bytes so far.
    Trailer(usize),
    /// Beyond what is understood.
    Opaque,
}

/// How much of a line is kept: all that matters is shorter.
const KEPT: usize = 64;

/// Rewrites one connection's requests.
#[derive(Debug)]
pub struct RequestLines {
    place: Place,
    length: Option<u64>,
    chunked: bool,
}

impl Default for RequestLines {
    fn default() -> Self {
        Self { place: Place::Line(None), length: None, chunked: false }
    }
}

impl RequestLines {
    /// Appends what came in, with targets encoded.
    pub fn pass(&mut self, mut input: &[u8], output: &mut Vec<u8>) {
        while let Some((&byte, rest)) = input.split_first() {
            let whole = match &mut self.place {
                Place::Opaque => input.len(),
                Place::Body(left) | Place::Chunk(left) => {
                    let taken = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
                    *left -= taken as u64;
                    taken
                }
                _ => 0,
            };
            if whole > 0 {
                let (taken, rest) = input.split_at(whole);
                output.extend_from_slice(taken);
                input = rest;
                self.leave_what_has_ended();
                continue;
            }
            self.step(byte, output);
            input = rest;
        }
    }

    fn leave_what_has_ended(&mut self) {
        match self.place {
            Place::Body(0) => self.place = Place::Line(None),
            Place::Chunk(0) => self.place = Place::ChunkSize(Vec::new()),
            _ => {}
        }
    }

    fn step(&mut self, byte: u8, output: &mut Vec<u8>) {
        match &mut self.place {
            Place::Line(Some(1)) if must_be_encoded(byte) => {
                output.extend_from_slice(format!("%{byte:02X}").as_bytes());
                return;
            }
            Place::Line(blanks) => match (byte, &blanks) {
                (b'\n', Some(_)) => self.place = Place::Fields(Vec::new()),
                // Empty lines may stand before a request.
                (b'\r' | b'\n', None) => {}
                (b' ', _) => *blanks = Some(blanks.unwrap_or(0).saturating_add(1)),
                _ => *blanks = Some(blanks.unwrap_or(0)),
            },
            Place::Fields(line) if byte != b'\n' => keep(line, byte),
            Place::Fields(line) => {
                let line = std::mem::take(line);
                self.end_field(line.trim_ascii_end());
            }
            Place::ChunkSize(line) if byte != b'\n' => keep(line, byte),
            Place::ChunkSize(line) => {
                let line = std::mem::take(line);
                self.place = chunk(&line);
            }
            Place::Trailer(length) if byte != b'\n' => *length += usize::from(byte != b'\r'),
            Place::Trailer(0) => self.place = Place::Line(None),
            Place::Trailer(length) => *length = 0,
            Place::Body(_) | Place::Chunk(_) | Place::Opaque => {}
        }
        output.push(byte);
    }

    /// A field of the head has ended, or with an empty line the head itself.
    fn end_field(&mut self, line: &[u8]) {
        if line.is_empty() {
            let (length, chunked) = (self.length.take(), std::mem::take(&mut self.chunked));
            self.place = match (length, chunked) {
                (Some(_), true) => Place::Opaque,
                (None, true) => Place::ChunkSize(Vec::new()),
                (None | Some(0), false) => Place::Line(None),
                (Some(length), false) => Place::Body(length),
            };
            return;
        }
        let line = String::from_utf8_lossy(line).to_ascii_lowercase();
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        match (name, value.trim()) {
            ("content-length", value) => match value.parse() {
                Ok(length) if self.length.is_none() => self.length = Some(length),
                _ => self.place = Place::Opaque,
            },
            ("transfer-encoding", "chunked") => self.chunked = true,
            ("transfer-encoding", _) => self.place = Place::Opaque,
            _ => {}
        }
    }
}

/// What no target may have, but what people write.
fn must_be_encoded(byte: u8) -> bool {
    matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}') || !byte.is_ascii()
}

fn keep(line: &mut Vec<u8>, byte: u8) {
    if line.len() < KEPT {
        line.push(byte);
    }
}

fn chunk(line: &[u8]) -> Place {
    let text = String::from_utf8_lossy(line);
    let size = text.split(';').next().unwrap_or_default().trim();
    match u64::from_str_radix(size, 16).ok().map(|size| (size, size.checked_add(2))) {
        Some((0, _)) => Place::Trailer(0),
        Some((_, Some(with_line_end))) => Place::Chunk(with_line_end),
        _ => Place::Opaque,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says by panicking what did not hold")]
mod tests {
    use super::*;

    /// What goes on, however the bytes are cut into pieces.
    fn passed(input: &str) -> String {
        let mut whole = Vec::new();
        RequestLines::default().pass(input.as_bytes(), &mut whole);
        for size in 1..input.len().min(9) {
            let (mut lines, mut pieces) = (RequestLines::default(), Vec::new());
            for piece in input.as_bytes().chunks(size) {
                lines.pass(piece, &mut pieces);
            }
            assert_eq!(String::from_utf8_lossy(&pieces), String::from_utf8_lossy(&whole), "in pieces of {size}");
        }
        String::from_utf8(whole).unwrap()
    }

    #[test]
    fn only_targets_are_encoded() {
        let head = "GET /a?name==\"x\"&b>1&c<2&é HTTP/1.1\r\nX: \"<>\"\r\n\r\n";
        let encoded = "GET /a?name==%22x%22&b%3E1&c%3C2&%C3%A9 HTTP/1.1\r\nX: \"<>\"\r\n\r\n";
        assert_eq!(passed(head), encoded);
        assert_eq!(passed(&format!("\r\n{head}{head}")), format!("\r\n{encoded}{encoded}"));
    }

    #[test]
    fn bodies_pass_as_they_are_and_the_next_request_is_found() {
        let next = ("GET /\"x\" HTTP/1.1\r\n\r\n", "GET /%22x%22 HTTP/1.1\r\n\r\n");
        for request in [
            "POST / HTTP/1.1\r\ncontent-length: 11\r\n\r\nGET /\"\" x\r\n",
            "POST / HTTP/1.1\r\nContent-Length:0\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nb;x=\"y\"\r\nGET /\"\" x\r\n\r\n1\r\n\"\r\n0\r\nT: \"x\"\r\n\r\n",
            "POST / HTTP/1.1\nContent-Length: 2\n\n\"\"",
        ] {
            assert_eq!(passed(&format!("{request}{}", next.0)), format!("{request}{}", next.1));
        }
    }

    #[test]
    fn what_is_framed_in_two_ways_is_left_to_the_library() {
        for fields in [
            "Content-Length: 2\r\nTransfer-Encoding: chunked",
            "Content-Length: 2\r\nContent-Length: 2",
            "Content-Length: x",
            "Transfer-Encoding: gzip, chunked",
        ] {
            let requests = format!("POST / HTTP/1.1\r\n{fields}\r\n\r\nGET /\"\" HTTP/1.1\r\n\r\n");
            assert_eq!(passed(&requests), requests);
        }
        let requests = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nGET /\"\" HTTP/1.1\r\n\r\n";
        assert_eq!(passed(requests), requests);
    }
}
