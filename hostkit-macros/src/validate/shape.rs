//! The parts of a signature that are the same wherever a function of the user's is called.

use syn::spanned::Spanned;
use syn::{GenericParam, ReturnType, Safety, Signature, Type};

use crate::errors::Errors;
use crate::model::{Returns, generic_argument, is_one_of, last_segment, mentioned, plain};

/// Refuses what nobody could call for the user: `unsafe`, `extern`, variadics.
pub(crate) fn callable(signature: &Signature, what: &str, errors: &mut Errors) {
    if let Safety::Unsafe(unsafety) = &signature.safety {
        errors.on(unsafety, format!("{what} is called by hostkit and cannot be `unsafe`"));
    }
    if let Some(abi) = &signature.abi {
        errors.on(abi, format!("{what} is called from Rust and cannot be `extern`"));
    }
    if let Some(variadic) = &signature.variadic {
        errors.on(variadic, format!("{what} cannot be variadic"));
    }
}

/// Refuses `const`, which says nothing about a function that is run for its effect.
pub(crate) fn not_const(signature: &Signature, what: &str, errors: &mut Errors) {
    if let Some(constness) = &signature.constness {
        errors.on(constness, format!("{what} runs in the program and cannot be `const`"));
    }
}

/// Refuses generic parameters.
pub(crate) fn concrete(signature: &Signature, what: &str, errors: &mut Errors) {
    let generics = &signature.generics;
    if let Some(first) = generics.params.first() {
        let message = match first {
            GenericParam::Lifetime(_) => {
                format!("{what} has no named lifetimes: what it borrows is lent for one run, so `&T` is enough")
            }
            GenericParam::Type(_) | GenericParam::Const(_) => {
                format!("{what} cannot be generic: hostkit would not know for which types to run it")
            }
        };
        errors.on(&generics.params, message);
    } else if let Some(clause) = &generics.where_clause {
        errors.on(clause, format!("{what} cannot be generic, so it has no `where` clause"));
    }
}

/// Reads the return type of something that is run for its effect.
pub(crate) fn returns(output: &ReturnType, what: &str, may_say: MaySay, errors: &mut Errors) -> Returns {
    let ReturnType::Type(_, ty) = output else { return Returns::Ends };
    let ty = plain(ty);
    let wrong = match ty {
        Type::Never(_) => return Returns::Never,
        Type::Tuple(tuple) => !tuple.elems.is_empty(),
        Type::Path(_) => match last_segment(ty) {
            Some(segment) if segment.ident == "Result" => {
                if let Some(value) = generic_argument(ty)
                    && !matches!(value, Type::Tuple(tuple) if tuple.elems.is_empty())
                    && !may_say.says(value)
                {
                    if is_verdict(value) {
                        errors.on(value, ONLY_DURABLE);
                    } else {
                        errors.on(value, format!("nobody takes the value of {what}: return {}", may_say.instead()));
                    }
                }
                false
            }
            Some(_) if is_verdict(ty) && may_say == MaySay::Nothing => {
                errors.on(ty, ONLY_DURABLE);
                false
            }
            _ => is_one_of(ty, &KNOWN_VALUES),
        },
        Type::Macro(_) | Type::Verbatim(_) => false,
        _ => true,
    };
    if wrong {
        let forms = match may_say {
            MaySay::Nothing => "`()`, `!` or `Result<(), E>`",
            MaySay::Verdict => "`()`, `!`, `Verdict`, `Result<(), E>` or `Result<Verdict, E>`",
        };
        errors.on(ty, format!("{what} returns {forms}"));
    }
    Returns::Ends
}

/// Whether a function says more than that it is done or has failed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum MaySay {
    Nothing,
    Verdict,
}

impl MaySay {
    fn says(self, value: &Type) -> bool {
        self == Self::Verdict && is_verdict(value)
    }

    fn instead(self) -> &'static str {
        match self {
            Self::Nothing => "`Result<(), E>`",
            Self::Verdict => "`Result<(), E>` or `Result<Verdict, E>`",
        }
    }
}

const ONLY_DURABLE: &str = "only a durable function says what becomes of its job: write `#[queued(durable)]`";

fn is_verdict(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == "Verdict")
}

/// Types that are surely no alias of a `Result`; what else is wrong the compiler says.
const KNOWN_VALUES: [&str; 22] = [
    "bool", "char", "str", "String", "Option", "Vec", "Box", "Arc", "i8", "i16", "i32", "i64", "i128", "isize", "u8",
    "u16", "u32", "u64", "u128", "usize", "f32", "f64",
];

/// Where `self` or `Self` stands in the signature: the function is part of an `impl` block.
pub(crate) fn associated(signature: &Signature) -> Option<proc_macro2::Span> {
    if let Some(receiver) = signature.receiver() {
        return Some(receiver.self_token.span());
    }
    let types = super::parameters::typed_types(signature);
    types.into_iter().find_map(mentioned)
}
