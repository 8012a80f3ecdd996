//! Credentials: `sys/cred.h`, `sys/cred_impl.h`, `sys/priv_impl.h`.

use core::ffi::c_void;

use super::flat::*;

layouts! {
    "sys/cred_impl.h":

    /// Credentials; never changed once they are shared.
    struct cred_t: 128, 8 {
        0 pub cr_ref: uint_t,
        4 pub cr_uid: uid_t,
        8 pub cr_gid: gid_t,
        12 pub cr_ruid: uid_t,
        16 pub cr_rgid: gid_t,
        20 pub cr_suid: uid_t,
        24 pub cr_sgid: gid_t,
        28 pub cr_priv: cred_priv_t,
        80 pub cr_projid: projid_t,
        88 pub cr_zone: *mut zone_t,
        96 pub cr_label: *mut c_void,
        104 pub cr_klpd: *mut c_void,
        112 pub cr_ksid: *mut c_void,
        120 pub cr_grps: *mut c_void,
    }

    "sys/priv_impl.h":

    /// The privilege sets of credentials.
    struct cred_priv_t: 52, 4 {
        0 pub crprivs: [priv_set; 4],
        48 pub crpriv_flags: uint_t,
    }

    /// A set of privileges.
    struct priv_set = "struct priv_set": 12, 4 {
        0 pub pbits: [priv_chunk_t; 3],
    }
}

functions! {
    "sys/cred.h":

    /// The effective user id.
    fn crgetuid(cr: *const cred_t) -> uid_t;
    /// The effective group id.
    fn crgetgid(cr: *const cred_t) -> gid_t;
}
