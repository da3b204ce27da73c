//! A way to a server that can be cut: what is under way stays open and nothing
//! arrives any more, as when a cable is pulled.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often a way that is cut looks whether it was joined again.
const LOOK: Duration = Duration::from_millis(50);

/// A way to a port of this machine.
pub(super) struct Proxy {
    pub(super) port: u16,
    cut: Arc<AtomicBool>,
}

impl Proxy {
    pub(super) fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            cut: Arc::default(),
        };
        let cut = proxy.cut.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", server)))
                else {
                    continue;
                };
                let (Ok(back), Ok(there)) = (client.try_clone(), server.try_clone()) else {
                    continue;
                };
                copy(client, there, cut.clone());
                copy(server, back, cut.clone());
            }
        });
        proxy
    }

    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
    }

    /// What was held back arrives late.
    pub(super) fn join(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, cut: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 16 << 10];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            while cut.load(Ordering::SeqCst) {
                std::thread::sleep(LOOK);
            }
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        // Either end may have closed it already.
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}
