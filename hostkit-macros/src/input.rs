//! The annotated item: its attributes and its signature, with the bodies left as they are.
//!
//! Bodies are never parsed: that would cost more than everything else here, and a mistake in a body stays the one
//! compiler error that it is.

mod helper;

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, FnArg, Generics, ItemStruct, Signature, Token, Type, Visibility};

pub(crate) use helper::{Inject, take_inject, take_key};

use crate::args::table::ATTRIBUTES;
use crate::errors::Errors;

/// What an attribute can stand on.
pub(crate) enum Item {
    Function(Box<Function>),
    Structure(Box<ItemStruct>),
    Implementation(Box<Implementation>),
    /// Something else; the word that says what.
    Other(&'static str),
}

/// A free function.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) body: TokenStream,
}

/// An inherent or trait `impl` block.
pub(crate) struct Implementation {
    pub(crate) attributes: Vec<Attribute>,
    /// From `impl` to before `where`.
    pub(crate) head: TokenStream,
    pub(crate) generics: Generics,
    pub(crate) subject: Type,
    /// The trait of a trait `impl`.
    pub(crate) of_trait: Option<Type>,
    pub(crate) members: Vec<Member>,
    brace: Group,
}

/// One item of an `impl` block.
pub(crate) enum Member {
    Function(Box<Function>),
    Verbatim(TokenStream),
}

impl Item {
    /// In a sentence: "a struct".
    pub(crate) fn what(&self) -> &'static str {
        match self {
            Self::Function(_) => "a function",
            Self::Structure(_) => "a struct",
            Self::Implementation(_) => "an `impl` block",
            Self::Other(what) => what,
        }
    }

    /// Recognises the item by its first tokens.
    pub(crate) fn parse(tokens: TokenStream) -> syn::Result<Self> {
        Self::parse_stream.parse2(tokens)
    }

    fn parse_stream(input: ParseStream<'_>) -> syn::Result<Self> {
        let ahead = input.fork();
        ahead.call(Attribute::parse_outer)?;
        ahead.parse::<Visibility>()?;
        let item = if ahead.peek(Token![struct]) {
            Self::Structure(Box::new(input.parse()?))
        } else if ahead.peek(Token![impl]) || (ahead.peek(Token![unsafe]) && ahead.peek2(Token![impl])) {
            Self::Implementation(Box::new(Implementation::parse(input)?))
        } else if let Some(what) = other(&ahead) {
            input.parse::<TokenStream>()?;
            Self::Other(what)
        } else {
            Self::Function(Box::new(Function::parse(input)?))
        };
        Ok(item)
    }
}

/// The word for an item that is no function, struct or `impl`.
fn other(ahead: ParseStream<'_>) -> Option<&'static str> {
    if ahead.peek(Token![enum]) {
        Some("an enum")
    } else if ahead.peek(Token![trait])
        || ((ahead.peek(Token![unsafe]) || ahead.peek(Token![auto])) && ahead.peek2(Token![trait]))
    {
        Some("a trait")
    } else if ahead.peek(Token![mod]) {
        Some("a module")
    } else if ahead.peek(Token![use]) {
        Some("an import")
    } else if ahead.peek(Token![type]) {
        Some("a type alias")
    } else if ahead.peek(Token![static]) || (ahead.peek(Token![const]) && !is_function(ahead)) {
        Some("a constant")
    } else if ahead.peek(syn::Ident) && ahead.peek2(syn::Ident) {
        // `union` is a word like any other, until a name follows.
        Some("a union")
    } else if !is_function(ahead) {
        Some("this item")
    } else {
        None
    }
}

fn is_function(ahead: ParseStream<'_>) -> bool {
    ahead.fork().parse::<Signature>().is_ok() || {
        let words = ahead.fork();
        while words.peek(Token![const])
            || words.peek(Token![async])
            || words.peek(Token![unsafe])
            || words.peek(Token![extern])
            || words.peek(syn::LitStr)
        {
            if words.parse::<TokenTree>().is_err() {
                return false;
            }
        }
        words.peek(Token![fn])
    }
}

impl Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature = input.parse()?;
        let body = input.parse()?;
        Ok(Self { attributes, visibility, signature, body })
    }

    pub(crate) fn name(&self) -> &Ident {
        &self.signature.ident
    }

    /// Whether it is declared only, as in a trait.
    pub(crate) fn has_no_body(&self) -> bool {
        matches!(self.body.clone().into_iter().next(), Some(TokenTree::Punct(punct)) if punct.as_char() == ';')
    }

    /// Takes hostkit's helper attributes from the parameters of a function that is not read any further.
    pub(crate) fn drop_helpers(&mut self, errors: &mut Errors) {
        for input in &mut self.signature.inputs {
            if let FnArg::Typed(typed) = input {
                take_key(&mut typed.attrs, errors);
            }
        }
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        for attribute in &self.attributes {
            attribute.to_tokens(tokens);
        }
        self.visibility.to_tokens(tokens);
        self.signature.to_tokens(tokens);
        self.body.to_tokens(tokens);
    }
}

