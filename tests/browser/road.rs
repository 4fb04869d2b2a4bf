//! The way from the browser to the proxy: a SOCKS 5 server (RFC 1928) that sends every name to one proxy, from an address
//! that the test chooses, and nothing to anywhere else.
//!
//! So `https://app.example.com` has its usual port, no name is looked up outside, and somebody can move to another
//! network in the middle of a session. It reads no byte of what it carries.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use socket2::{Domain, Socket, Type};

/// A running server. Its threads end with the test program.
pub(crate) struct Road {
    pub(crate) address: SocketAddr,
    traveller: Arc<Mutex<Traveller>>,
}

/// Who is on the way.
struct Traveller {
    from: Ipv4Addr,
    /// Both ends of every connection so far.
    connections: Vec<TcpStream>,
}

impl Road {
    /// Leads from this address to that proxy.
    #[track_caller]
    pub(crate) fn build(from: Ipv4Addr, to: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let traveller = Arc::new(Mutex::new(Traveller { from, connections: Vec::new() }));
        let shared = Arc::clone(&traveller);
        thread::spawn(move || {
            for browser in listener.incoming().map_while(Result::ok) {
                let traveller = Arc::clone(&shared);
                // The browser says by itself when a connection of its does not come about.
                thread::spawn(move || carry(browser, &traveller, to));
            }
        });
        Self { address, traveller }
    }

    /// From now on the browser is at another address. What it had open is closed, as when a telephone leaves the house.
    pub(crate) fn move_to(&self, from: Ipv4Addr) {
        let mut traveller = self.traveller.lock().expect("nobody panics with it");
        traveller.from = from;
        for connection in traveller.connections.drain(..) {
            // It may be closed already.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

fn carry(mut browser: TcpStream, traveller: &Mutex<Traveller>, to: SocketAddr) -> io::Result<()> {
    read_greeting(&mut browser)?;
    let proxy = {
        let mut traveller = traveller.lock().expect("nobody panics with it");
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((traveller.from, 0)).into())?;
        socket.connect(&to.into())?;
        let proxy = TcpStream::from(socket);
        traveller.connections.extend([browser.try_clone()?, proxy.try_clone()?]);
        proxy
    };
    // Connected; the address and port that follow mean nothing to a browser.
    browser.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    let (mut there, mut back) = ((browser.try_clone()?, proxy.try_clone()?), (proxy, browser));
    thread::spawn(move || pass_on(&mut there.0, &mut there.1));
    pass_on(&mut back.0, &mut back.1);
    Ok(())
}

/// The two messages that ask for a connection. Where it is to lead is read and not looked at: all names are one place.
fn read_greeting(browser: &mut TcpStream) -> io::Result<()> {
    let [_, methods] = take(browser)?;
    io::copy(&mut browser.take(methods.into()), &mut io::sink())?;
    browser.write_all(&[5, 0])?;
    let [_, _, _, kind] = take(browser)?;
    let length = match kind {
        1 => 4,
        3 => u64::from(take::<1>(browser)?[0]),
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    io::copy(&mut browser.take(length + 2), &mut io::sink())?;
    Ok(())
}

fn take<const LENGTH: usize>(stream: &mut TcpStream) -> io::Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn pass_on(from: &mut TcpStream, to: &mut TcpStream) {
    // However it ends, both sides hear of it.
    let _ = io::copy(from, to);
    let _ = to.shutdown(Shutdown::Write);
}
