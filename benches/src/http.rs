//! Connections that ask a server for the same again and again.

use anyhow::{Context, Result, ensure};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::http::request::Builder;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

/// How many connections ask at a time.
pub(crate) const CONNECTIONS: usize = 16;

type Connection = SendRequest<Full<Bytes>>;

pub(crate) async fn connect(to: SocketAddr) -> Result<Connection> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// As many connections as ask at a time, and what they ask.
#[derive(Clone)]
pub(crate) struct Asking {
    free: Arc<Mutex<Vec<Connection>>>,
    request: Arc<Request<Full<Bytes>>>,
}

impl Asking {
    /// Connects to a server, which must answer the request.
    pub(crate) async fn of(address: SocketAddr, request: Builder, body: String) -> Result<Self> {
        let request = request.header("host", address.to_string());
        let mut free = Vec::new();
        for _ in 0..CONNECTIONS {
            free.push(connect(address).await?);
        }
        let asking = Self {
            free: Arc::new(Mutex::new(free)),
            request: Arc::new(request.body(Full::from(body))?),
        };
        let mut connection = asking.free.lock().await.pop().context("a connection")?;
        let (status, body) = asking.ask(&mut connection).await?;
        ensure!(
            status == 200,
            "{status}: {}",
            String::from_utf8_lossy(&body)
        );
        asking.free.lock().await.push(connection);
        Ok(asking)
    }

    async fn ask(&self, connection: &mut Connection) -> Result<(u16, Bytes)> {
        connection.ready().await?;
        let response = connection.send_request((*self.request).clone()).await?;
        let status = response.status().as_u16();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

/// Asks once.
pub(crate) async fn ask(asking: Asking) {
    let mut connection = asking.free.lock().await.pop().expect("a connection");
    let (status, _) = asking.ask(&mut connection).await.expect("an answer");
    assert_eq!(status, 200);
    asking.free.lock().await.push(connection);
}
