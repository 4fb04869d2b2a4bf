//! A small application behind a proxy that asks samehand: it shows who it thinks the caller is.
//!
//! It believes `Remote-User`, `Remote-Groups`, `Remote-Name` and `Remote-Email` as a real application would, and never
//! looks at a token. It speaks HTTP/1.1 on plain threads and keeps every byte of a request's head, so that `/raw` and
//! `/seen` prove what a proxy let through: no header is merged, renamed or lost on the way to you.
//!
//! ```text
//! cargo run --example protected_backend -- --listen 127.0.0.1:9191
//!
//! /raw    this request as JSON: method, target, every header line in order, length of the body
//! /seen   the last request before this one, in the same form, and how many there were
//! /ws     WebSocket that sends back what it gets
//! else    a page that greets the caller
//! ```

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

/// The longest request head this application reads.
const LONGEST_HEAD: u64 = 1024 * 1024;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let address = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => "127.0.0.1:9191",
        ["--listen", address] => address,
        _ => {
            eprintln!("usage: protected_backend [--listen 127.0.0.1:9191]");
            return ExitCode::from(2);
        }
    };
    match serve(address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("protected_backend: cannot listen on {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let seen = Arc::new(Mutex::new(Seen::default()));
    for stream in listener.incoming() {
        let (stream, seen) = (stream?, Arc::clone(&seen));
        // A caller that goes away in the middle ends its own connection and nothing else.
        std::thread::spawn(move || converse(stream, &seen));
    }
    Ok(())
}

/// What has reached the application so far. `/seen` itself is not counted.
#[derive(Default)]
struct Seen {
    requests: u64,
    last: Option<Value>,
}

/// Answers one request after the other until the caller is done.
fn converse(stream: TcpStream, seen: &Mutex<Seen>) -> io::Result<()> {
    let mut input = BufReader::new(stream.try_clone()?);
    let mut output = stream;
    while let Some(request) = Request::read(&mut input, &mut output)? {
        let path = request.target.split('?').next().unwrap_or_default();
        if path == "/seen" {
            let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            let body = json!({ "requests": seen.requests, "last": seen.last });
            respond(&mut output, &request, "application/json", &body.to_string())?;
            continue;
        }
        {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.requests += 1;
            seen.last = Some(request.as_json());
        }
        if path == "/ws" && request.asks_for_web_socket() {
            return web_socket(&mut input, &mut output, &request);
        }
        if path == "/raw" {
            respond(&mut output, &request, "application/json", &request.as_json().to_string())?;
        } else {
            respond(&mut output, &request, "text/html; charset=utf-8", &page(&request))?;
        }
    }
    Ok(())
}

/// One request as it stood on the wire. Text is Latin-1: one character for each byte.
struct Request {
    method: String,
    target: String,
    version: String,
    headers: Vec<(String, String)>,
    body_length: u64,
}

impl Request {
    /// Reads a request and its whole body. `None`: the caller has closed the connection.
    fn read(input: &mut BufReader<TcpStream>, output: &mut TcpStream) -> io::Result<Option<Self>> {
        let mut head = input.take(LONGEST_HEAD);
        let start = read_line(&mut head)?;
        let mut words = start.split(' ').map(str::to_owned);
        let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next()) else {
            return Ok(None);
        };
        let mut headers = Vec::new();
        loop {
            let line = read_line(&mut head)?;
            match line.split_once(':') {
                Some((name, value)) => headers.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned())),
                None if line.is_empty() => break,
                None => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
        let mut request = Self { method, target, version, headers, body_length: 0 };
        if request.header("Expect").is_some() {
            output.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        request.body_length = request.read_body(input)?;
        Ok(Some(request))
    }

    /// Reads the body and forgets it; returns how long it was.
    fn read_body(&self, input: &mut BufReader<TcpStream>) -> io::Result<u64> {
        if self.header("Transfer-Encoding").is_none() {
            let length = self.header("Content-Length").map_or(Ok(0), str::parse).map_err(io::Error::other)?;
            return io::copy(&mut input.take(length), &mut io::sink());
        }
        let mut total = 0;
        loop {
            let size = u64::from_str_radix(&read_line(input)?, 16).map_err(io::Error::other)?;
            if size == 0 {
                // Trailers are no headers; they are read and dropped.
                while !read_line(input)?.is_empty() {}
                return Ok(total);
            }
            total += io::copy(&mut input.take(size), &mut io::sink())?;
            read_line(input)?;
        }
    }

    /// The value of the first line of this name.
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// RFC 6455 section 4.2.1.
    fn asks_for_web_socket(&self) -> bool {
        let has = |name, token: &str| {
            self.header(name).is_some_and(|list| list.split(',').any(|own| own.trim().eq_ignore_ascii_case(token)))
        };
        self.version == "HTTP/1.1" && has("Upgrade", "websocket") && has("Connection", "upgrade")
    }

    fn as_json(&self) -> Value {
        json!({
            "method": self.method,
            "target": self.target,
            "headers": self.headers,
            "body_length": self.body_length,
        })
    }
}

/// A line without its end, one character for each byte.
fn read_line(input: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    input.read_until(b'\n', &mut line)?;
    while matches!(line.last(), Some(b'\n' | b'\r')) {
        line.pop();
    }
    Ok(line.into_iter().map(char::from).collect())
}

fn respond(output: &mut TcpStream, request: &Request, content_type: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n");
    let body = if request.method == "HEAD" { "" } else { body };
    output.write_all(format!("{head}{body}").as_bytes())
}

/// The page a person sees: who the application takes the caller for.
fn page(request: &Request) -> String {
    let row = |name: &str| {
        let value = request.header(name).filter(|value| !value.is_empty()).unwrap_or("(nothing)");
        format!("<tr><th>{name}</th><td>{}</td></tr>\n", escape(value))
    };
    let greeting = match request.header("Remote-User") {
        Some(user) if !user.is_empty() => format!("Hello, {}.", escape(user)),
        Some(_) | None => "Nobody told me who you are.".to_owned(),
    };
    let rows: String = ["Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email"].map(row).concat();
    format!(
        "<!doctype html>\n<title>Protected application</title>\n<h1>{greeting}</h1>\n<table>\n{rows}</table>\n\
         <p>The proxy asked samehand before this request came here. <a href=\"/raw\">Every header of it</a>.</p>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Shakes hands (RFC 6455 section 4.2.2) and sends every message back until the caller closes.
fn web_socket(input: &mut impl Read, output: &mut impl Write, request: &Request) -> io::Result<()> {
    let key = request.header("Sec-WebSocket-Key").unwrap_or_default();
    let accept = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY,
        format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").as_bytes(),
    );
    write!(
        output,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        BASE64_STANDARD.encode(accept)
    )?;
    loop {
        // Short frames only: final bit and kind, mask bit and length, mask, text.
        let mut head = [0; 6];
        input.read_exact(&mut head)?;
        let [kind, length, mask @ ..] = head;
        let length = length & 0x7f;
        if length > 125 {
            return Err(io::Error::other("a frame of more than 125 bytes"));
        }
        let mut payload = vec![0; usize::from(length)];
        input.read_exact(&mut payload)?;
        for (byte, key) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= key;
        }
        output.write_all(&[&[kind, length], &payload[..]].concat())?;
        // Kind 8 closes, and has just been answered with the same.
        if kind & 0x0f == 8 {
            return Ok(());
        }
    }
}
