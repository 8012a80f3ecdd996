//! Processors: `sys/cpuvar.h`.

use core::ffi::{c_char, c_int, c_void};

use super::flat::*;

layouts! {
    "sys/cpuvar.h":

    /// A processor; the GS base points here.
    struct cpu_t: 1568, 8 {
        /// number
        0 pub cpu_id: processorid_t,
        4 pub cpu_seqid: processorid_t,
        8 pub cpu_flags: cpu_flag_t,
        /// itself
        16 pub cpu_self: *mut cpu_t,
        /// running thread (`curthread`), read at GS:0x18
        24 pub cpu_thread: *mut kthread_t,
        32 pub cpu_idle_thread: *mut kthread_t,
        40 _pad0: [u8; 8],
        /// lwp of that thread
        48 pub cpu_lwp: klwp_id_t,
        56 _pad1: [u8; 32],
        88 pub cpu_next: *mut cpu_t,
        96 pub cpu_prev: *mut cpu_t,
        104 pub cpu_next_onln: *mut cpu_t,
        112 pub cpu_prev_onln: *mut cpu_t,
        120 _pad2: [u8; 88],
        208 pub cpu_disp: *mut c_void,
        216 pub cpu_runrun: c_char,
        217 pub cpu_kprunrun: c_char,
        218 _pad3: [u8; 6],
        224 pub cpu_dispthread: *mut kthread_t,
        232 _pad4: [u8; 16],
        248 pub cpu_intr_stack: caddr_t,
        256 pub cpu_intr_thread: *mut kthread_t,
        /// levels that are being served
        264 pub cpu_intr_actv: uint_t,
        /// lowest level that may interrupt
        268 pub cpu_base_spl: c_int,
        272 _pad5: [u8; 1296],
    }
}

constants! {
    "sys/cpuvar.h":

    CPU_RUNNING: c_int = 1;
    CPU_READY: c_int = 2;
    CPU_QUIESCED: c_int = 4;
    CPU_EXISTS: c_int = 8;
    CPU_ENABLE: c_int = 0x10;
    CPU_OFFLINE: c_int = 0x20;
}
