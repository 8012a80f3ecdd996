//! Intrusive lists with a sentinel.
//!
//! Mirrors `common/list/list.c`. A node's links are NULL while it is on no list.
//! Stricter than the kernel, with `Strict::list`: `list-insert-active`,
//! `list-remove-inactive`, `list-corrupt` when neighbours do not point back,
//! `list-freed` for a node in freed memory, and always
//! `list-destroy-nonempty` and `list-create-bad`. A node in memory as kmem hands
//! it out counts as inactive, since the kernel lets one insert it as it is.

use std::ffi::{c_int, c_void};
use std::ptr;

use bindings::{list_node_t, list_t};

use crate::kernel;
use crate::kmem::{FREED, UNINITIALISED};
use crate::panic::kernel_panic;
use crate::site::{self, Frame, entry};

/// # Safety
///
/// `list` is a list.
unsafe fn head(list: *mut list_t) -> *mut list_node_t {
    // SAFETY: only the address of a field is taken.
    unsafe { &raw mut (*list).list_head }
}

/// # Safety
///
/// `object` is one that can be on `list`.
unsafe fn node(list: *mut list_t, object: *mut c_void) -> *mut list_node_t {
    // SAFETY: the caller vouches for both.
    unsafe { object.byte_add((*list).list_offset).cast() }
}

/// # Safety
///
/// `node` is the sentinel of `list` or a node of an object on it.
unsafe fn object(list: *mut list_t, node: *mut list_node_t) -> *mut c_void {
    // SAFETY: the caller vouches for both.
    unsafe {
        if node == head(list) {
            return ptr::null_mut();
        }
        node.byte_sub((*list).list_offset).cast()
    }
}

fn broken(rule: &str, what: &str, list: *mut list_t, at: *mut list_node_t, caller: usize) -> ! {
    let at_symbol = crate::panic::symbol(caller);
    kernel_panic(
        rule,
        &format!("{what}: list {list:p}, node {at:p}, at {at_symbol}"),
    );
}

fn pattern(link: *mut list_node_t, pattern: u64) -> bool {
    link as u64 == pattern
}

/// # Safety
///
/// `at` is a node of live memory and `list` a list.
unsafe fn check_neighbours(list: *mut list_t, at: *mut list_node_t, caller: usize) {
    // SAFETY: links are followed only after they were found not to be NULL or
    // a pattern; anything else in them faults, which is a panic as well.
    unsafe {
        let (next, prev) = ((*at).list_next, (*at).list_prev);
        if pattern(next, FREED) || pattern(prev, FREED) {
            broken("list-freed", "node in freed memory", list, at, caller);
        }
        let bad = |link: *mut list_node_t| link.is_null() || pattern(link, UNINITIALISED);
        if bad(next) || bad(prev) || (*next).list_prev != at || (*prev).list_next != at {
            broken(
                "list-corrupt",
                "neighbours do not point back",
                list,
                at,
                caller,
            );
        }
    }
}

/// Puts `new` between `at` and what follows it.
///
/// # Safety
///
/// `at` is on `list`, `new` is a node of live memory.
unsafe fn link_after(
    list: *mut list_t,
    at: *mut list_node_t,
    new: *mut list_node_t,
    caller: usize,
) {
    // SAFETY: the caller vouches for the nodes; the neighbours are on the list.
    unsafe {
        if kernel::config().strict.list {
            check_neighbours(list, at, caller);
            let next = (*new).list_next;
            if pattern(next, FREED) {
                broken("list-freed", "insertion of freed memory", list, new, caller);
            }
            if !next.is_null() && !pattern(next, UNINITIALISED) {
                broken(
                    "list-insert-active",
                    "insertion of a node that is on a list",
                    list,
                    new,
                    caller,
                );
            }
        }
        (*new).list_prev = at;
        (*new).list_next = (*at).list_next;
        (*(*at).list_next).list_prev = new;
        (*at).list_next = new;
    }
}

