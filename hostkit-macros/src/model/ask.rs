//! What a parameter asks for, read from the shape of its type.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericArgument, PathArguments, PathSegment, Type, TypeParamBound};

use super::Call;
use crate::put::put;

/// Who asks: decides what may be asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Background,
    Periodic,
    Queued,
    /// A queued function whose payloads are stored.
    Durable,
    Hook,
    Component,
}

impl Kind {
    /// Whether its first parameter is what was enqueued.
    pub(crate) fn has_payload(self) -> bool {
        matches!(self, Self::Queued | Self::Durable)
    }

    /// The name of its marker type.
    fn marker(self, span: Span) -> Ident {
        let name = match self {
            Self::Background => "Background",
            Self::Periodic => "Periodic",
            Self::Queued => "Queued",
            Self::Durable => "Durable",
            Self::Hook => "Hook",
            Self::Component => "Component",
        };
        Ident::new(name, span)
    }
}

/// The forms of a parameter.
#[derive(Clone)]
pub(crate) enum Ask {
    /// `&T`
    Lent(Type),
    /// `Arc<T>`
    Shared(Type),
    /// `&dyn Trait`
    LentDyn(Type),
    /// `Arc<dyn Trait>`
    SharedDyn(Type),
    /// `&mut T`
    Taken(Type),
    /// `Box<T>`
    Boxed(Type),
    /// `Option<Arc<dyn Trait>>`
    Maybe(Type),
    /// `Lazy<dyn Trait>`
    LazyDyn(Type),
    /// A type of hostkit's that says itself what it asks for.
    Itself(Type),
    /// A type with a name we do not know: an alias of one of hostkit's, or a mistake.
    Unknown(Type),
}

/// What the walk over the graph can find behind a parameter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Risk {
    /// It is owned, or might be: then it must be a transient.
    Always,
    /// It leads to a cycle, or is captured, if who asks for it keeps it: a component or a background service.
    IfKept,
    /// Nothing.
    Never,
}

/// What hostkit passes by value.
const BY_VALUE: [&str; 14] = [
    "All",
    "CancellationToken",
    "Ext",
    "HostLifetime",
    "Instance",
    "JobContext",
    "Lazy",
    "Option",
    "Queue",
    "Ready",
    "Scope",
    "Scopes",
    "TaskQueue",
    "Tick",
];

/// Whether the type is one that hostkit passes by value, by its name.
fn by_value(ty: &Type) -> bool {
    is_one_of(ty, &BY_VALUE)
}

impl Ask {
    /// Reads the type, or says why it can never be injected.
    pub(crate) fn read(ty: &Type) -> syn::Result<Self> {
        match plain(ty) {
            Type::Reference(reference) => {
                if let Some(lifetime) = reference.lifetime.as_ref().filter(|lifetime| lifetime.ident != "_") {
                    return Err(syn::Error::new_spanned(
                        lifetime,
                        "what is lent is lent for one run: leave the lifetime out",
                    ));
                }
                let target = plain(&reference.elem).clone();
                if let Some(reason) = never_lent(&target) {
                    return Err(syn::Error::new_spanned(ty, reason));
                }
                match (reference.mutability, &target) {
                    (Some(_), Type::TraitObject(_)) => Err(syn::Error::new_spanned(
                        ty,
                        "a trait is shared by all who ask: take `&dyn Trait` or `Arc<dyn Trait>`",
                    )),
                    (Some(_), _) => Ok(Self::Taken(target)),
                    (None, Type::TraitObject(_)) => Ok(Self::LentDyn(target)),
                    (None, Type::ImplTrait(_)) => Err(impl_trait(&target)),
                    (None, _) => Ok(Self::Lent(target)),
                }
            }
            Type::ImplTrait(_) => Err(impl_trait(ty)),
            Type::TraitObject(_) => {
                Err(syn::Error::new_spanned(ty, "a trait object has no size: take `&dyn Trait` or `Arc<dyn Trait>`"))
            }
            Type::Path(_) => Self::read_path(ty),
            Type::Macro(_) | Type::Verbatim(_) => Ok(Self::Unknown(ty.clone())),
            _ => Err(syn::Error::new_spanned(
                ty,
                "hostkit cannot pass this: take a component as `&T` or `Arc<T>`, a trait as `&dyn Trait` or `Arc<dyn Trait>`, a foreign type as `Ext<T>`",
            )),
        }
    }

