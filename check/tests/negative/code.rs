//! Single instructions, branches, prologues.

use crate::fixture::{
    Accepted, ENTER, File, Fixture, LEAVE, LOCAL_FUNC, LOCAL_NOTYPE, Negative, R_64, R_PC32,
    WEAK_FUNC, ZERO, no, with, with_bare, yes,
};

/// The good module with a function of its own instructions after a full prologue.
fn code(bytes: &[u8]) -> File {
    with(|f| f.code(bytes))
}

fn float() -> Vec<(&'static str, &'static [u8])> {
    vec![
        ("movaps %xmm1,%xmm0", &[0x0f, 0x28, 0xc1]),
        ("pxor %xmm0,%xmm0", &[0x66, 0x0f, 0xef, 0xc0]),
        ("vaddps %ymm1,%ymm0,%ymm0", &[0xc5, 0xfc, 0x58, 0xc1]),
        ("vzeroupper", &[0xc5, 0xf8, 0x77]),
        ("movq %rax,%mm0", &[0x48, 0x0f, 0x6e, 0xc0]),
        ("emms", &[0x0f, 0x77]),
        ("fld1", &[0xd9, 0xe8]),
        ("fninit", &[0xdb, 0xe3]),
        ("wait", &[0x9b]),
        ("kmovw %eax,%k1", &[0xc5, 0xf8, 0x92, 0xc8]),
        ("fxsave (%rax)", &[0x0f, 0xae, 0x00]),
        ("ldmxcsr (%rax)", &[0x0f, 0xae, 0x10]),
    ]
}

fn privileged() -> Vec<(&'static str, &'static [u8])> {
    vec![
        ("cli", &[0xfa]),
        ("sti", &[0xfb]),
        ("hlt", &[0xf4]),
        ("in", &[0xec]),
        ("out", &[0xee]),
        ("wrmsr", &[0x0f, 0x30]),
        ("mov %rax,%cr3", &[0x0f, 0x22, 0xd8]),
        ("mov %eax,%ds", &[0x8e, 0xd8]),
        ("swapgs", &[0x0f, 0x01, 0xf8]),
        ("invlpg (%rax)", &[0x0f, 0x01, 0x38]),
        ("popf", &[0x9c, 0x9d]),
        ("syscall", &[0x0f, 0x05]),
    ]
}

pub fn refused() -> Vec<Negative> {
    let mut list = vec![
        no(
            "text-decodes",
            "no instruction",
            "are no instruction",
            code(&[0x06]),
        ),
        no(
            "text-decodes",
            "a cut instruction",
            "past the end of its function",
            {
                let mut fixture = Fixture::good();
                // mov $0,%eax, of which the function has three bytes.
                let build = |f: &mut crate::fixture::Body| {
                    f.code(ENTER).code(LEAVE).code(&[0xb8, 0, 0, 0, 0]);
                };
                fixture.sized_function("extra", LOCAL_FUNC, Some(9), |f| {
                    build(f);
                    f
                });
                fixture.bytes()
            },
        ),
        no(
            "text-decodes",
            "a jump into an instruction",
            "where no instruction starts",
            {
                // jmp .+3; mov $0x90909090,%eax
                code(&[0xeb, 0x01, 0xb8, 0x90, 0x90, 0x90, 0x90])
            },
        ),
        no(
            "no-trap",
            "an aborted path",
            "ud2: an aborted path",
            code(&[0x0f, 0x0b]),
        ),
        no("no-trap", "a breakpoint", "int3", code(&[0xcc])),
        no(
            "no-trap",
            "a software interrupt",
            "int $0x91",
            code(&[0xcd, 0x91]),
        ),
        no(
            "no-trap",
            "an endless loop",
            "a jump to itself",
            code(&[0xeb, 0xfe]),
        ),
        no(
            "retpoline",
            "call by register",
            "call *%rax: indirect call",
            code(&[0xff, 0xd0]),
        ),
        no(
            "retpoline",
            "call by memory",
            "*8(%rax)",
            code(&[0xff, 0x50, 0x08]),
        ),
        no(
            "retpoline",
            "jump by register",
            "jmp *%rax: indirect jump",
            code(&[0xff, 0xe0]),
        ),
        no(
            "retpoline",
            "jump without tracking",
            "indirect jump",
            code(&[0x3e, 0xff, 0xe0]),
        ),
        no(
            "retpoline",
            "a jump table",
            "indirect jump",
            with(|f| f.field(&[0xff, 0x24, 0xc5], ".rodata", crate::fixture::R_32S)),
        ),
        no(
            "probe-tail-call",
            "a probe as the last statement",
            "is no 5-byte call",
            with_bare(|f| f.code(ENTER).code(&[0x5d]).jump("__dtrace_probe_last")),
        ),
        no(
            "probe-tail-call",
            "a conditional probe",
            "is no 5-byte call",
            with(|f| f.field(&[0x0f, 0x84], "__dtrace_probe_maybe", R_PC32)),
        ),
        no(
            "probe-tail-call",
            "the address of a probe in data",
            "the address of __dtrace_probe_x is taken",
            Fixture::good().word("__dtrace_probe_x", R_64).bytes(),
        ),
        no(
            "probe-tail-call",
            "the address of a probe in text",
            "the address of __dtrace_probe_x is taken",
            with(|f| f.field(&[0x48, 0x8d, 0x05], "__dtrace_probe_x", R_PC32)),
        ),
        no(
            "probe-tail-call",
            "a jump to smap_enable",
            "is no 5-byte call",
            with_bare(|f| f.code(ENTER).code(&[0x5d]).jump("smap_enable")),
        ),
        no(
            "frame-pointer",
            "no frame",
            "has `xor %eax,%eax`; fbt cannot probe it",
            with_bare(|f| f.code(ZERO).code(&[0xc3])),
        ),
        no(
            "frame-pointer",
            "an early test before the frame",
            "has `test %edi,%edi`; fbt probes the push at +0x2",
            with_bare(|f| f.code(&[0x85, 0xff]).code(ENTER).code(LEAVE)),
        ),
        no(
            "frame-pointer",
            "something between push and mov",
            "has `xor %eax,%eax`; fbt probes the push at +0x0",
            with_bare(|f| f.code(&[0x55]).code(ZERO).code(&ENTER[1..]).code(LEAVE)),
        ),
    ];
    for (says, bytes) in float() {
        list.push(no("no-float", "floating point", says, code(bytes)));
    }
    for (says, bytes) in privileged() {
        list.push(no("no-privileged", "privileged", says, code(bytes)));
    }
    list
}

