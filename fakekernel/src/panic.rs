//! Kernel panics.
//!
//! A panic prints `panic: <rule>: <message>`, what the thread was doing and the
//! locks it holds, and ends the process with [`EXIT`]. The rule is a fixed
//! name, so that tests and the suite can tell one violation from another. A
//! memory fault in this process is the rule `trap`: on a real kernel it would
//! have been a panic too.

use std::fmt::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};

/// Exit status of a process whose kernel panicked.
pub const EXIT: i32 = 86;

/// Seconds that printing the details may take.
const PATIENCE: u32 = 10;

/// Bytes of the stack on which faults are handled.
const ALTSTACK: usize = 256 << 10;

/// The host thread that panicked first, or 0.
static PANICKING: AtomicI32 = AtomicI32::new(0);
static SYMBOLIZER: OnceLock<fn(usize) -> Option<String>> = OnceLock::new();

/// Tells the panic code how to name an address inside a loaded module.
pub fn set_symbolizer(f: fn(usize) -> Option<String>) {
    let _ = SYMBOLIZER.set(f);
}

/// Names a text address: function and offset in a loaded module, function and
/// source line in this program, or the bare address.
pub fn symbol(addr: usize) -> String {
    if let Some(name) = SYMBOLIZER.get().and_then(|f| f(addr)) {
        return name;
    }
    let mut found = None;
    // A return address may be the first byte of what follows the call. Inlined
    // functions come first, the one that exists comes last.
    backtrace::resolve(addr.wrapping_sub(1) as *mut _, |sym| {
        if let Some(name) = sym.name() {
            let file = sym
                .filename()
                .and_then(|f| f.file_name())
                .map(|f| f.to_string_lossy());
            found = Some(match (file, sym.lineno()) {
                (Some(file), Some(line)) => format!("{name:#} ({file}:{line})"),
                _ => format!("{name:#}"),
            });
        }
    });
    found.unwrap_or_else(|| format!("{addr:#x}"))
}

fn say(text: &str) {
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        // SAFETY: the buffer is valid for the length given; descriptor 2 is
        // standard error or gives an error.
        let n = unsafe { libc::write(2, rest.as_ptr().cast(), rest.len()) };
        match usize::try_from(n) {
            Ok(n) if n > 0 => rest = &rest[n..],
            _ => return,
        }
    }
}

extern "C" fn give_up(_signal: libc::c_int) {
    // SAFETY: _exit may be called from a signal handler.
    unsafe { libc::_exit(EXIT) }
}

fn begin() {
    // SAFETY: gettid has no preconditions.
    let me = unsafe { libc::gettid() };
    if let Err(first) = PANICKING.compare_exchange(0, me, SeqCst, SeqCst) {
        if first == me {
            // Printing the details did not go well.
            give_up(0);
        }
        loop {
            // The first one is about to end the process.
            // SAFETY: pause has no preconditions.
            unsafe { libc::pause() };
        }
    }
    // SAFETY: the handler only calls _exit.
    unsafe {
        libc::signal(libc::SIGALRM, give_up as *const () as libc::sighandler_t);
        libc::alarm(PATIENCE);
    }
}

fn finish(rule: &str, message: &str, rip: usize) -> ! {
    say(&format!("panic: {rule}: {message}\n"));
    let mut text = crate::thread::describe_current();
    if rip != 0 {
        let _ = writeln!(text, "  at {}", symbol(rip));
    }
    let mut frames = 0;
    backtrace::trace(|frame| {
        let addr = frame.ip() as usize;
        let name = symbol(addr);
        if addr == 0 || name.contains("__rust_begin_short_backtrace") {
            return false;
        }
        let ours = [
            "backtrace::",
            "fakekernel::panic::",
            "core::ops::function::FnOnce",
        ];
        if !ours.iter().any(|prefix| name.starts_with(prefix)) {
            frames += 1;
            let _ = writeln!(text, "  {addr:#018x} {name}");
        }
        frames < 24
    });
    say(&text);
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(EXIT) }
}

/// Ends the process because `rule` was broken.
pub fn kernel_panic(rule: &str, message: &str) -> ! {
    begin();
    finish(rule, message, 0)
}

extern "C" fn trap(signal: libc::c_int, info: *mut libc::siginfo_t, ctx: *mut libc::c_void) {
    begin();
    // SAFETY: the host passes valid pointers to an SA_SIGINFO handler.
    let (addr, rip, rsp) = unsafe {
        let regs = &(*ctx.cast::<libc::ucontext_t>()).uc_mcontext.gregs;
        let rip = regs[libc::REG_RIP as usize] as usize;
        (
            (*info).si_addr() as usize,
            rip,
            regs[libc::REG_RSP as usize] as usize,
        )
    };
    let what = match signal {
        libc::SIGILL => "invalid opcode",
        libc::SIGFPE => "arithmetic fault",
        libc::SIGBUS => "bus error",
        _ => "page fault",
    };
    // A fault just below the stack pointer's page is a stack that ran out.
    let overflow = signal == libc::SIGSEGV && addr.abs_diff(rsp) < (64 << 10) && addr != 0;
    let rule = if overflow { "stack" } else { "trap" };
    finish(
        rule,
        &format!("{what}, address {addr:#x}, at {}", symbol(rip + 1)),
        rip + 1,
    )
}

/// Makes memory faults of this process kernel panics.
pub(crate) fn install() {
    for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE] {
        // SAFETY: a zeroed sigaction is valid, and `trap` has the signature
        // that SA_SIGINFO asks for.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = trap as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigaction(signal, &action, std::ptr::null_mut());
        }
    }
}

/// The stack on which a task's faults are handled; dropped when the task ends.
pub(crate) struct AltStack(*mut libc::c_void);

impl AltStack {
    /// Gives the calling thread a stack for faults.
    pub(crate) fn install() -> AltStack {
        // SAFETY: a fresh private mapping, checked before it is used.
        unsafe {
            let prot = libc::PROT_READ | libc::PROT_WRITE;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let base = libc::mmap(std::ptr::null_mut(), ALTSTACK, prot, flags, -1, 0);
            if base == libc::MAP_FAILED {
                kernel_panic("sched", "the host has no memory for a thread");
            }
            let stack = libc::stack_t {
                ss_sp: base,
                ss_flags: 0,
                ss_size: ALTSTACK,
            };
            libc::sigaltstack(&stack, std::ptr::null_mut());
            AltStack(base)
        }
    }
}

impl Drop for AltStack {
    fn drop(&mut self) {
        let stack = libc::stack_t {
            ss_sp: std::ptr::null_mut(),
            ss_flags: libc::SS_DISABLE,
            ss_size: ALTSTACK,
        };
        // SAFETY: the stack is switched off before its mapping goes, by the
        // thread that installed it.
        unsafe {
            libc::sigaltstack(&stack, std::ptr::null_mut());
            libc::munmap(self.0, ALTSTACK);
        }
    }
}
