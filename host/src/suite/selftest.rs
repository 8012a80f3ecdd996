//! Cases that break on purpose (`--self-test`): the runner must report each as what it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

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
    case("selftest.races", races),
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

/// Two threads write a word of kernel memory at the same time. Only a program built with
/// ThreadSanitizer notices; in others the case passes.
fn races(ctx: &Ctx<'_>) -> Verdict {
    // SAFETY: any size is fine.
    let word = unsafe { bindings::kmem_zalloc(size_of::<u64>(), bindings::KM_SLEEP) } as usize;
    let arrived = Arc::new(AtomicU32::new(0));
    let write = |arrived: Arc<AtomicU32>| {
        move |_: &dyn suite::System| {
            // They meet without agreeing on an order: that is the race.
            arrived.fetch_add(1, Relaxed);
            while arrived.load(Relaxed) < 2 {
                std::thread::yield_now();
            }
            // SAFETY: the word is allocated until both threads have ended.
            unsafe { (word as *mut u64).write_volatile(1) };
        }
    };
    let threads = [
        ctx.spawn(write(Arc::clone(&arrived)))?,
        ctx.spawn(write(arrived))?,
    ];
    for thread in threads {
        thread.join()?;
    }
    // SAFETY: allocated above with this size, and nobody uses it any more.
    unsafe { bindings::kmem_free(word as *mut _, size_of::<u64>()) };
    Ok(())
}

fn silent(_: &Ctx<'_>) -> Verdict {
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(0) }
}