    fn read_path(ty: &Type) -> syn::Result<Self> {
        let itself = || if by_value(ty) { Self::Itself(plain(ty).clone()) } else { Self::Unknown(plain(ty).clone()) };
        let (Some(segment), Some(argument)) = (last_segment(ty), generic_argument(ty)) else { return Ok(itself()) };
        let is_dyn = matches!(argument, Type::TraitObject(_));
        match segment.ident.to_string().as_str() {
            "Arc" if is_dyn => Ok(Self::SharedDyn(argument.clone())),
            "Arc" => Ok(Self::Shared(argument.clone())),
            "Box" if is_dyn => Err(syn::Error::new_spanned(
                ty,
                "a trait is shared by all who ask: take `Arc<dyn Trait>` or `&dyn Trait`",
            )),
            "Box" => Ok(Self::Boxed(argument.clone())),
            "Lazy" if is_dyn => Ok(Self::LazyDyn(argument.clone())),
            "All" if !is_dyn => Err(syn::Error::new_spanned(
                argument,
                format!("`All` is of all who provide a trait: `All<dyn {}>`", argument.to_token_stream()),
            )),
            "Ext" if is_dyn => Err(syn::Error::new_spanned(
                ty,
                "a trait is asked for as `&dyn Trait` or `Arc<dyn Trait>`; `Ext<T>` is for foreign types",
            )),
            "Scopes" if is_dyn => Err(syn::Error::new_spanned(
                argument,
                "a scope is opened for a component; one that holds the trait, or `Scopes` alone",
            )),
            "Option" => Self::read_option(ty, argument),
            _ => Ok(itself()),
        }
    }

    fn read_option(ty: &Type, argument: &Type) -> syn::Result<Self> {
        let segment = last_segment(argument).map(|segment| segment.ident.to_string());
        match (segment.as_deref(), generic_argument(argument)) {
            (Some("Ext"), _) => Ok(Self::Itself(plain(ty).clone())),
            (Some("Arc"), Some(inner @ Type::TraitObject(_))) => Ok(Self::Maybe(inner.clone())),
            (Some("Arc"), Some(inner)) => {
                let inner = inner.to_token_stream();
                Err(syn::Error::new_spanned(ty, format!("a declared component is always there: take `Arc<{inner}>`")))
            }
            _ => Err(syn::Error::new_spanned(ty, "what may be absent is `Option<Arc<dyn Trait>>` or `Option<Ext<T>>`")),
        }
    }

