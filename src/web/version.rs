//! Which version of HTTP a client speaks, by the first bytes it sends. They are looked at and left where they are.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::sleep;

/// What a client sends first that speaks HTTP/2 without having agreed on it (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How soon a preface that comes in pieces is looked at again.
const AGAIN: Duration = Duration::from_millis(5);

/// A version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http1,
    Http2,
}

/// Waits until it is clear which one it is; nothing when the client leaves without a word. It does not give up by
/// itself on a client that stays and says too little.
///
/// # Errors
/// When the connection breaks.
pub(super) async fn version(stream: &TcpStream) -> io::Result<Option<Version>> {
    let mut seen = [0; PREFACE.len()];
    loop {
        let count = stream.peek(&mut seen).await?;
        if count == 0 {
            return Ok(None);
        }
        if seen[..count] != PREFACE[..count] {
            return Ok(Some(Version::Http1));
        }
        if count == PREFACE.len() {
            return Ok(Some(Version::Http2));
        }
        // What is there already is ready to be looked at again at once: there is nothing to wait for but time.
        sleep(AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Both ends of a connection: the client's and the hub's.
    async fn connection() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        (client.expect("a connection"), accepted.expect("the same").0)
    }

    #[tokio::test]
    async fn first_bytes_tell_and_stay() {
        for (said, is) in [
            (&b"POST /v1/messages HTTP/1.1\r\n"[..], Version::Http1),
            (b"G", Version::Http1),
            (b"PRIVET / HTTP/1.1\r\n", Version::Http1),
            (PREFACE, Version::Http2),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmore", Version::Http2),
        ] {
            let (mut client, mut hub) = connection().await;
            client.write_all(said).await.expect("sent");
            assert_eq!(version(&hub).await.expect("a version"), Some(is));
            let mut read = vec![0; said.len()];
            hub.read_exact(&mut read).await.expect("all of it");
            assert_eq!(read, said);
        }
    }

    #[tokio::test]
    async fn a_preface_may_come_in_pieces() {
        let (mut client, hub) = connection().await;
        client.set_nodelay(true).expect("an option");
        let pieces = async {
            for piece in PREFACE.chunks(5) {
                client.write_all(piece).await.expect("sent");
                sleep(AGAIN).await;
            }
        };
        let (found, ()) = tokio::join!(version(&hub), pieces);
        assert_eq!(found.expect("a version"), Some(Version::Http2));
    }

    #[tokio::test]
    async fn a_client_may_leave_without_a_word() {
        let (client, hub) = connection().await;
        drop(client);
        assert_eq!(version(&hub).await.expect("an end"), None);
    }
}
