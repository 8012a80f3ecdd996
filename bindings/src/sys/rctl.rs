//! Resource controls: `sys/rctl.h`.

use core::ffi::{c_int, c_uint, c_void};

use super::flat::*;

scalars! {
    "sys/rctl.h":

    /// A resource control quantity.
    rctl_qty_t = u_longlong_t;
    /// Number of a resource control.
    rctl_hndl_t = c_int;
    /// Privilege of a value: `RCPRIV_*`.
    rctl_priv_t = c_int;
    /// Kind of an entity: `RCENTITY_*`.
    rctl_entity_t = c_uint;
}

layouts! {
    "sys/rctl.h":

    /// The resource controls of an entity.
    struct rctl_set_t: 24, 8 {
        /// guards the set
        0 pub rcs_lock: kmutex_t,
        /// `RCENTITY_*`
        8 pub rcs_entity: rctl_entity_t,
        /// hash of the controls
        16 pub rcs_ctls: *mut *mut rctl_t,
    }

    /// A resource control of an entity.
    struct rctl_t: 48, 8 {
        0 pub rc_next: *mut rctl_t,
        8 pub rc_values: *mut rctl_val_t,
        16 pub rc_cursor: *mut rctl_val_t,
        24 pub rc_dict_entry: *mut c_void,
        32 pub rc_id: rctl_hndl_t,
        40 pub rc_projdb: *mut rctl_val_t,
    }

    /// One value of a resource control.
    struct rctl_val_t: 64, 8 {
        0 pub rcv_prev: *mut rctl_val_t,
        8 pub rcv_next: *mut rctl_val_t,
        16 pub rcv_privilege: rctl_priv_t,
        24 pub rcv_value: rctl_qty_t,
        32 pub rcv_flagaction: uint_t,
        36 pub rcv_action_signal: c_int,
        40 pub rcv_action_recipient: *mut proc_t,
        48 pub rcv_action_recip_pid: id_t,
        56 pub rcv_firing_time: hrtime_t,
    }

    /// The process, task, project or zone that a control belongs to.
    struct rctl_entity_p_t: 16, 8 {
        /// `RCENTITY_*`: which member of `rcep_p` counts
        0 pub rcep_t: rctl_entity_t,
        /// the entity
        8 pub rcep_p: rctl_entity_ptr_t,
    }

    /// The entity of a `rctl_entity_p_t`.
    union rctl_entity_ptr_t = "rctl_entity_p_t"."rcep_p": 8, 8 {
        0 pub proc: *mut proc_t,
        0 pub task: *mut task_t,
        0 pub proj: *mut kproject_t,
        0 pub zone: *mut zone_t,
    }
}

constants! {
    "sys/rctl.h":

    RCTL_LOCAL_NOACTION: c_int = 0;
    RCTL_LOCAL_SIGNAL: c_int = 1;
    RCTL_LOCAL_DENY: c_int = 2;
    RCTL_LOCAL_MAXIMAL: c_uint = 2147483648;
    RCTL_GLOBAL_NOACTION: c_int = 0;
    RCTL_GLOBAL_NOBASIC: c_uint = 2147483648;
    RCTL_GLOBAL_DENY_ALWAYS: c_int = 0x20000000;
    RCTL_GLOBAL_DENY_NEVER: c_int = 0x10000000;
    RCTL_GLOBAL_SIGNAL_NEVER: c_int = 0x2000000;
    RCTL_GLOBAL_SYSLOG_NEVER: c_int = 0x80000;
    RCTL_GLOBAL_COUNT: c_int = 0x100000;
    RCTL_FIRST: c_int = 0;
    RCTL_NEXT: c_int = 1;
    RCTL_USAGE: c_int = 2;
    RCTL_INSERT: c_int = 0;
    RCTL_DELETE: c_int = 1;
    RCTL_REPLACE: c_int = 2;
    RCPRIV_BASIC: c_int = 0x1000000;
    RCPRIV_PRIVILEGED: c_int = 0x4000000;
    RCPRIV_SYSTEM: c_int = 0x7000000;
    RCT_NONE: c_int = 0;
    /// the control denies
    RCT_DENY: c_int = 1;
    RCT_SIGNAL: c_int = 2;
    RCT_STRLOG: c_int = 4;
    RCT_LK_ABANDONED: c_uint = 2147483648;
    RCD_DUP: c_int = 1;
    RCD_CALLBACK: c_int = 2;
    /// the caller may be sent a signal at once
    RCA_SAFE: c_int = 0;
    /// no allocation for siginfo
    RCA_UNSAFE_SIGINFO: c_int = 1;
    /// no action at all
    RCA_UNSAFE_ALL: c_int = 2;
    RCENTITY_PROCESS: rctl_entity_t = 0;
    RCENTITY_TASK: rctl_entity_t = 1;
    RCENTITY_PROJECT: rctl_entity_t = 2;
    RCENTITY_ZONE: rctl_entity_t = 3;
}

functions! {
    "sys/rctl.h":

    /// Tests a resource control for `inc` more; the answer is a set of `RCT_*`.
    /// The caller holds `p_lock`.
    fn rctl_test(hndl: rctl_hndl_t, set: *mut rctl_set_t, p: *mut proc_t, inc: rctl_qty_t, flags: uint_t) -> c_int;
    /// The value at which the control denies.
    fn rctl_enforced_value(hndl: rctl_hndl_t, set: *mut rctl_set_t, p: *mut proc_t) -> rctl_qty_t;
}

unsafe extern "C" {
    /// Number of process.max-port-events.
    pub static mut rc_process_portev: rctl_hndl_t;
    /// Number of project.max-port-ids.
    pub static mut rc_project_portids: rctl_hndl_t;
}
