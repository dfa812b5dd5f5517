//! The item once it is understood: what validation hands to the expansions.

mod ask;
mod own_name;

use proc_macro2::{Ident, Span, TokenStream};
use syn::{Attribute, Generics, LitStr, Path, Type, Visibility};

use crate::args::Setting;

pub(crate) use ask::{Ask, Kind, Risk, generic_argument, is_one_of, last_segment, ours, place, plain};
pub(crate) use own_name::{mentioned, type_written_out, written_out};

use crate::put::put;

/// One injected parameter or field.
#[derive(Clone)]
pub(crate) struct Parameter {
    /// As the user calls it, without `r#`.
    pub(crate) name: String,
    /// The variable that holds it in the expansion.
    pub(crate) local: Ident,
    pub(crate) ask: Ask,
    pub(crate) key: Option<LitStr>,
}

impl Parameter {
    /// Its place in the `edges` of the registration.
    pub(crate) fn edge(&self, kind: Kind, tokens: &mut TokenStream) {
        self.ask.edge(kind, &self.name, &self.local, tokens);
        if let Some(key) = &self.key {
            put!(tokens, Span::call_site() => .keyed(#key));
        }
    }

    pub(crate) fn need(&self, call: Call, tokens: &mut TokenStream) {
        self.ask.need(call, &self.local, tokens);
    }

    /// Whether it is `&mut T`, of a value that the call has for itself.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self.ask, Ask::Taken(_))
    }

    /// The same, with this very type of the same name.
    pub(crate) fn placed_at(self, ty: &Type) -> Self {
        Self { ask: self.ask.placed_at(ty), ..self }
    }

    fn without_detour(self) -> Self {
        Self { ask: self.ask.generic(), ..self }
    }

    /// What must stand beside the edges and needs.
    pub(crate) fn declared(&self, kind: Kind) -> Option<TokenStream> {
        self.ask.declared(kind, &self.local)
    }

    pub(crate) fn pattern(&self, tokens: &mut TokenStream) {
        self.ask.pattern(&self.local, tokens);
    }

    pub(crate) fn argument(&self, call: Call, tokens: &mut TokenStream) {
        self.ask.argument(&self.local, call, tokens);
    }
}

/// How an injected value reaches the user's function.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// Awaited.
    Async,
    /// Called on the blocking pool, so that it owns what it is given.
    Blocking,
}

/// What a function returns, as far as its tokens tell.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Returns {
    /// `()` or a `Result`.
    Ends,
    /// `!`
    Never,
}

/// The type that stands for a function, beside it.
pub(crate) struct Handle {
    pub(crate) ident: Ident,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    /// The name of the function it stands for.
    pub(crate) function: String,
}

/// What is enqueued.
#[derive(Clone)]
pub(crate) struct Payload {
    pub(crate) local: Ident,
    pub(crate) ty: Type,
}

impl Payload {
    /// That it can be cloned, for another attempt, said on its type.
    pub(crate) fn cloned(&self, tokens: &mut TokenStream) {
        let ty = &self.ty;
        put!(tokens, ours(place(ty)) =>
            const COPY: __hk::Copying<#ty> = __hk::Some(<#ty as ::core::clone::Clone>::clone);
        );
    }

    /// The associated type, all of it on the payload's type: it must be as visible as the function.
    pub(crate) fn declared(&self, tokens: &mut TokenStream) {
        let ty = &self.ty;
        put!(tokens, ours(place(ty)) => type Payload = #ty;);
    }
}

/// A function that the host runs.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) kind: Kind,
    /// The function as the expansion calls it.
    pub(crate) function: Ident,
    /// Where its name stands.
    pub(crate) place: Span,
    pub(crate) handle: Ident,
    pub(crate) name: LitStr,
    pub(crate) description: String,
    pub(crate) payload: Option<Payload>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) call: Call,
    pub(crate) returns: Returns,
    /// Where a wrong return type is shown.
    pub(crate) output: Span,
    pub(crate) after: Vec<Path>,
    pub(crate) settings: Vec<Setting>,
    /// Whether a payload may be needed again.
    pub(crate) retried: bool,
    /// Whether its payloads, or its instants, are stored.
    pub(crate) durable: bool,
    /// What makes payloads the same.
    pub(crate) key: Option<Path>,
    /// What takes the payloads that are left at stop.
    pub(crate) leftover: Option<Path>,
    /// Whether it lives as long as the host, so that it must not hold anything scoped.
    pub(crate) host_long: bool,
}

/// Something that can be injected: its node, and how it is built.
pub(crate) struct Component {
    /// The struct, the subject of the `impl` block, or the handle of the function.
    pub(crate) subject: TokenStream,
    /// As messages call it.
    pub(crate) name: String,
    pub(crate) lifetime: &'static str,
    pub(crate) generics: Generics,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) binding: Binding,
    pub(crate) product: Product,
    pub(crate) construct: Construct,
    /// How it is disposed, if it is.
    pub(crate) dispose: Option<Dispose>,
}

impl Component {
    pub(crate) fn is_generic(&self) -> bool {
        !self.generics.params.is_empty()
    }

    /// A private type cannot stand for a parameter whose type has the component's own generic parameters in it.
    pub(crate) fn without_detours(mut self) -> Self {
        if self.is_generic() {
            self.parameters = self.parameters.into_iter().map(Parameter::without_detour).collect();
        }
        self
    }
}

/// What is built.
pub(crate) enum Product {
    /// The subject itself.
    Own,
    /// Of a function: a type that is asked for as `Ext<T>`.
    Foreign(Box<Type>),
}

/// The call that builds it.
pub(crate) struct Construct {
    /// The struct literal, or the call without its `.await`.
    pub(crate) expression: TokenStream,
    pub(crate) form: Form,
    /// The function or type that errors are about.
    pub(crate) place: Span,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A struct literal, which cannot fail.
    Literal,
    /// Of a component with mistakes: never called.
    Never,
    Sync,
    Async,
}

/// The `dispose` of an `impl` block.
pub(crate) struct Dispose {
    /// What stands before `::dispose`.
    pub(crate) path: TokenStream,
    pub(crate) is_async: bool,
    /// The type of the outcome, if it takes one.
    pub(crate) outcome: Option<Span>,
    pub(crate) place: Span,
}

/// `as`, `key`, `default` and `timeout` of a component.
pub(crate) struct Binding {
    pub(crate) traits: Vec<Type>,
    pub(crate) key: Option<LitStr>,
    pub(crate) default: bool,
    pub(crate) timeout_ms: Option<u64>,
}
