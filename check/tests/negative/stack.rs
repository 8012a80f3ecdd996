//! Red zone, frames, call depth.

use crate::fixture::{
    Accepted, ENTER, Fixture, LEAVE, LOCAL_FUNC, Negative, R_64, R_PC32, no, with, with_bare, yes,
};

/// sub $n,%rsp
fn reserve(bytes: u32) -> Vec<u8> {
    [&[0x48, 0x81, 0xec][..], &bytes.to_le_bytes()].concat()
}

/// leave; ret
const UNWIND: &[u8] = &[0xc9, 0xc3];

/// Functions `<prefix>0` .. `<prefix>N-1` with frames of 1024 bytes, each calling the next; the
/// last one calls `end`.
fn chain(fixture: &mut Fixture, prefix: &str, length: usize, end: &str) {
    for number in (0..length).rev() {
        let next = if number + 1 == length {
            end.to_owned()
        } else {
            format!("{prefix}{}", number + 1)
        };
        fixture.function(&format!("{prefix}{number}"), LOCAL_FUNC, |f| {
            f.code(ENTER).code(&reserve(1008)).call(&next).code(UNWIND)
        });
    }
}

fn chained(length: usize) -> Fixture {
    let mut fixture = Fixture::good();
    chain(&mut fixture, "step", length, "kmem_free");
    fixture
}

/// A chain that ends in an indirect call, and another one whose head has its address taken.
fn chained_by_pointer(length: usize) -> Fixture {
    let mut fixture = Fixture::good();
    chain(&mut fixture, "caller", length, "__x86_indirect_thunk_rax");
    chain(&mut fixture, "callee", length, "kmem_free");
    fixture.word("callee0", R_64)
}

pub fn refused() -> Vec<Negative> {
    let zone = |what, says, bytes: &[u8]| no("no-red-zone", what, says, with(|f| f.code(bytes)));
    vec![
        zone(
            "a store below %rsp",
            "mov %rax,-8(%rsp)",
            &[0x48, 0x89, 0x44, 0x24, 0xf8],
        ),
        zone(
            "a load below %rsp",
            "mov -8(%rsp),%rax",
            &[0x48, 0x8b, 0x44, 0x24, 0xf8],
        ),
        zone(
            "a local without a frame",
            "mov %rax,-8(%rbp)",
            &[0x48, 0x89, 0x45, 0xf8],
        ),
        zone(
            "a local beyond the frame",
            "mov %rax,-0x18(%rbp)",
            &[
                0x48, 0x83, 0xec, 0x10, 0x48, 0x89, 0x45, 0xe8, 0x48, 0x83, 0xc4, 0x10,
            ],
        ),
        zone(
            "a local after the frame is gone",
            "mov %rax,-8(%rbp)",
            &[
                0x48, 0x83, 0xec, 0x10, 0x48, 0x83, 0xc4, 0x10, 0x48, 0x89, 0x45, 0xf8,
            ],
        ),
        // mov %rsp,%rdi; mov %rax,-8(%rdi)
        zone(
            "through a copy of the stack pointer",
            "mov %rax,-8(%rdi)",
            &[0x48, 0x89, 0xe7, 0x48, 0x89, 0x47, 0xf8],
        ),
        no(
            "no-red-zone",
            "on one of two paths",
            "mov %rax,-8(%rbp)",
            // je 1f; sub $0x10,%rsp; leave; ret; 1: mov %rax,-8(%rbp)
            with(|f| {
                f.code(&[
                    0x74, 0x06, 0x48, 0x83, 0xec, 0x10, 0xc9, 0xc3, 0x48, 0x89, 0x45, 0xf8,
                ])
            }),
        ),
        no(
            "stack-frame",
            "a large frame",
            "frame of 1040 bytes, at most 1024",
            with_bare(|f| f.code(ENTER).code(&reserve(1024)).code(UNWIND)),
        ),
        no(
            "stack-frame",
            "a large frame in the cold part",
            "frame of 2064 bytes",
            {
                let mut fixture = Fixture::good();
                fixture.function("extra", LOCAL_FUNC, |f| {
                    f.code(ENTER)
                        .field(&[0x0f, 0x84], "extra.cold", R_PC32)
                        .code(UNWIND)
                });
                fixture.function("extra.cold", LOCAL_FUNC, |f| {
                    f.code(&reserve(2048)).call("cmn_err").code(UNWIND)
                });
                fixture.bytes()
            },
        ),
        no(
            "stack-frame",
            "a frame of variable size",
            "sub %rax,%rsp: the stack pointer cannot be followed",
            with_bare(|f| f.code(ENTER).code(&[0x48, 0x29, 0xc4]).code(UNWIND)),
        ),
        no(
            "stack-frame",
            "a stack from elsewhere",
            "mov %rax,%rsp",
            with_bare(|f| f.code(ENTER).code(&[0x48, 0x89, 0xc4]).code(UNWIND)),
        ),
        no(
            "stack-frame",
            "a loop that pushes",
            "cannot be followed",
            // 1: push %rax; jne 1b
            with_bare(|f| f.code(ENTER).code(&[0x50, 0x75, 0xfd]).code(UNWIND)),
        ),
        no(
            "stack-depth",
            "a deep chain",
            "step0(1024) -> step1(1024)",
            chained(9).bytes(),
        ),
        no(
            "stack-depth",
            "a deep chain through a pointer",
            "caller4(1024) -> *callee0(1024)",
            chained_by_pointer(5).bytes(),
        ),
        no(
            "stack-depth",
            "a function that calls itself",
            "recursion, so no bound on the stack: extra",
            with(|f| f.call("extra")),
        ),
        no(
            "stack-depth",
            "functions that call each other",
            "ping -> pong",
            {
                let mut fixture = Fixture::good();
                fixture.function("ping", LOCAL_FUNC, |f| {
                    f.code(ENTER).call("pong").code(LEAVE)
                });
                fixture.function("pong", LOCAL_FUNC, |f| {
                    f.code(ENTER).call("ping").code(LEAVE)
                });
                fixture.bytes()
            },
        ),
    ]
}