/// # Safety
///
/// `at` is a node of live memory and `list` a list.
unsafe fn unlink(list: *mut list_t, at: *mut list_node_t, caller: usize) {
    // SAFETY: the caller vouches for the node.
    unsafe {
        if (*at).list_next.is_null() || pattern((*at).list_next, UNINITIALISED) {
            broken(
                "list-remove-inactive",
                "removal of a node that is on no list",
                list,
                at,
                caller,
            );
        }
        if kernel::config().strict.list {
            check_neighbours(list, at, caller);
        }
        (*(*at).list_prev).list_next = (*at).list_next;
        (*(*at).list_next).list_prev = (*at).list_prev;
        (*at).list_next = ptr::null_mut();
        (*at).list_prev = ptr::null_mut();
    }
}

/// Makes an empty list.
///
/// # Safety
///
/// `list` is memory for a list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn list_create(list: *mut list_t, size: usize, offset: usize) {
    if size < offset + size_of::<list_node_t>() {
        let text = format!("a node at {offset} does not fit into an object of {size} bytes");
        kernel_panic("list-create-bad", &text);
    }
    // SAFETY: the caller vouches for the memory.
    unsafe {
        (*list).list_size = size;
        (*list).list_offset = offset;
        (*list).list_head = list_node_t {
            list_next: head(list),
            list_prev: head(list),
        };
    }
}

entry! {
    /// Ends an empty list.
    fn list_destroy(list: *mut list_t) = destroy, "rsi"
}

unsafe extern "C" fn destroy(list: *mut list_t, frame: Frame) {
    let caller = site::enter(frame);
    // SAFETY: the caller vouches for the list.
    unsafe {
        let head = head(list);
        if (*head).list_next != head || (*head).list_prev != head {
            broken(
                "list-destroy-nonempty",
                "end of a list with objects",
                list,
                head,
                caller,
            );
        }
        *head = list_node_t {
            list_next: ptr::null_mut(),
            list_prev: ptr::null_mut(),
        };
    }
}

entry! {
    /// Inserts `new` behind `obj`, in front if `obj` is NULL.
    fn list_insert_after(list: *mut list_t, obj: *mut c_void, new: *mut c_void)
        = insert_after, "rcx"
}

unsafe extern "C" fn insert_after(
    list: *mut list_t,
    obj: *mut c_void,
    new: *mut c_void,
    frame: Frame,
) {
    let caller = site::enter(frame);
    // SAFETY: the caller vouches for the list and its objects.
    unsafe {
        let at = if obj.is_null() {
            head(list)
        } else {
            node(list, obj)
        };
        link_after(list, at, node(list, new), caller);
    }
}

entry! {
    /// Inserts `new` before `obj`, at the end if `obj` is NULL.
    fn list_insert_before(list: *mut list_t, obj: *mut c_void, new: *mut c_void)
        = insert_before, "rcx"
}

unsafe extern "C" fn insert_before(
    list: *mut list_t,
    obj: *mut c_void,
    new: *mut c_void,
    frame: Frame,
) {
    let caller = site::enter(frame);
    // SAFETY: the caller vouches for the list and its objects; a node before
    // which one inserts has a predecessor, or is found out by the check.
    unsafe {
        let at = if obj.is_null() {
            head(list)
        } else {
            node(list, obj)
        };
        if kernel::config().strict.list {
            check_neighbours(list, at, caller);
        }
        link_after(list, (*at).list_prev, node(list, new), caller);
    }
}

entry! {
    /// Inserts `obj` in front.
    fn list_insert_head(list: *mut list_t, obj: *mut c_void) = insert_head, "rdx"
}

unsafe extern "C" fn insert_head(list: *mut list_t, obj: *mut c_void, frame: Frame) {
    let caller = site::enter(frame);
    // SAFETY: the caller vouches for the list and the object.
    unsafe { link_after(list, head(list), node(list, obj), caller) };
}

entry! {
    /// Inserts `obj` at the end.
    fn list_insert_tail(list: *mut list_t, obj: *mut c_void) = insert_tail, "rdx"
}

unsafe extern "C" fn insert_tail(list: *mut list_t, obj: *mut c_void, frame: Frame) {
    let caller = site::enter(frame);
    // SAFETY: the caller vouches for the list and the object.
    unsafe { link_after(list, (*head(list)).list_prev, node(list, obj), caller) };
}

entry! {
    /// Takes `obj` off the list.
    fn list_remove(list: *mut list_t, obj: *mut c_void) = remove, "rdx"
}

