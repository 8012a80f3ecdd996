//! Messages of the kernel: `cmn_err` and `panic`.
//!
//! Both take a C format and C variable arguments, which stable Rust cannot define: a few
//! instructions save the argument registers, the rest reads them from memory. CE_PANIC and `panic`
//! end the process (rules `cmn_err` and `panic`); warnings also go to stderr.

use std::ffi::{CStr, c_char, c_int};
use std::sync::{Mutex, PoisonError};

use bindings::*;

use crate::panic::kernel_panic;

/// A message of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// CE_CONT, CE_NOTE or CE_WARN.
    pub level: c_int,
    /// The text.
    pub text: String,
}

static LOG: Mutex<Vec<Message>> = Mutex::new(Vec::new());

/// What the kernel has said so far.
pub fn log() -> Vec<Message> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Says `text`.
pub(crate) fn say(level: c_int, text: String) {
    if level == CE_WARN {
        eprintln!("WARNING: {text}");
    }
    LOG.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Message { level, text });
}

/// Writes a message; `level` is one of CE_*.
///
/// # Safety
/// `fmt` is a format and the arguments are what it asks for.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn cmn_err(level: c_int, fmt: *const c_char) {
    core::arch::naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "sub rsp, 48",
        "mov [rsp], rdi",
        "mov [rsp + 8], rsi",
        "mov [rsp + 16], rdx",
        "mov [rsp + 24], rcx",
        "mov [rsp + 32], r8",
        "mov [rsp + 40], r9",
        "mov rdx, rsp",
        "lea rcx, [rbp + 16]",
        "call {body}",
        "leave",
        "ret",
        body = sym cmn_err_body,
    )
}

/// Stops the machine.
///
/// # Safety
/// As for [`cmn_err`].
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn panic(fmt: *const c_char) {
    core::arch::naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "sub rsp, 48",
        "mov [rsp], rdi",
        "mov [rsp + 8], rsi",
        "mov [rsp + 16], rdx",
        "mov [rsp + 24], rcx",
        "mov [rsp + 32], r8",
        "mov [rsp + 40], r9",
        "mov rsi, rsp",
        "lea rdx, [rbp + 16]",
        "call {body}",
        "ud2",
        body = sym panic_body,
    )
}

unsafe extern "C" fn cmn_err_body(
    level: c_int,
    fmt: *const c_char,
    regs: *const u64,
    stack: *const u64,
) {
    // SAFETY: the six registers lie at `regs`, two of them taken; the caller's arguments fit the
    // format (contract of cmn_err).
    let text = unsafe {
        format(
            fmt,
            Args {
                regs,
                stack,
                next: 2,
            },
        )
    };
    if level == CE_PANIC {
        kernel_panic("cmn_err", &text);
    }
    if level != CE_IGNORE {
        say(level, text);
    }
}

unsafe extern "C" fn panic_body(fmt: *const c_char, regs: *const u64, stack: *const u64) {
    // SAFETY: as in `cmn_err_body`, one register taken.
    let text = unsafe {
        format(
            fmt,
            Args {
                regs,
                stack,
                next: 1,
            },
        )
    };
    kernel_panic("panic", &text);
}

/// Variable arguments of integer class.
struct Args {
    regs: *const u64,
    stack: *const u64,
    next: usize,
}

impl Args {
    /// # Safety
    /// The caller passed another argument.
    unsafe fn next(&mut self) -> u64 {
        let n = self.next;
        self.next += 1;
        // SAFETY: six registers, then the stack (calling convention).
        unsafe {
            if n < 6 {
                *self.regs.add(n)
            } else {
                *self.stack.add(n - 6)
            }
        }
    }
}

/// Formats as the kernel's printf: %d %i %u %x %X %o %c %s %p %%, with l, ll, z and width.
///
/// # Safety
/// `fmt` is a C string, and the arguments are what it asks for.
unsafe fn format(fmt: *const c_char, mut args: Args) -> String {
    // SAFETY: a C string (contract).
    let fmt = unsafe { CStr::from_ptr(fmt) }.to_string_lossy();
    let mut text = String::new();
    let mut rest = fmt.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        let mut width = String::new();
        while let Some(d) = rest.next_if(|c| c.is_ascii_digit() || matches!(c, '-' | '#')) {
            width.push(d);
        }
        let mut long = false;
        while rest.next_if(|c| matches!(c, 'l' | 'z' | 'j')).is_some() {
            long = true;
        }
        let Some(kind) = rest.next() else { break };
        // SAFETY: one argument per conversion (contract).
        let mut arg = || unsafe { args.next() };
        let narrow = |v: u64| if long { v } else { v & 0xffff_ffff };
        let part = match kind {
            '%' => "%".into(),
            'd' | 'i' if long => (arg() as i64).to_string(),
            'd' | 'i' => (arg() as i32).to_string(),
            'u' => narrow(arg()).to_string(),
            'x' => format!("{:x}", narrow(arg())),
            'X' => format!("{:X}", narrow(arg())),
            'o' => format!("{:o}", narrow(arg())),
            'p' => format!("{:x}", arg()),
            'c' => char::from(arg() as u8).into(),
            's' => match arg() as *const c_char {
                s if s.is_null() => "<null>".into(),
                // SAFETY: %s takes a C string (contract).
                s => unsafe { CStr::from_ptr(s) }.to_string_lossy().into_owned(),
            },
            other => format!("%{other}"),
        };
        let zero = width.starts_with('0');
        let n: usize = width
            .trim_matches(|c: char| !c.is_ascii_digit())
            .parse()
            .unwrap_or(0);
        for _ in part.chars().count()..n {
            text.push(if zero { '0' } else { ' ' });
        }
        text.push_str(&part);
    }
    text
}
