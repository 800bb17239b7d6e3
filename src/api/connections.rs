//! Connections: accepted, bounded, ended in order.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use nix::sys::socket::{setsockopt, sockopt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::limits::{CONNECTIONS, HEAD, HEAD_TIME, HEADER_FIELDS, SEND_TIME};
use super::{Peer, told_to_stop};

/// Rest after a failed accept: no descriptors are left, and asking again at once would only burn the core.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Accepts until told to stop.
pub async fn accept(listener: TcpListener, router: Router, mut stopping: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let next = async {
            // Never closed, so there is always one to wait for.
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            Some((place, listener.accept().await))
        };
        let accepted = tokio::select! {
            () = told_to_stop(&mut stopping) => return,
            accepted = next => accepted,
        };
        match accepted {
            None => return,
            Some((place, Ok((stream, peer)))) => {
                tokio::spawn(serve(stream, peer, router.clone(), stopping.clone(), place));
            }
            Some((_, Err(error))) => {
                tracing::warn!(%error, "a connection to the API could not be accepted");
                rest().await;
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the edge: waits for descriptors to be given back")]
async fn rest() {
    tokio::time::sleep(AFTER_FAILURE).await;
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    mut stopping: watch::Receiver<bool>,
    place: OwnedSemaphorePermit,
) {
    // Either failing costs speed, or patience with the dead; not the connection.
    let _ = stream.set_nodelay(true);
    let _ = setsockopt(&stream.as_fd(), sockopt::TcpUserTimeout, &(SEND_TIME.as_millis() as u32));
    let service = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        service.call(request)
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD)
        .max_headers(HEADER_FIELDS)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    // What breaks a connection is its peer's business: they see it.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = told_to_stop(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
    drop(place);
}
