//! Which descriptors are free, found in logarithmic time (`uf_alloc`).
//!
//! With descriptors counted from 1, `uf_alloc` of number n tells how many of the numbers from n on
//! are taken, over as many as the lowest bit of n says: the kernel keeps the same counts, so a
//! table looks as it does there. Tables have 2^k - 1 places.
//!
//! Everything here is called with fi_lock held, or by the only one who knows the table.

use std::ffi::{c_int, c_short};

use bindings::*;

/// How many numbers the count of `n` is about.
fn span(n: c_int) -> c_int {
    n & n.wrapping_neg()
}

/// The count of `n`.
///
/// # Safety
/// The table is locked and has a place for `n` - 1.
unsafe fn count(fip: *mut uf_info_t, n: c_int) -> *mut c_int {
    // SAFETY: inside the table (contract).
    unsafe { &raw mut (*(*fip).fi_list.add(n as usize - 1)).uf_alloc }
}

/// The lowest free descriptor from `start`, 0 or more, up; None if the table has none.
///
/// # Safety
/// The table is locked.
pub(super) unsafe fn find(fip: *mut uf_info_t, start: c_int) -> Option<c_int> {
    // SAFETY: numbers stay inside the table, whose spans end at its end.
    unsafe {
        let mut n = start.checked_add(1)?;
        while n <= (*fip).fi_nfiles && *count(fip, n) == span(n) {
            n += span(n);
        }
        if n > (*fip).fi_nfiles {
            return None;
        }
        // Of the numbers n .. n + size, `taken` are taken, and not all.
        let (mut size, mut taken) = (span(n), *count(fip, n));
        while size > 1 {
            size /= 2;
            let upper = *count(fip, n + size);
            if taken - upper < size {
                taken -= upper;
            } else {
                n += size;
                taken = upper;
            }
        }
        Some(n - 1)
    }
}

/// Takes descriptor `fd` (`by` 1) or gives it back (-1).
///
/// # Safety
/// The table is locked, and so is the descriptor.
pub(super) unsafe fn reserve(fip: *mut uf_info_t, fd: c_int, by: c_int) {
    // SAFETY: inside the table (contract).
    unsafe {
        let busy = &raw mut (*(*fip).fi_list.add(fd as usize)).uf_busy;
        if *busy != c_short::from(by < 0) {
            crate::panic::kernel_panic(
                "fd-reserve",
                &format!("descriptor {fd}: reserved twice, or given back twice"),
            );
        }
        *busy += by as c_short;
        let mut n = fd + 1;
        while n > 0 {
            *count(fip, n) += by;
            n -= span(n);
        }
    }
}

/// Places of the smallest table that holds all taken descriptors.
///
/// # Safety
/// The table is locked.
pub(super) unsafe fn min_size(fip: *mut uf_info_t) -> c_int {
    // SAFETY: the table has 2^k - 1 places, and the middle one counts the upper half.
    unsafe {
        let mut places = (*fip).fi_nfiles;
        while places > 0 && *count(fip, places / 2 + 1) == 0 {
            places /= 2;
        }
        places
    }
}
