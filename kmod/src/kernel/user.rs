//! User memory: addresses as a caller alleges them.
//!
//! Mirrors `copyin(9F)` and `copyout(9F)`. Both may sleep on a page fault for
//! as long as the fault takes (a dead NFS server, say), so no mutex is held
//! across them (D20).

use core::mem::{MaybeUninit, size_of};

use bindings::{port_event_t, port_event32_t, timespec_t, timespec32_t};

use super::errno::{Errno, Result};
use super::proc::Model;
use super::time::Timespec;

const PAGESIZE: usize = 0x1000;

/// Types that user and kernel exchange byte for byte.
///
/// # Safety
///
/// Every bit pattern is a valid value, and no byte of it is padding.
pub unsafe trait Plain: Copy {}
// SAFETY: integers have neither padding nor invalid values.
unsafe impl Plain for i32 {}
// SAFETY: two integers without padding.
unsafe impl Plain for timespec_t {}
// SAFETY: two integers without padding.
unsafe impl Plain for timespec32_t {}

/// An address in the caller's address space. Anything may be wrong with it.
#[derive(Clone, Copy)]
pub struct UserAddr(pub usize);

impl UserAddr {
    /// True for the null pointer.
    #[inline]
    pub fn is_null(self) -> bool {
        self.0 == 0
    }

    /// Reads one value.
    ///
    /// # Errors
    ///
    /// `EFAULT` when any of its bytes cannot be read.
    pub fn read<T: Plain>(self) -> Result<T> {
        let mut value = MaybeUninit::<T>::uninit();
        copy_in(self.0, value.as_mut_ptr().cast(), size_of::<T>())?;
        // SAFETY: copyin filled all of it, and every pattern is valid.
        Ok(unsafe { value.assume_init() })
    }

    /// Reads consecutive values into `to`.
    ///
    /// # Errors
    ///
    /// `EFAULT` when any byte cannot be read; `to` may be changed in part.
    pub fn read_slice<T: Plain>(self, to: &mut [T]) -> Result {
        copy_in(self.0, to.as_mut_ptr().cast(), size_of_val(to))
    }

    /// Writes consecutive values.
    ///
    /// # Errors
    ///
    /// `EFAULT` when any byte cannot be written; some may have been.
    pub fn write_slice<T: Plain>(self, from: &[T]) -> Result {
        copy_out(from.as_ptr().cast(), self.0, size_of_val(from))
    }

    /// Reads a time-out in the layout of `model` (S67).
    ///
    /// # Errors
    ///
    /// `EFAULT` when it cannot be read.
    pub fn read_timespec(self, model: Model) -> Result<Timespec> {
        match model {
            Model::Lp64 => self.read::<timespec_t>().map(Timespec::from),
            Model::Ilp32 => self.read::<timespec32_t>().map(Timespec::from),
        }
    }
}

fn copy_in(from: usize, to: *mut u8, len: usize) -> Result {
    // SAFETY: `to` has `len` writable bytes; copyin checks `from`.
    match unsafe { bindings::copyin(from as *const _, to.cast(), len) } {
        0 => Ok(()),
        _ => Err(Errno::EFAULT),
    }
}

fn copy_out(from: *const u8, to: usize, len: usize) -> Result {
    // SAFETY: `from` has `len` initialised bytes; copyout checks `to`.
    match unsafe { bindings::copyout(from.cast(), to as *mut _, len) } {
        0 => Ok(()),
        _ => Err(Errno::EFAULT),
    }
}

/// One event in the kernel's copy of a caller's list, in either layout.
///
/// # Invariants
///
/// All bytes are initialised: no byte of kernel memory reaches the user by
/// accident, `portev_pad` included (D21).
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub struct EventSlot([u64; 3]);

const _: () = assert!(size_of::<EventSlot>() == size_of::<port_event_t>());

