//! Tasks: `sys/task.h`.

use core::ffi::c_int;

use super::flat::*;

layouts! {
    "sys/task.h":

    /// A task: processes of one project that are accounted together.
    struct task_t: 160, 8 {
        /// task id
        0 pub tk_tkid: taskid_t,
        /// `TASK_NORMAL`, `TASK_FINAL`
        4 pub tk_flags: uint_t,
        /// project
        8 pub tk_proj: *mut kproject_t,
        /// members and observers
        16 pub tk_hold_count: uint_t,
        /// first process
        24 pub tk_memb_list: *mut proc_t,
        /// guards the usage
        32 pub tk_usage_lock: kmutex_t,
        40 _pad0: [u8; 24],
        /// resource controls
        64 pub tk_rctls: *mut rctl_set_t,
        /// lwps; guarded by the zone's `zone_nlwps_lock`
        72 pub tk_nlwps: rctl_qty_t,
        /// limit of lwps
        80 pub tk_nlwps_ctl: rctl_qty_t,
        88 _pad1: [u8; 8],
        /// zone
        96 pub tk_zone: *mut zone_t,
        104 _pad2: [u8; 56],
    }
}

constants! {
    "sys/task.h":

    /// an ordinary task
    TASK_NORMAL: c_int = 0;
    /// a task that can have no successor
    TASK_FINAL: c_int = 1;
}
