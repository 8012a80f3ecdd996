//! Zones: `sys/zone.h`.

use core::ffi::{c_char, c_uint};

use super::flat::*;

scalars! {
    "sys/zone.h":

    /// State of a zone: `ZONE_IS_*`.
    zone_status_t = c_uint;
}

layouts! {
    "sys/zone.h":

    /// A zone.
    struct zone_t: 1032, 8 {
        0 pub zone_name: *mut c_char,
        8 pub zone_nodename: *mut c_char,
        16 _pad0: [u8; 16],
        32 pub zone_lock: kmutex_t,
        40 pub zone_linkage: list_node_t,
        56 pub zone_id: zoneid_t,
        60 pub zone_ref: uint_t,
        64 _pad1: [u8; 64],
        128 pub zone_rootvp: *mut vnode_t,
        136 pub zone_rootpath: *mut c_char,
        144 pub zone_flags: ushort_t,
        148 pub zone_status: zone_status_t,
        152 pub zone_ntasks: uint_t,
        160 pub zone_nlwps_lock: kmutex_t,
        168 pub zone_nlwps: rctl_qty_t,
        176 _pad2: [u8; 48],
        224 pub zone_rctls: *mut rctl_set_t,
        232 pub zone_mem_lock: kmutex_t,
        240 _pad3: [u8; 168],
        408 pub zone_uniqid: u64,
        416 pub zone_kcred: *mut cred_t,
        424 _pad4: [u8; 256],
        680 pub zone_nprocs: rctl_qty_t,
        688 _pad5: [u8; 336],
        1024 pub zone_mount_lock: kmutex_t,
    }
}

constants! {
    "sys/zone.h":

    ZONE_IS_UNINITIALIZED: zone_status_t = 0;
    ZONE_IS_INITIALIZED: zone_status_t = 1;
    ZONE_IS_READY: zone_status_t = 2;
    ZONE_IS_BOOTING: zone_status_t = 3;
    ZONE_IS_RUNNING: zone_status_t = 4;
    ZONE_IS_SHUTTING_DOWN: zone_status_t = 5;
    ZONE_IS_EMPTY: zone_status_t = 6;
    ZONE_IS_DOWN: zone_status_t = 7;
    ZONE_IS_DYING: zone_status_t = 8;
    ZONE_IS_DEAD: zone_status_t = 9;
}
