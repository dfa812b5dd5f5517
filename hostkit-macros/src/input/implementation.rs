//! `impl` blocks: their functions, and everything else as it stands.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Generics, LitStr, Token, Type};

use super::{Attributed, Function};

/// An inherent or trait `impl` block.
pub(crate) struct Implementation {
    pub(crate) attributes: Vec<Attribute>,
    /// From `impl` to before `where`.
    pub(crate) head: TokenStream,
    pub(crate) generics: Generics,
    pub(crate) subject: Type,
    /// The trait of a trait `impl`.
    pub(crate) of_trait: Option<Type>,
    members: Vec<Member>,
    brace: Group,
}

/// One item of an `impl` block.
enum Member {
    Function(Box<Function>),
    Verbatim(TokenStream),
}

impl Implementation {
    pub(super) fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
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

impl Attributed for Implementation {
    fn attributes(&self) -> usize {
        let of_members = self.members.iter().map(|member| match member {
            Member::Function(function) => function.attributes(),
            Member::Verbatim(_) => 0,
        });
        self.attributes.len() + of_members.sum::<usize>()
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
            return Ok(Self::Function(Box::new(Function { attributes, visibility, signature, body, written: 0 })));
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

/// Whether nothing but words such as `async` and `extern "C"` stands before `fn`.
fn is_function(input: ParseStream<'_>) -> bool {
    let words = input.fork();
    while words.peek(Token![const])
        || words.peek(Token![async])
        || words.peek(Token![unsafe])
        || words.peek(Token![safe])
        || words.peek(Token![extern])
        || words.peek(LitStr)
    {
        if words.parse::<TokenTree>().is_err() {
            return false;
        }
    }
    words.peek(Token![fn])
}
