//! [`Queue`]: message queues as libc makes them, as far as `mq_notify(3C)` goes.
//!
//! A queue lies in memory that processes share; the kernel knows nothing of it. Who registers with
//! `SIGEV_PORT` gets a thread (libc's spawner) that sleeps until a message comes to the empty queue
//! and then dispatches the event. What it sleeps on is a port of the queue's own here.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use spin::Mutex;

use crate::{Errno, Port, S_IFMT, S_IFPORT, System, Task, Timeout, source};

/// A message queue, open in every process that has a clone and was forked after it was made.
#[derive(Clone)]
pub struct Queue {
    shared: Arc<Mutex<Shared>>,
    semaphore: i32,
    descriptor: usize,
}

struct Shared {
    messages: VecDeque<Vec<u8>>,
    registered: bool,
}

impl Queue {
    /// `mq_open`: an empty queue; `descriptor` stands for the `mqd_t`.
    pub fn open(sys: &dyn System, descriptor: usize) -> Result<Queue, Errno> {
        let shared = Shared {
            messages: VecDeque::new(),
            registered: false,
        };
        Ok(Queue {
            shared: Arc::new(Mutex::new(shared)),
            semaphore: Port::create(sys)?.fd(),
            descriptor,
        })
    }

    /// The descriptor that the semaphore uses, to be closed by the case.
    pub fn semaphore(&self) -> i32 {
        self.semaphore
    }

    /// `mq_notify` with `SIGEV_PORT`: EBADF for what is no port, EBUSY if somebody is registered.
    /// The answer is the spawner; it ends when it has dispatched, with what that returned.
    pub fn notify(
        &self,
        sys: &dyn System,
        port: i32,
        user: usize,
    ) -> Result<Task<Result<(), Errno>>, Errno> {
        match sys.fstat(port) {
            Ok(stat) if stat.mode & S_IFMT == S_IFPORT => {}
            _ => return Err(Errno::EBADF),
        }
        {
            let mut shared = self.shared.lock();
            if shared.registered {
                return Err(Errno::EBUSY);
            }
            shared.registered = true;
        }
        let (semaphore, descriptor) = (self.semaphore, self.descriptor);
        Task::start(sys, move |sys| {
            Port::at(sys, semaphore).get(Timeout::Never)?;
            Port::at(sys, port).dispatch(0, source::MQ, 0, descriptor, user)
        })
    }

    /// `mq_send`: the first message of an empty queue uses the registration up.
    pub fn send(&self, sys: &dyn System, message: &[u8]) -> Result<(), Errno> {
        let tell = {
            let mut shared = self.shared.lock();
            let first = shared.messages.is_empty();
            shared.messages.push_back(message.to_vec());
            first && core::mem::take(&mut shared.registered)
        };
        if tell {
            Port::at(sys, self.semaphore).send(1, 0)?;
        }
        Ok(())
    }

    /// `mq_receive` without waiting.
    pub fn receive(&self) -> Option<Vec<u8>> {
        self.shared.lock().messages.pop_front()
    }
}