pub fn accepted() -> Vec<Accepted> {
    let integer: &[&[u8]] = &[
        &[0x0f, 0xae, 0xe8],                                     // lfence
        &[0x0f, 0xae, 0xf0],                                     // mfence
        &[0x0f, 0xae, 0xf8],                                     // sfence
        &[0xf3, 0x90],                                           // pause
        &[0x0f, 0x18, 0x08],                                     // prefetcht0 (%rax)
        &[0x0f, 0xc3, 0x08],                                     // movnti %ecx,(%rax)
        &[0xf3, 0x0f, 0xb8, 0xc1],                               // popcnt %ecx,%eax
        &[0xf2, 0x0f, 0x38, 0xf1, 0xc1],                         // crc32l %ecx,%eax
        &[0xf0, 0x0f, 0xb1, 0x08],                               // lock cmpxchg %ecx,(%rax)
        &[0xf3, 0xa4],                                           // rep movsb
        &[0x65, 0x48, 0x8b, 0x04, 0x25, 0x18, 0x00, 0x00, 0x00], // mov %gs:0x18,%rax
        &[0x8c, 0xd8],                                           // mov %ds,%eax
    ];
    vec![
        yes(
            "integer instructions of SSE age, curthread",
            code(&integer.concat()),
        ),
        yes("the end of a call that does not return", {
            with_bare(|f| f.code(ENTER).call("panic").code(&[0x0f, 0x0b]))
        }),
        yes(
            "filler behind ret",
            with_bare(|f| f.code(ENTER).code(LEAVE).code(&[0xcc, 0xcc])),
        ),
        yes("a loop", code(&[0x90, 0xeb, 0xfd])),
        yes("a tail call through a thunk", {
            with_bare(|f| f.code(ENTER).code(&[0x5d]).jump("__x86_indirect_thunk_r11"))
        }),
        yes("endbr64 before the prologue", {
            with_bare(|f| f.code(&[0xf3, 0x0f, 0x1e, 0xfa]).code(ENTER).code(LEAVE))
        }),
        yes("the other encoding of the prologue", {
            with_bare(|f| f.code(&[0x55, 0x48, 0x8b, 0xec]).code(LEAVE))
        }),
        yes(
            "weak, cold, sizeless and assembler functions without a prologue",
            {
                let mut fixture = Fixture::good();
                fixture.function("memmove", WEAK_FUNC, |f| f.code(&[0xf3, 0xa4, 0xc3]));
                // The main part jumps to the cold one and uses its frame there.
                fixture.function("extra", LOCAL_FUNC, |f| {
                    f.code(ENTER).code(&[0x48, 0x83, 0xec, 0x10]);
                    f.field(&[0x0f, 0x84], "extra.cold", R_PC32)
                        .code(&[0xc9, 0xc3])
                });
                fixture.function("extra.cold", LOCAL_FUNC, |f| {
                    f.code(&[0x48, 0x89, 0x45, 0xf0])
                        .call("cmn_err")
                        .code(&[0xc9, 0xc3])
                });
                fixture.sized_function("by_hand", LOCAL_FUNC, Some(0), |f| f.code(&[0xc3]));
                fixture.function("label", LOCAL_NOTYPE, |f| f.code(&[0xc3]));
                fixture.bytes()
            },
        ),
    ]
}
