//! Rules of lists, and what the list functions do.

use std::ffi::c_void;
use std::mem::offset_of;

use bindings::*;
use fakekernel::{Config, Kernel, Strict};

use crate::common::{Case, legal, strict, trips};
use crate::leaked;

pub const CASES: &[Case] = &[
    legal("list.order", order),
    legal("list.move_tail", move_tail),
    legal("list.uninitialised_node", uninitialised_node),
    trips("list.insert_active", "list-insert-active", insert_active),
    trips(
        "list.insert_active_elsewhere",
        "list-insert-active",
        insert_active_elsewhere,
    ),
    legal("list.insert_active_off", insert_active_elsewhere).on(|| Config {
        strict: Strict {
            list: false,
            ..Strict::default()
        },
        ..strict()
    }),
    trips(
        "list.remove_inactive",
        "list-remove-inactive",
        remove_inactive,
    ),
    trips("list.remove_twice", "list-remove-inactive", remove_twice),
    legal("list.insert_after_remove", insert_after_remove),
    trips("list.corrupt", "list-corrupt", corrupt),
    trips("list.freed", "list-freed", freed),
    trips(
        "list.destroy_nonempty",
        "list-destroy-nonempty",
        destroy_nonempty,
    ),
    trips("list.create_bad", "list-create-bad", create_bad),
];

struct Object {
    n: u64,
    node: list_node_t,
}

fn list() -> *mut list_t {
    let list = leaked();
    // SAFETY: memory for a list.
    unsafe { list_create(list, size_of::<Object>(), offset_of!(Object, node)) };
    list
}

fn object(n: u64) -> *mut c_void {
    let object = leaked::<Object>();
    // SAFETY: just made.
    unsafe { (*object).n = n };
    object.cast()
}

fn content(list: *mut list_t) -> Vec<u64> {
    // SAFETY: a list of objects of this case.
    unsafe {
        let mut forth = Vec::new();
        let mut at = list_head(list);
        while !at.is_null() {
            forth.push((*at.cast::<Object>()).n);
            at = list_next(list, at);
        }
        let mut back = Vec::new();
        let mut at = list_tail(list);
        while !at.is_null() {
            back.insert(0, (*at.cast::<Object>()).n);
            at = list_prev(list, at);
        }
        assert_eq!(forth, back);
        assert_eq!(forth.is_empty(), list_is_empty(list) != 0);
        forth
    }
}

fn order(_: &Kernel) {
    let l = list();
    let o: Vec<_> = (0..7).map(object).collect();
    // SAFETY: a list and objects of this case.
    unsafe {
        list_insert_tail(l, o[1]);
        list_insert_head(l, o[0]);
        list_insert_tail(l, o[4]);
        list_insert_after(l, o[1], o[2]);
        list_insert_before(l, o[4], o[3]);
        list_insert_before(l, std::ptr::null_mut(), o[5]);
        assert_eq!(content(l), [0, 1, 2, 3, 4, 5]);
        list_insert_after(l, std::ptr::null_mut(), o[6]);
        assert_eq!(content(l), [6, 0, 1, 2, 3, 4, 5]);
        list_remove(l, o[2]);
        assert_eq!(list_remove_head(l), o[6]);
        assert_eq!(list_remove_tail(l), o[5]);
        assert_eq!(content(l), [0, 1, 3, 4]);
        assert_eq!(list_link_active(&raw mut (*o[2].cast::<Object>()).node), 0);
        assert_eq!(list_link_active(&raw mut (*o[3].cast::<Object>()).node), 1);
        for n in [0, 1, 3, 4] {
            list_remove(l, o[n]);
        }
        assert!(list_remove_head(l).is_null() && list_remove_tail(l).is_null());
        list_destroy(l);
    }
}

fn move_tail(_: &Kernel) {
    let (a, b) = (list(), list());
    // SAFETY: lists and objects of this case.
    unsafe {
        (0..3).for_each(|n| list_insert_tail(a, object(n)));
        (3..6).for_each(|n| list_insert_tail(b, object(n)));
        list_move_tail(a, b);
        assert_eq!((content(a), content(b)), (vec![0, 1, 2, 3, 4, 5], vec![]));
        list_move_tail(a, b);
        list_move_tail(b, a);
        assert_eq!((content(a), content(b)), (vec![], vec![0, 1, 2, 3, 4, 5]));
        list_destroy(a);
    }
}

fn uninitialised_node(_: &Kernel) {
    let l = list();
    // SAFETY: memory that the kernel handed out.
    unsafe {
        let o = kmem_alloc(size_of::<Object>(), KM_SLEEP);
        list_insert_tail(l, o);
        list_remove(l, o);
        kmem_free(o, size_of::<Object>());
    }
}

fn insert_active(_: &Kernel) {
    let (l, o) = (list(), object(0));
    // SAFETY: a list and an object of this case.
    unsafe {
        list_insert_tail(l, o);
        list_insert_tail(l, o);
    }
}

fn insert_active_elsewhere(_: &Kernel) {
    let o = object(0);
    // SAFETY: lists and an object of this case.
    unsafe {
        list_insert_tail(list(), o);
        list_insert_tail(list(), o);
    }
}

fn remove_inactive(_: &Kernel) {
    // SAFETY: a list and an object of this case.
    unsafe { list_remove(list(), object(0)) };
}

fn remove_twice(_: &Kernel) {
    let (l, o) = (list(), object(0));
    // SAFETY: a list and an object of this case.
    unsafe {
        list_insert_tail(l, o);
        list_remove(l, o);
        list_remove(l, o);
    }
}

fn insert_after_remove(_: &Kernel) {
    let (l, o) = (list(), object(0));
    // SAFETY: a list and an object of this case.
    unsafe {
        list_insert_tail(l, o);
        list_remove(l, o);
        list_insert_tail(list(), o);
    }
}

fn corrupt(_: &Kernel) {
    let l = list();
    let o: Vec<_> = (0..3).map(object).collect();
    // SAFETY: overwritten on purpose.
    unsafe {
        o.iter().for_each(|&o| list_insert_tail(l, o));
        (*o[0].cast::<Object>()).node.list_next = &raw mut (*o[2].cast::<Object>()).node;
        list_remove(l, o[1]);
    }
}

fn freed(_: &Kernel) {
    let l = list();
    // SAFETY: freed memory is held back by the kernel, so it can be touched.
    unsafe {
        let o = kmem_zalloc(size_of::<Object>(), KM_SLEEP);
        list_insert_tail(l, o);
        kmem_free(o, size_of::<Object>());
        list_insert_tail(l, object(1));
    }
}

fn destroy_nonempty(_: &Kernel) {
    let l = list();
    // SAFETY: a list and an object of this case.
    unsafe {
        list_insert_tail(l, object(0));
        list_destroy(l);
    }
}

fn create_bad(_: &Kernel) {
    // SAFETY: memory for a list.
    unsafe { list_create(leaked(), 24, 16) };
}
