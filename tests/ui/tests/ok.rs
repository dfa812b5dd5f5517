//! Right programs. They compile in this one binary, each as a module whose `main` hands its items to a host.
//!
//! The programs under `main/ok` have a `main` of hostkit's: `ui.rs` compiles and runs them one by one.

use std::collections::BTreeSet;
use std::fs;

#[allow(warnings, clippy::all, clippy::pedantic, clippy::restriction, reason = "lints are for `ui-strict`")]
#[path = "../background_service/ok"]
mod background_service {
    pub(crate) mod a_function_in_a_function;
    pub(crate) mod a_function_stays_as_it_is;
    pub(crate) mod a_keyword_is_a_name;
    pub(crate) mod a_module_of_the_same_name;
    pub(crate) mod every_option;
    pub(crate) mod every_return_type;
    pub(crate) mod names_of_users_do_not_disturb;
    pub(crate) mod what_is_configured_out_leaves_nothing_behind;
}

#[allow(warnings, clippy::all, clippy::pedantic, clippy::restriction, reason = "lints are for `ui-strict`")]
#[path = "../captive/ok"]
mod captive {
    pub(crate) mod what_opens_scopes_holds_nothing;
}

#[allow(warnings, clippy::all, clippy::pedantic, clippy::restriction, reason = "lints are for `ui-strict`")]
#[path = "../cycle/ok"]
mod cycle {
    pub(crate) mod a_ladder_of_diamonds;
    pub(crate) mod a_scope_that_opens_its_own_component;
}

#[allow(warnings, clippy::all, clippy::pedantic, clippy::restriction, reason = "lints are for `ui-strict`")]
#[path = "../hooks/ok"]
mod hooks {
    pub(crate) mod every_hook;
}

#[allow(warnings, clippy::all, clippy::pedantic, clippy::restriction, reason = "lints are for `ui-strict`")]
#[path = "../options/ok"]
mod options {
    pub(crate) mod every_form;
}

#[allow(warnings, clippy::all, clippy::pedantic, clippy::restriction, reason = "lints are for `ui-strict`")]
#[path = "../parameters/ok"]
mod parameters {
    pub(crate) mod a_blocking_function_borrows;
    pub(crate) mod a_private_component_of_a_public_function;
    pub(crate) mod paths_and_aliases;
    pub(crate) mod whatever_a_function_may_ask_for;
}

#[allow(warnings, clippy::all, clippy::pedantic, clippy::restriction, reason = "lints are for `ui-strict`")]
#[path = "../periodic/ok"]
mod periodic {
    pub(crate) mod every_option;
}

#[allow(warnings, clippy::all, clippy::pedantic, clippy::restriction, reason = "lints are for `ui-strict`")]
#[path = "../provider/ok"]
mod provider {
    pub(crate) mod every_form;
}

#[allow(warnings, clippy::all, clippy::pedantic, clippy::restriction, reason = "lints are for `ui-strict`")]
#[path = "../queued/ok"]
mod queued {
    pub(crate) mod every_option;
    pub(crate) mod every_option_of_durable_functions;
    pub(crate) mod every_return_type_of_durable_functions;
}

#[allow(warnings, clippy::all, clippy::pedantic, clippy::restriction, reason = "lints are for `ui-strict`")]
#[path = "../singleton/ok"]
mod singleton {
    pub(crate) mod bound_to_traits;
    pub(crate) mod every_form;
    pub(crate) mod generic_components;
}

type Case = (&'static str, fn());

const CASES: &[Case] = &[
    ("background_service/ok/a_function_in_a_function.rs", background_service::a_function_in_a_function::main),
    ("background_service/ok/a_function_stays_as_it_is.rs", background_service::a_function_stays_as_it_is::main),
    ("background_service/ok/a_keyword_is_a_name.rs", background_service::a_keyword_is_a_name::main),
    ("background_service/ok/a_module_of_the_same_name.rs", background_service::a_module_of_the_same_name::main),
    ("background_service/ok/every_option.rs", background_service::every_option::main),
    ("background_service/ok/every_return_type.rs", background_service::every_return_type::main),
    ("background_service/ok/names_of_users_do_not_disturb.rs", background_service::names_of_users_do_not_disturb::main),
    (
        "background_service/ok/what_is_configured_out_leaves_nothing_behind.rs",
        background_service::what_is_configured_out_leaves_nothing_behind::main,
    ),
    ("captive/ok/what_opens_scopes_holds_nothing.rs", captive::what_opens_scopes_holds_nothing::main),
    ("cycle/ok/a_ladder_of_diamonds.rs", cycle::a_ladder_of_diamonds::main),
    ("cycle/ok/a_scope_that_opens_its_own_component.rs", cycle::a_scope_that_opens_its_own_component::main),
    ("hooks/ok/every_hook.rs", hooks::every_hook::main),
    ("options/ok/every_form.rs", options::every_form::main),
    ("parameters/ok/a_blocking_function_borrows.rs", parameters::a_blocking_function_borrows::main),
    (
        "parameters/ok/a_private_component_of_a_public_function.rs",
        parameters::a_private_component_of_a_public_function::main,
    ),
    ("parameters/ok/paths_and_aliases.rs", parameters::paths_and_aliases::main),
    ("parameters/ok/whatever_a_function_may_ask_for.rs", parameters::whatever_a_function_may_ask_for::main),
    ("periodic/ok/every_option.rs", periodic::every_option::main),
    ("provider/ok/every_form.rs", provider::every_form::main),
    ("queued/ok/every_option.rs", queued::every_option::main),
    ("queued/ok/every_option_of_durable_functions.rs", queued::every_option_of_durable_functions::main),
    ("queued/ok/every_return_type_of_durable_functions.rs", queued::every_return_type_of_durable_functions::main),
    ("singleton/ok/bound_to_traits.rs", singleton::bound_to_traits::main),
    ("singleton/ok/every_form.rs", singleton::every_form::main),
    ("singleton/ok/generic_components.rs", singleton::generic_components::main),
];

#[test]
fn right_programs_are_taken_by_hosts() {
    for (_, main) in CASES {
        main();
    }
}

#[test]
fn every_case_is_declared() {
    let macros = fs::read_dir(".").expect("the package's directory can be read").flatten();
    let names = macros.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| name != "main");
    let present: BTreeSet<String> = names
        .flat_map(|of| {
            let files = fs::read_dir(format!("{of}/ok")).into_iter().flatten().flatten();
            files.filter_map(move |file| Some(format!("{of}/ok/{}", file.file_name().to_str()?))).collect::<Vec<_>>()
        })
        .collect();
    let declared: BTreeSet<String> = CASES.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(present, declared);
}
