//! Cases that break on purpose (`--self-test`): the runner must report each as what it is.

use suite::check::{self, Verdict};
use suite::{Caps, Case, Ctx, Models, Strict, Timeout};

/// The runner's own cases.
pub const CASES: &[Case] = &[
    case("selftest.passes", passes),
    case("selftest.fails", fails),
    case("selftest.panics", panics),
    case("selftest.thread_panics", thread_panics),
    case("selftest.kernel_panic", kernel_panic),
    case("selftest.deadlock", deadlock),
    case("selftest.crashes", crashes),
    case("selftest.hangs", hangs),
    case("selftest.leaks", leaks),
    case("selftest.silent", silent),
];

const fn case(name: &'static str, run: fn(&Ctx<'_>) -> Verdict) -> Case {
    let (models, strict, needs) = (Models::Lp64, Strict::Manual, Caps::empty());
    Case {
        name,
        tags: "",
        models,
        strict,
        needs,
        run,
    }
}

fn passes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send(1, 2)?;
    ctx.expect_queue(port, &[2])
}

fn fails(_: &Ctx<'_>) -> Verdict {
    check::equal("one and one", 1 + 1, 3)
}

fn panics(_: &Ctx<'_>) -> Verdict {
    panic!("a case must not do this");
}

fn thread_panics(ctx: &Ctx<'_>) -> Verdict {
    ctx.spawn(|_| panic!("nor one of its threads"))?.join()
}

fn kernel_panic(_: &Ctx<'_>) -> Verdict {
    fakekernel::panic::kernel_panic("selftest", "asked for")
}

/// Waits for an event that nobody sends.
fn deadlock(ctx: &Ctx<'_>) -> Verdict {
    ctx.port()?.get(Timeout::Never)?;
    Ok(())
}

fn crashes(_: &Ctx<'_>) -> Verdict {
    // SAFETY: a signal to ourselves.
    unsafe { libc::raise(libc::SIGKILL) };
    Ok(())
}

fn hangs(_: &Ctx<'_>) -> Verdict {
    loop {
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
}

/// Allocates kernel memory and forgets it.
fn leaks(_: &Ctx<'_>) -> Verdict {
    // SAFETY: any size is fine; nobody uses the memory.
    let memory = unsafe { bindings::kmem_alloc(64, bindings::KM_SLEEP) };
    check::that("kmem_alloc answers memory", !memory.is_null())
}

fn silent(_: &Ctx<'_>) -> Verdict {
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(0) }
}
