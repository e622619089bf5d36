//! An HTTP server that can refuse connections for a while and close one without an answer.

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use axum::{
    Router,
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    runtime::Handle,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use leaks::{Guarded, Leaks};
use wire::Wire;

mod leaks;
mod wire;

/// A running server. Stops when it is dropped.
pub(crate) struct Server {
    gate: Arc<Gate>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Server {
    /// Serves `router` at `listen`. Needs a tokio runtime around it.
    pub(crate) fn start(listen: SocketAddr, router: Router) -> io::Result<Self> {
        Self::guarded(listen, router, Arc::default())
    }

    /// As [`Server::start`], and looks for secrets in everything that clients send.
    pub(crate) fn guarded(listen: SocketAddr, router: Router, leaks: Arc<Leaks>) -> io::Result<Self> {
        let gate = Arc::new(Gate::open(listen, leaks)?);
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let app = router.into_make_service_with_connect_info::<Line>();
        let serving = axum::serve(GatedListener(Arc::clone(&gate)), app).into_future();
        tasks.spawn(stop.clone().run_until_cancelled_owned(serving));
        Ok(Self { gate, tasks, stop })
    }

    /// Where it listens, if it is up.
    pub(crate) fn address(&self) -> SocketAddr {
        self.gate.address
    }

    /// Down: refuses connections and breaks those that are open. Up: listens again at the same port.
    pub(crate) fn set_down(&self, down: bool) -> io::Result<()> {
        if down { self.gate.lock().close(self.gate.address) } else { self.gate.lock().reopen(&self.gate.runtime) }
    }

    /// Stops, breaks all connections and waits until nothing runs any more.
    pub(crate) async fn stop(&self) {
        self.halt();
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn halt(&self) {
        self.stop.cancel();
        self.gate.lock().shut();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.halt();
    }
}

/// The connection of a request.
#[derive(Clone, Debug)]
pub(crate) struct Line(CancellationToken);

impl Line {
    /// Closes the connection. Pending responses are not sent.
    pub(crate) fn cut(&self) {
        self.0.cancel();
    }
}

impl Connected<IncomingStream<'_, GatedListener>> for Line {
    fn connect_info(stream: IncomingStream<'_, GatedListener>) -> Self {
        Self(stream.io().cut_token())
    }
}

/// The listening socket, which can be closed and reopened.
struct Gate {
    address: SocketAddr,
    leaks: Arc<Leaks>,
    runtime: Handle,
    state: Mutex<State>,
}

struct State {
    listener: Option<TcpListener>,
    /// Reserves the port while the server is down: bound, but not listening, so that connections are refused.
    reserved: Option<TcpSocket>,
    /// Closes every connection that was accepted since the socket was last opened.
    cut: CancellationToken,
    waiting: Option<Waker>,
}

impl Gate {
    fn open(listen: SocketAddr, leaks: Arc<Leaks>) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let state = State {
            listener: Some(TcpListener::from_std(listener)?),
            reserved: None,
            cut: CancellationToken::new(),
            waiting: None,
        };
        Ok(Self { address, leaks, runtime: Handle::current(), state: Mutex::new(state) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Stops listening, and closes all connections.
    fn shut(&mut self) {
        self.listener = None;
        self.reserved = None;
        self.cut.cancel();
    }

    fn close(&mut self, address: SocketAddr) -> io::Result<()> {
        self.shut();
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        self.reserved = Some(socket);
        Ok(())
    }

    fn reopen(&mut self, runtime: &Handle) -> io::Result<()> {
        if let Some(socket) = self.reserved.take() {
            let _inside = runtime.enter();
            self.listener = Some(socket.listen(1024)?);
            self.cut = CancellationToken::new();
        }
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
        Ok(())
    }

    fn poll_accept(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<(TcpStream, SocketAddr, CancellationToken)>> {
        self.waiting = Some(context.waker().clone());
        let Some(listener) = &self.listener else { return Poll::Pending };
        listener.poll_accept(context).map_ok(|(stream, peer)| (stream, peer, self.cut.child_token()))
    }
}

/// The listener for axum.
struct GatedListener(Arc<Gate>);

impl Listener for GatedListener {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match poll_fn(|context| self.0.lock().poll_accept(context)).await {
                Ok((stream, peer, cut)) => return (Wire::new(stream, cut, Arc::clone(&self.0.leaks)), peer),
                // Too many open files, or a client that has disconnected at once: neither is a reason to stop.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.0.address)
    }
}
