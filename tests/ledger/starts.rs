//! Databases as hubs find them when they start: empty, old, newer, and behind every kind of address.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bridge::config::Secret;
use bridge::store::{Store, StoreError, StoreOptions};
use sea_orm::ConnectionTrait as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::desk::Desk;

#[tokio::test]
async fn five_hubs_that_start_at_once_make_the_schema_once() {
    let desk = Desk::new().await;
    let steps = desk.store.migrations().await.expect("steps").len();
    // Empty, then one step behind.
    for back in [u32::try_from(steps).expect("few"), 1] {
        Store::migrate_down(&desk.options, back)
            .await
            .expect("taken back");
        let starts = (0..5).map(|_| Store::open(&desk.options));
        let opened = futures_util::future::join_all(starts).await;
        for store in opened {
            let store = store.unwrap_or_else(|error| unreachable!("{back} back: {error}"));
            let made = store.migrations().await.expect("steps");
            assert!(made.iter().all(|(_, made)| *made), "{made:?}");
            let _ = store.write().clone().close().await;
        }
    }
    desk.end().await;
}

#[tokio::test]
async fn a_schema_of_a_later_version_is_refused_in_so_many_words() {
    let desk = Desk::new().await;
    desk.store
        .write()
        .execute_unprepared(
            "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29990101_000001_later', 0)",
        )
        .await
        .expect("a row");
    let refused = Store::open(&desk.options).await.expect_err("refused");
    assert!(matches!(refused, StoreError::Newer(_)), "{refused:?}");
    let words = refused.to_string();
    assert!(
        words.contains("m29990101_000001_later") && words.contains("later version"),
        "{words}"
    );
    desk.end().await;
}

/// What a client told a PostgreSQL server that asks for a password in clear and then refuses.
async fn told(url: impl Fn(u16) -> String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let heard: Arc<Mutex<Vec<u8>>> = Arc::default();
    let ears = Arc::clone(&heard);
    let server = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut part = [0; 4_096];
            while let Ok(count @ 1..) = stream.read(&mut part).await {
                // A client that asks for TLS hears that there is none.
                let wants_tls = part[..count].ends_with(&80_877_103_u32.to_be_bytes());
                let answer: &[u8] = if wants_tls {
                    b"N"
                } else if part[0] == b'p' {
                    b"E\0\0\0\x1bSFATAL\0C28P01\0Mwrong\0\0"
                } else {
                    b"R\0\0\0\x08\0\0\0\x03"
                };
                ears.lock()
                    .expect("no panic inside")
                    .extend_from_slice(&part[..count]);
                if stream.write_all(answer).await.is_err() || part[0] == b'p' {
                    break;
                }
            }
        }
    });
    let options = StoreOptions {
        url: Secret::new(url(port)),
        pool_size: 1,
        pool_timeout: Duration::from_secs(5),
        encryption_key: Some(Secret::new("a key for tests that is long enough")),
    };
    let refused = Store::open(&options)
        .await
        .expect_err("refused")
        .to_string();
    assert!(
        !refused.contains("p/w=@:") && !refused.contains("p%2Fw"),
        "{refused}"
    );
    server.abort();
    let heard = heard.lock().expect("no panic inside");
    String::from_utf8_lossy(&heard).into_owned()
}

#[tokio::test]
async fn addresses_of_databases_are_decoded() {
    let heard = told(|port| {
        format!(
            "postgres://me%40house:p%2Fw%3D%40%3A@127.0.0.1:{port}/my%20base?application_name=hub"
        )
    })
    .await;
    for word in ["user\0me@house\0", "database\0my base\0", "p/w=@:\0"] {
        assert!(heard.contains(word), "{word:?} in {heard:?}");
    }
    let heard = told(|port| format!("postgresql://plain:word@localhost:{port}/base")).await;
    for word in ["user\0plain\0", "database\0base\0", "word\0"] {
        assert!(heard.contains(word), "{word:?} in {heard:?}");
    }
}
