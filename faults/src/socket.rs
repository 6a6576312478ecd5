//! Bare connections, and rude ways to end them.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use e2e::deadline::within;
use e2e::raw::Answer;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Connects. With `receive_buffer`, the system takes in no more than about so many bytes ahead; left alone, megabytes.
///
/// # Errors
/// If nobody listens.
pub async fn connect(address: SocketAddr, receive_buffer: Option<u32>) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if let Some(bytes) = receive_buffer {
        // Before connecting, or the window has been announced.
        socket.set_recv_buffer_size(bytes)?;
    }
    let stream = within("a connection", async { Ok(socket.connect(address).await?) }).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Ends the connection with a reset, so that nothing of it is left on either side.
///
/// # Errors
/// If the system refuses.
pub fn close_by_reset(stream: TcpStream) -> Result<()> {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    drop(stream);
    Ok(())
}

/// Reads on until the other side has closed, in good order or not. Answers what came.
///
/// # Errors
/// At the deadline.
pub async fn until_closed(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    within("the server to close a connection", async {
        // A reset is an end as well.
        while let Ok(1..) = stream.read_buf(&mut bytes).await {}
        Ok(())
    })
    .await?;
    Ok(bytes)
}

/// Sends these bytes, which ask for the connection to be closed, and reads the answer.
///
/// # Errors
/// If there is none.
pub async fn exchange(address: SocketAddr, request: &[u8]) -> Result<Answer> {
    let mut stream = connect(address, None).await?;
    // The server may have answered and closed before it has read all of it.
    let _ = stream.write_all(request).await;
    let bytes = until_closed(&mut stream).await?;
    Answer::parse(&bytes)?.with_context(|| format!("no answer in {:?}", String::from_utf8_lossy(&bytes)))
}
