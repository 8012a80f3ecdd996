//! The kernel symbols of this half of the kernel, for a loader.
//!
//! The files, ports and modules half has its own table. Functions of memory and
//! strings are the host's: their contracts are the same.

use std::ffi::{c_char, c_int, c_void};

unsafe extern "C" {
    fn bzero(s: *mut c_void, n: usize);
    fn bcopy(from: *const c_void, to: *mut c_void, n: usize);
    fn bcmp(a: *const c_void, b: *const c_void, n: usize) -> c_int;
    fn strcpy(to: *mut c_char, from: *const c_char) -> *mut c_char;
}

macro_rules! addresses {
    ($($path:path as $name:literal,)*) => {
        vec![$(($name, $path as *const () as usize),)*]
    };
}

macro_rules! thunks {
    ($($name:ident)*) => {{
        unsafe extern "C" {
            $(fn $name();)*
        }
        [$((stringify!($name), $name as *const () as usize),)*]
    }};
}

/// Name and address of each symbol.
pub fn core_symbols() -> Vec<(&'static str, usize)> {
    let mut all = addresses![
        crate::mutex::mutex_init as "mutex_init",
        crate::mutex::mutex_destroy as "mutex_destroy",
        crate::mutex::mutex_enter as "mutex_enter",
        crate::mutex::mutex_tryenter as "mutex_tryenter",
        crate::mutex::mutex_exit as "mutex_exit",
        crate::mutex::mutex_owned as "mutex_owned",
        crate::mutex::mutex_owner as "mutex_owner",
        crate::condvar::cv_init as "cv_init",
        crate::condvar::cv_destroy as "cv_destroy",
        crate::condvar::cv_wait as "cv_wait",
        crate::condvar::cv_wait_sig as "cv_wait_sig",
        crate::condvar::cv_wait_stop as "cv_wait_stop",
        crate::condvar::cv_timedwait_hires as "cv_timedwait_hires",
        crate::condvar::cv_timedwait_sig as "cv_timedwait_sig",
        crate::condvar::cv_timedwait_sig_hrtime as "cv_timedwait_sig_hrtime",
        crate::condvar::cv_waituntil_sig as "cv_waituntil_sig",
        crate::condvar::cv_signal as "cv_signal",
        crate::condvar::cv_broadcast as "cv_broadcast",
        crate::kmem::kmem_alloc as "kmem_alloc",
        crate::kmem::kmem_zalloc as "kmem_zalloc",
        crate::kmem::kmem_free as "kmem_free",
        crate::kmem_cache::kmem_cache_create as "kmem_cache_create",
        crate::kmem_cache::kmem_cache_destroy as "kmem_cache_destroy",
        crate::kmem_cache::kmem_cache_alloc as "kmem_cache_alloc",
        crate::kmem_cache::kmem_cache_free as "kmem_cache_free",
        crate::list::list_create as "list_create",
        crate::list::list_destroy as "list_destroy",
        crate::list::list_insert_after as "list_insert_after",
        crate::list::list_insert_before as "list_insert_before",
        crate::list::list_insert_head as "list_insert_head",
        crate::list::list_insert_tail as "list_insert_tail",
        crate::list::list_remove as "list_remove",
        crate::list::list_remove_head as "list_remove_head",
        crate::list::list_remove_tail as "list_remove_tail",
        crate::list::list_head as "list_head",
        crate::list::list_tail as "list_tail",
        crate::list::list_next as "list_next",
        crate::list::list_prev as "list_prev",
        crate::list::list_is_empty as "list_is_empty",
        crate::list::list_move_tail as "list_move_tail",
        crate::list::list_link_init as "list_link_init",
        crate::list::list_link_active as "list_link_active",
        crate::copyio::copyin as "copyin",
        crate::copyio::copyout as "copyout",
        crate::time::gethrtime as "gethrtime",
        crate::time::gethrestime as "gethrestime",
        crate::time::timespecadd as "timespecadd",
        crate::time::ddi_get_lbolt as "ddi_get_lbolt",
        crate::thunk::__stack_chk_fail as "__stack_chk_fail",
        bzero as "bzero",
        bcopy as "bcopy",
        bcmp as "bcmp",
        strcpy as "strcpy",
        libc::strcmp as "strcmp",
        libc::strlen as "strlen",
        libc::memcpy as "memcpy",
        libc::memmove as "memmove",
        libc::memset as "memset",
        libc::memcmp as "memcmp",
    ];
    all.push(("timechanged", &raw const crate::time::timechanged as usize));
    all.push((
        "__stack_chk_guard",
        &raw const crate::thunk::__stack_chk_guard as usize,
    ));
    all.extend(thunks![
        __x86_indirect_thunk_rax __x86_indirect_thunk_rbx __x86_indirect_thunk_rcx
        __x86_indirect_thunk_rdx __x86_indirect_thunk_rsi __x86_indirect_thunk_rdi
        __x86_indirect_thunk_rbp __x86_indirect_thunk_r8 __x86_indirect_thunk_r9
        __x86_indirect_thunk_r10 __x86_indirect_thunk_r11 __x86_indirect_thunk_r12
        __x86_indirect_thunk_r13 __x86_indirect_thunk_r14 __x86_indirect_thunk_r15
    ]);
    all
}