pub fn accepted() -> Vec<Accepted> {
    let body =
        |what, bytes: &[u8]| yes(what, with_bare(|f| f.code(ENTER).code(bytes).code(UNWIND)));
    vec![
        body(
            "a local within the frame",
            &[0x48, 0x83, 0xec, 0x10, 0x48, 0x89, 0x45, 0xf0],
        ),
        body("a pushed local", &[0x50, 0x48, 0x89, 0x45, 0xf8]),
        body(
            "an address below the stack pointer",
            &[0x48, 0x8d, 0x44, 0x24, 0xf8],
        ),
        body("arguments on the stack", &[0x48, 0x8b, 0x45, 0x10]),
        // push %rbx; sub $0x8,%rsp; add $0x8,%rsp; pop %rbx; lea -8(%rbp),%rsp
        body(
            "a restored frame",
            &[
                0x53, 0x48, 0x83, 0xec, 8, 0x48, 0x83, 0xc4, 8, 0x5b, 0x48, 0x8d, 0x65, 0xf8,
            ],
        ),
        // sub $0x40,%rsp; and $-32,%rsp; mov %rax,0x8(%rsp); mov %rax,-0x40(%rbp)
        body(
            "an aligned frame",
            &[
                0x48, 0x83, 0xec, 0x40, 0x48, 0x83, 0xe4, 0xe0, 0x48, 0x89, 0x44, 0x24, 0x08, 0x48,
                0x89, 0x45, 0xc0,
            ],
        ),
        // 1: dec %eax; jne 1b
        body("a loop", &[0xff, 0xc8, 0x75, 0xfc]),
        // pop of a local into memory: pop 8(%rsp) addresses with the new stack pointer
        body("a pop to memory", &[0x50, 0x50, 0x8f, 0x44, 0x24, 0xf8]),
        yes(
            "a frame of exactly the limit",
            with_bare(|f| f.code(ENTER).code(&reserve(1008)).code(UNWIND)),
        ),
        yes("a chain of exactly the limit", chained(8).bytes()),
        yes(
            "a chain through a pointer within the limit",
            chained_by_pointer(4).bytes(),
        ),
        yes("a loop made of a tail call", {
            with_bare(|f| f.code(ENTER).code(&[0x5d]).jump("extra"))
        }),
    ]
}
