//! Doc comments and `cfg` attributes, which the handle has as well.

use syn::{Attribute, Expr, Lit, Meta};

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
    if let Meta::NameValue(pair) = &attribute.meta
        && let Expr::Lit(literal) = &pair.value
        && let Lit::Str(text) = &literal.lit
    {
        let text = text.value();
        return Some(if text.is_empty() { "\n".into() } else { text });
    }
    None
}
