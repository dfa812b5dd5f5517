//! `graph`: services and hooks, their order, and the components they reach, as a drawing.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt::Write as _;

use crate::component::{Asker, ProviderId, Resolved, Take};
use crate::host::Host;

/// The language of the drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// As shown by GitHub and many editors.
    Mermaid,
    /// As drawn by Graphviz.
    Dot,
}

/// What is drawn, whatever the language.
#[derive(Debug, Default)]
struct Drawing {
    boxes: Vec<Boxed>,
    arrows: Vec<Arrow>,
}

#[derive(Debug)]
struct Boxed {
    name: String,
    /// The attribute of a function, the lifetime of a component.
    kind: String,
    shape: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Service,
    Hook,
    Component,
}

/// From one box to another, by their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Arrow {
    from: usize,
    to: usize,
    means: Means,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    Uses,
    /// `Lazy<T>`
    BuildsLater,
    /// `Scopes<T>`
    OpensScopes,
    /// `Queue<f>`
    Enqueues,
    After,
}

impl Means {
    fn label(self) -> Option<&'static str> {
        match self {
            Self::Uses => None,
            Self::BuildsLater => Some("lazily"),
            Self::OpensScopes => Some("opens scopes"),
            Self::Enqueues => Some("enqueues"),
            Self::After => Some("after"),
        }
    }
}

pub(super) fn render(host: &Host, language: Language) -> String {
    let drawing = Drawing::of(host);
    match language {
        Language::Mermaid => drawing.mermaid(),
        Language::Dot => drawing.dot(),
    }
}

impl Drawing {
    fn of(host: &Host) -> Self {
        let graph = &host.container.graph;
        let hooks = host.hooks.iter().map(|hook| (&hook.service, Shape::Hook));
        let services: Vec<_> = hooks.chain(host.services.iter().map(|service| (service, Shape::Service))).collect();
        let mut tracing = Tracing { host, drawing: Self::default(), places: HashMap::new(), queues: HashMap::new() };
        for (place, (service, shape)) in services.iter().enumerate() {
            let kind = service.entry.kind.attribute().to_owned();
            tracing.drawing.boxes.push(Boxed { name: service.name.to_owned(), kind, shape: *shape });
            if let Some(id) = service.queue_type().and_then(|of| graph.fitting_of(of)) {
                tracing.queues.insert(id, place);
            }
        }
        let place_of = |handle: TypeId| services.iter().position(|(service, _)| (service.entry.handle)() == handle);
        for (place, (service, _)) in services.iter().enumerate() {
            for predecessor in service.entry.after.iter().filter_map(|after| place_of((after.handle)())) {
                tracing.drawing.arrows.push(Arrow { from: place, to: predecessor, means: Means::After });
            }
        }
        for (place, (service, _)) in services.iter().enumerate() {
            let asker =
                Asker { what: service.entry.kind.noun(), name: service.name, source: Some(service.entry.source) };
            // A host that was built has no edge that leads nowhere.
            let resolved = graph.resolve(&asker, service.entry.edges).unwrap_or_default();
            tracing.follow(place, &resolved);
        }
        tracing.drawing
    }

    fn mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        for (place, Boxed { name, kind, shape }) in self.boxes.iter().enumerate() {
            let (open, close) = match shape {
                Shape::Service => ("[", "]"),
                Shape::Hook => ("{{", "}}"),
                Shape::Component => ("([", "])"),
            };
            let _ = writeln!(text, "  n{place}{open}\"{}<br/><i>{kind}</i>\"{close}", mermaid_text(name));
        }
        for Arrow { from, to, means } in &self.arrows {
            let _ = match (means, means.label()) {
                (Means::After, Some(label)) => writeln!(text, "  n{from} -. {label} .-> n{to}"),
                (_, Some(label)) => writeln!(text, "  n{from} -- {label} --> n{to}"),
                (_, None) => writeln!(text, "  n{from} --> n{to}"),
            };
        }
        text
    }

    fn dot(&self) -> String {
        let mut text = String::from("digraph host {\n  rankdir=LR;\n");
        for (place, Boxed { name, kind, shape }) in self.boxes.iter().enumerate() {
            let shape = match shape {
                Shape::Service => "box",
                Shape::Hook => "hexagon",
                Shape::Component => "ellipse",
            };
            let _ = writeln!(text, "  n{place} [label=\"{}\\n{kind}\", shape={shape}];", dot_text(name));
        }
        for Arrow { from, to, means } in &self.arrows {
            let _ = match (means, means.label()) {
                (Means::After, Some(label)) => writeln!(text, "  n{from} -> n{to} [label=\"{label}\", style=dashed];"),
                (_, Some(label)) => writeln!(text, "  n{from} -> n{to} [label=\"{label}\"];"),
                (_, None) => writeln!(text, "  n{from} -> n{to};"),
            };
        }
        text + "}\n"
    }
}

