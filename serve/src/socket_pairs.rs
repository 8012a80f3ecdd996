//! [`SocketPairs`]: the connections of a server, in one process with their clients.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering::SeqCst};

use suite::{Failure, Port, System};

use crate::event_loop::watch;
use crate::watchlist::Watchlist;

/// Connections: socket pairs with a client end and a server end, which does not block.
///
/// # Invariants
///
/// A client end belongs to one client thread, and is -1 after that has closed it. A server end
/// belongs to the loops; the one that is told of the end closes it and makes it -1. The client may
/// open the connection again after that.
pub(crate) struct SocketPairs {
    clients: Vec<AtomicI32>,
    /// The server ends.
    pub servers: Watchlist,
    /// Server ends that have not been told of their end.
    live: AtomicU32,
}

impl SocketPairs {
    /// Opens so many connections. No server end is associated yet.
    pub fn open(sys: &dyn System, count: u32) -> Result<SocketPairs, Failure> {
        let mut clients = Vec::new();
        let mut servers = Vec::new();
        for _ in 0..count {
            let (client, server) = pair(sys)?;
            clients.push(AtomicI32::new(client));
            servers.push(server);
        }
        Ok(SocketPairs {
            clients,
            servers: Watchlist::new(servers),
            live: AtomicU32::new(count),
        })
    }

    /// How many connections there can be.
    pub fn count(&self) -> usize {
        self.clients.len()
    }

    /// How many server ends are open.
    pub fn live(&self) -> u32 {
        self.live.load(SeqCst)
    }

    /// Client end `index`, unless it is closed.
    pub fn client(&self, index: usize) -> Option<i32> {
        let fd = self.clients.get(index)?.load(SeqCst);
        (fd >= 0).then_some(fd)
    }

    /// Closes client end `index`.
    pub fn leave(&self, sys: &dyn System, index: usize) -> Result<(), Failure> {
        match self.clients.get(index).map(|fd| fd.swap(-1, SeqCst)) {
            Some(fd @ 0..) => Ok(sys.close(fd)?),
            _ => Ok(()),
        }
    }

    /// Opens connection `index` again, whose client end is closed, and has some loop associate the
    /// server end. False while the server end is open.
    pub fn renew(&self, port: Port<'_>, index: usize) -> Result<bool, Failure> {
        if self.servers.fd(index) >= 0 {
            return Ok(false);
        }
        let (client, server) = pair(port.sys())?;
        self.live.fetch_add(1, SeqCst);
        self.servers.replace(index, server);
        if let Some(fd) = self.clients.get(index) {
            fd.store(client, SeqCst);
        }
        watch(port, index)?;
        Ok(true)
    }

    /// Closes server end `index`, which was told of its end.
    pub fn close_server(&self, sys: &dyn System, index: usize) -> Result<(), Failure> {
        sys.close(self.servers.fd(index))?;
        // After the close, which gives back the slot that the next association needs.
        self.servers.replace(index, -1);
        self.live.fetch_sub(1, SeqCst);
        Ok(())
    }
}

/// A new pair: client end and server end.
fn pair(sys: &dyn System) -> Result<(i32, i32), Failure> {
    let (client, server) = sys
        .socketpair()
        .map_err(|why| Failure::new(format_args!("socketpair: {why}")))?;
    sys.set_nonblocking(server, true)?;
    Ok((client, server))
}
