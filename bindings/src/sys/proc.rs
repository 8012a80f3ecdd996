//! Processes: `sys/proc.h`. In C `p_lock` and `p_pid` are macros for
//! `p_lockp->pl_lock` and `p_pidp->pid_id`.

use core::ffi::{c_char, c_int, c_uint, c_void};

use super::flat::*;

layouts! {
    "sys/proc.h":

    /// A process.
    struct proc_t: 4064, 8 {
        0 pub p_exec: *mut vnode_t,
        8 pub p_as: *mut c_void,
        /// its lock (`p_lock` in C)
        16 pub p_lockp: *mut plock,
        /// guards `p_cred`
        24 pub p_crlock: kmutex_t,
        /// credentials; `p_crlock` guards them
        32 pub p_cred: *mut cred_t,
        40 _pad0: [u8; 4],
        44 pub p_stat: c_char,
        45 _pad1: [u8; 1],
        46 pub p_pidflag: ushort_t,
        48 _pad2: [u8; 4],
        52 pub p_ppid: pid_t,
        56 pub p_link: *mut proc_t,
        64 pub p_parent: *mut proc_t,
        72 pub p_child: *mut proc_t,
        80 pub p_sibling: *mut proc_t,
        88 _pad3: [u8; 24],
        112 pub p_next: *mut proc_t,
        120 pub p_prev: *mut proc_t,
        128 _pad4: [u8; 48],
        /// its id (`p_pid` in C)
        176 pub p_pidp: *mut pid,
        184 pub p_pgidp: *mut pid,
        192 pub p_cv: kcondvar_t,
        194 pub p_flag_cv: kcondvar_t,
        196 pub p_lwpexit: kcondvar_t,
        198 pub p_holdlwps: kcondvar_t,
        200 pub p_proc_flag: uint_t,
        /// `SSYS`, `SEXITLWPS` ...
        204 pub p_flag: uint_t,
        208 _pad5: [u8; 76],
        284 pub p_sig: k_sigset_t,
        296 pub p_extsig: k_sigset_t,
        308 pub p_ignore: k_sigset_t,
        320 pub p_siginfo: k_sigset_t,
        332 _pad6: [u8; 12],
        344 pub p_sigqueue: *mut sigqueue_t,
        352 pub p_sigqhdr: *mut c_void,
        360 pub p_signhdr: *mut c_void,
        368 _pad7: [u8; 4],
        372 pub p_lwpid: id_t,
        /// number of lwps
        376 pub p_lwpcnt: c_int,
        380 pub p_lwprcnt: c_int,
        384 _pad8: [u8; 16],
        /// its threads, a ring
        400 pub p_tlist: *mut kthread_t,
        408 _pad9: [u8; 832],
        /// asynchronous I/O
        1240 pub p_aio: *mut aio_t,
        /// timers
        1248 pub p_itimer: *mut *mut itimer_t,
        /// room for timers
        1256 pub p_itimer_sz: uint_t,
        1260 _pad10: [u8; 28],
        /// data model
        1288 pub p_model: model_t,
        1292 _pad11: [u8; 36],
        /// task
        1328 pub p_task: *mut task_t,
        1336 pub p_taskprev: *mut proc_t,
        1344 pub p_tasknext: *mut proc_t,
        1352 _pad12: [u8; 16],
        /// resource controls
        1368 pub p_rctls: *mut rctl_set_t,
        1376 _pad13: [u8; 24],
        /// limit of descriptors
        1400 pub p_fno_ctl: rlim64_t,
        1408 pub p_ancpid: pid_t,
        1412 _pad14: [u8; 164],
        1576 pub p_poolcv: kcondvar_t,
        1578 _pad15: [u8; 22],
        /// unused
        1600 pub p_portcnt: uintptr_t,
        /// zone
        1608 pub p_zone: *mut zone_t,
        1616 _pad16: [u8; 88],
        /// descriptors, name and more
        1704 pub p_user: user_t,
    }

    /// A process id and who uses it.
    struct pid = "struct pid": 40, 8 {
        /// the bit-fields `pid_prinactive` (bit 0), `pid_pgorphaned` (1) and `pid_prslot` (8 to 31)
        0 pub _pad_bits: c_uint,
        4 pub pid_id: pid_t,
        8 pub pid_pglink: *mut proc_t,
        16 pub pid_pgtail: *mut proc_t,
        24 pub pid_link: *mut pid,
        32 pub pid_ref: uint_t,
    }

    /// The lock of a process (`p_lock` in C).
    struct plock = "struct plock": 8, 8 {
        /// the lock
        0 pub pl_lock: kmutex_t,
    }
}

constants! {
    "sys/proc.h":

    SSLEEP: c_int = 1;
    SRUN: c_int = 2;
    SZOMB: c_int = 3;
    SSTOP: c_int = 4;
    SIDL: c_int = 5;
    SONPROC: c_int = 6;
    SWAIT: c_int = 7;
    P_PR_TRACE: c_int = 1;
    P_PR_PTRACE: c_int = 2;
    P_PR_FORK: c_int = 4;
    P_PR_LOCK: c_int = 8;
    P_PR_ASYNC: c_int = 0x10;
    P_PR_EXEC: c_int = 0x20;
    P_PR_BPTADJ: c_int = 0x40;
    P_PR_RUNLCL: c_int = 0x80;
    P_PR_KILLCL: c_int = 0x100;
    SSYS: c_int = 1;
    SEXITING: c_int = 2;
    SITBUSY: c_int = 4;
    SFORKING: c_int = 8;
    SKILLED: c_int = 0x100;
    SEXECED: c_int = 0x4000;
    SNOWAIT: c_int = 0x20000;
    SEXITLWPS: c_int = 0x100000;
    SHOLDFORK: c_int = 0x200000;
    SHOLDFORK1: c_int = 0x800000;
}