/// A drawing under way.
struct Tracing<'a> {
    host: &'a Host,
    drawing: Drawing,
    /// Where components stand that have been drawn.
    places: HashMap<ProviderId, usize>,
    /// Where the services stand whose queues these are.
    queues: HashMap<ProviderId, usize>,
}

impl Tracing<'_> {
    fn follow(&mut self, from: usize, resolved: &[Resolved]) {
        for (id, means) in resolved.iter().flat_map(targets) {
            let graph = &self.host.container.graph;
            let to = match (self.queues.get(&id), self.places.get(&id)) {
                (Some(service), _) => Some((*service, Means::Enqueues)),
                (None, Some(place)) => Some((*place, means)),
                // What the host itself supplies says nothing about the program.
                (None, None) if graph.is_fitting(id) => None,
                (None, None) => {
                    let provider = graph.provider(id);
                    let (name, kind) = (provider.name.clone(), provider.lifetime.to_string());
                    let place = self.drawing.boxes.len();
                    self.drawing.boxes.push(Boxed { name, kind, shape: Shape::Component });
                    self.places.insert(id, place);
                    let below = provider.resolved.clone();
                    self.follow(place, &below);
                    Some((place, means))
                }
            };
            if let Some((to, means)) = to {
                let arrow = Arrow { from, to, means };
                if !self.drawing.arrows.contains(&arrow) {
                    self.drawing.arrows.push(arrow);
                }
            }
        }
    }
}

fn targets(resolved: &Resolved) -> Vec<(ProviderId, Means)> {
    match resolved {
        Resolved::Provider { id, take, .. } => {
            let means = match take {
                Take::Shared | Take::Owned => Means::Uses,
                Take::Lazy => Means::BuildsLater,
                Take::Fresh => Means::OpensScopes,
            };
            vec![(*id, means)]
        }
        Resolved::Many(many) => many.iter().map(|(id, _)| (*id, Means::Uses)).collect(),
        _ => Vec::new(),
    }
}

fn mermaid_text(text: &str) -> String {
    text.replace('#', "#35;").replace('"', "#quot;").replace('<', "#lt;").replace('>', "#gt;")
}

fn dot_text(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::{Arrow, Boxed, Drawing, Means, Shape};

    fn drawing() -> Drawing {
        let boxed = |name: &str, kind: &str, shape| Boxed { name: name.to_owned(), kind: kind.to_owned(), shape };
        Drawing {
            boxes: vec![
                boxed("migrate", "on_start", Shape::Hook),
                boxed("clean\"up", "periodic", Shape::Service),
                boxed("Repo<Order>", "scoped", Shape::Component),
            ],
            arrows: vec![
                Arrow { from: 1, to: 0, means: Means::After },
                Arrow { from: 1, to: 2, means: Means::Uses },
                Arrow { from: 0, to: 2, means: Means::OpensScopes },
            ],
        }
    }

    #[test]
    fn mermaid_text_is_escaped_and_arrows_say_what_they_mean() {
        assert_eq!(
            drawing().mermaid(),
            "flowchart LR\n\
             \x20 n0{{\"migrate<br/><i>on_start</i>\"}}\n\
             \x20 n1[\"clean#quot;up<br/><i>periodic</i>\"]\n\
             \x20 n2([\"Repo#lt;Order#gt;<br/><i>scoped</i>\"])\n\
             \x20 n1 -. after .-> n0\n\
             \x20 n1 --> n2\n\
             \x20 n0 -- opens scopes --> n2\n"
        );
    }

    #[test]
    fn dot_text_is_escaped_and_arrows_say_what_they_mean() {
        assert_eq!(
            drawing().dot(),
            "digraph host {\n\
             \x20 rankdir=LR;\n\
             \x20 n0 [label=\"migrate\\non_start\", shape=hexagon];\n\
             \x20 n1 [label=\"clean\\\"up\\nperiodic\", shape=box];\n\
             \x20 n2 [label=\"Repo<Order>\\nscoped\", shape=ellipse];\n\
             \x20 n1 -> n0 [label=\"after\", style=dashed];\n\
             \x20 n1 -> n2;\n\
             \x20 n0 -> n2 [label=\"opens scopes\"];\n\
             }\n"
        );
    }
}
