//! As much HTTP as a test needs.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::PATIENCE;

/// What a server answered.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The head as it came, the status line first.
    pub head: String,
    /// What follows the head.
    pub body: String,
}

impl Response {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// A request whose body the server waits for.
#[derive(Debug)]
pub struct UnderWay {
    stream: TcpStream,
    json: String,
}

impl UnderWay {
    /// Sends the head of a request on a connection of its own, and waits until the server asks for the body.
    ///
    /// # Panics
    /// Panics when the server cannot be reached or does not ask for it.
    pub fn begin(address: &str, method: &str, path: &str, json: &str) -> Self {
        let mut stream = connect(address);
        write_head(&mut stream, address, method, path, json, "expect: 100-continue\r\n");
        let mut go_on = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
        stream.read_exact(&mut go_on).expect("the server answers in time");
        assert!(go_on.starts_with(b"HTTP/1.1 100 "), "{}", String::from_utf8_lossy(&go_on));
        Self { stream, json: json.to_owned() }
    }

    /// Sends the body and reads the answer.
    ///
    /// # Panics
    /// Panics when the server does not answer, or not in HTTP.
    pub fn finish(mut self) -> Response {
        self.stream.write_all(self.json.as_bytes()).expect("the server reads");
        read(self.stream)
    }
}

/// Whether a server accepts connections.
pub fn listens(address: &str) -> bool {
    TcpStream::connect(address).is_ok()
}

/// Sends one request on a connection of its own and reads the answer.
///
/// # Panics
/// Panics when the server cannot be reached, does not answer, or not in HTTP.
pub fn request(address: &str, method: &str, path: &str, json: &str) -> Response {
    let mut stream = connect(address);
    write_head(&mut stream, address, method, path, json, "");
    stream.write_all(json.as_bytes()).expect("the server reads");
    read(stream)
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("the timeout is not zero");
    stream
}

fn write_head(stream: &mut TcpStream, address: &str, method: &str, path: &str, json: &str, more: &str) {
    let length = json.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n{more}\r\n"
    );
    stream.write_all(head.as_bytes()).expect("the server reads");
}

fn read(mut stream: TcpStream) -> Response {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server answers in time");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("an answer has a status");
    Response { status, head: head.to_owned(), body: body.to_owned() }
}
