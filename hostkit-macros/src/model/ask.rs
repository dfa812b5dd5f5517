//! What a parameter asks for, read from the shape of its type.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericArgument, PathArguments, PathSegment, Type, TypeParamBound};

use super::Call;

/// Who asks: decides what may be asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Background,
    Periodic,
    Queued,
    Hook,
    Component,
}

impl Kind {
    pub(crate) fn marker(self) -> TokenStream {
        match self {
            Self::Background => quote!(__hk::kind::Background),
            Self::Periodic => quote!(__hk::kind::Periodic),
            Self::Queued => quote!(__hk::kind::Queued),
            Self::Hook => quote!(__hk::kind::Hook),
            Self::Component => quote!(__hk::kind::Component),
        }
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
    /// A type that says itself what it asks for.
    Itself(Type),
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
            _ => Err(syn::Error::new_spanned(
                ty,
                "hostkit cannot pass this: take a component as `&T` or `Arc<T>`, a trait as `&dyn Trait` or `Arc<dyn Trait>`, a foreign type as `Ext<T>`",
            )),
        }
    }

    fn read_path(ty: &Type) -> syn::Result<Self> {
        let argument = generic_argument(ty);
        let itself = || Ok(Self::Itself(plain(ty).clone()));
        let (Some(segment), Some(argument)) = (last_segment(ty), argument) else { return itself() };
        let is_dyn = matches!(argument, Type::TraitObject(_));
        if segment.ident == "Arc" {
            return Ok(if is_dyn { Self::SharedDyn(argument.clone()) } else { Self::Shared(argument.clone()) });
        }
        if segment.ident == "Box" {
            return if is_dyn {
                Err(syn::Error::new_spanned(
                    ty,
                    "a trait is shared by all who ask: take `Arc<dyn Trait>` or `&dyn Trait`",
                ))
            } else {
                Ok(Self::Boxed(argument.clone()))
            };
        }
        if segment.ident == "Lazy" && is_dyn {
            return Ok(Self::LazyDyn(argument.clone()));
        }
        if segment.ident == "Option" {
            return Self::read_option(ty, argument);
        }
        itself()
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
    pub(crate) fn edge(&self, kind: Kind, parameter: &str) -> TokenStream {
        let span = self.span();
        match self {
            Self::Lent(ty) | Self::Shared(ty) => quote_spanned!(span=> __hk::Edge::shared::<#ty>(#parameter)),
            Self::Taken(ty) | Self::Boxed(ty) => quote_spanned!(span=> __hk::Edge::owned::<#ty>(#parameter)),
            Self::LentDyn(ty) | Self::SharedDyn(ty) => quote_spanned!(span=> __hk::Edge::dynamic::<#ty>(#parameter)),
            Self::Maybe(ty) => quote_spanned!(span=> __hk::Edge::optional::<#ty>(#parameter)),
            Self::LazyDyn(ty) => quote_spanned!(span=> __hk::Edge::lazy_dynamic::<#ty>(#parameter)),
            Self::Itself(ty) => {
                let marker = kind.marker();
                quote_spanned!(span=> __hk::Edge::of::<#marker, #ty>(#parameter))
            }
        }
    }

    /// The marker in `Needs`. A blocking function cannot borrow from its scope, so it is given an `Arc`.
    pub(crate) fn need(&self, call: Call) -> TokenStream {
        match self {
            Self::Lent(ty) if call != Call::Blocking => quote!(__hk::Lent<#ty>),
            Self::LentDyn(ty) if call != Call::Blocking => quote!(__hk::LentDyn<#ty>),
            Self::Lent(ty) | Self::Shared(ty) => quote!(__hk::Arc<#ty>),
            Self::LentDyn(ty) | Self::SharedDyn(ty) => quote!(__hk::SharedDyn<#ty>),
            Self::Taken(ty) => quote!(__hk::Taken<#ty>),
            Self::Boxed(ty) => quote!(__hk::Box<#ty>),
            Self::Maybe(ty) => quote!(__hk::Maybe<#ty>),
            Self::LazyDyn(ty) => quote!(__hk::LazyDyn<#ty>),
            Self::Itself(ty) => quote!(#ty),
        }
    }

    /// The variable as the expansion binds it.
    pub(crate) fn pattern(&self, local: &Ident) -> TokenStream {
        if let Self::Taken(_) = self { quote!(mut #local) } else { quote!(#local) }
    }

    /// The argument of the user's function.
    pub(crate) fn argument(&self, local: &Ident, call: Call) -> TokenStream {
        match self {
            Self::Taken(_) => quote!(&mut *#local),
            Self::Lent(_) | Self::LentDyn(_) if call == Call::Blocking => quote!(&*#local),
            _ => quote!(#local),
        }
    }

    /// Whether the compiler's walk over the graph has something to look at.
    pub(crate) fn leads_to_a_component(&self) -> bool {
        const OTHERS: [&str; 13] = [
            "CancellationToken",
            "Ext",
            "Option",
            "All",
            "Queue",
            "TaskQueue",
            "Scope",
            "Instance",
            "Ready",
            "Tick",
            "JobContext",
            "HostLifetime",
            "Scopes",
        ];
        match self {
            Self::Lent(_) | Self::Shared(_) | Self::Taken(_) | Self::Boxed(_) => true,
            Self::LentDyn(_) | Self::SharedDyn(_) | Self::Maybe(_) | Self::LazyDyn(_) => false,
            Self::Itself(ty) => match last_segment(ty) {
                Some(segment) if segment.ident == "Scopes" => generic_argument(ty).is_some(),
                Some(segment) => !OTHERS.iter().any(|other| segment.ident == other),
                None => true,
            },
        }
    }

    /// Whether several providers of it can exist, told apart by a key.
    pub(crate) fn can_have_a_key(&self) -> bool {
        match self {
            Self::LentDyn(_) | Self::SharedDyn(_) | Self::Maybe(_) | Self::LazyDyn(_) => true,
            Self::Lent(_) | Self::Shared(_) | Self::Taken(_) | Self::Boxed(_) => false,
            Self::Itself(ty) => {
                last_segment(ty).is_none_or(|segment| ["Ext", "Option", "All"].iter().any(|name| segment.ident == name))
            }
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
            | Self::Itself(ty) => ty,
        }
    }

    /// The place of the type, for tokens of ours.
    pub(crate) fn span(&self) -> Span {
        ours(place(self.ty()))
    }
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

/// The one type argument of `Arc<T>`.
pub(crate) fn generic_argument(ty: &Type) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &last_segment(ty)?.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(ty) => Some(plain(ty)),
        _ => None,
    }
}