    /// The edge of the graph, with every token of it on the type, so that a missing component is shown there.
    pub(crate) fn edge(&self, kind: Kind, parameter: &str, local: &Ident, tokens: &mut TokenStream) {
        let span = self.span();
        match self {
            Self::Lent(ty) | Self::Shared(ty) => put!(tokens, span => __hk::Edge::shared::<#ty>(#parameter)),
            Self::Taken(ty) | Self::Boxed(ty) => put!(tokens, span => __hk::Edge::owned::<#ty>(#parameter)),
            Self::LentDyn(ty) | Self::SharedDyn(ty) => put!(tokens, span => __hk::Edge::dynamic::<#ty>(#parameter)),
            Self::Maybe(ty) => put!(tokens, span => __hk::Edge::optional::<#ty>(#parameter)),
            Self::LazyDyn(ty) => put!(tokens, span => __hk::Edge::lazy_dynamic::<#ty>(#parameter)),
            Self::Itself(ty) => {
                let marker = kind.marker(span);
                put!(tokens, span => __hk::Edge::of::<__hk::kind::#marker, #ty>(#parameter));
            }
            Self::Unknown(_) => {
                let named = named(local);
                put!(tokens, Span::call_site() => __hk::Edge::named::<#named>(#parameter));
            }
        }
    }

    /// The marker in `Needs`. A blocking function cannot borrow from its scope, so it is given an `Arc`.
    pub(crate) fn need(&self, call: Call, local: &Ident, tokens: &mut TokenStream) {
        let place = Span::call_site();
        match self {
            Self::Lent(ty) if call != Call::Blocking => put!(tokens, place => __hk::Lent<#ty>),
            Self::LentDyn(ty) if call != Call::Blocking => put!(tokens, place => __hk::LentDyn<#ty>),
            Self::Lent(ty) | Self::Shared(ty) => put!(tokens, place => __hk::Arc<#ty>),
            Self::LentDyn(ty) | Self::SharedDyn(ty) => put!(tokens, place => __hk::SharedDyn<#ty>),
            Self::Taken(ty) => put!(tokens, place => __hk::Taken<#ty>),
            Self::Boxed(ty) => put!(tokens, place => __hk::Box<#ty>),
            Self::Maybe(ty) => put!(tokens, place => __hk::Maybe<#ty>),
            Self::LazyDyn(ty) => put!(tokens, place => __hk::LazyDyn<#ty>),
            Self::Itself(ty) => ty.to_tokens(tokens),
            Self::Unknown(_) => {
                let named = named(local);
                put!(tokens, place => __hk::ByName<#named>);
            }
        }
    }

    /// The one place where a type of unknown name is asked for, so that a mistake is one error.
    pub(crate) fn declared(&self, kind: Kind, local: &Ident) -> Option<TokenStream> {
        let Self::Unknown(ty) = self else { return None };
        let (named, marker) = (named(local), kind.marker(self.span()));
        Some(quote_spanned! {self.span()=>
            struct #named;
            impl __hk::Named for #named {
                type Type = #ty;
                const ASKING: __hk::Asking<#ty> = __hk::Asking::by::<__hk::kind::#marker>();
            }
        })
    }

    /// The same without the detour, for a type with generic parameters of the component.
    pub(crate) fn generic(self) -> Self {
        if let Self::Unknown(ty) = self { Self::Itself(ty) } else { self }
    }

    /// The component that is asked for by its own name.
    pub(crate) fn component(&self) -> Option<&Type> {
        match self {
            Self::Lent(ty) | Self::Shared(ty) | Self::Taken(ty) | Self::Boxed(ty) => Some(ty),
            _ => None,
        }
    }

    /// The same, with this very type of the same name.
    pub(crate) fn placed_at(mut self, at: &Type) -> Self {
        if let Self::Lent(ty) | Self::Shared(ty) | Self::Taken(ty) | Self::Boxed(ty) = &mut self {
            ty.clone_from(at);
        }
        self
    }

    /// The variable as the expansion binds it.
    pub(crate) fn pattern(&self, local: &Ident, tokens: &mut TokenStream) {
        if let Self::Taken(_) = self {
            put!(tokens, Span::call_site() => mut);
        }
        local.to_tokens(tokens);
    }

    /// The argument of the user's function.
    pub(crate) fn argument(&self, local: &Ident, call: Call, tokens: &mut TokenStream) {
        match self {
            Self::Taken(_) => put!(tokens, Span::call_site() => &mut *#local),
            Self::Lent(_) | Self::LentDyn(_) if call == Call::Blocking => {
                put!(tokens, Span::call_site() => &*#local);
            }
            _ => local.to_tokens(tokens),
        }
    }

    /// What the compiler can find behind it, beyond that it is there.
    pub(crate) fn risk(&self) -> Risk {
        match self {
            Self::Taken(_) | Self::Boxed(_) | Self::Unknown(_) => Risk::Always,
            Self::Lent(_) | Self::Shared(_) => Risk::IfKept,
            Self::Itself(ty) if last_segment(ty).is_some_and(|segment| segment.ident == "Lazy") => Risk::IfKept,
            Self::LentDyn(_) | Self::SharedDyn(_) | Self::Maybe(_) | Self::LazyDyn(_) | Self::Itself(_) => Risk::Never,
        }
    }

    /// Whether several providers of it can exist, told apart by a key.
    pub(crate) fn can_have_a_key(&self) -> bool {
        match self {
            Self::LentDyn(_) | Self::SharedDyn(_) | Self::Maybe(_) | Self::LazyDyn(_) | Self::Unknown(_) => true,
            Self::Lent(_) | Self::Shared(_) | Self::Taken(_) | Self::Boxed(_) => false,
            Self::Itself(ty) => last_segment(ty).is_none() || is_one_of(ty, &["Ext", "Option", "All"]),
        }
    }

    pub(crate) fn ty(&self) -> &Type {
        match self {
            Self::Lent(ty)
            | Self::Shared(ty)
            | Self::LentDyn(ty)
            | Self::SharedDyn(ty)
            | Self::Taken(ty)
            | Self::Boxed(ty)
            | Self::Maybe(ty)
            | Self::LazyDyn(ty)
            | Self::Itself(ty)
            | Self::Unknown(ty) => ty,
        }
    }

    /// The place of the type, for tokens of ours.
    pub(crate) fn span(&self) -> Span {
        ours(place(self.ty()))
    }
}

/// The private type that stands for one parameter.
fn named(local: &Ident) -> Ident {
    format_ident!("__Asks_{}", local, span = Span::call_site())
}

/// Why no component can be of this type.
fn never_lent(target: &Type) -> Option<String> {
    const BY_VALUE_ONLY: [&str; 5] = ["CancellationToken", "Ext", "HostLifetime", "JobContext", "TaskQueue"];
    if matches!(target, Type::Slice(_)) || matches!(target, Type::Path(path) if path.path.is_ident("str")) {
        return Some("hostkit lends components: text and lists are a field of one, or an `Ext<T>`".into());
    }
    is_one_of(target, &BY_VALUE_ONLY).then(|| {
        format!("hostkit passes this by value: take `{}`", target.to_token_stream().to_string().replace(' ', ""))
    })
}

fn impl_trait(ty: &Type) -> syn::Error {
    syn::Error::new_spanned(ty, "hostkit must know the type: take `&dyn Trait`, `Arc<dyn Trait>` or a component")
}

/// The name in a type: the one token by which a reader finds it.
pub(crate) fn place(ty: &Type) -> Span {
    match plain(ty) {
        Type::TraitObject(object) => match object.bounds.first() {
            Some(TypeParamBound::Trait(of)) => {
                of.path.segments.last().map_or_else(|| ty.span(), |last| last.ident.span())
            }
            _ => ty.span(),
        },
        Type::Reference(reference) => place(&reference.elem),
        ty => last_segment(ty).map_or_else(|| ty.span(), |last| last.ident.span()),
    }
}

/// A place of the user's, for tokens of ours: errors are shown there, and no lint takes the tokens for the user's.
pub(crate) fn ours(place: Span) -> Span {
    Span::call_site().located_at(place)
}

/// The type without the brackets that macros and parentheses put around it.
pub(crate) fn plain(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            _ => return ty,
        };
    }
}

pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    if let Type::Path(path) = plain(ty) { path.path.segments.last() } else { None }
}

/// Whether the type's own name is one of these.
pub(crate) fn is_one_of(ty: &Type, names: &[&str]) -> bool {
    last_segment(ty).is_some_and(|segment| names.contains(&segment.ident.to_string().as_str()))
}

/// The one type argument of `Arc<T>`.
pub(crate) fn generic_argument(ty: &Type) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &last_segment(ty)?.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(ty) => Some(plain(ty)),
        _ => None,
    }
}
