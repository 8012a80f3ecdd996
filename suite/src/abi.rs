//! What a user program knows of event ports: `sys/port.h`, `sys/port_impl.h`, `sys/poll.h`,
//! `sys/stat.h`. Numbers only.

/// Number of the `portfs` system call.
pub const SYS_PORTFS: i32 = 182;

/// Number of the `kaio` system call.
pub const SYS_KAIO: i32 = 178;

/// `kaio` opcodes (argument 0), also the events of what they submit. Those ending in 64 are for
/// 32-bit programs with 64-bit offsets.
pub mod kaio {
    #![allow(missing_docs)]
    pub const CANCEL: i32 = 3;
    pub const INIT: i32 = 5;
    pub const LIO: i32 = 7;
    pub const ERROR: i32 = 9;
    pub const AREAD: i32 = 11;
    pub const AWRITE: i32 = 12;
    pub const LIO64: i32 = 13;
    pub const ERROR64: i32 = 15;
    pub const AREAD64: i32 = 17;
    pub const AWRITE64: i32 = 18;
    pub const CANCEL64: i32 = 19;
}

/// `sigev_notify`.
pub mod sigev {
    #![allow(missing_docs)]
    pub const NONE: i32 = 1;
    pub const SIGNAL: i32 = 2;
    pub const THREAD: i32 = 3;
    pub const PORT: i32 = 4;
}

/// Answers of `AIOCANCEL`: nothing was pending, or something is and stays so.
pub mod cancel {
    #![allow(missing_docs)]
    pub const ALLDONE: i64 = 1;
    pub const NOTCANCELED: i64 = 2;
}

/// `portfs` operation codes (argument 0). `NOPORT` is set when argument 1 is no port descriptor,
/// `NOSHARE` asks for an event that only its sender's process can take.
pub mod op {
    #![allow(missing_docs)]
    pub const CREATE: i32 = 0;
    pub const ASSOCIATE: i32 = 1;
    pub const DISSOCIATE: i32 = 2;
    pub const SEND: i32 = 3;
    pub const SENDN: i32 = 4;
    pub const GET: i32 = 5;
    pub const GETN: i32 = 6;
    pub const ALERT: i32 = 7;
    pub const DISPATCH: i32 = 8;
    pub const NOPORT: i32 = 0x100;
    pub const NOSHARE: i32 = 0x200;
}

/// Event sources (`portev_source`).
pub mod source {
    #![allow(missing_docs)]
    pub const AIO: i32 = 1;
    pub const TIMER: i32 = 2;
    pub const USER: i32 = 3;
    pub const FD: i32 = 4;
    pub const ALERT: i32 = 5;
    pub const MQ: i32 = 6;
    pub const FILE: i32 = 7;
}

/// `port_alert` flag: set the alert, whatever was there.
pub const PORT_ALERT_SET: i32 = 1;
/// `port_alert` flag: set the alert unless there is one.
pub const PORT_ALERT_UPDATE: i32 = 2;
/// `_port_dispatch` flag: any process may take the event.
pub const PORT_SHARE_EVENT: i32 = 1;
/// Longest list that the kernel takes in one `sendn`.
pub const PORT_MAX_LIST: u32 = 8192;

/// `poll(2)` event bits.
pub mod poll {
    #![allow(missing_docs)]
    pub const IN: i16 = 0x0001;
    pub const PRI: i16 = 0x0002;
    pub const OUT: i16 = 0x0004;
    pub const ERR: i16 = 0x0008;
    pub const HUP: i16 = 0x0010;
    pub const NVAL: i16 = 0x0020;
    pub const RDNORM: i16 = 0x0040;
    pub const RDBAND: i16 = 0x0080;
    pub const WRBAND: i16 = 0x0100;
}

/// File type of a port in `st_mode`.
pub const S_IFPORT: u32 = 0xE000;
/// Mask of the file type in `st_mode`.
pub const S_IFMT: u32 = 0xF000;
/// The `FD_CLOEXEC` bit of `F_GETFD`.
pub const FD_CLOEXEC: i32 = 1;
/// `NANOSEC`: nanoseconds in a second.
pub const NANOSEC: i64 = 1_000_000_000;
/// Nanoseconds in a millisecond.
pub const MSEC: u64 = 1_000_000;
