//! The kstat `portfs:0:"Event Ports":ports` (S15).

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use bindings::{kstat_named_t, kstat_t, port_kstat_t};

use super::module::CGlobal;

/// The numbers behind the kstat; protected by `pc_mutex`.
#[unsafe(no_mangle)]
pub static port_kstat: CGlobal<port_kstat_t> = CGlobal::new({
    // SAFETY: plain C data, all zeroes is valid.
    let mut kstat: port_kstat_t = unsafe { core::mem::zeroed() };
    kstat.pks_ports = named(*b"ports");
    kstat
});

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated when the module is compiled"
)]
const fn named<const N: usize>(name: [u8; N]) -> kstat_named_t {
    // SAFETY: plain C data, all zeroes is valid.
    let mut kstat: kstat_named_t = unsafe { core::mem::zeroed() };
    let mut at = 0;
    while at < N {
        kstat.name[at] = name[at] as _;
        at += 1;
    }
    kstat.data_type = bindings::KSTAT_DATA_UINT32 as _;
    kstat
}

/// Shows `count` ports. Under `pc_mutex`.
pub(super) fn set_ports(count: u32) {
    // SAFETY: the caller holds pc_mutex; a snapshot may read meanwhile, one
    // aligned word.
    let shown =
        unsafe { AtomicU32::from_ptr((&raw mut (*port_kstat.as_ptr()).pks_ports.value).cast()) };
    shown.store(count, Relaxed);
}

/// Publishes the kstat. None when there is no memory for it: ports work
/// without.
#[inline(never)]
pub(super) fn port_kstat_init() -> Option<*mut kstat_t> {
    let fields = size_of::<port_kstat_t>() / size_of::<kstat_named_t>();
    // SAFETY: the names are static, and a virtual kstat's data is ours to set
    // before kstat_install.
    unsafe {
        let ksp = bindings::kstat_create(
            c"portfs".as_ptr(),
            0,
            c"Event Ports".as_ptr(),
            c"misc".as_ptr(),
            bindings::KSTAT_TYPE_NAMED as _,
            fields as _,
            bindings::KSTAT_FLAG_VIRTUAL as _,
        );
        if ksp.is_null() {
            return None;
        }
        (*ksp).ks_data = port_kstat.as_ptr().cast();
        bindings::kstat_install(ksp);
        Some(ksp)
    }
}
