//! Signals: `sys/signal.h`, `sys/iso/signal_iso.h`.

use core::ffi::{c_int, c_uint, c_void};

use super::flat::*;

layouts! {
    "sys/signal.h":

    /// A set of signals.
    struct k_sigset_t: 12, 4 {
        0 pub __sigbits: [c_uint; 3],
    }

    /// An alternate signal stack.
    struct stack_t: 24, 8 {
        0 pub ss_sp: *mut c_void,
        8 pub ss_size: size_t,
        16 pub ss_flags: c_int,
    }
}

constants! {
    "sys/iso/signal_iso.h":

    SIGHUP: c_int = 1;
    SIGINT: c_int = 2;
    SIGQUIT: c_int = 3;
    SIGILL: c_int = 4;
    SIGTRAP: c_int = 5;
    SIGIOT: c_int = 6;
    SIGABRT: c_int = 6;
    SIGEMT: c_int = 7;
    SIGFPE: c_int = 8;
    SIGKILL: c_int = 9;
    SIGBUS: c_int = 0xa;
    SIGSEGV: c_int = 0xb;
    SIGSYS: c_int = 0xc;
    SIGPIPE: c_int = 0xd;
    SIGALRM: c_int = 0xe;
    SIGTERM: c_int = 0xf;
    SIGUSR1: c_int = 0x10;
    SIGUSR2: c_int = 0x11;
    SIGCLD: c_int = 0x12;
    SIGCHLD: c_int = 0x12;
    SIGPWR: c_int = 0x13;
    SIGWINCH: c_int = 0x14;
    SIGURG: c_int = 0x15;
    SIGPOLL: c_int = 0x16;
    SIGIO: c_int = 0x16;
    SIGSTOP: c_int = 0x17;
    SIGTSTP: c_int = 0x18;
    SIGCONT: c_int = 0x19;
    SIGTTIN: c_int = 0x1a;
    SIGTTOU: c_int = 0x1b;
    SIGVTALRM: c_int = 0x1c;
    SIGPROF: c_int = 0x1d;
    SIGXCPU: c_int = 0x1e;
    SIGXFSZ: c_int = 0x1f;
    SIGWAITING: c_int = 0x20;
    SIGLWP: c_int = 0x21;
    SIGFREEZE: c_int = 0x22;
    SIGTHAW: c_int = 0x23;
    SIGCANCEL: c_int = 0x24;
    SIGLOST: c_int = 0x25;
    SIGXRES: c_int = 0x26;
    SIGJVM1: c_int = 0x27;
    SIGJVM2: c_int = 0x28;
    SIGINFO: c_int = 0x29;
    _SIGRTMIN: c_int = 42;
    _SIGRTMAX: c_int = 73;
    SIG_BLOCK: c_int = 1;
    SIG_UNBLOCK: c_int = 2;
    SIG_SETMASK: c_int = 3;

    "sys/signal.h":

    /// signals are less than this
    NSIG: c_int = 74;
    SA_NOCLDSTOP: c_int = 0x20000;
    SA_ONSTACK: c_int = 1;
    SA_RESETHAND: c_int = 2;
    SA_RESTART: c_int = 4;
    SA_SIGINFO: c_int = 8;
    SA_NODEFER: c_int = 0x10;
    SA_NOCLDWAIT: c_int = 0x10000;
}
