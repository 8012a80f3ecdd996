//! Kernel statistics: a registry that can be read by name.
//!
//! Mirrors kstat_fr.c for named statistics.

use std::collections::BTreeSet;
use std::ffi::{CStr, c_char, c_int};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use bindings::*;

use crate::panic::kernel_panic;

/// Installed kstats by address.
///
/// # Invariants
/// Every address is that of a kstat_t made by `kstat_create` and not yet deleted.
static INSTALLED: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());

fn installed() -> std::sync::MutexGuard<'static, BTreeSet<usize>> {
    INSTALLED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Copies a C string into a fixed field, NUL at the end.
///
/// # Safety
/// `from` is a C string.
unsafe fn fill<const N: usize>(field: &mut [c_char; N], from: *const c_char) {
    // SAFETY: a C string (contract).
    let bytes = unsafe { CStr::from_ptr(from) }.to_bytes();
    for (to, byte) in field[..N - 1].iter_mut().zip(bytes) {
        *to = *byte as c_char;
    }
}

fn text(field: &[c_char]) -> String {
    field
        .iter()
        .take_while(|c| **c != 0)
        .map(|c| char::from(*c as u8))
        .collect()
}

/// Makes a kstat; without KSTAT_FLAG_VIRTUAL with room for `ndata` values. NULL for a type other
/// than KSTAT_TYPE_NAMED.
///
/// # Safety
/// The three names are C strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kstat_create(
    module: *const c_char,
    instance: c_int,
    name: *const c_char,
    class: *const c_char,
    kind: uchar_t,
    ndata: uint_t,
    flags: uchar_t,
) -> *mut kstat_t {
    if c_int::from(kind) != KSTAT_TYPE_NAMED {
        return std::ptr::null_mut();
    }
    // SAFETY: fresh memory of the size of a kstat_t; the names are C strings (contract).
    unsafe {
        let ksp: *mut kstat_t = kmem_zalloc(size_of::<kstat_t>(), KM_SLEEP).cast();
        fill(&mut (*ksp).ks_module, module);
        fill(&mut (*ksp).ks_name, name);
        fill(&mut (*ksp).ks_class, class);
        (*ksp).ks_instance = instance;
        (*ksp).ks_type = kind;
        (*ksp).ks_flags = flags;
        (*ksp).ks_ndata = ndata;
        (*ksp).ks_data_size = ndata as usize * size_of::<kstat_named_t>();
        if c_int::from(flags) & KSTAT_FLAG_VIRTUAL == 0 {
            (*ksp).ks_data = kmem_zalloc((*ksp).ks_data_size, KM_SLEEP);
        }
        ksp
    }
}

/// Shows a kstat to readers.
///
/// # Safety
/// `ksp` comes from [`kstat_create`], with data.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kstat_install(ksp: *mut kstat_t) {
    // SAFETY: made by kstat_create (contract).
    if unsafe { (*ksp).ks_data.is_null() } {
        kernel_panic("kstat", "kstat_install of a kstat without data");
    }
    installed().insert(ksp as usize);
}

/// Takes a kstat away and frees it.
///
/// # Safety
/// `ksp` is NULL or comes from [`kstat_create`]; it is not used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kstat_delete(ksp: *mut kstat_t) {
    if ksp.is_null() {
        return;
    }
    installed().remove(&(ksp as usize));
    // SAFETY: made by kstat_create and no longer visible to readers.
    unsafe {
        if c_int::from((*ksp).ks_flags) & KSTAT_FLAG_VIRTUAL == 0 {
            kmem_free((*ksp).ks_data, (*ksp).ks_data_size);
        }
        kmem_free(ksp.cast(), size_of::<kstat_t>());
    }
}

/// The value `statistic` of kstat `module:instance:name`, as `kstat -p` would print it; None when
/// there is no such kstat, statistic, or integer.
pub fn read(module: &str, instance: i32, name: &str, statistic: &str) -> Option<u64> {
    let list = installed();
    // SAFETY: installed kstats are alive while the registry is locked; ks_data holds ks_ndata
    // named values. A value may change while it is read; an aligned word is read whole.
    unsafe {
        let found = list.iter().map(|addr| *addr as *mut kstat_t).find(|ksp| {
            let k = &**ksp;
            text(&k.ks_module) == module && k.ks_instance == instance && text(&k.ks_name) == name
        })?;
        if let Some(update) = (*found).ks_update {
            update(found, KSTAT_READ);
        }
        let values: *const kstat_named_t = (*found).ks_data.cast();
        (0..(*found).ks_ndata as usize)
            .map(|i| values.add(i))
            .find_map(|v| {
                if text(&(*v).name) != statistic {
                    return None;
                }
                let value = &raw mut (*v.cast_mut()).value;
                let (word, long) = (
                    || AtomicU32::from_ptr(value.cast()).load(Relaxed),
                    || AtomicU64::from_ptr(value.cast()).load(Relaxed),
                );
                match c_int::from((*v).data_type) {
                    KSTAT_DATA_UINT32 => Some(u64::from(word())),
                    KSTAT_DATA_INT32 => Some(word() as i32 as u64),
                    KSTAT_DATA_INT64 | KSTAT_DATA_UINT64 => Some(long()),
                    _ => None,
                }
            })
    }
}

/// The names of all installed kstats, `module:instance:name`.
pub fn list() -> Vec<String> {
    // SAFETY: installed kstats are alive while the registry is locked.
    let name = |addr: &usize| unsafe {
        let k = &*(*addr as *const kstat_t);
        format!(
            "{}:{}:{}",
            text(&k.ks_module),
            k.ks_instance,
            text(&k.ks_name)
        )
    };
    installed().iter().map(name).collect()
}