unsafe extern "C" fn remove(list: *mut list_t, obj: *mut c_void, frame: Frame) {
    let caller = site::enter(frame);
    // SAFETY: the caller vouches for the list and the object.
    unsafe { unlink(list, node(list, obj), caller) };
}

entry! {
    /// Takes the first object off the list; NULL if there is none.
    fn list_remove_head(list: *mut list_t) -> *mut c_void = remove_head, "rsi"
}

unsafe extern "C" fn remove_head(list: *mut list_t, frame: Frame) -> *mut c_void {
    let caller = site::enter(frame);
    // SAFETY: the caller vouches for the list.
    unsafe {
        let first = list_head(list);
        if !first.is_null() {
            unlink(list, node(list, first), caller);
        }
        first
    }
}

entry! {
    /// Takes the last object off the list; NULL if there is none.
    fn list_remove_tail(list: *mut list_t) -> *mut c_void = remove_tail, "rsi"
}

unsafe extern "C" fn remove_tail(list: *mut list_t, frame: Frame) -> *mut c_void {
    let caller = site::enter(frame);
    // SAFETY: the caller vouches for the list.
    unsafe {
        let last = list_tail(list);
        if !last.is_null() {
            unlink(list, node(list, last), caller);
        }
        last
    }
}

/// The first object, or NULL.
///
/// # Safety
///
/// `list` is a list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn list_head(list: *mut list_t) -> *mut c_void {
    // SAFETY: the caller vouches for the list.
    unsafe { object(list, (*head(list)).list_next) }
}

/// The last object, or NULL.
///
/// # Safety
///
/// `list` is a list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn list_tail(list: *mut list_t) -> *mut c_void {
    // SAFETY: the caller vouches for the list.
    unsafe { object(list, (*head(list)).list_prev) }
}

/// The object behind `obj`, or NULL.
///
/// # Safety
///
/// `obj` is on `list`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn list_next(list: *mut list_t, obj: *mut c_void) -> *mut c_void {
    // SAFETY: the caller vouches for the list and the object.
    unsafe { object(list, (*node(list, obj)).list_next) }
}

/// The object before `obj`, or NULL.
///
/// # Safety
///
/// `obj` is on `list`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn list_prev(list: *mut list_t, obj: *mut c_void) -> *mut c_void {
    // SAFETY: the caller vouches for the list and the object.
    unsafe { object(list, (*node(list, obj)).list_prev) }
}

/// Whether the list has no object.
///
/// # Safety
///
/// `list` is a list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn list_is_empty(list: *mut list_t) -> c_int {
    // SAFETY: the caller vouches for the list.
    unsafe { c_int::from((*head(list)).list_next == head(list)) }
}

/// Moves all objects of `src` behind those of `dst`.
///
/// # Safety
///
/// Both are lists of the same kind of object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn list_move_tail(dst: *mut list_t, src: *mut list_t) {
    // SAFETY: the caller vouches for the lists; the links of both sentinels
    // lead to nodes on them.
    unsafe {
        if (*dst).list_size != (*src).list_size || (*dst).list_offset != (*src).list_offset {
            let text = format!("lists {dst:p} and {src:p} are of different objects");
            kernel_panic("list-corrupt", &text);
        }
        if list_is_empty(src) != 0 {
            return;
        }
        let (d, s) = (head(dst), head(src));
        (*(*d).list_prev).list_next = (*s).list_next;
        (*(*s).list_next).list_prev = (*d).list_prev;
        (*(*s).list_prev).list_next = d;
        (*d).list_prev = (*s).list_prev;
        *s = list_node_t {
            list_next: s,
            list_prev: s,
        };
    }
}

/// Marks a node as being on no list.
///
/// # Safety
///
/// `node` is memory for a node.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn list_link_init(node: *mut list_node_t) {
    // SAFETY: the caller vouches for the node.
    unsafe {
        *node = list_node_t {
            list_next: ptr::null_mut(),
            list_prev: ptr::null_mut(),
        }
    };
}

/// Whether the node is on a list.
///
/// # Safety
///
/// `node` is a node.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn list_link_active(node: *mut list_node_t) -> c_int {
    // SAFETY: the caller vouches for the node.
    unsafe { c_int::from(!(*node).list_next.is_null()) }
}
