//! How the registrations of a whole program, library crates included, find their way to its host.
//!
//! An item leaves a static behind: the address of a function, in the section where linkers gather what runs before
//! `main`. The function adds the item to the list that [`registered`] reads. Of all ways to gather things across crates
//! this is the one that every linker must support, because C and C++ programs are initialised by it.
//!
//! The sections, and where they are described:
//! - ELF: `.init_array`; System V ABI, chapter 5, "Initialization and Termination Functions".
//! - Mach-O: `__DATA,__mod_init_func`, of the type `mod_init_funcs`; `S_MOD_INIT_FUNC_POINTERS` in Apple's `mach-o/loader.h`.
//! - Windows: `.CRT$XCU`; Microsoft's "CRT initialization", the place of C++ initialisers of the user.
//!
//! The crate `inventory` does the same for any type. It leaves four items and two macros inside each other where this
//! leaves one static, and that was a seventh of what the compiler spent on a crate of annotated items.
//!
//! # Invariants
//!
//! 1. `#[used]` keeps the static in the object file, and linkers keep what is in these sections; the item is there if its
//!    crate is linked.
//! 2. What runs before `main` pushes onto a list and does nothing else: it calls no code of the user's but the global
//!    allocator, does not panic, and waits for nobody: who reads the list holds it for a copy.
//! 3. The list is only added to, so that a library that is loaded later joins, and hosts built later see it.
//! 4. The order is the linker's, so nobody may depend on it.
//! 5. The attribute is in a macro of ours, and no lint of the user's looks into macros of other crates: that is how it
//!    passes `forbid(unsafe_code)`. It is sound, because the section holds nothing but addresses of functions of this form.

use std::sync::{Mutex, PoisonError};

use super::Registration;
use crate::function::Item;

static REGISTERED: Mutex<Vec<Registration>> = Mutex::new(Vec::new());

/// Adds an item; called before `main`, or when a library is loaded.
pub extern "C" fn register<I: Item>() {
    add(I::REGISTRATION);
}

fn add(registration: Registration) {
    REGISTERED.lock().unwrap_or_else(PoisonError::into_inner).push(registration);
}

/// What the program has registered so far.
pub(crate) fn registered() -> Vec<Registration> {
    REGISTERED.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Registers an item, once per block.
#[cfg(not(any(target_vendor = "apple", windows)))]
#[doc(hidden)]
#[macro_export]
macro_rules! __submit {
    ($item:ty) => {
        #[used]
        #[unsafe(link_section = ".init_array")]
        static __SUBMITTED: extern "C" fn() = $crate::__private::register::<$item>;
    };
}

/// The same.
#[cfg(target_vendor = "apple")]
#[doc(hidden)]
#[macro_export]
macro_rules! __submit {
    ($item:ty) => {
        #[used]
        #[unsafe(link_section = "__DATA,__mod_init_func,mod_init_funcs")]
        static __SUBMITTED: extern "C" fn() = $crate::__private::register::<$item>;
    };
}

/// The same.
#[cfg(windows)]
#[doc(hidden)]
#[macro_export]
macro_rules! __submit {
    ($item:ty) => {
        #[used]
        #[unsafe(link_section = ".CRT$XCU")]
        static __SUBMITTED: extern "C" fn() = $crate::__private::register::<$item>;
    };
}

/// Registers that a crate was linked by name.
#[doc(hidden)]
#[macro_export]
macro_rules! __linked {
    ($name:literal) => {
        const _: () = {
            struct Linked;
            impl $crate::__private::Item for Linked {
                type Role = $crate::__private::role::Linked;
                const REGISTRATION: $crate::__private::Registration = $crate::__private::Registration::Linked($name);
            }
            $crate::__private::submit!(Linked);
        };
    };
}