impl Implementation {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let mut head = TokenStream::new();
        if input.peek(Token![unsafe]) {
            input.parse::<Token![unsafe]>()?.to_tokens(&mut head);
        }
        input.parse::<Token![impl]>()?.to_tokens(&mut head);
        let mut generics: Generics = input.parse()?;
        generics.to_tokens(&mut head);
        let mut subject = trait_or_type(input, &mut head)?;
        let mut of_trait = None;
        if input.peek(Token![for]) {
            input.parse::<Token![for]>()?.to_tokens(&mut head);
            of_trait = Some(std::mem::replace(&mut subject, trait_or_type(input, &mut head)?));
        }
        generics.where_clause = input.parse()?;
        let brace = match input.parse()? {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => group,
            token => return Err(syn::Error::new(token.span(), "expected the body of the `impl` block")),
        };
        let members = Member::parse_all.parse2(brace.stream())?;
        Ok(Self { attributes, head, generics, subject, of_trait, members, brace })
    }

    /// The function of that name.
    pub(crate) fn function_mut(&mut self, name: &str) -> Option<&mut Function> {
        self.members.iter_mut().find_map(|member| match member {
            Member::Function(function) if function.name() == name => Some(&mut **function),
            _ => None,
        })
    }
}

fn trait_or_type(input: ParseStream<'_>, head: &mut TokenStream) -> syn::Result<Type> {
    let ty: Type = input.parse()?;
    ty.to_tokens(head);
    Ok(ty)
}

impl ToTokens for Implementation {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        for attribute in &self.attributes {
            attribute.to_tokens(tokens);
        }
        self.head.to_tokens(tokens);
        self.generics.where_clause.to_tokens(tokens);
        let members = self.members.iter().fold(TokenStream::new(), |mut members, member| {
            match member {
                Member::Function(function) => function.to_tokens(&mut members),
                Member::Verbatim(verbatim) => verbatim.to_tokens(&mut members),
            }
            members
        });
        let mut brace = Group::new(Delimiter::Brace, members);
        brace.set_span(self.brace.span());
        brace.to_tokens(tokens);
    }
}

impl Member {
    fn parse_all(input: ParseStream<'_>) -> syn::Result<Vec<Self>> {
        let mut members = Vec::new();
        while !input.is_empty() {
            members.push(Self::parse(input)?);
        }
        Ok(members)
    }

    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        if is_function(input) {
            let signature = input.parse()?;
            let body = input.parse::<TokenTree>()?.into();
            return Ok(Self::Function(Box::new(Function { attributes, visibility, signature, body })));
        }
        let mut verbatim = TokenStream::new();
        for attribute in attributes {
            attribute.to_tokens(&mut verbatim);
        }
        visibility.to_tokens(&mut verbatim);
        let mut after_bang = false;
        while !input.is_empty() {
            let token: TokenTree = input.parse()?;
            let last = match &token {
                TokenTree::Punct(punct) => punct.as_char() == ';',
                TokenTree::Group(group) => after_bang && group.delimiter() == Delimiter::Brace,
                _ => false,
            };
            after_bang = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '!');
            token.to_tokens(&mut verbatim);
            if last {
                break;
            }
        }
        Ok(Self::Verbatim(verbatim))
    }
}

/// Refuses a second attribute of hostkit on the item, and takes it away so that it does not complain again.
pub(crate) fn only_one_attribute(attributes: &mut Vec<Attribute>, mine: &str, errors: &mut Errors) {
    attributes.retain(|attribute| {
        let path = attribute.path();
        let ours = path.segments.last().is_some_and(|last| ATTRIBUTES.iter().any(|name| last.ident == name));
        let ours =
            ours && (path.segments.len() == 1 || path.segments.first().is_some_and(|first| first.ident == "hostkit"));
        if ours {
            errors.on(attribute, format!("an item has one attribute of hostkit, and this one has `#[{mine}]`"));
        }
        !ours
    });
}

/// The lines of the doc comment and the `cfg` attributes, which the handle has as well.
pub(crate) fn docs(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("doc"))
}

pub(crate) fn cfgs(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"))
}

/// The first paragraph of the doc comment, in one line.
pub(crate) fn description(attributes: &[Attribute]) -> String {
    let lines = docs(attributes)
        .filter_map(doc_line)
        .flat_map(|text| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>());
    let paragraph: Vec<String> = lines.skip_while(String::is_empty).take_while(|line| !line.is_empty()).collect();
    paragraph.join(" ")
}

fn doc_line(attribute: &Attribute) -> Option<String> {
    if let syn::Meta::NameValue(pair) = &attribute.meta
        && let syn::Expr::Lit(literal) = &pair.value
        && let syn::Lit::Str(text) = &literal.lit
    {
        let text = text.value();
        return Some(if text.is_empty() { "\n".into() } else { text });
    }
    None
}
