//! Credentials: reference counts and the ids.
//!
//! Mirrors cred.c. No privileges, groups or zones: whoever may do what is not a question that a
//! port asks.

use std::sync::atomic::{AtomicU32, Ordering};

use bindings::*;

use crate::panic::kernel_panic;

/// The count of `cr`, shared between threads.
///
/// # Safety
/// `cr` is live.
unsafe fn count<'a>(cr: *mut cred_t) -> &'a AtomicU32 {
    // SAFETY: cr_ref is an aligned u32 of a live structure, and only changed through this.
    unsafe { AtomicU32::from_ptr(&raw mut (*cr).cr_ref) }
}

/// Fresh credentials with one hold.
pub fn crget(uid: uid_t, gid: gid_t, projid: projid_t) -> *mut cred_t {
    // SAFETY: fresh memory of the size of a cred_t, ours alone.
    unsafe {
        let cr: *mut cred_t = kmem_zalloc(size_of::<cred_t>(), KM_SLEEP).cast();
        (*cr).cr_ref = 1;
        ((*cr).cr_uid, (*cr).cr_ruid, (*cr).cr_suid) = (uid, uid, uid);
        ((*cr).cr_gid, (*cr).cr_rgid, (*cr).cr_sgid) = (gid, gid, gid);
        (*cr).cr_projid = projid;
        cr
    }
}

/// One more hold.
///
/// # Safety
/// `cr` is live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crhold(cr: *mut cred_t) {
    // SAFETY: live (contract).
    unsafe { count(cr).fetch_add(1, Ordering::Relaxed) };
}

/// Drops a hold; the last one frees.
///
/// # Safety
/// The caller owns a hold and gives it up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crfree(cr: *mut cred_t) {
    // SAFETY: the caller's hold (contract); the last one leaves nobody else.
    unsafe {
        match count(cr).fetch_sub(1, Ordering::AcqRel) {
            0 => kernel_panic("cred-count", "crfree of credentials without holds"),
            1 => kmem_free(cr.cast(), size_of::<cred_t>()),
            _ => {}
        }
    }
}

/// The effective user id.
///
/// # Safety
/// `cr` is live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crgetuid(cr: *const cred_t) -> uid_t {
    // SAFETY: live, and never changed once shared.
    unsafe { (*cr).cr_uid }
}

/// The effective group id.
///
/// # Safety
/// `cr` is live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crgetgid(cr: *const cred_t) -> gid_t {
    // SAFETY: live, and never changed once shared.
    unsafe { (*cr).cr_gid }
}
