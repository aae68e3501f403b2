//! A wire between a program and its database that can be cut.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Passes bytes on as they come, both ways, until it is dropped.
pub(crate) struct Relay {
    port: u16,
    wire: Arc<Wire>,
}

#[derive(Default)]
struct Wire {
    is_cut: AtomicBool,
    is_over: AtomicBool,
    /// Both ends of each connection.
    open: Mutex<HashMap<usize, [TcpStream; 2]>>,
}

impl Relay {
    /// To the server of this address, `postgres://USER@HOST:PORT/DATABASE`.
    pub(crate) fn to(address: &str) -> Self {
        let server = address.rsplit_once('@').unwrap().1.split_once('/').unwrap().0.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Self { port: listener.local_addr().unwrap().port(), wire: Arc::default() };
        let wire = Arc::clone(&relay.wire);
        std::thread::spawn(move || {
            for (number, client) in listener.incoming().flatten().enumerate() {
                if wire.is_over.load(Ordering::SeqCst) {
                    break;
                }
                if let Ok(server) = TcpStream::connect(&server) {
                    wire.join(number, client, server);
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
        let open = self.wire.open.lock().unwrap();
        self.wire.is_cut.store(true, Ordering::SeqCst);
        // Those that are closed already are none any more.
        open.values().flatten().for_each(|stream| _ = stream.shutdown(Shutdown::Both));
    }

    /// Whoever connects again gets through.
    pub(crate) fn mend(&self) {
        self.wire.is_cut.store(false, Ordering::SeqCst);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.cut();
        self.wire.is_over.store(true, Ordering::SeqCst);
        // So that whoever listens sees it.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Wire {
    fn join(self: &Arc<Self>, number: usize, client: TcpStream, server: TcpStream) {
        let ends = || [client.try_clone().unwrap(), server.try_clone().unwrap()];
        let ([near, far], [back, forth]) = (ends(), ends());
        let mut open = self.open.lock().unwrap();
        // Whoever connects while it is cut is hung up on.
        if self.is_cut.load(Ordering::SeqCst) {
            return;
        }
        open.insert(number, [client, server]);
        drop(open);
        for (from, to) in [(near, far), (forth, back)] {
            let wire = Arc::clone(self);
            std::thread::spawn(move || {
                pass(from, to);
                wire.open.lock().unwrap().remove(&number);
            });
        }
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