/// What a caller gets to see of an event.
#[derive(Clone, Copy)]
pub struct UserEvent {
    /// `portev_events`.
    pub events: i32,
    /// `portev_source`, a `PORT_SOURCE_*` number.
    pub source: u16,
    /// `portev_object`.
    pub object: usize,
    /// `portev_user`.
    pub user: usize,
}

/// The event list of a `port_get` or `port_getn`: where it is and how its
/// entries look (S93).
#[derive(Clone, Copy)]
pub struct EventList {
    addr: UserAddr,
    model: Model,
}

impl EventList {
    /// The list at `addr` of a caller with this data model.
    #[inline]
    pub fn new(addr: UserAddr, model: Model) -> Self {
        Self { addr, model }
    }

    /// True when the caller gave no list.
    #[inline]
    pub fn is_null(&self) -> bool {
        self.addr.is_null()
    }

    fn entry_size(&self) -> usize {
        match self.model {
            Model::Lp64 => size_of::<port_event_t>(),
            Model::Ilp32 => size_of::<port_event32_t>(),
        }
    }

    /// Stores `event` as entry `at` of the kernel's copy. Entries are packed
    /// in the caller's layout from the start of `slots`; one that does not
    /// fit is dropped, which no caller of this module does.
    #[inline]
    pub fn encode(&self, slots: &mut [EventSlot], at: usize, event: UserEvent) {
        let size = self.entry_size();
        if (at + 1) * size > size_of_val(slots) {
            return;
        }
        let base = slots.as_mut_ptr().cast::<u8>();
        match self.model {
            // SAFETY: the entry lies inside `slots` (checked), which is
            // aligned for both layouts; both sizes are multiples of 8.
            Model::Lp64 => unsafe {
                base.add(at * size)
                    .cast::<port_event_t>()
                    .write(port_event_t {
                        portev_events: event.events,
                        portev_source: event.source,
                        portev_pad: 0,
                        portev_object: event.object as _,
                        portev_user: event.user as _,
                    });
            },
            // SAFETY: as above. Pointers of a 32-bit caller fit (S94).
            Model::Ilp32 => unsafe {
                base.add(at * size)
                    .cast::<port_event32_t>()
                    .write(port_event32_t {
                        portev_events: event.events,
                        portev_source: event.source,
                        portev_pad: 0,
                        portev_object: event.object as _,
                        portev_user: event.user as _,
                    });
            },
        }
    }

    /// Copies the first `count` entries to the caller.
    ///
    /// # Errors
    ///
    /// `EFAULT` when the list cannot be written.
    #[inline]
    pub fn copy_out(&self, slots: &[EventSlot], count: usize) -> Result {
        let len = (count * self.entry_size()).min(size_of_val(slots));
        copy_out(slots.as_ptr().cast(), self.addr.0, len)
    }

    /// Writes a single event.
    ///
    /// # Errors
    ///
    /// `EFAULT` when the list cannot be written.
    pub fn write_one(&self, event: UserEvent) -> Result {
        let mut slot = [EventSlot::EMPTY];
        self.encode(&mut slot, 0, event);
        self.copy_out(&slot, 1)
    }

    /// Makes sure that `count` entries can be written, without changing any.
    ///
    /// # Errors
    ///
    /// `EFAULT` when a page of the list is missing or read-only.
    pub fn probe(&self, count: usize) -> Result {
        let Some(last) = (count * self.entry_size())
            .checked_sub(1)
            .and_then(|n| self.addr.0.checked_add(n))
        else {
            return Err(Errno::EFAULT);
        };
        let mut at = self.addr.0;
        while at <= last {
            let mut byte = 0u8;
            copy_in(at, &raw mut byte, 1)?;
            copy_out(&raw const byte, at, 1)?;
            at = match (at & !(PAGESIZE - 1)).checked_add(PAGESIZE) {
                Some(next) => next,
                None => break,
            };
        }
        Ok(())
    }
}

impl EventSlot {
    /// An entry of zeroes.
    pub const EMPTY: Self = Self([0; 3]);
}
