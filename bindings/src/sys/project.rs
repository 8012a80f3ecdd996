//! Projects: `sys/project.h`, `sys/ipc_rctl.h`.

use core::ffi::c_void;

use super::flat::*;

layouts! {
    "sys/project.h":

    /// A project.
    struct kproject_t: 216, 8 {
        /// project id
        0 pub kpj_id: projid_t,
        /// zone id
        4 pub kpj_zoneid: zoneid_t,
        /// zone
        8 pub kpj_zone: *mut zone_t,
        /// holds
        16 pub kpj_count: uint_t,
        /// processor shares
        20 pub kpj_shares: u32,
        /// resource controls
        24 pub kpj_rctls: *mut rctl_set_t,
        32 pub kpj_prev: *mut kproject_t,
        40 pub kpj_next: *mut kproject_t,
        /// counters for resource controls
        48 pub kpj_data: kproject_data_t,
        144 pub kpj_poolbind: kmutex_t,
        152 pub kpj_nlwps: rctl_qty_t,
        160 pub kpj_nlwps_ctl: rctl_qty_t,
        168 pub kpj_ntasks: rctl_qty_t,
        176 pub kpj_ntasks_ctl: rctl_qty_t,
        184 pub kpj_cpucap: *mut c_void,
        192 pub kpj_klpd: *mut c_void,
        200 pub kpj_nprocs: rctl_qty_t,
        208 pub kpj_nprocs_ctl: rctl_qty_t,
    }

    /// What a project counts for resource controls.
    struct kproject_data_t: 96, 8 {
        0 pub kpd_shmmax: rctl_qty_t,
        8 pub kpd_ipc: ipc_rqty_t,
        32 pub kpd_locked_mem: rctl_qty_t,
        40 pub kpd_locked_mem_ctl: rctl_qty_t,
        48 pub kpd_contract: rctl_qty_t,
        56 pub kpd_crypto_lock: kmutex_t,
        64 pub kpd_crypto_mem: rctl_qty_t,
        72 pub kpd_crypto_mem_ctl: rctl_qty_t,
        80 pub kpd_lockedmem_kstat: *mut kstat_t,
        88 pub kpd_nprocs_kstat: *mut kstat_t,
    }

    "sys/ipc_rctl.h":

    /// Counts of System V IPC identifiers.
    struct ipc_rqty_t: 24, 8 {
        0 pub ipcq_shmmni: rctl_qty_t,
        8 pub ipcq_semmni: rctl_qty_t,
        16 pub ipcq_msgmni: rctl_qty_t,
    }
}
