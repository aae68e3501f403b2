//! A wire between a program and its database that can be cut.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Passes bytes on as they come, both ways.
pub(crate) struct Relay {
    port: u16,
    is_cut: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    /// To the server of this address, `postgres://USER@HOST:PORT/DATABASE`.
    pub(crate) fn to(address: &str) -> Self {
        let server = address.rsplit_once('@').unwrap().1.split_once('/').unwrap().0.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (is_cut, open) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let relay = Self { port, is_cut: Arc::clone(&is_cut), open: Arc::clone(&open) };
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // Whoever connects while it is cut is hung up on.
                if !is_cut.load(Ordering::SeqCst)
                    && let Ok(server) = TcpStream::connect(&server)
                {
                    open.lock().unwrap().extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
                    let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
                    std::thread::spawn(move || pass(client, server));
                    std::thread::spawn(move || pass(back.0, back.1));
                }
            }
        });
        relay
    }

    /// The same address through here.
    pub(crate) fn through(&self, address: &str) -> String {
        let (before, behind) = address.rsplit_once(':').unwrap();
        let (_, name) = behind.split_once('/').unwrap();
        format!("{before}:{}/{name}", self.port)
    }

    /// Nothing passes any more.
    pub(crate) fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        // Those that are closed already are none any more.
        self.open.lock().unwrap().drain(..).for_each(|stream| _ = stream.shutdown(Shutdown::Both));
    }

    /// Whoever connects again gets through.
    pub(crate) fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }
}

/// Until one of both ends.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = [0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
